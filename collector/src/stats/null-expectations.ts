import { sumOf } from './histogram-cells.ts'
import { knotsOf, type ClosedHistogram } from './interpolated-cdf.ts'
import { logGamma } from './log-gamma.ts'

/**
 * What distances between two samples of one distribution are on average, to first order in 1 / n + 1 / N.
 *
 * A distance without these numbers says nothing: 0.1 is far at 100,000 rows and the usual noise at 100. All are asymptotic,
 * for cells of which none is rare; rare cells make the true expectation smaller. Constant cost, but for the last.
 *
 * @see Pardo (2006), Statistical Inference Based on Divergence Measures, for phi-divergences being chi-square times a constant.
 */

/** Mean of the Kolmogorov distribution: sqrt(pi / 2) ln 2. */
const kolmogorovMean = Math.sqrt(Math.PI / 2) * Math.LN2

/**
 * Kolmogorov-Smirnov D of two samples of a continuous distribution; less with ties and buckets.
 *
 * @example kolmogorovSmirnovExpected(100, 100) // 0.12286
 */
export function kolmogorovSmirnovExpected(baselineSize: number, windowSize: number): number | null {
  return bothKnown(baselineSize, windowSize) ? kolmogorovMean * Math.sqrt(1 / baselineSize + 1 / windowSize) : null
}

/**
 * Jensen-Shannon distance in nats (the square root of the divergence), and Hellinger distance: both behave as
 * sqrt(X^2 (1 / n + 1 / N) / 8), X^2 chi-square with cells - 1 degrees of freedom.
 *
 * @example jensenShannonDistanceExpected(1000, 1000, 2) // 0.01261566
 */
export function jensenShannonDistanceExpected(baselineSize: number, windowSize: number, cells: number): number | null {
  if (!bothKnown(baselineSize, windowSize)) return null
  return chiMean(cells - 1) * Math.sqrt((1 / baselineSize + 1 / windowSize) / 8)
}

/**
 * Cramér's V of the two samples: sqrt(X^2 / (N + n)).
 *
 * @example cramersVExpected(900, 100, 2) // 0.02523133
 */
export function cramersVExpected(baselineSize: number, windowSize: number, cells: number): number | null {
  return bothKnown(baselineSize, windowSize) ? chiMean(cells - 1) / Math.sqrt(baselineSize + windowSize) : null
}

/**
 * Wasserstein-1 distance: sqrt(2 / pi) sqrt(1 / n + 1 / N) times the integral of sqrt(F (1 - F)), F the baseline's cumulative
 * function, linear inside closed cells. Of raw values; the distance of cells, which smooth the gap, is a little less (9 % for ten
 * cells). Cost linear in the cells.
 *
 * @see del Barrio, Giné and Matrán (1999), https://doi.org/10.1214/aop/1022677394, for the limit law.
 * @example wassersteinExpected({ bounds: [0, 1], counts: [0, 100, 0], min: 0, max: 1 }, 100) // 0.04431135
 */
export function wassersteinExpected(baseline: ClosedHistogram, windowSize: number): number | null {
  const knots = knotsOf(baseline)
  if (knots === null || !(windowSize > 0)) return null
  let integral = 0
  for (let i = 0; i + 3 < knots.length; i += 2) {
    const width = knots[i + 2]! - knots[i]!
    const before = knots[i + 1]!
    const after = knots[i + 3]!
    if (!(width > 0)) continue
    // Between two cells the function is flat.
    const mean =
      after > before ? (spread(after) - spread(before)) / (after - before) : Math.sqrt(before * Math.max(1 - before, 0))
    integral += width * mean
  }
  return Math.sqrt((2 / Math.PI) * (1 / sumOf(baseline.counts) + 1 / windowSize)) * integral
}

/** Antiderivative of sqrt(u (1 - u)). */
function spread(u: number): number {
  const share = Math.min(Math.max(u, 0), 1)
  return ((share - 0.5) * Math.sqrt(share * (1 - share))) / 2 + Math.asin(2 * share - 1) / 8
}

/** Mean of the chi distribution: sqrt(2) Γ((k + 1) / 2) / Γ(k / 2); 0 without degrees of freedom. */
function chiMean(degreesOfFreedom: number): number {
  if (!(degreesOfFreedom > 0)) return 0
  return Math.SQRT2 * Math.exp(logGamma((degreesOfFreedom + 1) / 2) - logGamma(degreesOfFreedom / 2))
}

function bothKnown(baselineSize: number, windowSize: number): boolean {
  return baselineSize > 0 && windowSize > 0
}
