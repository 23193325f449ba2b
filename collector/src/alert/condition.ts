import type { Result } from '../evaluate/result.ts'
import type { LoadedBudgetRule, LoadedRule, LoadedThresholdRule } from '../rules/loaded.ts'
import { measureFor } from '../rules/measures.ts'

/** What one slice says about one rule in one segment. */
export interface Condition {
  readonly holds: boolean
  /** False when the data does not allow an answer: such a slice neither fires nor resolves. */
  readonly known: boolean
  /** End of the slice, in event time. */
  readonly atMs: number
  /** The results that broke the rule, the strongest first; empty unless it holds. */
  readonly results: readonly Result[]
  /** Those of them that broke it anew in this slice, apart from incidents that were open before. */
  readonly fresh: readonly Result[]
}

export interface ConditionInput {
  readonly rule: LoadedRule
  /** Results of the slice, of one segment. */
  readonly results: readonly Result[]
  readonly atMs: number
  /**
   * The features on which the open alert of this rule rests. As long as one of them can not be judged, the rule is not known to
   * hold no more, whatever the others do.
   */
  readonly openFeatures?: readonly string[]
}

/**
 * Whether a rule is broken by the results of a slice.
 *
 * A budget rule holds while some result of its signal raises an alarm or has an open incident; a threshold rule while some
 * result reaches the threshold. A result without rows, with too few of them or without the number asked for is not judged.
 */
export function conditionOf({ rule, results, atMs, openFeatures = [] }: ConditionInput): Condition {
  const judge = rule.kind === 'budget' ? judgeBudget : (result: Result) => judgeThreshold(rule, result)
  const broken: Result[] = []
  const fresh: Result[] = []
  const judged = new Set<string>()
  for (const result of results) {
    if (!isWatched(rule, result)) continue
    const verdict = judge(result)
    if (verdict === 'unknown') continue
    judged.add(result.feature)
    if (verdict === 'calm') continue
    broken.push(result)
    if (verdict === 'breaks') fresh.push(result)
  }
  const holds = broken.length > 0
  const known = holds || (judged.size > 0 && openFeatures.every((feature) => judged.has(feature)))
  const byStrength = strongestFirst(rule)
  return { holds, known, atMs, results: broken.sort(byStrength), fresh: fresh.sort(byStrength) }
}

/** `breaks`: in this very slice; `open`: an earlier breach goes on. */
type Verdict = 'breaks' | 'open' | 'calm' | 'unknown'

function isWatched(rule: LoadedRule, result: Result): boolean {
  if (rule.features !== null && !rule.features.includes(result.feature)) return false
  return rule.signal === 'any-drift' ? result.signal !== 'data-health' : result.signal === rule.signal
}

function judgeBudget({ evidence, sizes, status }: Result): Verdict {
  if (evidence === null || status === 'error' || sizes.windowRows === 0) return 'unknown'
  if (evidence.alarm) return 'breaks'
  return evidence.incident === null ? 'calm' : 'open'
}

function judgeThreshold(rule: LoadedThresholdRule, result: Result): Verdict {
  const value = measured(rule, result)
  const { window, windowRows } = result.sizes
  if (value === null || result.status === 'error' || (rule.measure === 'rate' ? windowRows : window) < rule.minimumRows)
    return 'unknown'
  return (rule.measure === 'p-value' ? value <= rule.threshold : value >= rule.threshold) ? 'breaks' : 'calm'
}

/** Results leave out the rates of reasons that neither the window nor the baseline has. */
const sparseRates: readonly string[] = ['nan', 'infinite', 'wrong_type']

/** The number that a threshold rule compares; null when the result does not have it. */
export function measured(rule: LoadedThresholdRule, result: Result): number | null {
  const key = measureFor(rule.signal, rule.test)?.key ?? rule.test
  const value =
    rule.measure === 'distance'
      ? result.distances[key]
      : rule.measure === 'p-value'
        ? result.tests[key]?.pValue
        : rateOf(result, key)
  return value === undefined || value === null || Number.isNaN(value) ? null : value
}

function rateOf({ rates }: Result, key: string): number | null {
  const rate = rates[key]
  if (rate !== undefined) return rate.rate
  return sparseRates.includes(key) && typeof rates['invalid']?.rate === 'number' ? 0 : null
}

function strongestFirst(rule: LoadedBudgetRule | LoadedThresholdRule): (a: Result, b: Result) => number {
  const strength = (result: Result) => {
    if (rule.kind === 'budget') return (result.evidence!.alarm ? 1e9 : 0) + result.evidence!.log10Feature
    const value = measured(rule, result)!
    return rule.measure === 'p-value' ? -value : value
  }
  return (a, b) => strength(b) - strength(a) || (a.feature < b.feature ? -1 : a.feature > b.feature ? 1 : 0)
}
