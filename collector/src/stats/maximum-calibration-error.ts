import { finiteOrNull } from './finite-or-null.ts'
import type { ReliabilityBuckets } from './reliability-buckets.ts'

/**
 * Maximum calibration error (MCE) of a probability score.
 *
 * The largest difference, over buckets, between the share of positives and the score that promised it: 0 when every bucket
 * keeps its promise, at most 1. A bucket of one row can decide it alone: read it beside the counts.
 * Formula: max over buckets of |o_i / n_i - s_i|. Empty buckets do not contribute; null without rows.
 * Exact for the buckets; cost linear in them.
 *
 * @see Naeini, Cooper, Hauskrecht (2015), https://doi.org/10.1609/aaai.v29i1.9602
 * @example maximumCalibrationError(
 *   reliabilityBuckets({ bounds: [0.5], counts: [80, 20], positives: [16, 18], scoreSums: [20, 16] }),
 * ) // 0.1
 */
export function maximumCalibrationError({ counts, positives, scores }: ReliabilityBuckets): number | null {
  let largest: number | null = null
  for (let i = 0; i < counts.length; i++) {
    if (!(counts[i]! > 0)) continue
    const gap = finiteOrNull(Math.abs(positives[i]! / counts[i]! - scores[i]!))
    if (gap === null) return null
    largest = Math.max(largest ?? 0, gap)
  }
  return largest
}
