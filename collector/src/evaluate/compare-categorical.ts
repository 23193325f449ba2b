import { otherCategory, type CategoricalSummary } from '@driftline/instrumentation/contract'
import { CellHistogram } from '../stats/cell-histogram.ts'
import { chiSquareOfCells } from '../stats/chi-square-test.ts'
import { cramersVOf } from '../stats/cramers-v.ts'
import { fisherExactPValue } from '../stats/fisher-exact-test.ts'
import { hellingerOfCells } from '../stats/hellinger-distance.ts'
import { jensenShannonOfCells } from '../stats/jensen-shannon-divergence.ts'
import { smoothedDivergences } from '../stats/kullback-leibler-divergence.ts'
import { largestDifferenceOfCells } from '../stats/largest-share-difference.ts'
import { mergeRareCategories, smallestExpectedCount } from '../stats/merge-cells.ts'
import { newcombeInterval } from '../stats/newcombe-interval.ts'
import { populationStabilityIndexExpected } from '../stats/population-stability-index.ts'
import { rateDifferenceTest } from '../stats/rate-difference-test.ts'
import { totalVariationOfCells } from '../stats/total-variation-distance.ts'
import {
  fewestShownValues,
  smallestPValue,
  tooFewValues,
  type Comparison,
  type ComparisonOptions,
} from './comparison.ts'
import { contingencyTests, noContingencyTests } from './contingency-tests.ts'
import type { Effect, TestResult } from './result.ts'
import type { CategoricalDistribution } from './window-counts.ts'

/**
 * Distances, tests and effect of a categorical window against its baseline: one cell per category of the baseline, the last
 * for all others.
 *
 * @see STATISTICS.md 3 and 4.
 */
export function compareCategorical(
  baseline: CategoricalSummary,
  window: CategoricalDistribution,
  options: ComparisonOptions,
): Comparison {
  if (window.values < fewestShownValues || baseline.values <= 0) return notShown
  const used = usedCells(baseline.counts, window.counts)
  const merged = mergeRareCategories(baseline.counts, window.counts)
  const tests: Record<string, TestResult> =
    merged === null
      ? { ...noContingencyTests }
      : { ...contingencyTests(mergedBaseline.read(merged.baseline), mergedWindow.read(merged.window), options) }
  if (used.baseline.cells === 2) tests['rateDifference'] = rateDifference(used, baseline.values, window.values)
  return {
    distances: distancesOf(used, baseline.values, window.values),
    tests,
    effect: largestDifference(baseline, window),
    pValue: smallestPValue(tests),
  }
}

interface UsedCells {
  readonly baseline: CellHistogram
  readonly window: CellHistogram
}

/** Written anew by every comparison: each is done with them before the next begins. */
const used: UsedCells = { baseline: new CellHistogram(), window: new CellHistogram() }
const mergedBaseline = new CellHistogram()
const mergedWindow = new CellHistogram()

/** Cells with a count in one of them. The others, an empty `_OTHER` above all, are no categories and would dilute smoothing. */
function usedCells(baseline: ArrayLike<number>, window: ArrayLike<number>): UsedCells {
  used.baseline.reserve(baseline.length)
  used.window.reserve(baseline.length)
  const { counts: b } = used.baseline
  const { counts: c } = used.window
  let cells = 0
  for (let i = 0; i < baseline.length; i++) {
    if (baseline[i]! + window[i]! <= 0) continue
    b[cells] = baseline[i]!
    c[cells] = window[i]!
    cells++
  }
  used.baseline.complete(cells)
  used.window.complete(cells)
  return used
}

function distancesOf(
  { baseline: b, window: c }: UsedCells,
  baselineSize: number,
  windowSize: number,
): Record<string, number | null> {
  if (b.size <= 0 || c.size <= 0) return notShown.distances
  const divergences = smoothedDivergences(b, c)
  const divergence = jensenShannonOfCells(b, c)
  return {
    psi: divergences.symmetric,
    psiExpectedNull: populationStabilityIndexExpected(windowSize, baselineSize, b.cells),
    kl: divergences.forward,
    klReverse: divergences.reverse,
    jsDivergence: divergence,
    jsDistance: Math.sqrt(divergence / Math.LN2),
    hellinger: hellingerOfCells(b, c),
    totalVariation: totalVariationOfCells(b, c),
    lInfinity: largestDifferenceOfCells(b, c),
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
  'cramersV',
]
const notShown: Comparison = {
  distances: Object.fromEntries(distanceNames.map((name) => [name, null])),
  tests: { chiSquare: tooFewValues, gTest: tooFewValues, practicallyUnchanged: tooFewValues },
  effect: null,
  pValue: null,
}

/** Of two categories, the share of the second: pooled z, or Fisher's exact test when an expected count is below 5. */
function rateDifference(used: UsedCells, baselineSize: number, windowSize: number): TestResult {
  const one = { hits: used.baseline.counts[1]!, rows: baselineSize }
  const two = { hits: used.window.counts[1]!, rows: windowSize }
  const test = rateDifferenceTest(one, two)
  if (test === null) return tooFewValues
  const rarer = Math.min(one.hits + two.hits, baselineSize + windowSize - one.hits - two.hits)
  const expected = (rarer * Math.min(baselineSize, windowSize)) / (baselineSize + windowSize)
  const exact = expected < smallestExpectedCount
  return {
    statistic: test.z,
    pValue: exact ? fisherExactPValue(one, two) : test.pValue,
    interval: newcombeInterval(one, two),
    note: exact ? "Fisher's exact test" : 'pooled z',
  }
}

/** The category whose share has moved most. */
function largestDifference(baseline: CategoricalSummary, window: CategoricalDistribution): Effect {
  let cell = 0
  let value = 0
  for (let i = 0; i < baseline.counts.length; i++) {
    const difference = window.counts[i]! / window.values - baseline.counts[i]! / baseline.values
    // Of two categories both move alike: rounding must not pick one.
    if (Math.abs(difference) > Math.abs(value) + 1e-12) {
      cell = i
      value = difference
    }
  }
  return {
    kind: 'rate-difference',
    unit: 'share',
    value,
    interval: newcombeInterval(
      { hits: baseline.counts[cell]!, rows: baseline.values },
      { hits: window.counts[cell]!, rows: window.values },
    ),
    of: baseline.categories[cell] ?? otherCategory,
  }
}
