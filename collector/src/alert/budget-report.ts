import type { LoadedRules } from '../rules/loaded.ts'
import type { AlertRecord } from './alert.ts'
import type { Verdict } from './verdict.ts'

const thirtyDaysMs = 30 * 86_400_000
/** What the detector reports for evidence of 0, as right after an alarm. */
const noEvidence = -300

export interface BudgetInput {
  readonly rules: Pick<LoadedRules, 'budget' | 'alarmThreshold' | 'window'>
  readonly nowMs: number
  /** Alerts of the model version, each with the verdict that counts. */
  readonly alerts: readonly { readonly record: AlertRecord; readonly verdict: Verdict | null }[]
  /** Slices of the period that evidence advanced on, and their length together. */
  readonly evidenceSteps: number
  readonly watchedMs: number
  /** Of the newest slice; null before there was one. */
  readonly evidence: { readonly log10: number; readonly threshold: number; readonly atMs: number } | null
}

/** How a model stands against its false-alarm budget. */
export interface BudgetReport {
  /** As a rule file states it: `1 per 30d`. */
  readonly budget: string
  readonly periodMs: number
  /** The report looks back from `toMs` by one budget period. */
  readonly fromMs: number
  readonly toMs: number
  /** The evidence that raises an alarm. */
  readonly alarmThreshold: number
  readonly evidence: {
    readonly log10: number
    /** Of the threshold that this evidence was compared with; 1 or more raised an alarm. */
    readonly shareOfThreshold: number
    /** End of the slice it is of. */
    readonly atMs: number
  } | null
  /** Slices in which a budget rule fired. Alerts that fired in one slice are one alarm: one sum of evidence set them off. */
  readonly alarms: number
  readonly trueAlarms: number
  readonly falseAlarms: number
  /** Alarms that a person was unsure of. */
  readonly unsure: number
  /** Alarms without a verdict. */
  readonly unjudged: number
  /** False alarms by verdict, per 30 days that were watched; null before the first step. Unjudged alarms are not in it. */
  readonly realisedFalseAlarmsPer30d: number | null
  /** What the budget allows in 30 days. */
  readonly allowedFalseAlarmsPer30d: number
  readonly evidenceSteps: number
  /** Length of these steps together, in milliseconds. */
  readonly watchedMs: number
}

/**
 * The budget, what was spent of it, and what people found the alarms to be. A few alarms say little of a rate: the guarantee is in how the
 * evidence is made (STATISTICS section 6.1), and this is the check on it.
 */
export function budgetReport(input: BudgetInput): BudgetReport {
  const { budget, alarmThreshold } = input.rules
  const fromMs = input.nowMs - budget.periodMs
  const alarms = new Map<number, (Verdict | null)[]>()
  for (const { record, verdict } of input.alerts) {
    // Threshold rules spend nothing; their explanations carry no evidence.
    if (record.explanation.evidence === null || record.firedAtMs === null || record.firedAtMs <= fromMs) continue
    const verdicts = alarms.get(record.firedAtMs) ?? []
    alarms.set(record.firedAtMs, [...verdicts, verdict])
  }
  const found = { 'true-alarm': 0, 'false-alarm': 0, unsure: 0, unjudged: 0 }
  for (const verdicts of alarms.values()) found[judged(verdicts)]++
  return {
    budget: `${budget.count} per ${shortest(budget.periodMs)}`,
    periodMs: budget.periodMs,
    fromMs,
    toMs: input.nowMs,
    alarmThreshold,
    evidence:
      input.evidence === null
        ? null
        : {
            log10: input.evidence.log10,
            shareOfThreshold:
              input.evidence.log10 <= noEvidence ? 0 : 10 ** input.evidence.log10 / input.evidence.threshold,
            atMs: input.evidence.atMs,
          },
    alarms: alarms.size,
    trueAlarms: found['true-alarm'],
    falseAlarms: found['false-alarm'],
    unsure: found.unsure,
    unjudged: found.unjudged,
    realisedFalseAlarmsPer30d: input.watchedMs > 0 ? (found['false-alarm'] * thirtyDaysMs) / input.watchedMs : null,
    allowedFalseAlarmsPer30d: (budget.count * thirtyDaysMs) / budget.periodMs,
    evidenceSteps: input.evidenceSteps,
    watchedMs: input.watchedMs,
  }
}

/** In the largest unit that a rule file has for it, weeks left out: `30d`. */
function shortest(milliseconds: number): string {
  const [unit, length] = durationUnits.find(([, one]) => milliseconds % one === 0)!
  return `${milliseconds / length}${unit}`
}

const durationUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** What an alarm was, by the verdicts on its alerts: true if any of them was, since then something had changed. */
function judged(verdicts: readonly (Verdict | null)[]): Verdict | 'unjudged' {
  if (verdicts.includes('true-alarm')) return 'true-alarm'
  if (verdicts.includes('false-alarm')) return 'false-alarm'
  return verdicts.includes('unsure') ? 'unsure' : 'unjudged'
}
