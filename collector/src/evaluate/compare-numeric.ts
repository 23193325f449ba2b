import type { NumericSummary } from '@driftline/instrumentation/contract'
import { cramerVonMisesUpperTail } from '../stats/cramer-von-mises-distribution.ts'
import { cramerVonMisesStatistic } from '../stats/cramer-von-mises.ts'
import { cramersV } from '../stats/cramers-v.ts'
import { energyOfGap } from '../stats/energy-distance.ts'
import { hellingerDistance } from '../stats/hellinger-distance.ts'
import { interpolatedCdfGap, type ClosedHistogram } from '../stats/interpolated-cdf.ts'
import { jensenShannonDivergence } from '../stats/jensen-shannon-divergence.ts'
import {
  kolmogorovSmirnovPValue,
  kolmogorovSmirnovStatistic,
  kolmogorovSmirnovUpperBound,
} from '../stats/kolmogorov-smirnov.ts'
import { kullbackLeiblerDivergence } from '../stats/kullback-leibler-divergence.ts'
import { largestShareDifference } from '../stats/largest-share-difference.ts'
import { locationShift, type LocationShift } from '../stats/location-shift.ts'
import { mergeAdjacentCells } from '../stats/merge-cells.ts'
import { sampleMoments, type SampleMoments } from '../stats/moments.ts'
import { newcombeInterval } from '../stats/newcombe-interval.ts'
import { normalScores, standardise } from '../stats/normal-scores.ts'
import { populationStabilityIndex, populationStabilityIndexExpected } from '../stats/population-stability-index.ts'
import { smoothedShares } from '../stats/smoothed-shares.ts'
import { totalVariationDistance } from '../stats/total-variation-distance.ts'
import { varianceRatioTest } from '../stats/variance-ratio-test.ts'
import { normalisedWasserstein, wassersteinErrorBound } from '../stats/wasserstein-distance.ts'
import { meanShiftInDeviations, welchTest } from '../stats/welch-test.ts'
import {
  fewestShownValues,
  smallestPValue,
  tooFewValues,
  type Comparison,
  type ComparisonOptions,
} from './comparison.ts'
import { contingencyTests } from './contingency-tests.ts'
import type { Effect, TestResult } from './result.ts'
import type { NumericDistribution } from './window-counts.ts'

/**
 * Distances, tests and effect of a numeric window against its baseline, both in the cells of the baseline.
 *
 * @see STATISTICS.md 3 and 4.
 */
export function compareNumeric(
  baseline: NumericSummary,
  window: NumericDistribution,
  options: ComparisonOptions,
): Comparison {
  if (window.values < fewestShownValues || baseline.values <= 0) return notShown
  const reference = referenceOf(baseline)
  const shift = reference.scores === null ? null : locationShift(reference.scores, window.counts, baseline.values)
  const tests = testsOf(reference, window, shift, options)
  return {
    distances: distancesOf(reference, window),
    tests,
    effect: shift === null ? rangeEffect(reference, window) : shiftEffect(shift),
    pValue: smallestPValue(tests),
  }
}

/** What of a baseline is the same for every window. */
interface NumericReference {
  readonly histogram: ClosedHistogram
  readonly counts: Float64Array
  readonly values: number
  readonly standardDeviation: number
  readonly moments: SampleMoments | null
  /** Standardised normal scores; null for a constant baseline. */
  readonly scores: Float64Array | null
}

/** Baselines live as long as their model is watched, and every window of the model asks for the same. */
const references = new WeakMap<NumericSummary, NumericReference>()

function referenceOf(baseline: NumericSummary): NumericReference {
  const known = references.get(baseline)
  if (known !== undefined) return known
  const counts = Float64Array.from(baseline.counts)
  const { values, variance, min, max } = baseline
  const scores = normalScores(counts)
  const reference = {
    histogram: { bounds: Float64Array.from(baseline.bounds), counts, min, max },
    counts,
    values,
    standardDeviation: Math.sqrt(variance),
    // Windows come as sums about the baseline mean, so about that origin the baseline's own sum is 0.
    moments: sampleMoments(values, 0, variance * values),
    scores: scores === null ? null : standardise(scores.location, smoothedShares(counts)),
  }
  references.set(baseline, reference)
  return reference
}

