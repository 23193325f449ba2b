/** How much of each score bucket is decided positive. */
export interface DecisionSplit {
  /** 1 above the threshold, 0 below, a share where the threshold lies inside a bucket. */
  readonly above: Float64Array
  /** Whether a bound separates the decisions, so that no bucket holds both. */
  readonly exact: boolean
}

/**
 * The decision rule of a classifier, applied to score buckets.
 *
 * Buckets are (lower, upper], so a bound at the largest score that is still decided negative separates the decisions: the
 * threshold itself for the rule `>`, the next smaller number for `>=`. Layouts have such a bound; when one has not, the bucket
 * is split in proportion, as if its scores were spread evenly, and `exact` is false.
 * Ends of the outer buckets are 0 and 1 unless given. A threshold that is not a number is an error of the caller: RangeError.
 * Cost linear in the cells.
 *
 * @example decisionSplit([0.25, 0.5, 0.75], { largestNegative: 0.6 }) // { above: [0, 0, 0.6, 1], exact: false }
 */
export function decisionSplit(
  bounds: ArrayLike<number>,
  {
    largestNegative,
    lowest = 0,
    highest = 1,
  }: { readonly largestNegative: number; readonly lowest?: number; readonly highest?: number },
): DecisionSplit {
  if (Number.isNaN(largestNegative)) throw new RangeError('the decision threshold is not a number')
  const above = new Float64Array(bounds.length + 1)
  let exact = true
  for (let i = 0; i < above.length; i++) {
    const low = i === 0 ? Math.min(lowest, bounds[0] ?? lowest) : bounds[i - 1]!
    const high = i === bounds.length ? Math.max(highest, bounds[i - 1] ?? highest) : bounds[i]!
    if (high <= largestNegative) continue
    if (low >= largestNegative) {
      above[i] = 1
    } else {
      above[i] = (high - largestNegative) / (high - low)
      exact = false
    }
  }
  return { above, exact }
}
