import { scaledComplementaryError } from './incomplete-functions.ts'

/**
 * Standard normal distribution: density, upper tail, its logarithm, and quantile.
 *
 * Upper tail: P(Z > z) = exp(-z^2 / 2) erfcx(z / sqrt 2) / 2, which keeps its relative accuracy until it underflows near
 * z = 38; the logarithm goes on from there.
 * Exactness: relative error below 1e-12. Cost: one scaled complementary error function.
 *
 * @see Abramowitz and Stegun (1964), 7.1 and 26.2; scipy.stats.norm (1.17.1).
 */
export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
}

/**
 * P(Z > z).
 *
 * @example normalUpperTail(1.959963984540054) // 0.025
 */
export function normalUpperTail(z: number): number {
  if (z < 0) return 1 - normalUpperTail(-z)
  return 0.5 * Math.exp(-0.5 * z * z) * scaledComplementaryError(z / Math.SQRT2)
}

/**
 * ln P(Z > z), finite for every finite z.
 *
 * @example normalLogUpperTail(40) // -804.6084420137538
 */
export function normalLogUpperTail(z: number): number {
  if (z < 0) return Math.log1p(-normalUpperTail(-z))
  return Math.log(0.5 * scaledComplementaryError(z / Math.SQRT2)) - 0.5 * z * z
}

/**
 * The z with P(Z <= z) = probability; -Infinity at 0 and Infinity at 1.
 *
 * Newton's method on ln P(Z > z): that function is concave and nearly a parabola, so from the starting value of the tail
 * expansion it converges in a few steps anywhere, and relative accuracy of a tiny probability is kept.
 *
 * @example normalQuantile(0.975) // 1.959963984540054
 */
export function normalQuantile(probability: number): number {
  if (!(probability >= 0 && probability <= 1)) return Number.NaN
  return probability > 0.5 ? upperTailQuantile(1 - probability) : -upperTailQuantile(probability)
}

/** z >= 0 with P(Z > z) = tail <= 1/2. */
function upperTailQuantile(tail: number): number {
  if (tail === 0) return Number.POSITIVE_INFINITY
  if (tail === 0.5) return 0
  const target = Math.log(tail)
  // P(Z > z) <= exp(-z^2 / 2) / 2, so this start lies above the answer and Newton on a concave function stays on one side.
  let z = Math.sqrt(-2 * (target + Math.LN2))
  for (let iteration = 0; iteration < 60; iteration++) {
    const hazard = Math.sqrt(2 / Math.PI) / scaledComplementaryError(z / Math.SQRT2)
    const change = (normalLogUpperTail(z) - target) / hazard
    z += change
    if (Math.abs(change) <= 1e-15 * Math.max(1, z)) break
  }
  return Math.max(z, 0)
}
