import { nextDown } from '@driftline/instrumentation/contract'

/** Percentages at which a numeric feature is cut unless a number of bins is asked for. */
export const defaultPercentages: readonly number[] = [
  1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 99,
]

/** Buckets of a score or confidence. */
const unitBuckets = 50

/** Percentages that cut the rows into so many bins of equal share. */
export function equalPercentages(bins: number): number[] {
  return Array.from({ length: bins - 1 }, (_, i) => ((i + 1) * 100) / bins)
}

/**
 * Bounds of a numeric feature: just below the minimum, so that the first cell means "below anything seen"; the quantiles; the
 * maximum; and the ends of the declared range, each so that the end itself is inside.
 *
 * @example quantileBounds({ min: 1, max: 4, quantiles: [2, 2, 3] }) // [nextDown(1), 2, 3, 4]
 */
export function quantileBounds(options: {
  readonly min: number
  readonly max: number
  readonly quantiles: readonly number[]
  readonly range?: { readonly min?: number; readonly max?: number } | undefined
  readonly forced?: readonly number[]
}): number[] {
  const { min, max, quantiles, range, forced = [] } = options
  return increasing([nextDown(min), ...quantiles, max, ...rangeBounds(range), ...forced])
}

/** Bounds at the ends of a declared range. */
export function rangeBounds(range: { readonly min?: number; readonly max?: number } | undefined): number[] {
  const bounds: number[] = []
  if (range?.min !== undefined) bounds.push(nextDown(range.min))
  if (range?.max !== undefined) bounds.push(range.max)
  return bounds
}

/** Bounds of 50 equal buckets from `start` to 1, the start itself in the first of them, and forced ones between. */
export function unitBounds(start: number, forced: readonly number[] = []): number[] {
  const bounds = [nextDown(start)]
  for (let i = 1; i <= unitBuckets; i++) bounds.push(start + ((1 - start) * i) / unitBuckets)
  return increasing([...bounds, ...forced])
}

/** The bound that keeps the two sides of a decision apart. */
export function decisionBound(threshold: number, rule: '>' | '>='): number {
  return rule === '>' ? threshold : nextDown(threshold)
}

function increasing(bounds: readonly number[]): number[] {
  // Minus zero and zero are one bound; infinity can arise only below the smallest double.
  const distinct = new Set(bounds.filter(Number.isFinite).map((bound) => (bound === 0 ? 0 : bound)))
  return [...distinct].sort((a, b) => a - b)
}
