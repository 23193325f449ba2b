import { driftSignals, type PresetVerdict, type Result } from '../evaluate/result.ts'
import type {
  LoadedAttributionRule,
  LoadedPerformanceRule,
  LoadedPresetRule,
  LoadedRule,
  LoadedThresholdRule,
} from '../rules/loaded.ts'
import { topFeaturesChanged } from '../evaluate/attribution.ts'
import { measureFor } from '../rules/measures.ts'
import { benjaminiHochberg } from '../stats/benjamini-hochberg.ts'
import { bonferroni } from '../stats/bonferroni.ts'

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
  /** What was compared in place of the p-values, of rules with a correction: one for every result that was judged. */
  readonly adjustedPValues?: ReadonlyMap<Result, number>
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
 * result reaches the threshold; a preset rule while the preset flags some result, or as large a share of them as it asks for; a
 * performance rule while the interval of its metric lies beyond the limit; an attribution rule while the top features changed. A
 * result without rows, with too few of them or without the number asked for is not judged.
 */
export function conditionOf({ rule, results, atMs, openFeatures = [] }: ConditionInput): Condition {
  const watched = results.filter((result) => isWatched(rule, result))
  const adjusted = rule.kind === 'threshold' ? adjustedPValues(rule, watched) : null
  const judge = judgeOf(rule, adjusted)
  const broken: Result[] = []
  const fresh: Result[] = []
  const judged = new Set<string>()
  let verdicts = 0
  for (const result of watched) {
    const verdict = judge(result)
    if (verdict === 'unknown') continue
    verdicts++
    judged.add(result.feature)
    if (verdict === 'calm') continue
    broken.push(result)
    if (verdict === 'breaks') fresh.push(result)
  }
  const share = rule.kind === 'preset' ? (rule.share ?? 0) : 0
  const holds = broken.length > 0 && broken.length >= share * verdicts
  const known = holds || (judged.size > 0 && openFeatures.every((feature) => judged.has(feature)))
  const byStrength = strongestFirst(rule)
  const breaking = (some: Result[]) => (holds ? some.sort(byStrength) : [])
  const condition = { holds, known, atMs, results: breaking(broken), fresh: breaking(fresh) }
  return adjusted === null ? condition : { ...condition, adjustedPValues: adjusted }
}

/** `breaks`: in this very slice; `open`: an earlier breach goes on. */
type Verdict = 'breaks' | 'open' | 'calm' | 'unknown'

function isWatched(rule: LoadedRule, result: Result): boolean {
  if (rule.features !== null && !rule.features.includes(result.feature)) return false
  if (rule.kind === 'performance') return result.signal === rule.signal && result.feature === rule.metric
  if (rule.kind === 'attribution') return result.ranking !== undefined
  return rule.signal === 'any-drift' ? driftSignals.includes(result.signal) : result.signal === rule.signal
}

function judgeBudget({ evidence, sizes, status }: Result): Verdict {
  if (evidence === null || status === 'error' || sizes.windowRows === 0) return 'unknown'
  if (evidence.alarm) return 'breaks'
  return evidence.incident === null ? 'calm' : 'open'
}

function judgeOf(rule: LoadedRule, adjusted: ReadonlyMap<Result, number> | null): (result: Result) => Verdict {
  if (rule.kind === 'budget') return judgeBudget
  if (rule.kind === 'preset') return (result) => judgePreset(rule, result)
  if (rule.kind === 'performance') return (result) => judgePerformance(rule, result)
  if (rule.kind === 'attribution') return (result) => judgeAttribution(rule, result)
  return (result) => judgeThreshold(rule, result, adjusted)
}

function judgeThreshold(
  rule: LoadedThresholdRule,
  result: Result,
  adjusted: ReadonlyMap<Result, number> | null,
): Verdict {
  const value = isJudged(rule, result) ? (adjusted?.get(result) ?? measured(rule, result)) : null
  if (value === null) return 'unknown'
  return (rule.measure === 'p-value' ? value <= rule.threshold : value >= rule.threshold) ? 'breaks' : 'calm'
}

