import { finiteOrNull } from './finite-or-null.ts'
import type { ResidualSums } from './residual-sums.ts'

/**
 * Below this share of their sum of squares, the spread of the actual values is what rounding leaves of a sum over a million
 * rows: they count as constant.
 */
const smallestSpread = 1e-10

/**
 * Coefficient of determination (R squared) of a regression model.
 *
 * The share of the spread of the actual values that predictions explain: 1 is perfect, 0 no better than always saying their
 * mean, negative when worse. Depends on the spread of the window: it can fall while the errors stay the same.
 * Formula: 1 - sum e^2 / (sum y^2 - (sum y)^2 / n); the same for sums of y about any origin.
 * Null without two rows, or when the actual values are constant as far as these sums can tell. Constant cost.
 *
 * @see Kvalseth (1985), https://doi.org/10.1080/00031305.1985.10479448; sklearn.metrics.r2_score (1.9.1).
 * @example coefficientOfDetermination({ ...sums, rows: 2, squaredResiduals: 0.5, actuals: 4, squaredActuals: 10 }) // 0.75
 */
export function coefficientOfDetermination({
  rows,
  squaredResiduals,
  actuals,
  squaredActuals,
}: ResidualSums): number | null {
  if (!(rows > 1)) return null
  const spread = squaredActuals - (actuals * actuals) / rows
  return spread > smallestSpread * squaredActuals ? finiteOrNull(1 - squaredResiduals / spread) : null
}
