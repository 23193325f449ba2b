import { finiteOrNull } from './finite-or-null.ts'
import { sumOf } from './histogram-cells.ts'

/**
 * Importance of each feature as its share of the mean absolute attributions.
 *
 * All shares add up to 1, so that models and windows of different scale can be compared. Shares are what total variation and
 * Jensen-Shannon distance of two periods are taken of; those two normalise by themselves.
 * Formula: mean|a|_f / sum of mean|a|. Null when all are 0 or one is not a number of at least 0. Cost linear in the features.
 *
 * @see Lundberg et al. (2020), https://doi.org/10.1038/s42256-019-0138-9, for mean |attribution| as importance.
 * @example attributionShares([3, 1]) // [0.75, 0.25]
 */
export function attributionShares(meanAbsolute: ArrayLike<number>): Float64Array | null {
  const sum = finiteOrNull(sumOf(meanAbsolute))
  if (sum === null || sum <= 0) return null
  const shares = Float64Array.from(meanAbsolute, (value) => value / sum)
  return shares.every((share) => share >= 0) ? shares : null
}
