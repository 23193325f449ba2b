import { finiteOrNull } from './finite-or-null.ts'
import { requireSameCells, sumOf } from './histogram-cells.ts'

export interface AreaUnderCurve {
  readonly area: number
  /** The area of the raw scores lies between these. */
  readonly lower: number
  readonly upper: number
}

/**
 * Area under the ROC curve (AUC) from score histograms of the positive and the negative rows.
 *
 * The probability that a random positive row has a higher score than a random negative one, ties counting half: 1 when the
 * score separates the classes, 1/2 when it says nothing, 0 when it separates them the wrong way round.
 * Formula: sum_i pos_i (sum_{j<i} neg_j + neg_i / 2) / (P N).
 * Variant: rows of one bucket are ties. Inside a bucket any order is possible, so the area of the raw scores lies within
 * sum_i pos_i neg_i / (2 P N) of it: about 0.005 for 50 buckets. Null without rows of both classes. Counts need not be whole.
 * Exact; cost linear in the cells.
 *
 * @see Hanley, McNeil (1982), https://doi.org/10.1148/radiology.143.1.7063747; sklearn.metrics.roc_auc_score (1.9.1).
 * @example areaUnderRocCurve([1, 4], [6, 2]) // { area: 0.775, lower: 0.6, upper: 0.95 }
 */
export function areaUnderRocCurve(positives: ArrayLike<number>, negatives: ArrayLike<number>): AreaUnderCurve | null {
  requireSameCells(positives, negatives)
  const positiveSize = sumOf(positives)
  const negativeSize = sumOf(negatives)
  if (!(positiveSize > 0) || !(negativeSize > 0)) return null
  let below = 0
  let area = 0
  let half = 0
  for (let i = 0; i < positives.length; i++) {
    const share = positives[i]! / positiveSize
    const tied = negatives[i]! / negativeSize / 2
    area += share * (below / negativeSize + tied)
    half += share * tied
    below += negatives[i]!
  }
  if (finiteOrNull(area) === null) return null
  return { area, lower: Math.max(0, area - half), upper: Math.min(1, area + half) }
}
