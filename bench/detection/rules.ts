import { chiSquareUpperTail } from '../../collector/src/stats/chi-square-distribution.ts'
import { CellHistogram } from '../../collector/src/stats/cell-histogram.ts'
import { chiSquareOfCells } from '../../collector/src/stats/chi-square-test.ts'
import { hellingerOfCells } from '../../collector/src/stats/hellinger-distance.ts'
import { sumOf } from '../../collector/src/stats/histogram-cells.ts'
import { jensenShannonOfCells } from '../../collector/src/stats/jensen-shannon-divergence.ts'
import { kolmogorovSmirnovOfCells, kolmogorovSmirnovPValue } from '../../collector/src/stats/kolmogorov-smirnov.ts'
import { largestDifferenceOfCells } from '../../collector/src/stats/largest-share-difference.ts'
import { rateDifferenceTest } from '../../collector/src/stats/rate-difference-test.ts'
import { wassersteinDistance } from '../../collector/src/stats/wasserstein-distance.ts'
import { budgetSteps } from './features.ts'
import type { Random } from './random.ts'

/**
 * The other rules, as statistics of one window against one baseline: larger means more suspicious. A preset is a statistic with
 * a fixed threshold; the same statistic with the best possible threshold is what it could do at a given false-alarm rate.
 */
export type StatisticName =
  /** -ln p of the two-sample Kolmogorov-Smirnov test. */
  | 'ks'
  /** -ln p of the two-sample chi-square test: deciles of numbers, all categories. */
  | 'chi-square'
  /** Cramér's V of all cells. */
  | 'cramers-v'
  /** PSI on deciles or categories, shares of zero set to 0.0001. */
  | 'psi'
  /** Wasserstein-1 distance in baseline standard deviations. */
  | 'wasserstein'
  /** Jensen-Shannon distance, base 2. */
  | 'jensen-shannon'
  | 'hellinger'
  /** Largest difference of a share. */
  | 'l-infinity'
  /** Jensen-Shannon distance less its mean over baseline chunks of the window's size, over their standard deviation. */
  | 'pull'
  /** The same of the Jensen-Shannon divergence. */
  | 'divergence-pull'
  /** -ln p of whylogs' chi-square: expected counts rounded down, 0 where one of them is 0. */
  | 'whylogs-chi-square'
  /** Kolmogorov-Smirnov distance. */
  | 'ks-distance'
  /** -ln p of the pooled z-test of two rates. */
  | 'rate-test'
  /** Rate of missing values. */
  | 'rate'
  /** Rate less that of the baseline. */
  | 'rate-above-baseline'

export type WindowKind = 'numeric' | 'categorical' | 'missing'

/** Statistics that no preset looks at on baselines of this size: tests that anybody might use. */
export const statisticsOfNoPreset: ReadonlySet<StatisticName> = new Set(['chi-square', 'hellinger', 'rate-test'])

/** One value per name, in the order of `statisticsOf[kind]`; NaN where the rule refuses to judge. */
export const statisticsOf: Readonly<Record<WindowKind, readonly StatisticName[]>> = {
  numeric: [
    'ks',
    'ks-distance',
    'chi-square',
    'psi',
    'wasserstein',
    'jensen-shannon',
    'hellinger',
    'pull',
    'divergence-pull',
  ],
  categorical: [
    'chi-square',
    'cramers-v',
    'psi',
    'jensen-shannon',
    'hellinger',
    'l-infinity',
    'pull',
    'divergence-pull',
    'whylogs-chi-square',
  ],
  missing: ['rate-test', 'rate', 'rate-above-baseline'],
}

export interface FixedRule {
  readonly name: string
  readonly statistic: StatisticName
  readonly threshold: number
}

const minusLn = (probability: number): number => -Math.log(Math.max(probability, Number.MIN_VALUE))

