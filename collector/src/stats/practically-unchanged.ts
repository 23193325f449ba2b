import { binomialAtLeast, binomialAtMost } from './binomial-distribution.ts'
import { ofCells, type CellHistogram } from './cell-histogram.ts'
import { chiSquareUpperQuantile } from './chi-square-distribution.ts'
import { noncentralChiSquareUpperTail } from './noncentral-chi-square-distribution.ts'
import { normalUpperTail } from './normal-distribution.ts'

export interface PracticallyUnchangedTest {
  readonly statistic: number
  readonly degreesOfFreedom: number
  /** Squared distance within which the truth may lie from the baseline's shares, relative to them. */
  readonly radiusSquared: number
  readonly nonCentrality: number
  readonly pValue: number
}

/**
 * Chi-square test of "practically unchanged": could the window come from some distribution near the baseline?
 *
 * An ordinary test against a baseline of finite size rejects a tiny, real difference between baseline and truth in every
 * large window. Here that difference is allowed for: a large p-value means no change beyond what the baseline itself may
 * be wrong by, plus the user's tolerance.
 * Formula: sum over cells of (c_i - n p_i)^2 / (n p_i), p smoothed baseline shares; non-central chi-square with cells less
 * one degrees of freedom and non-centrality n r^2, r^2 = upper chi-square quantile at P(Z > zEta) / N + tolerance^2.
 * Null with fewer than two cells or an empty histogram. Asymptotic; cost linear plus about 20 sqrt(n r^2) terms.
 *
 * @see Hodges, Lehmann (1954) for hypotheses with a tolerance; scipy.stats.ncx2 (1.17.1).
 * @example practicallyUnchangedTest([500, 500], [60, 40], { zEta: 3 }) // pValue 0.1632494
 */
export function practicallyUnchangedTest(
  baseline: ArrayLike<number>,
  window: ArrayLike<number>,
  { zEta, tolerance = 0 }: { readonly zEta: number; readonly tolerance?: number },
): PracticallyUnchangedTest | null {
  return ofCells(baseline, window, (one, two) => practicallyUnchangedOfCells(one, two, zEta, tolerance))
}

/** The same of histograms already prepared, neither of them empty. */
export function practicallyUnchangedOfCells(
  baseline: CellHistogram,
  window: CellHistogram,
  zEta: number,
  tolerance: number,
): PracticallyUnchangedTest | null {
  const { smoothed, cells } = baseline
  const { counts: c, size } = window
  const degreesOfFreedom = cells - 1
  if (degreesOfFreedom < 1) return null
  let statistic = 0
  for (let i = 0; i < cells; i++) {
    const expected = size * smoothed[i]!
    const difference = c[i]! - expected
    statistic += (difference * difference) / expected
  }
  const radiusSquared = credibleQuantile(zEta, degreesOfFreedom) / baseline.size + tolerance * tolerance
  const nonCentrality = size * radiusSquared
  return {
    statistic,
    degreesOfFreedom,
    radiusSquared,
    nonCentrality,
    pValue: noncentralChiSquareUpperTail(statistic, degreesOfFreedom, nonCentrality),
  }
}

/** All features of a model share zEta and have few different numbers of cells: what was computed last is kept. */
let known: { readonly zEta: number; readonly quantiles: Map<number, number> } = {
  zEta: Number.NaN,
  quantiles: new Map(),
}

function credibleQuantile(zEta: number, degreesOfFreedom: number): number {
  if (known.zEta !== zEta) known = { zEta, quantiles: new Map() }
  let quantile = known.quantiles.get(degreesOfFreedom)
  if (quantile === undefined) {
    quantile = chiSquareUpperQuantile(normalUpperTail(zEta), degreesOfFreedom)
    known.quantiles.set(degreesOfFreedom, quantile)
  }
  return quantile
}

/**
 * The same question for a rate, exact: `up` is the probability of as many hits at the highest credible rate, `down` of as
 * few at the lowest one (bounds from `clopper-pearson.ts`).
 *
 * @see Clopper, Pearson (1934), https://doi.org/10.1093/biomet/26.4.404; scipy.stats.binom (1.17.1).
 * @example practicallyUnchangedRate(3, 10, { lower: 0.05, upper: 0.1 }).up // 0.0701908264
 */
export function practicallyUnchangedRate(
  hits: number,
  rows: number,
  bounds: { readonly lower: number; readonly upper: number },
): { readonly up: number; readonly down: number } | null {
  if (rows <= 0) return null
  return { up: binomialAtLeast(hits, rows, bounds.upper), down: binomialAtMost(hits, rows, bounds.lower) }
}
