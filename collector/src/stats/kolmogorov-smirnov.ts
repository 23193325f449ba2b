import { ofCells, type CellHistogram } from './cell-histogram.ts'
import { kolmogorovUpperTail } from './kolmogorov-distribution.ts'

/**
 * Two-sample Kolmogorov-Smirnov statistic D of two histograms over ordered cells.
 *
 * The largest difference between the two cumulative shares: 0 when all shares agree, 1 when one lies wholly below the
 * other. Strong on shifts, weak in the tails.
 * Formula: max over cells of |F_i - G_i|, F and G the cumulative shares at the upper bound of cell i.
 * Variant: at the bounds only, therefore at most the statistic of the raw values; `kolmogorovSmirnovUpperBound` is at
 * least that statistic. Ties and empty cells are no special case; null when one histogram is empty.
 * Exact; cost linear in the cells.
 *
 * @see Smirnov (1948), https://doi.org/10.1214/aoms/1177730256; scipy.stats.ks_2samp (1.17.1).
 * @example kolmogorovSmirnovStatistic([10, 10], [15, 5]) // 0.25
 */
export function kolmogorovSmirnovStatistic(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  return ofCells(baseline, window, kolmogorovSmirnovOfCells)
}

/** The same of histograms already prepared. */
export function kolmogorovSmirnovOfCells(
  { cumulative: f, cells }: CellHistogram,
  { cumulative: g }: CellHistogram,
): number {
  let largest = 0
  for (let i = 0; i < cells; i++) largest = Math.max(largest, Math.abs(f[i]! - g[i]!))
  return largest
}

/**
 * An upper bound of D on the raw values, which the buckets no longer know: max over cells of F_i - G_{i-1} and
 * G_i - F_{i-1}, at most 1.
 *
 * @example kolmogorovSmirnovUpperBound([10, 10], [15, 5]) // 0.75
 */
export function kolmogorovSmirnovUpperBound(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  return ofCells(baseline, window, kolmogorovSmirnovBoundOfCells)
}

/** The same of histograms already prepared. */
export function kolmogorovSmirnovBoundOfCells(
  { cumulative: f, cells }: CellHistogram,
  { cumulative: g }: CellHistogram,
): number {
  let largest = 0
  let before = 0
  let windowBefore = 0
  for (let i = 0; i < cells; i++) {
    largest = Math.max(largest, f[i]! - windowBefore, g[i]! - before)
    before = f[i]!
    windowBefore = g[i]!
  }
  return Math.min(largest, 1)
}

/**
 * P-value of D: Kolmogorov's limit at sqrt(N n / (N + n)) D. Conservative with ties and buckets, because D then is smaller
 * than on the raw values; asymptotic in both sizes.
 *
 * @example kolmogorovSmirnovPValue(0.25, 20, 20) // 0.5595597
 */
export function kolmogorovSmirnovPValue(statistic: number, baselineSize: number, windowSize: number): number {
  return kolmogorovUpperTail(Math.sqrt((baselineSize / (baselineSize + windowSize)) * windowSize) * statistic)
}
