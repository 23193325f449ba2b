import { finiteOrNull } from './finite-or-null.ts'

/** Sums over rows with a probability score s and an actual label. */
export interface BrierSums {
  readonly rows: number
  readonly positives: number
  /** Sum of s^2. */
  readonly squaredScores: number
  /** Sum of s over the rows whose label is positive. */
  readonly positiveScores: number
}

/**
 * Brier score of a binary probability score.
 *
 * The mean squared difference between score and outcome (0 or 1): 0 is perfect, 1 is certain and always wrong; always saying
 * the share p of positives gives p (1 - p).
 * Formula: (sum s^2 - 2 sum over positives of s + positives) / n.
 * Variant: one class (0 to 1), not Brier's sum over both (0 to 2). Exact: from sums, not from buckets. Null without rows.
 * Constant cost.
 *
 * @see Brier (1950), https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2;
 *   sklearn.metrics.brier_score_loss (1.9.1).
 * @example brierScore({ rows: 2, positives: 1, squaredScores: 0.68, positiveScores: 0.8 }) // 0.04
 */
export function brierScore({ rows, positives, squaredScores, positiveScores }: BrierSums): number | null {
  if (!(rows > 0)) return null
  const score = finiteOrNull((squaredScores - 2 * positiveScores + positives) / rows)
  // Of a perfect score only rounding is left, on either side of 0.
  return score === null ? null : Math.max(0, score)
}
