import { requireSameCells, sumOf } from './histogram-cells.ts'
import { smoothedShare, smoothedTotal } from './smoothed-shares.ts'

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
  requireSameCells(histogram, reference)
  if (sumOf(histogram) <= 0 || sumOf(reference) <= 0) return null
  const histogramTotal = smoothedTotal(histogram)
  const referenceTotal = smoothedTotal(reference)
  let sum = 0
  for (let i = 0; i < histogram.length; i++) {
    const p = smoothedShare(histogram[i]!, histogramTotal)
    sum += p * Math.log(p / smoothedShare(reference[i]!, referenceTotal))
  }
  return Math.max(sum, 0)
}
