import { areaUnderRocCurve } from './area-under-roc-curve.ts'
import { binaryMetrics, type BinaryMetrics } from './binary-metrics.ts'
import { confusionOfBuckets, type BinaryConfusion } from './confusion-table.ts'
import type { DecisionSplit } from './decision-split.ts'
import { requireSameCells, sumOf } from './histogram-cells.ts'
import { z95 } from './wilson-interval.ts'

export interface EstimatedPerformance {
  /** Rows of the window. */
  readonly rows: number
  /** Expected counts; they are not whole. */
  readonly confusion: BinaryConfusion
  readonly metrics: BinaryMetrics
  readonly areaUnderRocCurve: number | null
  /** Of the accuracy, 95 %: labels of the window and the size of the baseline; not a change of P(label | score). */
  readonly accuracyInterval: readonly [number, number]
  /** Variance of the realised accuracy around the estimate, from labels that are still open. */
  readonly windowVariance: number
  /** Variance of the estimate, because the baseline's rates come from finitely many rows. */
  readonly baselineVariance: number
  /** No bound of the layout separates the decisions: one bucket was split in proportion, up to four times less accurate. */
  readonly thresholdInsideBucket: boolean
}

/**
 * Performance of a classifier without labels: confidence-based estimation (CBPE) from score histograms.
 *
 * Assumes that a score means what it meant in the baseline, and asks how many of this window's rows are then decided rightly.
 * It follows a change of the inputs; it is blind to concept drift, because P(label | score) is what it takes for granted.
 * Formula: q_i = (pos_i + 1/2) / (tot_i + 1) in the baseline; n_i rows of the window count as n_i q_i positives and
 * n_i (1 - q_i) negatives. Accuracy interval: ± 1.96 sqrt(sum n_i v_i / n^2 + sum (n_i / n)^2 v_i / (tot_i + 1)),
 * v_i = q_i (1 - q_i), not cut off at 0 and 1.
 * Variant: baseline rates per bucket, not an isotonic fit per row; a bucket without baseline rows counts as half positive, with
 * the variance that goes with it. Null for an empty window. Cost linear in the cells.
 *
 * @throws RangeError when the histograms and the decision are not over the same cells.
 * @see Kivimaki et al. (2025), https://arxiv.org/abs/2505.05295, for the theory; NannyML for the method.
 * @example estimatedPerformance({
 *   baselinePositives: [9, 29], baselineNegatives: [30, 10], scores: [60, 40],
 *   decision: decisionSplit([0.5], { largestNegative: 0.5 }),
 * })?.metrics.accuracy // 0.7525
 */
export function estimatedPerformance({
  baselinePositives,
  baselineNegatives,
  scores,
  decision,
}: {
  readonly baselinePositives: ArrayLike<number>
  readonly baselineNegatives: ArrayLike<number>
  /** Rows of the window per score bucket. */
  readonly scores: ArrayLike<number>
  readonly decision: DecisionSplit
}): EstimatedPerformance | null {
  requireSameCells(baselinePositives, baselineNegatives)
  requireSameCells(baselinePositives, scores)
  requireSameCells(scores, decision.above)
  const rows = sumOf(scores)
  if (!(rows > 0)) return null
  const positives = new Float64Array(scores.length)
  const negatives = new Float64Array(scores.length)
  let windowVariance = 0
  let baselineVariance = 0
  for (let i = 0; i < scores.length; i++) {
    const total = baselinePositives[i]! + baselineNegatives[i]! + 1
    const rate = (baselinePositives[i]! + 0.5) / total
    const share = scores[i]! / rows
    positives[i] = scores[i]! * rate
    negatives[i] = scores[i]! * (1 - rate)
    windowVariance += (share * rate * (1 - rate)) / rows
    baselineVariance += (share * share * rate * (1 - rate)) / total
  }
  const confusion = confusionOfBuckets(positives, negatives, decision.above)
  const metrics = binaryMetrics(confusion)
  const { accuracy } = metrics
  const half = z95 * Math.sqrt(windowVariance + baselineVariance)
  if (accuracy === null || !Number.isFinite(half)) return null
  return {
    rows,
    confusion,
    metrics,
    areaUnderRocCurve: areaUnderRocCurve(positives, negatives)?.area ?? null,
    accuracyInterval: [accuracy - half, accuracy + half],
    windowVariance,
    baselineVariance,
    thresholdInsideBucket: !decision.exact,
  }
}
