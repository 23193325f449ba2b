import { gammaln } from 'simple-statistics'

/**
 * Logarithm of the gamma function, ln Gamma(x) for x > 0; ln n! is logGamma(n + 1).
 *
 * Exactness: relative error below 1e-12 (near 1 and 2, where it crosses 0, absolute). Constant cost.
 *
 * @see Abramowitz and Stegun (1964), 6.1; scipy.special.gammaln (1.17.1).
 * @example logGamma(10) // 12.801827480081469
 */
export function logGamma(x: number): number {
  return gammaln(x)
}
