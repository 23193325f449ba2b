import { chiSquareLowerQuantile, chiSquareUpperQuantile } from './chi-square-distribution.ts'
import type { MetricWithInterval, ResidualSums } from './residual-sums.ts'

/** Half of the 5 % that a 95 % interval leaves out. */
const tail = 0.025

/**
 * Root mean square error (RMSE) of a regression model, in the unit of the target.
 *
 * 0 is perfect; at least the mean absolute error, and far above it when a few errors are large.
 * Formula: sqrt(sum e^2 / n); 95 % interval from sum e^2 / sigma^2 being chi-square with n degrees of freedom.
 * Variant: the interval holds for independent normal residuals without bias only, and is too short for heavy tails: to be
 * shown as such. Divisor n, not n - p. Null without rows; the interval needs two. Cost: two inverse incomplete gamma functions.
 *
 * @see Chai, Draxler (2014), https://doi.org/10.5194/gmd-7-1247-2014; scipy.stats.chi2 (1.17.1).
 * @example rootMeanSquareError({ ...sums, rows: 3, squaredResiduals: 12 }) // { value: 2, interval: [1.1329791, 7.4570946] }
 */
export function rootMeanSquareError({ rows, squaredResiduals }: ResidualSums): MetricWithInterval | null {
  const value = Math.sqrt(Math.max(0, squaredResiduals) / rows)
  if (!(rows > 0) || !Number.isFinite(value)) return null
  if (rows < 2) return { value, interval: null }
  return {
    value,
    interval: [
      Math.sqrt(squaredResiduals / chiSquareUpperQuantile(tail, rows)),
      Math.sqrt(squaredResiduals / chiSquareLowerQuantile(tail, rows)),
    ],
  }
}
