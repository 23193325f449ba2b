import { chiSquareUpperTail } from './chi-square-distribution.ts'
import { logGamma } from './log-gamma.ts'
import { normalUpperTail } from './normal-distribution.ts'

/**
 * Above this non-centrality the series would need tens of thousands of terms, and the approximation of Sankaran is
 * accurate to about 1e-5 of the tail probability.
 */
const seriesLimit = 1e6

/**
 * Non-central chi-square distribution: upper tail.
 *
 * It is the distribution of a sum of squared normal variables whose means are not 0: what a chi-square statistic follows
 * when the truth lies a little beside the hypothesis. Non-centrality 0 is the ordinary chi-square distribution.
 *
 * P(X > x) = sum_j Poisson(j; nc / 2) Q(df / 2 + j, x / 2), summed upwards from ten Poisson standard deviations below the
 * middle. Q grows with j by x^a e^-x / Gamma(a + 1), so every term is positive and nothing cancels: the tail keeps its
 * relative accuracy. What is left out below weighs less than what is summed, because Q is smaller there.
 * Exactness: relative error below 1e-9 up to a non-centrality of a million, above that an approximation.
 * Cost: about 20 sqrt(nc / 2) cheap terms.
 *
 * @see Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions 2 (1995), 29.2; scipy.stats.ncx2 (1.17.1).
 *   Approximation: Sankaran (1963), https://doi.org/10.1093/biomet/50.1-2.199
 * @example noncentralChiSquareUpperTail(20, 9, 1) // 0.0345087
 */
export function noncentralChiSquareUpperTail(x: number, degreesOfFreedom: number, nonCentrality: number): number {
  if (x <= 0) return 1
  if (nonCentrality <= 0) return chiSquareUpperTail(x, degreesOfFreedom)
  if (nonCentrality > seriesLimit) return sankaranUpperTail(x, degreesOfFreedom, nonCentrality)
  const mean = nonCentrality / 2
  const half = x / 2
  const first = Math.max(0, Math.floor(mean - 10 * Math.sqrt(mean) - 10))
  let shape = degreesOfFreedom / 2 + first
  let tail = chiSquareUpperTail(x, degreesOfFreedom + 2 * first)
  let increment = Math.exp(shape * Math.log(half) - half - logGamma(shape + 1))
  let weight = Math.exp(first * Math.log(mean) - mean - logGamma(first + 1))
  let sum = 0
  // The far upper tail lives where Poisson weights fall but Q still rises: stop only once Q can not make up for it.
  for (let j = first; ; j++) {
    sum += weight * tail
    if (j > mean && weight * (1 + mean / (j + 1 - mean)) < 1e-17 * sum) break
    if (weight === 0 && j > mean) break
    tail = Math.min(1, tail + increment)
    shape++
    increment *= half / shape
    weight *= mean / (j + 1)
  }
  return Math.min(1, sum)
}

function sankaranUpperTail(x: number, degreesOfFreedom: number, nonCentrality: number): number {
  const sum = degreesOfFreedom + nonCentrality
  const spread = degreesOfFreedom + 2 * nonCentrality
  const h = 1 - (2 * sum * (degreesOfFreedom + 3 * nonCentrality)) / (3 * spread * spread)
  const p = spread / (sum * sum)
  const m = (h - 1) * (1 - 3 * h)
  const centre = 1 + h * p * (h - 1 - 0.5 * (2 - h) * m * p)
  const deviation = h * Math.sqrt(2 * p) * (1 + 0.5 * m * p)
  return normalUpperTail(((x / sum) ** h - centre) / deviation)
}

/**
 * The x that is exceeded with this probability, by bisection on the logarithm of the upper tail.
 *
 * @example noncentralChiSquareUpperQuantile(0.01, 9, 1) // 23.96178
 */
export function noncentralChiSquareUpperQuantile(
  tail: number,
  degreesOfFreedom: number,
  nonCentrality: number,
): number {
  if (tail >= 1) return 0
  if (!(tail > 0)) return Number.POSITIVE_INFINITY
  const centre = degreesOfFreedom + nonCentrality
  const deviation = Math.sqrt(2 * (degreesOfFreedom + 2 * nonCentrality))
  let low = 0
  let high = centre + deviation
  while (noncentralChiSquareUpperTail(high, degreesOfFreedom, nonCentrality) > tail) {
    low = high
    high *= 2
  }
  for (let iteration = 0; iteration < 100 && high - low > 1e-13 * high; iteration++) {
    const middle = (low + high) / 2
    if (noncentralChiSquareUpperTail(middle, degreesOfFreedom, nonCentrality) > tail) low = middle
    else high = middle
  }
  return (low + high) / 2
}
