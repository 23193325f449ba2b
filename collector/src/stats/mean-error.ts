import { meanInterval } from './mean-interval.ts'
import type { MetricWithInterval, ResidualSums } from './residual-sums.ts'

/**
 * Mean error (bias) of a regression model, in the unit of the target.
 *
 * 0 when errors cancel, positive when predictions are too high on average. Says nothing about their size.
 * Formula: sum of (prediction - actual) / n; 95 % interval by Student's t. Null without rows. Constant cost.
 *
 * @see Student (1908), https://doi.org/10.1093/biomet/6.1.1, for the interval.
 * @example meanError({ ...sums, rows: 3, residuals: 6, squaredResiduals: 14 })
 *   // { value: 2, interval: [-0.4841377, 4.4841377] }
 */
export function meanError({ rows, residuals, squaredResiduals }: ResidualSums): MetricWithInterval | null {
  const value = residuals / rows
  if (!(rows > 0) || !Number.isFinite(value)) return null
  return { value, interval: meanInterval({ count: rows, sum: residuals, sumOfSquares: squaredResiduals }) }
}
