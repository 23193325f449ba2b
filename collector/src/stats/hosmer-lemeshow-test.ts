import { chiSquareUpperTail } from './chi-square-distribution.ts'
import type { ContingencyTest } from './chi-square-test.ts'
import type { ReliabilityBuckets } from './reliability-buckets.ts'

/**
 * Hosmer-Lemeshow test of calibration.
 *
 * Asks whether the positives of all buckets could come from the scores: the statistic is near its degrees of freedom when the
 * score is calibrated. It says nothing about the size of the error: any difference becomes significant with enough rows.
 * Formula: sum over buckets of (o_i - n_i s_i)^2 / (n_i s_i (1 - s_i)).
 * Variant: degrees of freedom are the contributing buckets, without deduction, because the model was not fitted on these rows;
 * fixed buckets, not deciles of risk. Empty buckets and those with a score of 0 or 1 are left out; null when none is left.
 * Asymptotic: wants about 5 expected positives and negatives a bucket. Cost linear, and one incomplete gamma function.
 *
 * @see Hosmer, Lemeshow (1980), https://doi.org/10.1080/03610928008827941
 * @example hosmerLemeshowTest(
 *   reliabilityBuckets({ bounds: [0.5], counts: [80, 20], positives: [16, 18], scoreSums: [20, 16] }),
 * ) // { statistic: 2.3166667, degreesOfFreedom: 2, pValue: 0.3140091 }
 */
export function hosmerLemeshowTest({ counts, positives, scores }: ReliabilityBuckets): ContingencyTest | null {
  let statistic = 0
  let degreesOfFreedom = 0
  for (let i = 0; i < counts.length; i++) {
    const score = scores[i]!
    if (!(counts[i]! > 0) || score <= 0 || score >= 1) continue
    degreesOfFreedom++
    statistic += (positives[i]! - counts[i]! * score) ** 2 / (counts[i]! * score * (1 - score))
  }
  if (degreesOfFreedom === 0 || !Number.isFinite(statistic)) return null
  return { statistic, degreesOfFreedom, pValue: chiSquareUpperTail(statistic, degreesOfFreedom) }
}
