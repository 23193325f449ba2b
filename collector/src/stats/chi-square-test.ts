import { chiSquareUpperTail } from './chi-square-distribution.ts'
import { requireSameCells, sumOf } from './histogram-cells.ts'

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
  const sum = chiSquareStatistic(baseline, window)
  if (sum === null) return null
  return { ...sum, pValue: chiSquareUpperTail(sum.statistic, sum.degreesOfFreedom) }
}

/** The statistic alone, for those who need no p-value. */
export function chiSquareStatistic(
  baseline: ArrayLike<number>,
  window: ArrayLike<number>,
): { readonly statistic: number; readonly degreesOfFreedom: number } | null {
  requireSameCells(baseline, window)
  const baselineSize = sumOf(baseline)
  const windowSize = sumOf(window)
  if (baselineSize <= 0 || windowSize <= 0) return null
  const ratio = Math.sqrt(windowSize / baselineSize)
  let statistic = 0
  let used = 0
  for (let i = 0; i < baseline.length; i++) {
    const both = baseline[i]! + window[i]!
    if (both <= 0) continue
    used++
    const difference = ratio * baseline[i]! - window[i]! / ratio
    statistic += (difference * difference) / both
  }
  return used < 2 ? null : { statistic, degreesOfFreedom: used - 1 }
}
