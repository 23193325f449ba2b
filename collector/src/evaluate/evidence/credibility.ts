import { normalQuantile } from '../../stats/normal-distribution.ts'
import { shapeGroups, tailRanges } from './cell-groups.ts'

/** Accepted probability that a model's baseline is an unlucky draw. */
export const defaultEta = 0.01

/**
 * How many standard errors a baseline may be off in any of the directions a model watches: P(Z > zEta) = eta / directions.
 *
 * The baseline is used again in every window, so its error does not average out; rows are made valid for every truth
 * within this distance of it.
 *
 * @see STATISTICS.md 6.3; the split over directions is Bonferroni's.
 * @example credibilityMultiplier(32) // 3.4205267011318723
 */
export function credibilityMultiplier(directions: number, eta: number = defaultEta): number {
  return -normalQuantile(Math.min(eta / Math.max(directions, 1), 0.5))
}

/** Directions of the two flags, missing and invalid: up and down each. */
export const directionsPerFlag = 2

/** Directions in which the values of one histogram are watched, flags not included. */
export function valueDirections(kind: 'numeric' | 'categorical', baselineCounts: ArrayLike<number>): number {
  if (kind === 'categorical') return 2 * baselineCounts.length
  const groups = shapeGroups(baselineCounts).length
  // Location and scale both ways, each tail up, each end up, each group of cells both ways.
  return 2 + 2 + tailRanges(baselineCounts).length + 2 + (groups > 1 ? 2 * groups : 0)
}
