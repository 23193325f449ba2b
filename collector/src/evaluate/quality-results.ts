import type { AttributionBaseline, Decision, Manifest, PredictionBaseline } from '@driftline/instrumentation/contract'
import type { Totals } from '../observation/totals.ts'
import { wilsonInterval } from '../stats/wilson-interval.ts'
import { attributionMethod, compareAttributions, topFeaturesChanged } from './attribution.ts'
import { calibrationOf, rocAreaOf, scoredOutcomes, type ScoredOutcomes } from './calibration.ts'
import { fewestShownValues } from './comparison.ts'
import type { CompiledModel } from './compile-model.ts'
import { estimateFrom, scoreReference, type ScoreReference } from './estimated.ts'
import type { SliceCounts } from './evaluate-slice.ts'
import { completenessOf, smallestCompleteness } from './label-completeness.ts'
import { betterWhen, metricsNamed, type MetricName, type MetricValue } from './metric-values.ts'
import { observationsFrom, type Observations } from './observations.ts'
import { classifierPerformance, regressionPerformance, type RealisedPerformance } from './performance.ts'
import type {
  AttributionRanking,
  Finding,
  MetricNumbers,
  RateResult,
  Result,
  ResultStatus,
  ServingNumbers,
} from './result.ts'
import { servingOf } from './serving.ts'
import type { WindowCounts } from './window-counts.ts'
import type { Slice } from './window-plan.ts'

/** The loss that a status asks for, as a share of the metric that is compared with: an accuracy of 0.83 that fell below 0.79. */
export const statedLossShare = 0.05

export interface QualityInput {
  readonly model: string
  readonly version: string
  readonly slice: Slice
  readonly revision: number
  /** Of the disjoint slice, all segments together: what health of the calls is computed from. */
  readonly sliceTotals: Totals
  /** Of the sliding window, by segment of the baseline, '' being the whole model. */
  readonly windowTotals: ReadonlyMap<string, Totals>
  readonly windowCounts: SliceCounts
  readonly manifest: Manifest | null
  readonly detectorId: string
}

/**
 * What is known of the quality of a model's answers, of their attributions and of the calls, as results without evidence. Pure. There is
 * a result only for what was reported: without outcomes there is none on performance.
 *
 * The status of a metric is a description, at 95 % for each metric and window by itself; nothing of the false-alarm budget is spent.
 * `drift`: its whole interval lies beyond the stated loss. `ok`: its value does not, and a loss twice as large would probably have been
 * seen.
 */
export function qualityResults(compiled: CompiledModel, input: QualityInput): Result[] {
  const results: Result[] = []
  const references = referencesOf(compiled)
  for (const [segment, totals] of input.windowTotals) {
    const layout = compiled.layouts.get(segment)
    if (layout === undefined) continue
    const of = resultMaker(compiled, input, segment)
    const own: SegmentInput = {
      segment,
      predictions: layout.predictions,
      reference: references.get(segment) ?? null,
      counts: input.windowCounts.get(segment),
      manifest: input.manifest,
      input,
    }
    const observations = observationsFrom(totals)
    results.push(...realised(observations, own, of), ...estimated(own, of))
    results.push(...attributed(compiled, observations, own, of))
  }
  const ofSlice = resultMaker(compiled, input, '')
  for (const serving of servingOf(input.sliceTotals)) results.push(servingResult(serving, input, ofSlice))
  return results
}

const knownReferences = new WeakMap<CompiledModel, ReadonlyMap<string, ScoreReference | null>>()

function referencesOf(compiled: CompiledModel): ReadonlyMap<string, ScoreReference | null> {
  let references = knownReferences.get(compiled)
  if (references === undefined) {
    references = new Map(
      [...compiled.layouts].map(([segment, { predictions }]) => [segment, scoreReference(predictions)]),
    )
    knownReferences.set(compiled, references)
  }
  return references
}

