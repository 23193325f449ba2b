import { requireSameCells } from './histogram-cells.ts'

/** What became of the rows of each score bucket: the common input of all calibration measures. */
export interface ReliabilityBuckets {
  readonly counts: ArrayLike<number>
  /** Rows whose actual label is positive. */
  readonly positives: ArrayLike<number>
  /** The score that stands for the rows of a bucket; 0 where a bucket is empty, and not used there. */
  readonly scores: ArrayLike<number>
  /** Of the part of a bucket that lies in [0, 1]. */
  readonly widths: ArrayLike<number>
  /** Whether `scores` are the true means of the rows, or the middles of the buckets. */
  readonly kind: 'mean' | 'midpoint'
}

/**
 * Score buckets with their counts, positives and one score each.
 *
 * The score of a bucket is the mean of its rows when score sums were kept, else the middle of the bucket; ends outside [0, 1]
 * are cut off there. With middles, a measure of calibration also contains how far rows lie from the middle of their bucket.
 * Cost linear in the cells.
 *
 * @throws RangeError when counts, positives and score sums are not over the same cells, or bounds do not fit them.
 * @see Murphy (1973), https://doi.org/10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2
 * @example reliabilityBuckets({ bounds: [0.5], counts: [4, 2], positives: [1, 2], scoreSums: [1, 1.5] }).scores // [0.25, 0.75]
 */
export function reliabilityBuckets({
  bounds,
  counts,
  positives,
  scoreSums,
}: {
  readonly bounds: ArrayLike<number>
  readonly counts: ArrayLike<number>
  readonly positives: ArrayLike<number>
  /** Sum of the scores of the rows of each bucket. */
  readonly scoreSums?: ArrayLike<number>
}): ReliabilityBuckets {
  requireSameCells(counts, positives)
  if (scoreSums !== undefined) requireSameCells(counts, scoreSums)
  if (bounds.length !== counts.length - 1) {
    throw new RangeError(`${counts.length} score buckets need ${counts.length - 1} bounds, got ${bounds.length}`)
  }
  const scores = new Float64Array(counts.length)
  const widths = new Float64Array(counts.length)
  for (let i = 0; i < counts.length; i++) {
    const low = i === 0 ? 0 : insideUnit(bounds[i - 1]!)
    const high = i === bounds.length ? 1 : insideUnit(bounds[i]!)
    widths[i] = high - low
    if (counts[i]! > 0) scores[i] = scoreSums === undefined ? (low + high) / 2 : scoreSums[i]! / counts[i]!
  }
  return { counts, positives, scores, widths, kind: scoreSums === undefined ? 'midpoint' : 'mean' }
}

function insideUnit(bound: number): number {
  return Math.min(Math.max(bound, 0), 1)
}
