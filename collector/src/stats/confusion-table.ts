/** Counts of decisions against actual labels. Estimates of them need not be whole. */
export interface BinaryConfusion {
  readonly truePositives: number
  readonly falsePositives: number
  readonly trueNegatives: number
  readonly falseNegatives: number
}

/**
 * The confusion table of labelled score buckets under a decision rule.
 *
 * `above[i]` is the share of bucket i that is decided positive (`decision-split.ts`): 0 or 1 unless the threshold lies inside.
 * Cost linear in the cells.
 *
 * @example confusionOfBuckets([1, 4], [6, 2], [0, 1])
 *   // { truePositives: 4, falsePositives: 2, trueNegatives: 6, falseNegatives: 1 }
 */
export function confusionOfBuckets(
  positives: ArrayLike<number>,
  negatives: ArrayLike<number>,
  above: ArrayLike<number>,
): BinaryConfusion {
  let truePositives = 0
  let falsePositives = 0
  let trueNegatives = 0
  let falseNegatives = 0
  for (let i = 0; i < above.length; i++) {
    const share = above[i]!
    truePositives += positives[i]! * share
    falseNegatives += positives[i]! * (1 - share)
    falsePositives += negatives[i]! * share
    trueNegatives += negatives[i]! * (1 - share)
  }
  return { truePositives, falsePositives, trueNegatives, falseNegatives }
}
