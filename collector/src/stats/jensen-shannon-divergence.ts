import { requireSameCells, sumOf } from './histogram-cells.ts'

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
  requireSameCells(baseline, window)
  const baselineSize = sumOf(baseline)
  const windowSize = sumOf(window)
  if (baselineSize <= 0 || windowSize <= 0) return null
  let sum = 0
  for (let i = 0; i < baseline.length; i++) {
    const p = baseline[i]! / baselineSize
    const q = window[i]! / windowSize
    const middle = (p + q) / 2
    if (p > 0) sum += p * Math.log(p / middle)
    if (q > 0) sum += q * Math.log(q / middle)
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
