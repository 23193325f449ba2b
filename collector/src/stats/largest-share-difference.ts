import { ofCells, type CellHistogram } from './cell-histogram.ts'

/**
 * Largest difference of a share (L-infinity, Chebyshev distance of two histograms).
 *
 * How much the one cell that moved most has gained or lost: 0 when all shares agree, at most 1.
 * Formula: max over cells of |p - q|.
 * Plain shares; null when one histogram is empty. Exact; cost linear in the cells.
 *
 * @see scipy.spatial.distance.chebyshev (1.17.1) on the shares.
 * @example largestShareDifference([50, 30, 20], [60, 30, 10]) // 0.1
 */
export function largestShareDifference(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  return ofCells(baseline, window, largestDifferenceOfCells)
}

/** The same of histograms already prepared. */
export function largestDifferenceOfCells({ shares: p, cells }: CellHistogram, { shares: q }: CellHistogram): number {
  let largest = 0
  for (let i = 0; i < cells; i++) largest = Math.max(largest, Math.abs(p[i]! - q[i]!))
  return largest
}
