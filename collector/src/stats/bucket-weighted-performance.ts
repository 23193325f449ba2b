import { areaUnderRocCurve } from './area-under-roc-curve.ts'
import { binaryMetrics, type BinaryMetrics } from './binary-metrics.ts'
import { confusionOfBuckets, type BinaryConfusion } from './confusion-table.ts'
import type { DecisionSplit } from './decision-split.ts'
import { requireSameCells, sumOf } from './histogram-cells.ts'
import { z95 } from './wilson-interval.ts'

export interface BucketWeightedPerformance {
  /** Of all scored rows in buckets with labels; not whole. */
  readonly confusion: BinaryConfusion
  readonly metrics: BinaryMetrics
  readonly areaUnderRocCurve: number | null
  /** 95 %; null when a bucket has a single labelled row, whose rate tells nothing about its error. */
  readonly accuracyInterval: readonly [number, number] | null
  /** Labelled rows over scored rows. */
  readonly completeness: number
  /** Share of the scored rows that lie in a bucket with at least one label: what the metrics speak for. */
  readonly coverage: number
}

/**
 * Performance from partial labels, weighted to all scored rows.
 *
 * When labels arrive sooner for some scores than for others (refused credits never get one), metrics over labelled rows are
 * those of a biased sample. Weighting by score bucket removes the bias, as long as inside a bucket the label does not decide
 * whether it arrives.
 * Formula: scored_i pos_i / (pos_i + neg_i) positives in bucket i, and negatives accordingly; accuracy ± 1.96
 * sqrt(sum (scored_i / scored)^2 r_i (1 - r_i) / (labelled_i - 1)), r_i the share decided rightly (stratified sampling).
 * Buckets without any label are left out and lower `coverage`. Null when no scored row lies in a bucket with labels.
 * Cost linear in the cells.
 *
 * @throws RangeError when the histograms and the decision are not over the same cells.
 * @see Cochran, Sampling Techniques (1977), chapter 5; Horvitz, Thompson (1952), https://doi.org/10.2307/2280784
 * @example bucketWeightedPerformance({
 *   positives: [2, 30], negatives: [8, 10], scores: [60, 40], decision: decisionSplit([0.5], { largestNegative: 0.5 }),
 * })?.metrics.accuracy // 0.78
 */
export function bucketWeightedPerformance({
  positives,
  negatives,
  scores,
  decision,
}: {
  /** Labelled rows of the window per score bucket. */
  readonly positives: ArrayLike<number>
  readonly negatives: ArrayLike<number>
  /** All scored rows of the window, labelled or not. */
  readonly scores: ArrayLike<number>
  readonly decision: DecisionSplit
}): BucketWeightedPerformance | null {
  requireSameCells(positives, negatives)
  requireSameCells(positives, scores)
  requireSameCells(scores, decision.above)
  const scored = sumOf(scores)
  const weightedPositives = new Float64Array(scores.length)
  const weightedNegatives = new Float64Array(scores.length)
  let covered = 0
  let spread: number | null = 0
  for (let i = 0; i < scores.length; i++) {
    const labelled = positives[i]! + negatives[i]!
    if (!(labelled > 0) || !(scores[i]! > 0)) continue
    const rate = positives[i]! / labelled
    covered += scores[i]!
    weightedPositives[i] = scores[i]! * rate
    weightedNegatives[i] = scores[i]! * (1 - rate)
    const share = decision.above[i]!
    const right = rate * share + (1 - rate) * (1 - share)
    if (labelled > 1) {
      if (spread !== null) spread += (scores[i]! ** 2 * right * (1 - right)) / (labelled - 1)
    } else if (labelled < scores[i]!) {
      spread = null
    }
  }
  const confusion = confusionOfBuckets(weightedPositives, weightedNegatives, decision.above)
  const metrics = binaryMetrics(confusion)
  const { accuracy } = metrics
  if (accuracy === null) return null
  const half = spread === null ? null : (z95 * Math.sqrt(spread)) / covered
  return {
    confusion,
    metrics,
    areaUnderRocCurve: areaUnderRocCurve(weightedPositives, weightedNegatives)?.area ?? null,
    accuracyInterval: half === null ? null : [Math.max(0, accuracy - half), Math.min(1, accuracy + half)],
    completeness: (sumOf(positives) + sumOf(negatives)) / scored,
    coverage: covered / scored,
  }
}