function distancesOf(reference: NumericReference, window: NumericDistribution): Record<string, number | null> {
  const { counts: b, histogram } = reference
  const { counts: c, min, max } = window
  const closed = { bounds: histogram.bounds, counts: c, min, max }
  const gap = interpolatedCdfGap(histogram, closed)
  const divergence = jensenShannonDivergence(b, c)
  return {
    psi: populationStabilityIndex(b, c),
    psiExpectedNull: populationStabilityIndexExpected(window.values, reference.values, b.length),
    kl: kullbackLeiblerDivergence(c, b),
    klReverse: kullbackLeiblerDivergence(b, c),
    jsDivergence: divergence,
    jsDistance: divergence === null ? null : Math.sqrt(divergence / Math.LN2),
    hellinger: hellingerDistance(b, c),
    totalVariation: totalVariationDistance(b, c),
    lInfinity: largestShareDifference(b, c),
    ks: kolmogorovSmirnovStatistic(b, c),
    ksUpper: kolmogorovSmirnovUpperBound(b, c),
    wasserstein: gap === null ? null : gap.absolute,
    wassersteinNormalised: normalisedWasserstein(gap, reference.standardDeviation),
    wassersteinErrorBound: wassersteinErrorBound(histogram, closed),
    energy: energyOfGap(gap),
    cramerVonMises: cramerVonMisesStatistic(b, c),
    cramersV: cramersV(b, c),
  }
}

const distanceNames = [
  'psi',
  'psiExpectedNull',
  'kl',
  'klReverse',
  'jsDivergence',
  'jsDistance',
  'hellinger',
  'totalVariation',
  'lInfinity',
  'ks',
  'ksUpper',
  'wasserstein',
  'wassersteinNormalised',
  'wassersteinErrorBound',
  'energy',
  'cramerVonMises',
  'cramersV',
]
const testNames = [
  'chiSquare',
  'gTest',
  'ks',
  'cramerVonMises',
  'welch',
  'locationShift',
  'varianceRatio',
  'practicallyUnchanged',
]
const notShown: Comparison = {
  distances: Object.fromEntries(distanceNames.map((name) => [name, null])),
  tests: Object.fromEntries(testNames.map((name) => [name, tooFewValues])),
  effect: null,
  pValue: null,
}

function testsOf(
  reference: NumericReference,
  window: NumericDistribution,
  shift: LocationShift | null,
  options: ComparisonOptions,
): Record<string, TestResult> {
  const { counts: b, values } = reference
  const { counts: c } = window
  const moments = sampleMoments(window.values, window.sum, window.sumOfSquares)
  const ks = kolmogorovSmirnovStatistic(b, c)
  const cramerVonMises = cramerVonMisesStatistic(b, c)
  const contingency = contingencyTests(mergeAdjacentCells(b, c), options)
  return {
    chiSquare: contingency.chiSquare,
    gTest: contingency.gTest,
    ks: ks === null ? tooFewValues : { statistic: ks, pValue: kolmogorovSmirnovPValue(ks, values, window.values) },
    cramerVonMises:
      cramerVonMises === null
        ? tooFewValues
        : { statistic: cramerVonMises, pValue: cramerVonMisesUpperTail(cramerVonMises) },
    welch: meanShift(reference, moments),
    locationShift:
      shift === null
        ? { statistic: null, note: 'constant-baseline' }
        : { statistic: shift.effect, interval: shift.interval },
    varianceRatio: varianceRatio(reference, moments),
    practicallyUnchanged: contingency.practicallyUnchanged,
  }
}

function meanShift(reference: NumericReference, window: SampleMoments | null): TestResult {
  if (window === null) return { statistic: null, note: 'no sums were sent' }
  const test = welchTest(reference.moments, window)
  if (test === null) return { statistic: null, note: 'both are constant' }
  return {
    statistic: test.t,
    pValue: test.pValue,
    degreesOfFreedom: test.degreesOfFreedom,
    interval: meanShiftInDeviations(test, reference.standardDeviation)?.interval ?? null,
    note: 'interval of the mean shift in baseline standard deviations; not valid in the tails of heavy-tailed data',
  }
}

function varianceRatio(reference: NumericReference, window: SampleMoments | null): TestResult {
  if (window === null) return { statistic: null, note: 'no sums were sent' }
  const test = varianceRatioTest(reference.moments, window)
  if (test === null) return { statistic: null, note: 'one of them is constant' }
  return { statistic: test.ratio, pValue: test.pValue, note: 'normal data only' }
}

function shiftEffect(shift: LocationShift): Effect {
  return { kind: 'location-shift', unit: 'sd', value: shift.effect, interval: shift.interval, of: null }
}

/** A constant baseline has no scale of its own: what can be said is the share of values below or above it. */
function rangeEffect(reference: NumericReference, window: NumericDistribution): Effect | null {
  const last = reference.counts.length - 1
  const below = window.counts[0]! >= window.counts[last]!
  const cell = below ? 0 : last
  const one = { hits: reference.counts[cell]!, rows: reference.values }
  const two = { hits: window.counts[cell]!, rows: window.values }
  return {
    kind: 'rate-difference',
    unit: 'share',
    value: two.hits / two.rows - one.hits / one.rows,
    interval: newcombeInterval(one, two),
    of: below ? 'values below the baseline' : 'values above the baseline',
  }
}
