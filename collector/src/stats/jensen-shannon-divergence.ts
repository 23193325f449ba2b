import { ofCells, type CellHistogram } from './cell-histogram.ts'

/**
 * Jensen-Shannon divergence of two histograms, in nats.
 *
 * Measures how far each of the two lies from their average: 0 when all shares agree, ln 2 when no cell is used by both.
 * Formula: half of sum p ln(p / m) plus half of sum q ln(q / m), m = (p + q) / 2, 0 ln 0 = 0.
 * Variant: plain shares, because m is never 0 where p or q is not.
 * Null when one histogram is empty. Of bucketed numbers a lower bound of the divergence of the numbers themselves.
 * Exact; cost linear in the cells.
 *
 * @see Lin (1991), https://doi.org/10.1109/18.61115; scipy.spatial.distance.jensenshannon (1.17.1) is its square root.
 * @example jensenShannonDivergence([1, 0], [0, 1]) // 0.6931471805599453
 */
export function jensenShannonDivergence(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  return ofCells(baseline, window, jensenShannonOfCells)
}

/** Below this relative difference the series takes over: shorter than two logarithms, and without their cancellation. */
const seriesBelow = 0.2

/**
 * The same of histograms already prepared.
 *
 * With d = (q - p) / (p + q), a cell adds m ((1 + d) ln(1 + d) + (1 - d) ln(1 - d)), whose series is
 * m sum over k of d^(2k) / (k (2k - 1)); eleven terms leave less than 1e-16 of it.
 */
export function jensenShannonOfCells(
  { shares, cells }: CellHistogram,
  { shares: windowShares }: CellHistogram,
): number {
  let sum = 0
  for (let i = 0; i < cells; i++) {
    const p = shares[i]!
    const q = windowShares[i]!
    const both = p + q
    const difference = q - p
    if (Math.abs(difference) < seriesBelow * both) {
      const x = (difference / both) * (difference / both)
      let series = 1 / 231
      series = series * x + 1 / 190
      series = series * x + 1 / 153
      series = series * x + 1 / 120
      series = series * x + 1 / 91
      series = series * x + 1 / 66
      series = series * x + 1 / 45
      series = series * x + 1 / 28
      series = series * x + 1 / 15
      series = series * x + 1 / 6
      series = series * x + 1
      sum += (both / 2) * series * x
      continue
    }
    if (p > 0) sum += p * Math.log((2 * p) / both)
    if (q > 0) sum += q * Math.log((2 * q) / both)
  }
  return Math.max(sum / 2, 0)
}

/**
 * Jensen-Shannon distance, base 2: the square root of the divergence in bits. A metric between 0 and 1.
 *
 * @example jensenShannonDistance([1, 0], [0, 1]) // 1
 */
export function jensenShannonDistance(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  const divergence = jensenShannonDivergence(baseline, window)
  return divergence === null ? null : Math.sqrt(divergence / Math.LN2)
}
