import type { NumericSummary } from '@driftline/instrumentation/contract'
import { CellHistogram } from '../stats/cell-histogram.ts'
import { chiSquareOfCells } from '../stats/chi-square-test.ts'
import { cramerVonMisesUpperTail } from '../stats/cramer-von-mises-distribution.ts'
import { cramerVonMisesOfCells } from '../stats/cramer-von-mises.ts'
import { cramersVOf } from '../stats/cramers-v.ts'
import { energyOfGap } from '../stats/energy-distance.ts'
import { hellingerOfCells } from '../stats/hellinger-distance.ts'
import { averageCellWidth, interpolatedGapOfCells } from '../stats/interpolated-cdf.ts'
import { jensenShannonOfCells } from '../stats/jensen-shannon-divergence.ts'
import {
  kolmogorovSmirnovBoundOfCells,
  kolmogorovSmirnovOfCells,
  kolmogorovSmirnovPValue,
} from '../stats/kolmogorov-smirnov.ts'
import { smoothedDivergences } from '../stats/kullback-leibler-divergence.ts'
import { largestDifferenceOfCells } from '../stats/largest-share-difference.ts'
import { locationShiftOfCells, type LocationShift } from '../stats/location-shift.ts'
import { mergeAdjacentInto } from '../stats/merge-cells.ts'
import { sampleMoments, type SampleMoments } from '../stats/moments.ts'
import { newcombeInterval } from '../stats/newcombe-interval.ts'
import { normalScores, standardise } from '../stats/normal-scores.ts'
import { populationStabilityIndexExpected } from '../stats/population-stability-index.ts'
import { smoothedShares } from '../stats/smoothed-shares.ts'
import { totalVariationOfCells } from '../stats/total-variation-distance.ts'
import { varianceRatioTest } from '../stats/variance-ratio-test.ts'
import { normalisedWasserstein } from '../stats/wasserstein-distance.ts'
import { meanShiftInDeviations, welchTest } from '../stats/welch-test.ts'
import {
  fewestShownValues,
  smallestPValue,
  tooFewValues,
  type Comparison,
  type ComparisonOptions,
} from './comparison.ts'
import { contingencyTests, noContingencyTests } from './contingency-tests.ts'
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
  const cells = windowCells.read(window.counts)
  if (reference.cells.size <= 0 || cells.size <= 0) return notShown
  if (cells.cells !== reference.cells.cells) {
    throw new RangeError(`a window of ${cells.cells} cells for a baseline of ${reference.cells.cells}`)
  }
  const { scores } = reference
  const shift = scores === null ? null : locationShiftOfCells(scores, cells, baseline.values)
  const ks = kolmogorovSmirnovOfCells(reference.cells, cells)
  const cramerVonMises = cramerVonMisesOfCells(reference.cells, cells)
  const tests = testsOf(reference, window, cells, { shift, ks, cramerVonMises }, options)
  return {
    distances: distancesOf(reference, window, cells, ks, cramerVonMises),
    tests,
    effect: shift === null ? rangeEffect(reference, window) : shiftEffect(shift),
    pValue: smallestPValue(tests),
  }
}

/** Written anew by every comparison: each is done with them before the next begins. */
const windowCells = new CellHistogram()
const mergedBaseline = new CellHistogram()
const mergedWindow = new CellHistogram()

/** What of a baseline is the same for every window. */
interface NumericReference {
  readonly bounds: Float64Array
  readonly cells: CellHistogram
  readonly min: number
  readonly max: number
  readonly values: number
  readonly standardDeviation: number
  readonly moments: SampleMoments | null
  /** Average width of a cell, as an error bound of interpolated distances. */
  readonly cellWidth: number | null
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
  const bounds = Float64Array.from(baseline.bounds)
  const reference = {
    bounds,
    cells: CellHistogram.of(counts),
    min,
    max,
    values,
    standardDeviation: Math.sqrt(variance),
    // Windows come as sums about the baseline mean, so about that origin the baseline's own sum is 0.
    moments: sampleMoments(values, 0, variance * values),
    cellWidth: averageCellWidth({ bounds, counts, min, max }),
    scores: scores === null ? null : standardise(scores.location, smoothedShares(counts)),
  }
  references.set(baseline, reference)
  return reference
}

function distancesOf(
  reference: NumericReference,
  window: NumericDistribution,
  c: CellHistogram,
  ks: number,
  cramerVonMises: number,
): Record<string, number | null> {
  const { cells: b, bounds, cellWidth } = reference
  const { counts, min, max } = window
  const closed = { bounds, counts, min, max }
  const gap = interpolatedGapOfCells(bounds, reference, { cells: c, min, max })
  const width = averageCellWidth(closed)
  const divergences = smoothedDivergences(b, c)
  const divergence = jensenShannonOfCells(b, c)
  return {
    psi: divergences.symmetric,
    psiExpectedNull: populationStabilityIndexExpected(window.values, reference.values, b.cells),
    kl: divergences.forward,
    klReverse: divergences.reverse,
    jsDivergence: divergence,
    jsDistance: Math.sqrt(divergence / Math.LN2),
    hellinger: hellingerOfCells(b, c),
    totalVariation: totalVariationOfCells(b, c),
    lInfinity: largestDifferenceOfCells(b, c),
    ks,
    ksUpper: kolmogorovSmirnovBoundOfCells(b, c),
    wasserstein: gap === null ? null : gap.absolute,
    wassersteinNormalised: normalisedWasserstein(gap, reference.standardDeviation),
    wassersteinErrorBound: cellWidth === null || width === null ? null : cellWidth + width,
    energy: energyOfGap(gap),
    cramerVonMises,
    cramersV: cramersVOf(chiSquareOfCells(b, c), b.size + c.size),
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

interface Shared {
  readonly shift: LocationShift | null
  readonly ks: number
  readonly cramerVonMises: number
}

function testsOf(
  reference: NumericReference,
  window: NumericDistribution,
  cells: CellHistogram,
  { shift, ks, cramerVonMises }: Shared,
  options: ComparisonOptions,
): Record<string, TestResult> {
  const moments = sampleMoments(window.values, window.sum, window.sumOfSquares)
  const merged = mergeAdjacentInto(reference.cells, cells, mergedBaseline, mergedWindow)
  const contingency = merged === 0 ? noContingencyTests : contingencyTests(mergedBaseline, mergedWindow, options)
  return {
    chiSquare: contingency.chiSquare,
    gTest: contingency.gTest,
    ks: { statistic: ks, pValue: kolmogorovSmirnovPValue(ks, reference.values, window.values) },
    cramerVonMises: { statistic: cramerVonMises, pValue: cramerVonMisesUpperTail(cramerVonMises) },
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
  const last = reference.cells.cells - 1
  const below = window.counts[0]! >= window.counts[last]!
  const cell = below ? 0 : last
  const one = { hits: reference.cells.counts[cell]!, rows: reference.values }
  const two = { hits: window.counts[cell]!, rows: window.values }
  return {
    kind: 'rate-difference',
    unit: 'share',
    value: two.hits / two.rows - one.hits / one.rows,
    interval: newcombeInterval(one, two),
    of: below ? 'values below the baseline' : 'values above the baseline',
  }
}
