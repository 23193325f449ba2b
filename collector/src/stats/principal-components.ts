import { symmetricEigen } from './symmetric-eigen.ts'

export interface PrincipalComponents {
  /** Orthonormal rows, by falling variance; each row's largest entry is positive. */
  readonly components: readonly Float64Array[]
  /** Variance along each component. */
  readonly variances: readonly number[]
  /** Share of all variance that these components explain, 0 to 1. */
  readonly explained: number
}

/**
 * Principal components: the directions in which rows vary most.
 *
 * Eigenvectors of the covariance matrix with the largest eigenvalues, as few as explain `share` of the trace, and at most one fewer than
 * there are columns, so that something is left unexplained. Null for fewer than two columns, or when nothing varies. Where two
 * eigenvalues are equal, so that any turn of their plane would do, the components are one choice among many.
 * Cost: that of `symmetricEigen`.
 *
 * @param covariance row-major, size x size
 * @see Pearson, On lines and planes of closest fit to systems of points in space, Philosophical Magazine 2 (1901); Jolliffe,
 *   Principal Component Analysis (2nd edition, 2002), 6.1.1 on cumulative shares.
 * @example principalComponents(Float64Array.of(1, 0.8, 0.8, 1), 2, 0.65) // one component, (√½, √½), explains 0.9
 */
export function principalComponents(covariance: Float64Array, size: number, share: number): PrincipalComponents | null {
  if (size < 2) return null
  const { values, vectors } = symmetricEigen(covariance, size)
  // Rounding may leave a variance of 0 just below it.
  const variances = Array.from(values, (value) => Math.max(value, 0))
  const total = variances.reduce((sum, variance) => sum + variance, 0)
  if (!(total > 0)) return null
  let kept = 0
  let explained = 0
  while (kept < size - 1 && (kept === 0 || explained < share * total)) explained += variances[kept++]!
  return {
    components: vectors.slice(0, kept),
    variances: variances.slice(0, kept),
    explained: Math.min(1, explained / total),
  }
}
