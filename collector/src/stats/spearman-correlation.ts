import { sampleRankCorrelation } from 'simple-statistics'
import { finiteOrNull } from './finite-or-null.ts'
import { requireSameCells } from './histogram-cells.ts'

/**
 * Spearman's rank correlation of two lists.
 *
 * 1 when both order the features alike, -1 when one is the reverse of the other. Counts every place alike, so a swap at the
 * bottom weighs as much as one at the top.
 * Formula: Pearson's correlation of the ranks, ties sharing the mean of theirs.
 * Null with fewer than two values, or when one list is constant or holds something that is not a number. Exact; a sort.
 *
 * @see Spearman (1904), https://doi.org/10.2307/1412159; scipy.stats.spearmanr (1.17.1).
 * @example spearmanCorrelation([3, 2, 1], [30, 10, 20]) // 0.5
 */
export function spearmanCorrelation(first: ArrayLike<number>, second: ArrayLike<number>): number | null {
  requireSameCells(first, second)
  const one = Array.from(first)
  const two = Array.from(second)
  if (one.length < 2 || ![...one, ...two].every(Number.isFinite)) return null
  return finiteOrNull(sampleRankCorrelation(one, two))
}
