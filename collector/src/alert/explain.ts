import type { Diagnosis } from '../diagnose/diagnosis.ts'
import { formatCount, formatNumber } from '../diagnose/words.ts'
import type { Effect, Result } from '../evaluate/result.ts'
import { budgetInWords } from '../rules/budget.ts'
import { presets } from '../evaluate/presets/presets.ts'
import type {
  LoadedAttributionRule,
  LoadedBudgetRule,
  LoadedPerformanceRule,
  LoadedPresetRule,
  LoadedRule,
  LoadedRules,
  LoadedThresholdRule,
} from '../rules/loaded.ts'
import { measureFor } from '../rules/measures.ts'
import type { ComparedWith, Explanation, Moved } from './alert.ts'
import { measured, metricLimit, presetVerdict, type Condition } from './condition.ts'
import { describeChange } from './describe-change.ts'
import { instant } from './instant.ts'
import { maximumMoved } from './merge-explanation.ts'

/** Things that the one-line summary names. */
const maximumNamed = 3
/** Causes that an explanation carries; the ranked list ends soon in noise. */
const maximumDiagnoses = 5

export interface ExplainInput {
  readonly rule: LoadedRule
  readonly rules: Pick<LoadedRules, 'budget' | 'digest'>
  readonly condition: Condition
  /** All results of the slice in this segment: the rates of a feature stand in another result than its drift. */
  readonly results: readonly Result[]
  readonly diagnosis: readonly Diagnosis[]
  readonly slice: ExplainedSlice
}

export interface ExplainedSlice {
  readonly model: string
  readonly version: string
  readonly segment: string
  readonly startMs: number
  readonly endMs: number
  readonly rows: number
  readonly comparedWith: Omit<ComparedWith, 'rulesDigest'>
  /** Real-world units of features, for people. */
  readonly units?: ReadonlyMap<string, string>
}

/** Puts into words and numbers what broke a rule in one slice. The condition must hold. */
export function explain({ rule, rules, condition, results, diagnosis, slice }: ExplainInput): Explanation {
  const moved = condition.results
    .slice(0, maximumMoved)
    .map((result) => movedBy(rule, result, condition, results, slice))
  const relevant = relevantDiagnoses(diagnosis, condition)
  const evidence = rule.kind === 'budget' ? strongestEvidence(condition) : null
  return {
    summary: summaryOf(rule, slice, condition, moved),
    moved,
    onsetMs: onsetOf(condition, slice),
    confidence: confidenceOf(rule, rules, condition, evidence, slice),
    evidence: evidence?.log10 ?? null,
    threshold: evidence?.log10Threshold ?? ownThreshold(rule, condition),
    comparedWith: { ...slice.comparedWith, rulesDigest: rules.digest },
    window: { startMs: slice.startMs, endMs: slice.endMs, rows: slice.rows },
    diagnosis: relevant,
    lookFirst:
      relevant[0]?.lookAt ??
      whereToLook(rule) ??
      `Compare the window with the baseline for ${moved[0]!.feature}, and ask what was deployed around the onset.`,
  }
}

function confidenceOf(
  rule: LoadedRule,
  rules: Pick<LoadedRules, 'budget'>,
  condition: Condition,
  evidence: StrongestEvidence | null,
  slice: ExplainedSlice,
): string {
  if (rule.kind === 'budget') return budgetConfidence(rule, condition, rules, evidence!)
  if (rule.kind === 'performance' || rule.kind === 'attribution') return qualityConfidence(rule, condition)
  return rule.kind === 'preset' ? presetConfidence(rule, condition) : thresholdConfidence(rule, condition, slice)
}

function ownThreshold(rule: LoadedRule, { results }: Condition): number | null {
  if (rule.kind === 'threshold') return rule.threshold
  if (rule.kind === 'performance') return metricLimit(rule, results[0]!)
  if (rule.kind === 'attribution') return results[0]!.ranking!.ndcgByChance
  return rule.kind === 'preset' ? (presetVerdict(rule, results[0]!)?.threshold ?? null) : null
}

