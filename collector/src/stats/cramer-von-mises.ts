import { ofCells, type CellHistogram } from './cell-histogram.ts'

/**
 * Two-sample Cramer-von Mises statistic T of two histograms over ordered cells.
 *
 * Measures the squared gap of the cumulative shares, averaged over all rows: 0 when all shares agree; about 1/6 when nothing
 * has changed; grows with the number of rows.
 * Formula: N n / (N + n)^2 times the sum over cells of (b_i + c_i) (F_i - G_i)^2.
 * Variant: Anderson's, with ties at cell level: it is the statistic of the bucketed values. The p-value is
 * `cramerVonMisesUpperTail(T)`, asymptotic, and conservative with ties.
 * Null when one histogram is empty. Exact; cost linear in the cells.
 *
 * @see Anderson (1962), https://doi.org/10.1214/aoms/1177704477; scipy.stats.cramervonmises_2samp (1.17.1).
 * @example cramerVonMisesStatistic([10, 10], [15, 5]) // 0.390625
 */
export function cramerVonMisesStatistic(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  return ofCells(baseline, window, cramerVonMisesOfCells)
}

/** The same of histograms already prepared. */
export function cramerVonMisesOfCells(baseline: CellHistogram, window: CellHistogram): number {
  const { counts: b, cumulative: f, cells } = baseline
  const { counts: c, cumulative: g } = window
  let sum = 0
  for (let i = 0; i < cells; i++) {
    const gap = f[i]! - g[i]!
    sum += (b[i]! + c[i]!) * gap * gap
  }
  const all = baseline.size + window.size
  return (baseline.size / all) * (window.size / all) * sum
}
