import { sumOf } from './histogram-cells.ts'

/**
 * Smoothed shares of a histogram (Krichevsky-Trofimov): half a row is added to every cell.
 *
 * share_i = (count_i + 1/2) / (sum + cells / 2). Never 0, so logarithms of it are defined for any counts, and of a large
 * histogram it is the plain share. Not an epsilon of 1e-4 or the like: that one would dominate every sum of logarithms.
 * Without any count all cells share alike. Cost: linear.
 *
 * @see Krichevsky, Trofimov (1981), https://doi.org/10.1109/TIT.1981.1056331
 * @example smoothedShares([3, 0]) // [0.875, 0.125]
 */
export function smoothedShares(counts: ArrayLike<number>): Float64Array {
  const total = smoothedTotal(counts)
  const shares = new Float64Array(counts.length)
  for (let i = 0; i < shares.length; i++) shares[i] = smoothedShare(counts[i]!, total)
  return shares
}

/** The denominator of all smoothed shares of a histogram; with `smoothedShare` for loops that need no array of them. */
export function smoothedTotal(counts: ArrayLike<number>): number {
  return sumOf(counts) + counts.length / 2
}

/** One smoothed share. */
export function smoothedShare(count: number, total: number): number {
  return (count + 0.5) / total
}
