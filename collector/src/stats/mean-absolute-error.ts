import { meanInterval } from './mean-interval.ts'
import type { MetricWithInterval, ResidualSums } from './residual-sums.ts'

/**
 * Mean absolute error (MAE) of a regression model, in the unit of the target.
 *
 * How far a prediction is off on average: 0 is perfect. Less moved by a few large errors than the root mean square error.
 * Formula: sum of |prediction - actual| / n; 95 % interval by Student's t from the sums of |e| and e^2, cut off at 0.
 * Null without rows. Constant cost.
 *
 * @see Willmott, Matsuura (2005), https://doi.org/10.3354/cr030079; sklearn.metrics.mean_absolute_error (1.9.1).
 * @example meanAbsoluteError({ ...sums, rows: 3, absoluteResiduals: 6, squaredResiduals: 14 })
 *   // { value: 2, interval: [0, 4.4841377] }
 */
export function meanAbsoluteError({
  rows,
  absoluteResiduals,
  squaredResiduals,
}: ResidualSums): MetricWithInterval | null {
  const value = absoluteResiduals / rows
  if (!(rows > 0) || !Number.isFinite(value)) return null
  const interval = meanInterval({ count: rows, sum: absoluteResiduals, sumOfSquares: squaredResiduals })
  return { value, interval: interval === null ? null : [Math.max(0, interval[0]), interval[1]] }
}
