import { ofCells, type CellHistogram } from './cell-histogram.ts'

/**
 * Total variation distance of two histograms.
 *
 * The share of rows that would have to change cell to make one histogram the other: 0 when all shares agree, 1 when no
 * cell is used by both.
 * Formula: half the sum over cells of |p - q|.
 * Plain shares; null when one histogram is empty. Of bucketed numbers a lower bound. Exact; cost linear in the cells.
 *
 * @see Levin, Peres, Markov Chains and Mixing Times (2017), chapter 4.
 * @example totalVariationDistance([70, 30], [60, 40]) // 0.1
 */
export function totalVariationDistance(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  return ofCells(baseline, window, totalVariationOfCells)
}

/** The same of histograms already prepared. */
export function totalVariationOfCells({ shares: p, cells }: CellHistogram, { shares: q }: CellHistogram): number {
  let sum = 0
  for (let i = 0; i < cells; i++) sum += Math.abs(p[i]! - q[i]!)
  return sum / 2
}