function movedBy(
  rule: LoadedRule,
  result: Result,
  condition: Condition,
  results: readonly Result[],
  slice: ExplainedSlice,
): Moved {
  if (rule.kind === 'performance' || rule.kind === 'attribution') return qualityMoved(rule, result)
  // Drift and data health of one feature are two results; a sentence about one of them wants the numbers of both.
  const siblings = results.filter((one) => one.feature === result.feature)
  const health = result.signal === 'data-health' ? result : siblings.find((one) => one.signal === 'data-health')
  const drift =
    result.signal === 'data-health' ? (siblings.find((one) => one.signal === 'feature-drift') ?? result) : result
  const isFeature = result.signal === 'feature-drift' || result.signal === 'data-health'
  const unit = isFeature ? slice.units?.get(result.feature) : undefined
  const rates = isFeature ? (health?.rates ?? result.rates) : {}
  const change = describeChange({ result: drift, rates, ...(unit === undefined ? {} : { unit }) })
  return {
    signal: result.signal,
    feature: result.feature,
    change: rule.kind === 'budget' ? change : `${crossedInWords(rule, result, condition)}; ${change}`,
    ...effectOf(drift, rates),
    log10Evidence: drift.evidence?.log10Feature ?? null,
  }
}

/** How far the thing moved: where missing or invalid values lead, the effect on the values that are left says nothing of it. */
function effectOf({ evidence, effect }: Result, rates: Result['rates']): Pick<Moved, 'effect' | 'effectUnit'> {
  const leading = evidence?.leadingGroup
  const flag = leading === 'missing' || leading === 'invalid' ? rates[leading]?.difference : undefined
  if (typeof flag === 'number') return { effect: flag, effectUnit: 'share' satisfies Effect['unit'] }
  return effect === null ? { effect: null } : { effect: effect.value, effectUnit: effect.unit }
}

function summaryOf(rule: LoadedRule, slice: ExplainedSlice, condition: Condition, moved: readonly Moved[]): string {
  const [first] = moved
  const others = condition.results.slice(1, maximumNamed).map((result) => result.feature)
  const rest = condition.results.length - 1 - others.length
  const also = others.length === 0 ? '' : `; also ${others.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  const where = slice.segment === '' ? '' : `, segment ${JSON.stringify(slice.segment)}`
  return `${slice.model} ${slice.version}${where}: ${rule.name}: ${subjectOf(first!)}: ${first!.change}${also}`
}

function subjectOf({ signal, feature }: Moved): string {
  if (signal === 'prediction-drift') return `predicted ${feature}`
  if (signal === 'label-drift') return 'actual class'
  if (signal === 'multivariate-drift') return 'numeric features taken together'
  if (signal === 'attribution') return 'features that move predictions most'
  return feature
}

/** An open incident knows its onset; a fresh breach is dated to the start of its slice. */
function onsetOf({ results }: Condition, slice: ExplainedSlice): number {
  return Math.min(slice.startMs, ...results.map((result) => result.evidence?.incident?.sinceMs ?? Infinity))
}

interface StrongestEvidence {
  readonly log10: number
  readonly log10Threshold: number
  readonly alarmedAtMs: number | null
}

function strongestEvidence({ results, fresh }: Condition): StrongestEvidence {
  const among = fresh.length > 0 ? fresh : results
  const strongest = among.reduce((best, one) =>
    one.evidence!.log10Model > best.evidence!.log10Model ? one : best,
  ).evidence!
  return {
    log10: strongest.log10Model,
    log10Threshold: Math.log10(strongest.threshold),
    alarmedAtMs: fresh.length > 0 ? null : (strongest.incident?.alarmedAtMs ?? null),
  }
}

/** What the results of a rule's signal are about. */
const watchedBy: Readonly<Record<LoadedBudgetRule['signal'], string>> = {
  'feature-drift': 'features',
  'prediction-drift': 'outputs',
  'confidence-drift': 'outputs',
  'label-drift': 'label distributions',
  'multivariate-drift': 'detectors',
  'any-drift': 'things watched',
}

function budgetConfidence(
  rule: LoadedBudgetRule,
  condition: Condition,
  { budget }: Pick<LoadedRules, 'budget'>,
  evidence: StrongestEvidence,
): string {
  const { log10, log10Threshold, alarmedAtMs } = evidence
  const falsely = `the alarm that may happen falsely ${budgetInWords(budget)}`
  if (alarmedAtMs !== null) {
    return `The incident opened by the alarm of ${instant(alarmedAtMs)} goes on: evidence 10^${log10Threshold.toFixed(1)} raises ${falsely}.`
  }
  const features = condition.fresh.length
  const whose = features === 1 ? '' : `, carried by ${formatCount(features)} ${watchedBy[rule.signal]}`
  return `Evidence 10^${log10.toFixed(1)} where 10^${log10Threshold.toFixed(1)} raises ${falsely}${whose}.`
}

function thresholdConfidence(rule: LoadedThresholdRule, condition: Condition, slice: ExplainedSlice): string {
  const strongest = condition.results[0]!
  return `The rule's own threshold was crossed: ${crossedInWords(rule, strongest, condition)}, from ${sizesInWords(rule, strongest, slice)}. It is not covered by the false-alarm budget.`
}

