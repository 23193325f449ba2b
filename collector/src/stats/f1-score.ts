import type { BinaryConfusion } from './confusion-table.ts'
import { finiteOrNull } from './finite-or-null.ts'
import { wilsonInterval, z95 } from './wilson-interval.ts'

/**
 * F1 score: the harmonic mean of precision and recall.
 *
 * 1 when there is no wrong decision, 0 when no positive was found. True negatives do not enter.
 * Formula: 2 tp / (2 tp + fp + fn). Null when there is neither an actual nor a predicted positive. Exact; constant cost.
 *
 * @see van Rijsbergen, Information Retrieval (1979), chapter 7; sklearn.metrics.f1_score (1.9.1).
 * @example f1Score({ truePositives: 40, falsePositives: 10, trueNegatives: 45, falseNegatives: 5 }) // 0.8421053
 */
export function f1Score({ truePositives, falsePositives, falseNegatives }: BinaryConfusion): number | null {
  return finiteOrNull((2 * truePositives) / (2 * truePositives + falsePositives + falseNegatives))
}

/**
 * Interval of the F1 score, through the Jaccard index.
 *
 * F1 is no proportion, but J = tp / (tp + fp + fn) is one, of the rows that are positive by label or decision; F1 = 2 J / (1 + J)
 * grows with J, so Wilson's interval of J maps to one of F1. Given the number of such rows; approximate. Constant cost.
 *
 * @see Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953, for the interval of J.
 * @example f1Interval({ truePositives: 40, falsePositives: 10, trueNegatives: 45, falseNegatives: 5 }) // [0.7481833, 0.9054246]
 */
export function f1Interval(
  { truePositives, falsePositives, falseNegatives }: BinaryConfusion,
  z: number = z95,
): readonly [number, number] | null {
  const jaccard = wilsonInterval(truePositives, truePositives + falsePositives + falseNegatives, z)
  return jaccard === null ? null : [ofJaccard(jaccard[0]), ofJaccard(jaccard[1])]
}

function ofJaccard(index: number): number {
  return (2 * index) / (1 + index)
}
