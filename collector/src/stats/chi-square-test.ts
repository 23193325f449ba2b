import { ofCells, type CellHistogram } from './cell-histogram.ts'
import { chiSquareUpperTail } from './chi-square-distribution.ts'

export interface ContingencyTest {
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly pValue: number
}

/**
 * Chi-square test of homogeneity of two histograms.
 *
 * Asks whether both could come from one distribution: the statistic is near its degrees of freedom when nothing has
 * changed, and grows with the number of rows when something has.
 * Formula: sum over used cells of (sqrt(n / N) b_i - sqrt(N / n) c_i)^2 / (b_i + c_i), used cells less one degrees of freedom.
 * Variant: Pearson's, without continuity correction. Cells empty in both are left out. The p-value is asymptotic: merge
 * cells to an expected count of 5 first (`merge-cells.ts`).
 * Null when a histogram is empty or fewer than two cells are used. Cost: linear, and one incomplete gamma function.
 *
 * @see Pearson (1900); scipy.stats.chi2_contingency(correction=False) (1.17.1).
 * @example chiSquareTest([900, 100], [80, 20]) // { statistic: 9.3537415, degreesOfFreedom: 1, pValue: 0.0022253 }
 */
export function chiSquareTest(baseline: ArrayLike<number>, window: ArrayLike<number>): ContingencyTest | null {
  return withPValue(chiSquareStatistic(baseline, window))
}

/** The statistic alone, for those who need no p-value. */
export interface ChiSquareStatistic {
  readonly statistic: number
  readonly degreesOfFreedom: number
}

export function chiSquareStatistic(baseline: ArrayLike<number>, window: ArrayLike<number>): ChiSquareStatistic | null {
  return ofCells(baseline, window, chiSquareOfCells)
}

/** The statistic of histograms already prepared, neither of them empty. */
export function chiSquareOfCells(baseline: CellHistogram, window: CellHistogram): ChiSquareStatistic | null {
  const { counts: b, cells } = baseline
  const { counts: c } = window
  const ratio = Math.sqrt(window.size / baseline.size)
  const inverse = 1 / ratio
  let statistic = 0
  let used = 0
  for (let i = 0; i < cells; i++) {
    const both = b[i]! + c[i]!
    if (both <= 0) continue
    used++
    const difference = ratio * b[i]! - c[i]! * inverse
    statistic += (difference * difference) / both
  }
  return used < 2 ? null : { statistic, degreesOfFreedom: used - 1 }
}

/** The test to a statistic. */
export function withPValue(sum: ChiSquareStatistic | null): ContingencyTest | null {
  if (sum === null) return null
  const { statistic, degreesOfFreedom } = sum
  return { statistic, degreesOfFreedom, pValue: chiSquareUpperTail(statistic, degreesOfFreedom) }
}