/** Rates of which every row is a case; all other measures, and the other rates, concern the values that are there. */
const ratesOfRows: readonly string[] = ['missing', 'invalid', 'nan', 'infinite', 'wrong_type']

function sizesInWords(rule: LoadedThresholdRule, { sizes, rates }: Result, { comparedWith }: ExplainedSlice): string {
  const key = measureFor(rule.signal, rule.test)?.key ?? rule.test
  if (rule.measure !== 'rate' || !ratesOfRows.includes(key))
    return `${formatCount(sizes.window)} values of the window and ${formatCount(sizes.baseline)} of the baseline`
  // Values are what missing and invalid rows leave; this way it holds for segments too.
  const flagged = (rates['missing']?.baselineRate ?? 0) + (rates['invalid']?.baselineRate ?? 0)
  const baselineRows = flagged < 1 ? Math.round(sizes.baseline / (1 - flagged)) : comparedWith.baselineRows
  return `${formatCount(sizes.windowRows)} rows of the window and ${formatCount(baselineRows)} of the baseline`
}

/** What quality rules look at is told by its own numbers. */
function qualityMoved(rule: LoadedPerformanceRule | LoadedAttributionRule, result: Result): Moved {
  return {
    signal: result.signal,
    feature: result.feature,
    change: rule.kind === 'performance' ? metricInWords(rule, result) : rankingInWords(rule, result),
    effect: result.metric?.difference ?? null,
    log10Evidence: null,
  }
}

function metricInWords(rule: LoadedPerformanceRule, result: Result): string {
  const { value, interval, offline, baseline } = result.metric!
  const limit = metricLimit(rule, result)!
  const range = interval === null ? '' : ` (${formatNumber(interval[0])} to ${formatNumber(interval[1])} at 95 %)`
  const estimate = rule.signal === 'estimated-performance' ? 'estimated without labels at ' : ''
  const words = `${estimate}${formatNumber(value!)}${range}, ${rule.direction} ${formatNumber(limit)}`
  if (rule.relativeTo === null) return words
  const reference = rule.relativeTo === 'offline' ? offline! : baseline!
  const of = rule.relativeTo === 'offline' ? 'the held-out set' : 'the baseline rows'
  return `${words}, which is ${formatNumber(rule.limit)} times the ${formatNumber(reference)} of ${of}`
}

function rankingInWords({ top }: LoadedAttributionRule, { ranking }: Result): string {
  const { window, baseline, ndcg, ndcgByChance } = ranking!
  const list = (names: readonly string[]) => names.slice(0, top).join(', ')
  return `${list(baseline!)} -> ${list(window)}; NDCG ${formatNumber(ndcg!)}, where chance leaves it above ${formatNumber(ndcgByChance!)}`
}

