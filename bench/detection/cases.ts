import { zipfShares, shiftedAndScaled, upperTail, bimodal, type NumericChange } from './distributions.ts'

/** Features of the model, one of which changes, and rows of its baseline: those of STATISTICS.md T5 and T6. */
export const modelFeatures = 30
export const modelBaselineRows = 10_000

export const windowSizes = [50, 200, 1000, 5000] as const

/** Windows after the change within which it must be found, by rows of a window. */
export const horizons: Readonly<Record<number, number>> = { 50: 600, 200: 300, 1000: 120, 5000: 60 }

interface CaseCommon {
  readonly name: string
  /** Median delay in windows that STATISTICS.md states, by rows of a window. */
  readonly stated: Readonly<Record<number, number>>
}

export interface NumericCase extends CaseCommon {
  readonly kind: 'numeric'
  readonly change: NumericChange
}

export interface CategoricalCase extends CaseCommon {
  readonly kind: 'categorical'
  readonly before: Float64Array
  readonly after: Float64Array
}

export interface MissingCase extends CaseCommon {
  readonly kind: 'missing'
  readonly before: number
  readonly after: number
}

export type DetectionCase = NumericCase | CategoricalCase | MissingCase

const numeric = (change: NumericChange, stated: Readonly<Record<number, number>>): NumericCase => ({
  kind: 'numeric',
  name: change.name,
  change,
  stated,
})

const numericCases: readonly NumericCase[] = [
  numeric(shiftedAndScaled('mean +0.1 sd', 0.1, 1), { 50: 116.5, 200: 33, 1000: 8, 5000: 2 }),
  numeric(shiftedAndScaled('mean +0.2 sd', 0.2, 1), { 50: 20, 200: 6, 1000: 2 }),
  numeric(shiftedAndScaled('mean +0.3 sd', 0.3, 1), { 50: 8.5, 200: 3 }),
  numeric(shiftedAndScaled('mean +0.5 sd', 0.5, 1), { 50: 3 }),
  numeric(shiftedAndScaled('sd × 1.1', 0, 1.1), { 50: 54.5, 200: 16, 1000: 4, 5000: 1 }),
  numeric(shiftedAndScaled('sd × 1.2', 0, 1.2), { 50: 11, 200: 3, 1000: 1 }),
  numeric(shiftedAndScaled('sd × 1.5', 0, 1.5), { 50: 3 }),
  numeric(upperTail('2 % tail at +5 sd', 0.02), { 50: 10, 200: 3, 1000: 1, 5000: 1 }),
  numeric(bimodal('bimodal, same mean and sd', 0.8), { 50: 84, 200: 24, 1000: 6 }),
]

/** Zipf's shares, but the third category (of two the second) has 10 %; the last cell is `_OTHER`. */
function withOneAtTenPercent(categories: number): { readonly shares: Float64Array; readonly chosen: number } {
  if (categories === 2) return { shares: Float64Array.of(0.9, 0.1, 0), chosen: 1 }
  const chosen = 2
  const zipf = zipfShares(categories)
  const shares = Float64Array.from([...zipf.map((share) => (share * 0.9) / (1 - zipf[chosen]!)), 0])
  shares[chosen] = 0.1
  return { shares, chosen }
}

function categoryGrows(categories: number, stated: Readonly<Record<number, number>>): CategoricalCase {
  const { shares, chosen } = withOneAtTenPercent(categories)
  const after = shares.map((share, cell) => (cell === chosen ? 0.15 : (share * 0.85) / 0.9))
  return { kind: 'categorical', name: `${categories} categories, one 10 → 15 %`, before: shares, after, stated }
}

function categoryAppears(categories: number, stated: Readonly<Record<number, number>>): CategoricalCase {
  const { shares } = withOneAtTenPercent(categories)
  const after = shares.map((share, cell) => (cell === categories ? 0.01 : share * 0.99))
  return { kind: 'categorical', name: `${categories} categories, new category 1 %`, before: shares, after, stated }
}

const missing = (before: number, after: number, stated: Readonly<Record<number, number>>): MissingCase => ({
  kind: 'missing',
  name: `missing ${before * 100} → ${after * 100} %`,
  before,
  after,
  stated,
})

/** Models whose features share a kind of baseline; the changes of one group are played on the same baselines. */
export interface CaseGroup {
  readonly name: string
  readonly cases: readonly DetectionCase[]
}

export const caseGroups: readonly CaseGroup[] = [
  { name: 'numbers', cases: numericCases },
  {
    name: 'missing from 0 %',
    cases: [
      missing(0, 0.01, { 50: 18, 200: 6, 1000: 2, 5000: 1 }),
      missing(0, 0.05, { 50: 2, 200: 1, 1000: 1, 5000: 1 }),
    ],
  },
  { name: 'missing from 1 %', cases: [missing(0.01, 0.05, { 50: 10, 200: 3, 1000: 1, 5000: 1 })] },
  { name: '2 categories', cases: [categoryGrows(2, { 50: 37.5, 200: 11, 1000: 3, 5000: 1 })] },
  { name: '10 categories', cases: [categoryGrows(10, { 50: 49, 200: 12.5, 1000: 3, 5000: 1 })] },
  { name: '50 categories', cases: [categoryGrows(50, { 50: 47, 200: 14, 1000: 3, 5000: 1 })] },
  {
    name: '200 categories',
    cases: [
      categoryGrows(200, { 50: 48, 200: 14, 1000: 4, 5000: 1 }),
      categoryAppears(200, { 50: 19.5, 200: 6, 1000: 2, 5000: 1 }),
    ],
  },
]
