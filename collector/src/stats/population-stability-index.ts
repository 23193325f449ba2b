import { ofCells } from './cell-histogram.ts'
import { smoothedDivergences } from './kullback-leibler-divergence.ts'

/**
 * Population stability index (PSI), also known as Jeffreys divergence.
 *
 * Measures how far two histograms lie apart: 0 when all shares agree, growing without limit. The customary limits 0.1 and
 * 0.25 say nothing without the sample sizes: compare with `populationStabilityIndexExpected`.
 * Formula: sum over cells of (q - p) ln(q / p), p baseline and q window, both smoothed by half a row per cell.
 * Variant: smoothed, so empty cells on either side are no special case; no epsilon.
 * Null when there are no cells or one histogram is empty. Exact; cost linear in the cells.
 *
 * @see Yurdakul (2018), Statistical Properties of Population Stability Index, Western Michigan University.
 * @example populationStabilityIndex([50, 50], [50, 50]) // 0
 */
export function populationStabilityIndex(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  return ofCells(baseline, window, smoothedDivergences)?.symmetric ?? null
}

/**
 * What the index is on average when nothing has changed: (cells - 1)(1 / n + 1 / N). Without it, an index of 0.1 on 50 rows
 * and 24 cells looks like drift and is noise.
 *
 * @example populationStabilityIndexExpected(100, 1000, 5) // 0.044
 */
export function populationStabilityIndexExpected(
  windowSize: number,
  baselineSize: number,
  cells: number,
): number | null {
  return windowSize > 0 && baselineSize > 0 ? (cells - 1) * (1 / windowSize + 1 / baselineSize) : null
}
