import { sampleMoments } from './moments.ts'
import { studentFactor95 } from './student-distribution.ts'

/**
 * 95 % interval of a mean, from count, sum and sum of squares.
 *
 * Formula: mean ± t s / sqrt(n), t Student's factor with n - 1 degrees of freedom, s^2 with divisor n - 1.
 * Null with fewer than two values. Exact for normal values, else asymptotic: too short for few values with a heavy tail.
 * Cost: one inverse incomplete beta function.
 *
 * @see Student (1908), https://doi.org/10.1093/biomet/6.1.1
 * @example meanInterval({ count: 3, sum: 6, sumOfSquares: 14 }) // [-0.4841377, 4.4841377]
 */
export function meanInterval({
  count,
  sum,
  sumOfSquares,
}: {
  readonly count: number
  readonly sum: number
  readonly sumOfSquares: number
}): readonly [number, number] | null {
  const moments = sampleMoments(count, sum, sumOfSquares)
  if (moments === null || moments.variance === null) return null
  const half = studentFactor95(count - 1) * Math.sqrt(moments.variance / count)
  return [moments.meanFromOrigin - half, moments.meanFromOrigin + half]
}
