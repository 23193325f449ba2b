import type { SampleMoments } from './moments.ts'
import { studentFactor95, studentUpperTail } from './student-distribution.ts'

export interface WelchTest {
  /** Window minus baseline, over its standard error. */
  readonly t: number
  readonly degreesOfFreedom: number
  /** Two-sided. */
  readonly pValue: number
  readonly meanDifference: number
  /** Of the mean difference, 95 %. */
  readonly interval: readonly [number, number]
}

/**
 * Welch's t-test: have the means moved?
 *
 * t is 0 when the means agree. Variances may differ. Not valid in the tails of heavy-tailed data, where a nominal 1e-5 can be
 * 5e-3; shown, never used for alarms.
 * Formula: (m2 - m1) / sqrt(s1^2 / n1 + s2^2 / n2), Welch-Satterthwaite degrees of freedom.
 * Null when a sample has fewer than two values or both are constant. Both samples about the same origin. Cost: a few
 * incomplete beta functions.
 *
 * @see Welch (1947), https://doi.org/10.1093/biomet/34.1-2.28; scipy.stats.ttest_ind(equal_var=False) (1.17.1).
 * @example welchTest({ count: 5, meanFromOrigin: 0, variance: 2.5 }, { count: 5, meanFromOrigin: 1, variance: 2.5 })?.t // 1
 */
export function welchTest(baseline: SampleMoments | null, window: SampleMoments | null): WelchTest | null {
  if (baseline === null || window === null || baseline.variance === null || window.variance === null) return null
  const one = baseline.variance / baseline.count
  const two = window.variance / window.count
  const squaredError = one + two
  if (!(squaredError > 0) || !Number.isFinite(squaredError)) return null
  const share = one / squaredError
  const degreesOfFreedom =
    1 / ((share * share) / (baseline.count - 1) + ((1 - share) * (1 - share)) / (window.count - 1))
  const error = Math.sqrt(squaredError)
  const meanDifference = window.meanFromOrigin - baseline.meanFromOrigin
  const t = meanDifference / error
  const half = studentFactor95(degreesOfFreedom) * error
  return {
    t,
    degreesOfFreedom,
    pValue: 2 * studentUpperTail(Math.abs(t), degreesOfFreedom),
    meanDifference,
    interval: [meanDifference - half, meanDifference + half],
  }
}

/**
 * Mean shift in baseline standard deviations (divisor n), with the t-interval on that scale. Null for a constant baseline.
 *
 * @example meanShiftInDeviations(welch, 2)?.effect // welch.meanDifference / 2
 */
export function meanShiftInDeviations(
  test: WelchTest | null,
  standardDeviation: number,
): { readonly effect: number; readonly interval: readonly [number, number] } | null {
  if (test === null || !(standardDeviation > 0)) return null
  return {
    effect: test.meanDifference / standardDeviation,
    interval: [test.interval[0] / standardDeviation, test.interval[1] / standardDeviation],
  }
}