interface SegmentInput {
  readonly segment: string
  readonly predictions: PredictionBaseline
  readonly reference: ScoreReference | null
  readonly counts: WindowCounts | undefined
  readonly manifest: Manifest | null
  readonly input: QualityInput
}

type OwnParts = Pick<Result, 'signal' | 'feature' | 'status' | 'reason'> &
  Partial<Pick<Result, 'pValue' | 'distances' | 'tests' | 'rates' | 'findings'>> &
  Pick<Result, 'metric' | 'attribution' | 'ranking' | 'serving'> & {
    readonly window: number
    readonly baseline: number
    readonly windowRows: number
  }
type ResultMaker = (parts: OwnParts) => Result

function resultMaker(compiled: CompiledModel, input: QualityInput, segment: string): ResultMaker {
  return ({ window, baseline, windowRows, ...parts }) => ({
    model: input.model,
    version: input.version,
    segment,
    startMs: input.slice.windowStartMs,
    endMs: input.slice.endMs,
    revision: input.revision,
    effect: null,
    pValue: null,
    evidence: null,
    distances: {},
    tests: {},
    rates: {},
    findings: [],
    smallestDetectable: null,
    sizes: { window, baseline, windowRows, dispersion: 1, zEta: compiled.detector.zEta },
    baselineDigest: compiled.baselineDigest,
    detectorId: input.detectorId,
    summary: null,
    ...parts,
  })
}

function realised(
  { outcomes, residuals, outcomeScores }: Observations,
  { predictions, reference, counts, segment, manifest }: SegmentInput,
  of: ResultMaker,
): Result[] {
  const decision = decisionOf(predictions, manifest)
  const classified = outcomes.length > 0 ? classifierPerformance(outcomes, decision) : null
  const scored = decision === null ? null : scoredOutcomes(outcomeScores, decision)
  const regression = regressionPerformance(residuals)
  // The held-out set is of the whole model.
  const offline = metricsNamed(segment === '' ? (manifest?.offlineMetrics?.values ?? {}) : {})
  const baseline = new Map(reference?.metrics.map(({ name, value }) => [name, value]))
  const resultsOf = ({ rows, leftOut, metrics }: RealisedPerformance, predicted: number): Result[] => {
    const completeness = completenessOf(rows + leftOut, predicted)
    const detail = `${leftOut} outcomes are of classes that the decision does not know`
    const findings: Finding[] = leftOut === 0 ? [] : [{ kind: 'unknown-class', detail, value: leftOut }]
    return metrics.map((metric) => {
      const references = { offline: offline.get(metric.name) ?? null, baseline: baseline.get(metric.name) ?? null }
      const numbers = compared(metric, rows, references, references.offline)
      return of({
        signal: 'performance',
        feature: metric.name,
        ...(isIncomplete(completeness)
          ? { status: 'insufficient', reason: 'labels-incomplete' }
          : statusOf(numbers, 'no-offline-metric')),
        rates: { completeness },
        findings,
        metric: numbers,
        window: rows,
        baseline: reference?.rows ?? 0,
        windowRows: predicted,
      })
    })
  }
  const predictedOf = (name: 'class' | 'score' | 'value') =>
    counts?.outputs.get(name)?.distribution.values ?? counts?.rows ?? 0
  return [
    ...(classified === null ? [] : resultsOf(classified, predictedOf('class'))),
    ...(regression === null ? [] : resultsOf(regression, predictedOf('value'))),
    ...(scored === null
      ? []
      : resultsOf({ rows: scored.rows, leftOut: 0, metrics: [rocAreaOf(scored)] }, predictedOf('score'))),
    ...(scored?.probabilities === true ? calibrated(scored, reference, offline, of) : []),
  ]
}

