import { finiteOrNull } from './finite-or-null.ts'
import { sumOf } from './histogram-cells.ts'
import type { ReliabilityBuckets } from './reliability-buckets.ts'

/**
 * Expected calibration error (ECE) of a probability score.
 *
 * By how much, on average over rows, the share of positives in a row's bucket differs from the score that promised it: 0 when
 * every bucket keeps its promise, at most 1. Biased upwards, because chance differences do not cancel: compare with
 * `expectedCalibrationErrorByChance`.
 * Formula: sum over buckets of (n_i / n) |o_i / n_i - s_i|, o_i positives, s_i the bucket's score.
 * Variant: first power, buckets of the histogram (neither equal-mass nor adaptive). Empty buckets do not contribute. Null
 * without rows. Exact for the buckets, and it grows with their number; cost linear in them.
 *
 * @see Naeini, Cooper, Hauskrecht (2015), https://doi.org/10.1609/aaai.v29i1.9602
 * @example expectedCalibrationError(
 *   reliabilityBuckets({ bounds: [0.5], counts: [80, 20], positives: [16, 18], scoreSums: [20, 16] }),
 * ) // 0.06
 */
export function expectedCalibrationError({ counts, positives, scores }: ReliabilityBuckets): number | null {
  const rows = sumOf(counts)
  if (!(rows > 0)) return null
  let sum = 0
  for (let i = 0; i < counts.length; i++) {
    if (counts[i]! > 0) sum += Math.abs(positives[i]! - counts[i]! * scores[i]!)
  }
  return finiteOrNull(sum / rows)
}

/**
 * The expected calibration error of a perfectly calibrated score in buckets of these sizes: what chance alone gives.
 *
 * Formula: sum over buckets of (n_i / n) sqrt(2 s_i (1 - s_i) / (pi n_i)), the mean absolute deviation of a normal variable;
 * for buckets of few rows an approximation of the binomial one.
 *
 * @see Johnson, Kotz, Kemp, Univariate Discrete Distributions (1992), 3.3, for the mean deviation of a binomial variable.
 * @example expectedCalibrationErrorByChance(
 *   reliabilityBuckets({ bounds: [], counts: [200], positives: [0], scoreSums: [100] }),
 * ) // 0.0282095
 */
export function expectedCalibrationErrorByChance({ counts, scores }: ReliabilityBuckets): number | null {
  const rows = sumOf(counts)
  if (!(rows > 0)) return null
  let sum = 0
  for (let i = 0; i < counts.length; i++) {
    // A mean score may leave [0, 1] by rounding.
    const variance = Math.max(0, scores[i]! * (1 - scores[i]!))
    if (counts[i]! > 0) sum += (counts[i]! / rows) * Math.sqrt((2 * variance) / (Math.PI * counts[i]!))
  }
  return finiteOrNull(sum)
}
