import { fLowerTail, fUpperTail } from './f-distribution.ts'
import type { SampleMoments } from './moments.ts'

/**
 * F-test of the ratio of two variances.
 *
 * The ratio is 1 when spread has not changed, 4 when the standard deviation has doubled. The p-value holds for normal data
 * only: with heavy tails it is far too small.
 * Formula: window variance over baseline variance, divisors n - 1; two-sided p-value, twice the smaller tail, at most 1.
 * Null when a sample has fewer than two values or is constant. Cost: one incomplete beta function.
 *
 * @see Snedecor, Cochran, Statistical Methods (1989), 6.12; scipy.stats.f (1.17.1).
 * @example varianceRatioTest({ count: 11, meanFromOrigin: 0, variance: 1 }, { count: 11, meanFromOrigin: 0, variance: 1 })
 *   // { ratio: 1, pValue: 1 }
 */
export function varianceRatioTest(
  baseline: SampleMoments | null,
  window: SampleMoments | null,
): { readonly ratio: number; readonly pValue: number } | null {
  if (baseline === null || window === null || !(baseline.variance! > 0) || !(window.variance! > 0)) return null
  const ratio = window.variance! / baseline.variance!
  if (!Number.isFinite(ratio)) return null
  const numerator = window.count - 1
  const denominator = baseline.count - 1
  // The median of F lies near 1: the tail on the ratio's own side is below 0.7, so 1 minus it keeps its digits.
  const tail = ratio >= 1 ? fUpperTail(ratio, numerator, denominator) : fLowerTail(ratio, numerator, denominator)
  const smaller = Math.min(tail, 1 - tail)
  return { ratio, pValue: Math.min(1, 2 * smaller) }
}
