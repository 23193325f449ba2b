import { requireSameCells, sumOf } from './histogram-cells.ts'

/**
 * Hellinger distance of two histograms.
 *
 * Measures the distance between the square roots of the shares: 0 when all shares agree, 1 when no cell is used by both.
 * More sensitive to rare cells than total variation.
 * Formula: square root of half the sum over cells of (sqrt p - sqrt q)^2.
 * Variant: plain shares; empty cells are no special case. Null when one histogram is empty.
 * Of bucketed numbers a lower bound. Exact; cost linear in the cells.
 *
 * @see Hellinger (1909), https://doi.org/10.1515/crll.1909.136.210
 * @example hellingerDistance([1, 0], [0, 1]) // 1
 */
export function hellingerDistance(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  requireSameCells(baseline, window)
  const baselineSize = sumOf(baseline)
  const windowSize = sumOf(window)
  if (baselineSize <= 0 || windowSize <= 0) return null
  let sum = 0
  for (let i = 0; i < baseline.length; i++) {
    const difference = Math.sqrt(baseline[i]! / baselineSize) - Math.sqrt(window[i]! / windowSize)
    sum += difference * difference
  }
  return Math.sqrt(sum / 2)
}