function qualityConfidence(rule: LoadedPerformanceRule | LoadedAttributionRule, { results }: Condition): string {
  const { metric, sizes } = results[0]!
  const uncovered = 'It is not covered by the false-alarm budget.'
  if (rule.kind === 'attribution')
    return `Of unchanged windows of ${formatCount(sizes.window)} rows, 1 in 1000 has an order so far from the baseline's. ${uncovered}`
  const from = `${formatCount(metric!.rows)} ${rule.signal === 'performance' ? 'outcomes' : 'scored rows'}`
  const sure = metric!.interval === null ? 'the value, of which no interval is known,' : 'the whole 95 % interval'
  const blind =
    rule.signal === 'estimated-performance' ? ' It takes scores to mean what they meant in the baseline.' : ''
  return `From ${from}, ${sure} lies ${rule.direction} the rule's own limit.${blind} ${uncovered}`
}

function whereToLook(rule: LoadedRule): string | null {
  if (rule.kind === 'performance')
    return 'See which predicted and actual classes part ways, in which segments, and what was deployed or relabelled around the onset.'
  if (rule.kind === 'attribution')
    return 'Compare the attributions of the features that changed places, then their inputs; ask whether the model or its explainer was replaced.'
  return null
}

function presetConfidence(rule: LoadedPresetRule, condition: Condition): string {
  const strongest = condition.results[0]!
  const { window, baseline } = strongest.sizes
  const expected = presetVerdict(rule, strongest)?.nullExpectation ?? null
  const noise =
    expected === null ? '' : ` Without drift about ${formatNumber(expected)} is to be expected from so many values.`
  const flagged = condition.results.length
  const share =
    rule.share === null
      ? ''
      : ` ${flagged === 1 ? '1 thing' : `${flagged} things`} flagged, a share of at least ${formatNumber(rule.share)}.`
  return (
    `This is ${presets[rule.preset].title}, computed from histograms: ${crossedInWords(rule, strongest, condition)}, ` +
    `from ${window} values of the window and ${baseline} of the baseline.${noise}${share} ` +
    'It controls no error rate and is not covered by the false-alarm budget.'
  )
}

function crossedInWords(rule: LoadedThresholdRule | LoadedPresetRule, result: Result, condition: Condition): string {
  return rule.kind === 'preset'
    ? presetInWords(rule, result)
    : measuredInWords(rule, result, condition.adjustedPValues ?? null)
}

function presetInWords(rule: LoadedPresetRule, result: Result): string {
  const { statistic, value, threshold, relation, bound } = presetVerdict(rule, result)!
  const words = { '>=': 'at or above', '>': 'above', '<=': 'at or below', '<': 'below' }[relation!]
  const raw = bound === undefined ? '' : ` (of the raw values ${formatNumber(bound[0])} to ${formatNumber(bound[1])})`
  return `${statistic} ${formatNumber(value!)}${raw}, ${words} ${formatNumber(threshold!)}`
}

function measuredInWords(
  rule: LoadedThresholdRule,
  result: Result,
  adjusted: ReadonlyMap<Result, number> | null,
): string {
  const words = measureFor(rule.signal, rule.test)?.words ?? rule.test
  const value = measured(rule, result)!
  const relation = rule.measure === 'p-value' ? 'at or below' : 'at or above'
  const what = rule.measure === 'p-value' ? `p-value of the ${words}` : words
  const corrected =
    adjusted === null
      ? ''
      : ` (${formatNumber(adjusted.get(result)!)} after ${correctionWords[rule.correction]} correction for ${adjusted.size} of them)`
  return `${what} ${formatNumber(value)}${corrected}, ${relation} ${formatNumber(rule.threshold)}`
}

const correctionWords = { none: 'no', bonferroni: 'Bonferroni', 'benjamini-hochberg': 'Benjamini-Hochberg' } as const

/**
 * Causes that concern something which broke the rule, else those of the whole slice. When only outputs broke it, all of them: a cause
 * among the inputs explains the outputs too.
 */
function relevantDiagnoses(diagnosis: readonly Diagnosis[], { results }: Condition): Diagnosis[] {
  const features = new Set(results.map((result) => result.feature))
  const onlyOutputs = results.every(({ signal }) =>
    ['prediction-drift', 'confidence-drift', 'label-drift'].includes(signal),
  )
  const concerned = onlyOutputs ? [] : diagnosis.filter((one) => one.features.some((feature) => features.has(feature)))
  return (concerned.length > 0 ? concerned : [...diagnosis]).slice(0, maximumDiagnoses)
}