/** The rules with their fixed thresholds, for baselines of more than 1000 rows. @see STATISTICS.md 14. */
export function fixedRules(kind: WindowKind, features: number): FixedRule[] {
  const perWindow = minusLn(0.05 / features)
  const perBudget = minusLn(1 / (budgetSteps * features))
  if (kind === 'missing') {
    return [
      { name: 'z-test p < 0.05', statistic: 'rate-test', threshold: minusLn(0.05) },
      { name: 'z-test p < 0.05 / F', statistic: 'rate-test', threshold: perWindow },
      { name: 'z-test p < 1 / (720 F)', statistic: 'rate-test', threshold: perBudget },
      // More than nothing: the smallest positive number is the threshold.
      { name: 'azure: null rate > 0', statistic: 'rate', threshold: Number.MIN_VALUE },
      { name: 'sagemaker: completeness', statistic: 'rate-above-baseline', threshold: Number.MIN_VALUE },
    ]
  }
  const chiSquare: FixedRule[] = [
    { name: 'χ² p < 0.05', statistic: 'chi-square', threshold: minusLn(0.05) },
    { name: 'χ² p < 0.05 / F', statistic: 'chi-square', threshold: perWindow },
    { name: 'χ² p < 1 / (720 F)', statistic: 'chi-square', threshold: perBudget },
  ]
  const psi: FixedRule[] = [
    { name: 'psi-0.1', statistic: 'psi', threshold: 0.1 },
    { name: 'psi-0.25', statistic: 'psi', threshold: 0.25 },
  ]
  const chunks: FixedRule[] = [
    { name: 'nannyml-3std', statistic: 'pull', threshold: 3 },
    { name: 'popmon', statistic: 'divergence-pull', threshold: 7 },
  ]
  if (kind === 'numeric') {
    return [
      { name: 'KS p < 0.05', statistic: 'ks', threshold: minusLn(0.05) },
      { name: 'KS p < 0.05 / F', statistic: 'ks', threshold: perWindow },
      { name: 'KS p < 1 / (720 F)', statistic: 'ks', threshold: perBudget },
      ...chiSquare,
      { name: 'evidently-default', statistic: 'wasserstein', threshold: 0.1 },
      ...chunks,
      ...psi,
      // Divergence of 0.3 bits is a distance of its square root.
      { name: 'vertex-0.3', statistic: 'jensen-shannon', threshold: Math.sqrt(0.3) },
      { name: 'sagemaker', statistic: 'ks-distance', threshold: 0.1 },
      { name: 'deepchecks-0.2', statistic: 'ks-distance', threshold: 0.2 },
      { name: 'azure', statistic: 'wasserstein', threshold: 0.1 },
      { name: 'whylogs', statistic: 'ks', threshold: minusLn(0.05) },
    ]
  }
  return [
    ...chiSquare,
    // A distance of 0.1 in nats; in bits the distance is longer by the square root of 1 / ln 2.
    { name: 'evidently-default', statistic: 'jensen-shannon', threshold: 0.1 / Math.sqrt(Math.LN2) },
    ...chunks,
    ...psi,
    { name: 'vertex-0.3', statistic: 'l-infinity', threshold: 0.3 },
    { name: 'sagemaker', statistic: 'l-infinity', threshold: 0.1 },
    { name: 'deepchecks-0.2', statistic: 'cramers-v', threshold: 0.2 },
    { name: 'azure', statistic: 'jensen-shannon', threshold: 0.1 },
    { name: 'whylogs', statistic: 'whylogs-chi-square', threshold: minusLn(0.05) },
  ]
}

/** What a rule of another tool compares windows with. */
export interface RuleBaseline {
  readonly cells: CellHistogram
  /** Only of numbers. */
  readonly bounds: Float64Array | null
  /** Cell of the merged histogram (deciles) per cell; of categories every cell is its own. */
  readonly group: Uint32Array
  readonly grouped: CellHistogram
  /** The window under judgement, in the same cells: kept from one to the next. */
  readonly window: CellHistogram
  readonly groupedWindow: CellHistogram
  /** Over baseline chunks of the window's size, which is the best case for the tools that look at them. */
  readonly chunkDistance: Spread
  readonly chunkDivergence: Spread
}

interface Spread {
  readonly mean: number
  /** With divisor n. */
  readonly deviation: number
}

/** Of one chunk there is no spread. */
const fewestChunks = 2
const mostChunks = 50

export function ruleBaseline(
  counts: Float64Array,
  bounds: Float64Array | null,
  windowRows: number,
  random: Random,
): RuleBaseline {
  const group = bounds === null ? Uint32Array.from(counts, (_, cell) => cell) : decileOfCells(counts)
  const cells = CellHistogram.of(counts)
  const distances = chunkDistances(cells, windowRows, random)
  return {
    cells,
    bounds,
    group,
    grouped: CellHistogram.of(groupCounts(counts, group)),
    window: new CellHistogram(),
    groupedWindow: new CellHistogram(),
    chunkDistance: spreadOf(distances),
    chunkDivergence: spreadOf(distances.map((distance) => distance * distance)),
  }
}

function spreadOf(values: readonly number[]): Spread {
  const mean = sumOf(values) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / values.length) }
}

/** Cells up to each decile; the range cells, empty in the baseline, belong to the outermost ones. */
function decileOfCells(counts: Float64Array): Uint32Array {
  const size = sumOf(counts)
  let below = 0
  return Uint32Array.from(counts, (count) => {
    const decile = Math.min(Math.floor((below / size) * 10 + 1e-9), 9)
    below += count
    return decile
  })
}

function groupCounts(counts: ArrayLike<number>, group: Uint32Array): Float64Array {
  const grouped = new Float64Array(group[group.length - 1]! + 1)
  for (let cell = 0; cell < group.length; cell++) grouped[group[cell]!]! += counts[cell]!
  return grouped
}

