import { finiteOrNull } from './finite-or-null.ts'
import { requireSameCells } from './histogram-cells.ts'

/**
 * Normalised discounted cumulative gain (NDCG) of the window's ranking of features, judged by the baseline's importances.
 *
 * 1 when the window ranks the features as the baseline does; lower the more importance of the baseline has moved down the
 * window's ranking, places at the top weighing most. There is no level that means "changed": with ten features a swap of the
 * top two stays above 0.9. Compare with `ndcgChanceQuantile`.
 * Formula: sum_k g_k / log2(k + 1) over the window's order, over the same sum in the baseline's order; g baseline importances.
 * Variant: gains are the importances themselves (not 2^g - 1), all ranks count; equal importances keep the order of the features.
 * Null when all baseline importances are 0 or something is not a number. Exact; cost of two sorts.
 *
 * @see Jarvelin, Kekalainen (2002), https://doi.org/10.1145/582415.582418; Amazon SageMaker Developer Guide, feature
 *   attribution drift.
 * @example normalisedDiscountedCumulativeGain([0.7, 0.5, 0.05], [0.05, 0.5, 0.7]) // 0.6876396
 */
export function normalisedDiscountedCumulativeGain(
  baseline: ArrayLike<number>,
  window: ArrayLike<number>,
): number | null {
  requireSameCells(baseline, window)
  const gains = Array.from(baseline)
  const importances = Array.from(window)
  if (!gains.every(Number.isFinite) || !importances.every(Number.isFinite)) return null
  const order = importances.map((_, i) => i).sort((a, b) => importances[b]! - importances[a]!)
  const ideal = discountedSum(gains.slice().sort((a, b) => b - a))
  return ideal > 0 ? finiteOrNull(discountedSum(order.map((i) => gains[i]!)) / ideal) : null
}

function discountedSum(gains: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < gains.length; i++) sum += gains[i]! / Math.log2(i + 2)
  return sum
}
