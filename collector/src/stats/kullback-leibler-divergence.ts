import { ofCells, type CellHistogram } from './cell-histogram.ts'

/**
 * Kullback-Leibler divergence of one histogram from another, in nats.
 *
 * Measures the information lost when `reference` is taken for `histogram`: 0 when all shares agree, growing without limit;
 * not symmetric.
 * Formula: sum over cells of p ln(p / r), p the shares of `histogram`, r those of `reference`, smoothed by half a row a cell.
 * Variant: smoothed, therefore always finite. Of bucketed numbers it is at most the divergence of the numbers themselves.
 * Null when there are no cells or one histogram is empty. Exact; cost linear in the cells.
 *
 * @see Kullback, Leibler (1951), https://doi.org/10.1214/aoms/1177729694; scipy.special.rel_entr (1.17.1).
 * @example kullbackLeiblerDivergence([3, 1], [1, 3]) // 0.3389191
 */
export function kullbackLeiblerDivergence(histogram: ArrayLike<number>, reference: ArrayLike<number>): number | null {
  return ofCells(reference, histogram, smoothedDivergences)?.forward ?? null
}

/** Of smoothed shares p of a baseline and q of a window. */
export interface SmoothedDivergences {
  /** Sum of q ln(q / p): of the window from the baseline. */
  readonly forward: number
  /** Sum of p ln(p / q): of the baseline from the window. */
  readonly reverse: number
  /** Sum of (q - p) ln(q / p), both together: the population stability index. */
  readonly symmetric: number
}

/** Both divergences and their sum, which need the same logarithms, of histograms already prepared. */
export function smoothedDivergences(
  { smoothed: p, cells }: CellHistogram,
  { smoothed: q }: CellHistogram,
): SmoothedDivergences {
  let forward = 0
  let reverse = 0
  let symmetric = 0
  for (let i = 0; i < cells; i++) {
    const baseline = p[i]!
    const window = q[i]!
    const logRatio = Math.log(window / baseline)
    forward += window * logRatio
    reverse -= baseline * logRatio
    symmetric += (window - baseline) * logRatio
  }
  return { forward: Math.max(forward, 0), reverse: Math.max(reverse, 0), symmetric }
}
