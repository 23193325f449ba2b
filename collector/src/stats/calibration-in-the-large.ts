import { finiteOrNull } from './finite-or-null.ts'
import { sumOf } from './histogram-cells.ts'
import type { ReliabilityBuckets } from './reliability-buckets.ts'

/**
 * Calibration-in-the-large: are there as many positives as the scores promise, taken together?
 *
 * 0 when the overall share of positives is the mean score; +0.02 when there are two positives in a hundred rows more than
 * promised. A change here with unchanged inputs is the plainest sign of concept drift.
 * Formula: (sum of o_i - sum of n_i s_i) / n. Null without rows. Exact with score sums; cost linear in the cells.
 *
 * @see Van Calster et al. (2019), https://doi.org/10.1186/s12916-019-1466-7
 * @example calibrationInTheLarge(
 *   reliabilityBuckets({ bounds: [0.5], counts: [80, 20], positives: [16, 18], scoreSums: [20, 16] }),
 * ) // -0.02
 */
export function calibrationInTheLarge({ counts, positives, scores }: ReliabilityBuckets): number | null {
  const rows = sumOf(counts)
  if (!(rows > 0)) return null
  let excess = 0
  for (let i = 0; i < counts.length; i++) {
    if (counts[i]! > 0) excess += positives[i]! - counts[i]! * scores[i]!
  }
  return finiteOrNull(excess / rows)
}
