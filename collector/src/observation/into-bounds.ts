import { exponentialIndex, logLinearBound, nextDown, type LogLinearLayout } from '@driftline/instrumentation/contract'
import { histogramHeader } from './block.ts'

/** The index whose cell, between the bounds above, holds a magnitude. */
function indexOf(magnitude: number, scale: number): number {
  let index = exponentialIndex(magnitude, scale)
  while (logLinearBound(index - 1, scale) >= magnitude) index--
  while (logLinearBound(index, scale) < magnitude) index++
  return index
}

/**
 * Adds the cells of a log-linear histogram to the cells between explicit bounds, when that is exact: no cell that holds anything lies on
 * both sides of a bound. Adds nothing otherwise.
 *
 * @param values header and cells, as in a block
 * @param counts one more than there are bounds
 * @returns whether it was exact
 */
export function addIntoBounds(
  layout: LogLinearLayout,
  values: Float64Array,
  bounds: readonly number[],
  counts: Float64Array,
): boolean {
  const { negative, positive } = layout
  const cells = negative.length + 1 + positive.length
  const added = new Float64Array(counts.length)
  let cell = 0
  for (let target = 0; target <= bounds.length; target++) {
    const end = target === bounds.length ? cells : cellsBelow(layout, values, bounds[target]!)
    if (end === null) return false
    for (; cell < end; cell++) added[target]! += values[histogramHeader + cell]!
  }
  for (let i = 0; i < counts.length; i++) counts[i]! += added[i]!
  return true
}

/** Cells whose values are all at or below a bound; null when one that holds anything has values on both sides. */
function cellsBelow(
  { scale, negative, positive }: LogLinearLayout,
  values: Float64Array,
  bound: number,
): number | null {
  const zero = negative.length
  const clamp = (below: number, length: number) => Math.min(Math.max(below, 0), length)
  const isEmpty = (cell: number) => values[histogramHeader + cell] === 0
  if (bound >= 0) {
    // The zero cell holds values of either sign that are nearer to zero than any bound but zero itself.
    if (bound === 0) return zero + 1
    const index = indexOf(bound, scale)
    const place = index - positive.offset
    const isInside = place >= 0 && place < positive.length
    if (isInside && !isEmpty(zero + 1 + place) && logLinearBound(index, scale) !== bound) return null
    return zero + 1 + clamp(place + 1, positive.length)
  }
  // The mirror image: a value of just -base^i lies in the cell nearer to zero, above the bound that is the next double below it.
  const magnitude = nextDown(-bound)
  if (magnitude === 0) return zero
  const index = indexOf(magnitude, scale)
  const place = index - negative.offset
  const isInside = place >= 0 && place < negative.length
  if (isInside && !isEmpty(zero - 1 - place)) {
    if (logLinearBound(index, scale) !== magnitude) return null
  }
  // Cells from the most negative one down to, and without, that of `index`.
  return clamp(negative.length - (place + 1), negative.length)
}