/** Described only: whether calibration was lost is for evidence to say. */
function calibrated(
  scored: ScoredOutcomes,
  reference: ScoreReference | null,
  offline: ReadonlyMap<MetricName, number>,
  of: ResultMaker,
): Result[] {
  const { metrics, distances, tests } = calibrationOf(scored)
  const baseline = new Map(
    reference === null ? [] : calibrationOf(reference).metrics.map((one) => [one.name, one.value]),
  )
  return metrics.map((metric) => {
    const references = { offline: offline.get(metric.name) ?? null, baseline: baseline.get(metric.name) ?? null }
    return of({
      signal: 'calibration',
      feature: metric.name,
      status: 'insufficient',
      reason: scored.rows < fewestShownValues ? 'too-few-rows' : 'descriptive',
      distances,
      tests,
      metric: compared(metric, scored.rows, references, references.offline),
      window: scored.rows,
      baseline: reference?.rows ?? 0,
      windowRows: scored.rows,
    })
  })
}

/** The decision of the baseline, else the positive class of a manifest with two classes. */
function decisionOf(
  { decision }: PredictionBaseline,
  manifest: Manifest | null,
): Pick<Decision, 'positiveClass' | 'negativeClass'> | null {
  if (decision !== undefined) return decision
  const { classes, positiveClass } = manifest?.output ?? {}
  if (positiveClass === undefined || classes?.length !== 2) return null
  const negativeClass = classes.find((name) => name !== positiveClass)
  return negativeClass === undefined ? null : { positiveClass, negativeClass }
}

/** Labels that came early are a biased sample. Of outcomes without predictions in the window nobody knows what share they are. */
function isIncomplete({ rate }: RateResult): boolean {
  return rate === null || rate < smallestCompleteness
}

function estimated({ reference, counts, segment, manifest }: SegmentInput, of: ResultMaker): Result[] {
  const scores = counts?.outputs.get('score')?.distribution
  if (reference === null || scores === undefined || scores.kind !== 'numeric') return []
  const metrics = estimateFrom(reference, scores.counts)
  if (metrics === null) return []
  const offline = metricsNamed(segment === '' ? (manifest?.offlineMetrics?.values ?? {}) : {})
  const baseline = new Map(reference.metrics.map(({ name, value }) => [name, value]))
  return metrics.map((metric) => {
    const references = { offline: offline.get(metric.name) ?? null, baseline: baseline.get(metric.name) ?? null }
    // Estimates rest on the baseline rows; only against the same metric of these is a difference one of the window.
    const numbers = compared(metric, scores.values, references, references.baseline)
    return of({
      signal: 'estimated-performance',
      feature: metric.name,
      ...statusOf(numbers, 'no-baseline-metric'),
      metric: numbers,
      window: scores.values,
      baseline: reference.rows,
      windowRows: counts?.rows ?? scores.values,
    })
  })
}

/** @param against what the difference is taken to; it counts as exact, since it is known without its rows. */
function compared(
  { name, value, interval, note }: MetricValue,
  rows: number,
  references: Pick<MetricNumbers, 'offline' | 'baseline'>,
  against: number | null,
): MetricNumbers {
  const known = value !== null && against !== null
  const better = betterWhen(name)
  return {
    value,
    interval,
    rows,
    ...references,
    difference: known ? value - against : null,
    // Newcombe's interval, when one of the two has no error, is the other's, shifted.
    differenceInterval: known && interval !== null ? [interval[0] - against, interval[1] - against] : null,
    better,
    statedLoss: against === null || better === 'nearer-zero' ? null : statedLossShare * Math.abs(against),
    ...(note === undefined ? {} : { note }),
  }
}

function statusOf(
  { value, rows, difference, differenceInterval, better, statedLoss }: MetricNumbers,
  noReference: string,
): { status: ResultStatus; reason: string | null } {
  if (value === null) return { status: 'insufficient', reason: 'empty-denominator' }
  if (statedLoss === null || difference === null) return { status: 'insufficient', reason: noReference }
  if (differenceInterval === null) return { status: 'insufficient', reason: 'no-interval' }
  if (rows < fewestShownValues) return { status: 'insufficient', reason: 'too-few-rows' }
  const [low, high] = differenceInterval
  if (better === 'lower' ? low > statedLoss : high < -statedLoss)
    return { status: 'drift', reason: 'beyond-stated-loss' }
  // The value lies beyond, its interval reaches back.
  if (better === 'lower' ? difference > statedLoss : difference < -statedLoss)
    return { status: 'insufficient', reason: 'undecided' }
  const reach = better === 'lower' ? difference - low : high - difference
  return reach > statedLoss ? { status: 'insufficient', reason: 'too-few-rows' } : { status: 'ok', reason: null }
}

