import { averageCellWidth, interpolatedCdfGap, type CdfGap, type ClosedHistogram } from './interpolated-cdf.ts'

/**
 * Wasserstein-1 distance (earth mover's distance) of two histograms of numbers, in the unit of the values.
 *
 * How far a row has to travel on average to turn one distribution into the other: 0 when they agree; a shift of every
 * value by x gives x; grows without limit.
 * Formula: integral of |F - G|, F and G piecewise linear inside the closed cells.
 * Variant: interpolated; ends closed by min and max. `wassersteinErrorBound` is the most it can differ from the raw values.
 * Null when a histogram is empty or its min and max are unknown. Exact for the interpolation; cost linear in the cells.
 *
 * @see Vallender (1974), https://doi.org/10.1137/1118101; scipy.stats.wasserstein_distance (1.17.1) on raw values.
 * @example wassersteinDistance(
 *   { bounds: [1], counts: [10, 0], min: 0, max: 1 },
 *   { bounds: [1], counts: [0, 10], min: 1, max: 2 },
 * ) // 1
 */
export function wassersteinDistance(baseline: ClosedHistogram, window: ClosedHistogram): number | null {
  return interpolatedCdfGap(baseline, window)?.absolute ?? null
}

/**
 * The distance in baseline standard deviations (divisor n): the headline distance of a numeric feature. Null for a
 * constant baseline.
 */
export function normalisedWasserstein(gap: CdfGap | null, standardDeviation: number): number | null {
  return gap !== null && standardDeviation > 0 ? gap.absolute / standardDeviation : null
}

/** No row moves further than the width of its cell, so the raw distance lies within this of the interpolated one. */
export function wassersteinErrorBound(baseline: ClosedHistogram, window: ClosedHistogram): number | null {
  const one = averageCellWidth(baseline)
  const two = averageCellWidth(window)
  return one === null || two === null ? null : one + two
}
