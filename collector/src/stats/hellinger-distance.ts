import { ofCells, type CellHistogram } from './cell-histogram.ts'

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
  return ofCells(baseline, window, hellingerOfCells)
}

/** The same of histograms already prepared. */
export function hellingerOfCells({ shares: p, cells }: CellHistogram, { shares: q }: CellHistogram): number {
  let sum = 0
  for (let i = 0; i < cells; i++) {
    const difference = Math.sqrt(p[i]!) - Math.sqrt(q[i]!)
    sum += difference * difference
  }
  return Math.sqrt(sum / 2)
}