/** Features of the top that the status looks at; rules have a number of their own. */
const watchedTop = 10

function attributed(
  compiled: CompiledModel,
  { attributions }: Observations,
  { segment, input }: SegmentInput,
  of: ResultMaker,
): Result[] {
  // Those of a segment have no baseline of their own.
  const baseline = segment === '' ? compiled.baseline.attributions : undefined
  const method = attributionMethod(attributions, baseline)
  if (method === null) return []
  const { features, rows, ranking, distances } = compareAttributions({
    names: compiled.baseline.features.map(({ name }) => name),
    method,
    window: attributions.get(method)!,
    baseline,
    seed: `${input.model}\u0000${input.version}\u0000${segment}\u0000${input.slice.windowStartMs}`,
  })
  const sizes = { window: rows, baseline: ranking.baseline === null ? 0 : baseline!.rows, windowRows: rows }
  const others = [...attributions.keys()].filter((one) => one !== method)
  const findings: Finding[] =
    others.length === 0 ? [] : [{ kind: 'other-methods', detail: `not looked at: ${others.join(', ')}` }]
  const whole = rankingStatus(rows, ranking, baseline)
  const single = whole.status === 'insufficient' ? whole : { status: 'ok' as const, reason: null }
  return [
    of({ signal: 'attribution', feature: '', ...whole, distances, findings, ranking, ...sizes }),
    ...features.map(({ feature, numbers, sharePValue }) =>
      of({
        signal: 'attribution',
        feature,
        ...single,
        pValue: sharePValue,
        tests:
          sharePValue === null || numbers.share === null || numbers.baselineShare === null
            ? {}
            : { shareShift: { statistic: numbers.share - numbers.baselineShare, pValue: sharePValue } },
        attribution: numbers,
        ...sizes,
      }),
    ),
  ]
}

function rankingStatus(
  rows: number,
  ranking: AttributionRanking,
  baseline: AttributionBaseline | undefined,
): { status: ResultStatus; reason: string | null } {
  if (rows < fewestShownValues) return { status: 'insufficient', reason: 'too-few-rows' }
  if (baseline === undefined) return { status: 'insufficient', reason: 'no-baseline-attributions' }
  if (ranking.baseline === null) return { status: 'insufficient', reason: 'other-method' }
  const changed = topFeaturesChanged(ranking, watchedTop)
  if (changed === null) return { status: 'insufficient', reason: 'too-few-chunks' }
  return changed ? { status: 'drift', reason: 'top-features-changed' } : { status: 'ok', reason: null }
}

function servingResult(serving: ServingNumbers, { slice }: QualityInput, of: ResultMaker): Result {
  const { runtime, calls, errors, errorRate, dropped } = serving
  const findings = Object.entries(dropped).map(([reason, count]): Finding => {
    const what = reason.startsWith('outcome_') ? 'outcomes' : 'rows'
    return { kind: 'dropped', detail: `${count} ${what}: ${reason}`, value: count }
  })
  return {
    ...of({
      signal: 'serving',
      feature: runtime ?? '',
      status: calls > 0 ? 'ok' : 'insufficient',
      reason: calls > 0 ? null : 'no-calls',
      rates: {
        error: {
          count: errors,
          rows: calls,
          rate: errorRate,
          interval: wilsonInterval(errors, calls),
          baselineRate: null,
          difference: null,
          differenceInterval: null,
        },
      },
      findings,
      serving,
      window: calls,
      baseline: 0,
      windowRows: calls,
    }),
    startMs: slice.startMs,
  }
}