function isJudged(rule: LoadedThresholdRule, { status, sizes }: Result): boolean {
  return status !== 'error' && (rule.measure === 'rate' ? sizes.windowRows : sizes.window) >= rule.minimumRows
}

function judgePreset(rule: LoadedPresetRule, result: Result): Verdict {
  const drift = presetVerdict(rule, result)?.drift ?? null
  if (drift === null || result.status === 'error' || result.sizes.window < rule.minimumRows) return 'unknown'
  return drift ? 'breaks' : 'calm'
}

function judgePerformance(rule: LoadedPerformanceRule, result: Result): Verdict {
  const limit = metricLimit(rule, result)
  const { value, interval, rows } = result.metric!
  if (limit === null || value === null || result.status === 'error' || rows < rule.minimumRows) return 'unknown'
  const beyond = (one: number) => (rule.direction === 'below' ? one < limit : one > limit)
  if (!beyond(value)) return 'calm'
  const [low, high] = interval ?? [value, value]
  return beyond(rule.direction === 'below' ? high : low) ? 'breaks' : 'unknown'
}

/** The value of the metric that a rule fires beyond; null when what it is relative to is not known. */
export function metricLimit({ limit, relativeTo }: LoadedPerformanceRule, { metric }: Result): number | null {
  if (relativeTo === null) return limit
  const reference = metric?.[relativeTo] ?? null
  return reference === null ? null : limit * reference
}

function judgeAttribution({ top, minimumRows }: LoadedAttributionRule, { ranking, sizes, status }: Result): Verdict {
  const changed = topFeaturesChanged(ranking!, top)
  if (changed === null || status === 'error' || sizes.window < minimumRows) return 'unknown'
  return changed ? 'breaks' : 'calm'
}

/** What the rule's preset says of a result; null when it was not asked. */
export function presetVerdict(rule: LoadedPresetRule, { presets }: Result): PresetVerdict | null {
  return presets?.[rule.preset] ?? null
}

/** P-values as corrected over all results that can be judged; null without a correction. */
function adjustedPValues(rule: LoadedThresholdRule, watched: readonly Result[]): Map<Result, number> | null {
  if (rule.correction === 'none') return null
  const judged: Result[] = []
  const pValues: number[] = []
  for (const result of watched) {
    const pValue = isJudged(rule, result) ? measured(rule, result) : null
    if (pValue === null) continue
    judged.push(result)
    pValues.push(Math.min(Math.max(pValue, 0), 1))
  }
  const adjusted = rule.correction === 'bonferroni' ? bonferroni(pValues) : benjaminiHochberg(pValues)
  return new Map(judged.map((result, index) => [result, adjusted[index]!]))
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

function strongestFirst(rule: LoadedRule): (a: Result, b: Result) => number {
  const strength = (result: Result) => {
    if (rule.kind === 'budget') return (result.evidence!.alarm ? 1e9 : 0) + result.evidence!.log10Feature
    if (rule.kind === 'preset') return excess(presetVerdict(rule, result)!)
    // These rules look at one result in each segment.
    if (rule.kind === 'performance' || rule.kind === 'attribution') return 0
    const value = measured(rule, result)!
    return rule.measure === 'p-value' ? -value : value
  }
  return (a, b) => strength(b) - strength(a) || (a.feature < b.feature ? -1 : a.feature > b.feature ? 1 : 0)
}

/** How far beyond the threshold, as a ratio: the features of one preset can have different statistics. */
function excess({ value, threshold, relation }: PresetVerdict): number {
  if (value === null || threshold === null) return 0
  const [smaller, larger] = relation === '<' || relation === '<=' ? [value, threshold] : [threshold, value]
  return larger / Math.max(smaller, Number.MIN_VALUE)
}
