import { interpolatedCdfGap, type CdfGap, type ClosedHistogram } from './interpolated-cdf.ts'

/**
 * Energy distance of two histograms of numbers, in the square root of the unit of the values.
 *
 * 0 when the distributions agree, growing without limit; less moved by a few far outliers than Wasserstein-1.
 * Formula: square root of twice the integral of (F - G)^2, F and G piecewise linear inside the closed cells.
 * Variant: interpolated; the integral is off by at most twice the Wasserstein error bound. Null when a histogram is empty
 * or its min and max are unknown. Exact for the interpolation; cost linear in the cells.
 *
 * @see Szekely, Rizzo (2004); scipy.stats.energy_distance (1.17.1) on raw values.
 * @example energyDistance(
 *   { bounds: [1], counts: [10, 0], min: 0, max: 0 },
 *   { bounds: [1], counts: [0, 10], min: 2, max: 2 },
 * ) // 2
 */
export function energyDistance(baseline: ClosedHistogram, window: ClosedHistogram): number | null {
  return energyOfGap(interpolatedCdfGap(baseline, window))
}

/** The same from a gap already integrated. */
export function energyOfGap(gap: CdfGap | null): number | null {
  return gap === null ? null : Math.sqrt(2 * gap.squared)
}
