import { requireSameCells, sumOf } from './histogram-cells.ts'

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
  requireSameCells(baseline, window)
  const baselineSize = sumOf(baseline)
  const windowSize = sumOf(window)
  if (baselineSize <= 0 || windowSize <= 0) return null
  let sum = 0
  for (let i = 0; i < baseline.length; i++) sum += Math.abs(baseline[i]! / baselineSize - window[i]! / windowSize)
  return sum / 2
}
