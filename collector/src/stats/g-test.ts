import { ofCells, type CellHistogram } from './cell-histogram.ts'
import { chiSquareUpperTail } from './chi-square-distribution.ts'
import type { ContingencyTest } from './chi-square-test.ts'

/**
 * G-test (likelihood ratio test) of homogeneity of two histograms.
 *
 * The same question as chi-square, answered by information: G / 2 is the nats by which two distributions explain the counts
 * better than one. Near its degrees of freedom when nothing has changed.
 * Formula: 2 sum over both rows and all cells of O ln(O / E), 0 ln 0 = 0, used cells less one degrees of freedom.
 * Variant: no Williams correction. Cells empty in both are left out; merge to an expected count of 5 first.
 * Null when a histogram is empty or fewer than two cells are used. Cost: linear, and one incomplete gamma function.
 *
 * @see Woolf (1957), https://doi.org/10.1111/j.1469-1809.1972.tb00293.x;
 *   scipy.stats.chi2_contingency(lambda_='log-likelihood', correction=False) (1.17.1).
 * @example gTest([900, 100], [80, 20]) // { statistic: 7.8965191, degreesOfFreedom: 1, pValue: 0.004953 }
 */
export function gTest(baseline: ArrayLike<number>, window: ArrayLike<number>): ContingencyTest | null {
  return ofCells(baseline, window, gTestOfCells)
}

/** The same of histograms already prepared, neither of them empty. */
export function gTestOfCells(baseline: CellHistogram, window: CellHistogram): ContingencyTest | null {
  const { counts: b, cells } = baseline
  const { counts: c } = window
  const all = baseline.size + window.size
  let sum = 0
  let used = 0
  for (let i = 0; i < cells; i++) {
    const both = b[i]! + c[i]!
    if (both <= 0) continue
    used++
    // Products of whole numbers are exact: the logarithm, near 0 where little has changed, sees one rounding only.
    if (b[i]! > 0) sum += b[i]! * Math.log((b[i]! * all) / (baseline.size * both))
    if (c[i]! > 0) sum += c[i]! * Math.log((c[i]! * all) / (window.size * both))
  }
  if (used < 2) return null
  const statistic = Math.max(2 * sum, 0)
  return { statistic, degreesOfFreedom: used - 1, pValue: chiSquareUpperTail(statistic, used - 1) }
}
