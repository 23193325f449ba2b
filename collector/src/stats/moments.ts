/** Mean and variance of a sample, recovered from sums about an origin. */
export interface SampleMoments {
  readonly count: number
  /** Mean minus origin: the difference of two such keeps its digits when both means are large. */
  readonly meanFromOrigin: number
  /** Divisor n - 1; null for fewer than two values. */
  readonly variance: number | null
}

/**
 * Moments from count, sum of (x - origin) and sum of (x - origin)^2.
 *
 * Variance: (sumOfSquares - sum^2 / n) / (n - 1), never below 0. With the origin near the mean nothing cancels; that is why
 * sums are taken about the baseline mean. Null when there are no values or a sum is not finite. Constant cost.
 *
 * @see Chan, Golub, LeVeque (1983), https://doi.org/10.1080/00031305.1983.10483115, on shifted sums.
 * @example sampleMoments(3, 6, 14) // { count: 3, meanFromOrigin: 2, variance: 1 }
 */
export function sampleMoments(count: number, sum: number, sumOfSquares: number): SampleMoments | null {
  if (!(count > 0) || !Number.isFinite(sum) || !Number.isFinite(sumOfSquares)) return null
  return {
    count,
    meanFromOrigin: sum / count,
    variance: count > 1 ? Math.max(0, (sumOfSquares - (sum * sum) / count) / (count - 1)) : null,
  }
}