/** The baseline's rows, dealt into chunks at random; NaN when there are too few chunks for a mean and a deviation. */
function chunkDistances(baseline: CellHistogram, chunkRows: number, random: Random): number[] {
  const { counts, size } = baseline
  const chunks = Math.min(Math.floor(size / chunkRows), mostChunks)
  if (chunks < fewestChunks) return [Number.NaN]
  const rows = new Uint32Array(size)
  let at = 0
  counts.forEach((count, cell) => {
    rows.fill(cell, at, at + count)
    at += count
  })
  // Only as many rows of a shuffle as the chunks need.
  const needed = chunks * chunkRows
  for (let i = 0; i < needed; i++) {
    const other = i + random.below(size - i)
    const kept = rows[i]!
    rows[i] = rows[other]!
    rows[other] = kept
  }
  const dealt = new CellHistogram()
  return Array.from({ length: chunks }, (_, chunk) => {
    const cells = new Float64Array(counts.length)
    for (let i = chunk * chunkRows; i < (chunk + 1) * chunkRows; i++) cells[rows[i]!]!++
    return distanceInBits(baseline, dealt.read(cells))
  })
}

/** The statistics of a window of numbers, in the order of `statisticsOf.numeric`. */
export function numericStatistics(
  baseline: RuleBaseline,
  closing: { readonly min: number; readonly max: number },
  counts: Float64Array,
  extremes: { readonly min: number; readonly max: number },
): number[] {
  const bounds = baseline.bounds!
  // As the presets do: cells open on one side end where both histograms do.
  const ends = { min: Math.min(closing.min, extremes.min), max: Math.max(closing.max, extremes.max) }
  const { cells, grouped } = baseline
  const window = baseline.window.read(counts)
  const groupedWindow = baseline.groupedWindow.read(groupCounts(counts, baseline.group))
  const distance = kolmogorovSmirnovOfCells(cells, window)
  const jensenShannon = distanceInBits(cells, window)
  return [
    minusLn(kolmogorovSmirnovPValue(distance, cells.size, window.size)),
    distance,
    chiSquareOf(grouped, groupedWindow),
    psiWithFloor(grouped, groupedWindow),
    // The baseline's distribution has standard deviation 1.
    wassersteinDistance({ bounds, counts: cells.counts, ...ends }, { bounds, counts, ...ends })!,
    jensenShannon,
    hellingerOfCells(cells, window),
    pullOf(jensenShannon, baseline.chunkDistance),
    pullOf(jensenShannon * jensenShannon, baseline.chunkDivergence),
  ]
}

/** The statistics of a window of categories, in the order of `statisticsOf.categorical`. */
export function categoricalStatistics(baseline: RuleBaseline, counts: Float64Array): number[] {
  const { cells } = baseline
  const window = baseline.window.read(counts)
  const jensenShannon = distanceInBits(cells, window)
  const chiSquare = chiSquareOfCells(cells, window)
  return [
    chiSquareOf(cells, window),
    chiSquare === null ? 0 : Math.sqrt(chiSquare.statistic / (cells.size + window.size)),
    psiWithFloor(cells, window),
    jensenShannon,
    hellingerOfCells(cells, window),
    largestDifferenceOfCells(cells, window),
    pullOf(jensenShannon, baseline.chunkDistance),
    pullOf(jensenShannon * jensenShannon, baseline.chunkDivergence),
    minusLn(flooredChiSquareProbability(cells, window)),
  ]
}

/** The statistics of missing values, in the order of `statisticsOf.missing`. */
export function missingStatistics(
  baseline: { readonly hits: number; readonly rows: number },
  window: { readonly hits: number; readonly rows: number },
): number[] {
  const rate = window.hits / window.rows
  return [minusLn(rateDifferenceTest(baseline, window)!.pValue), rate, rate - baseline.hits / baseline.rows]
}

const pullOf = (value: number, { mean, deviation }: Spread): number => (value - mean) / deviation

function flooredChiSquareProbability(baseline: CellHistogram, window: CellHistogram): number {
  let statistic = 0
  let categories = 0
  for (let cell = 0; cell < baseline.cells; cell++) {
    const before = baseline.counts[cell]!
    const count = window.counts[cell]!
    if (count + before === 0) continue
    if (count > 0) categories++
    const expected = Math.floor((before / baseline.size) * window.size)
    if (expected === 0) return 0
    statistic += (count - expected) ** 2 / expected
  }
  return chiSquareUpperTail(statistic, Math.max(categories - 1, 1))
}

/** Jensen-Shannon distance, base 2. */
function distanceInBits(baseline: CellHistogram, window: CellHistogram): number {
  return Math.sqrt(jensenShannonOfCells(baseline, window) / Math.LN2)
}

function chiSquareOf(baseline: CellHistogram, window: CellHistogram): number {
  const test = chiSquareOfCells(baseline, window)
  return test === null ? 0 : minusLn(chiSquareUpperTail(test.statistic, test.degreesOfFreedom))
}

/** Peers replace a share of zero, in either sample, by this. */
const shareFloor = 0.0001

function psiWithFloor(baseline: CellHistogram, window: CellHistogram): number {
  let sum = 0
  for (let i = 0; i < baseline.cells; i++) {
    const p = baseline.shares[i]! || shareFloor
    const q = window.shares[i]! || shareFloor
    sum += (q - p) * Math.log(q / p)
  }
  return sum
}
