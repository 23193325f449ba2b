import {
  exponentialUpperBound,
  logLinearBound,
  nextDown,
  type LogLinearLayout,
} from '@driftline/instrumentation/contract'
import { histogramHeader, slot } from '../observation/block.ts'
import { defaultPercentages } from './bounds.ts'

/** Recorders put magnitudes up to 2^-64 into the zero cell, and those above 2^64 into the topmost one (recorder/log-linear-block.ts). */
const recordedExponents = { lowest: -64, highest: 64 } as const

/**
 * Quantile bounds among the boundaries of log-linear cells, so that what was counted in such cells has its place between them exactly.
 *
 * The first is the lower end of the lowest cell that holds anything, the last the upper end of the highest one. A cell at the limit of what
 * recorders tell apart stays open, since values beyond the limit are in it.
 *
 * @param values header and cells, as in a block
 * @returns the bounds, empty when there are no values, and the largest share of the values by which a bound misses its quantile
 */
export function boundsAmongCells(
  layout: LogLinearLayout,
  values: Float64Array,
): { bounds: number[]; rankError: number } {
  const count = values[slot.count]!
  const cells = values.subarray(histogramHeader)
  let first = 0
  let last = cells.length - 1
  while (first <= last && cells[first] === 0) first++
  while (last >= first && cells[last] === 0) last--
  if (first > last) return { bounds: [], rankError: 0 }
  const chosen = new Set<number>()
  let cell = first
  /** The cell that holds anything before `cell`. */
  let before = first
  let below = cells[first]!
  let rankError = 0
  for (const percentage of defaultPercentages) {
    while (cell < last && below < (percentage / 100) * count) {
      if (cells[cell]! > 0) before = cell
      below += cells[++cell]!
    }
    const over = below / count - percentage / 100
    const under = cells[cell]! / count - over
    // Whichever end of the cell is nearer to the quantile, but for the lower end of the lowest one, which is a bound anyway.
    const isNearerBelow = under < over && cell > first
    rankError = Math.max(rankError, isNearerBelow ? under : over)
    chosen.add(isNearerBelow ? before : cell)
  }
  chosen.add(last)
  const bounds = [lowerEnd(layout, first), ...[...chosen].sort((a, b) => a - b).map((one) => upperEnd(layout, one))]
  return { bounds: [...new Set(bounds.filter((bound) => Number.isFinite(bound)))], rankError: Math.min(rankError, 1) }
}

/** The bound below which a cell's values do not go; the lowest one that recorders have is open. */
function lowerEnd({ scale, negative, positive }: LogLinearLayout, cell: number): number {
  const zero = negative.length
  if (cell > zero) return logLinearBound(positive.offset + cell - zero - 2, scale)
  const bound =
    cell === zero ? -nextUp(2 ** recordedExponents.lowest) : nearestBelow(scale, negative.offset + zero - cell)
  return openAtLimit(bound)
}

/** Upper end of a cell; the topmost one that recorders have is open. */
function upperEnd({ scale, negative, positive }: LogLinearLayout, cell: number): number {
  const zero = negative.length
  // Of a negative cell the upper end is where the next cell nearer to zero begins.
  const bound =
    cell < zero
      ? nearestBelow(scale, negative.offset + zero - 1 - cell)
      : cell === zero
        ? 2 ** recordedExponents.lowest
        : logLinearBound(positive.offset + cell - zero - 1, scale)
  return openAtLimit(bound)
}

function openAtLimit(bound: number): number {
  return Math.abs(bound) >= 2 ** recordedExponents.highest ? (bound > 0 ? Infinity : -Infinity) : bound
}

/** The bound below which the negative cells from `index` on lie. */
function nearestBelow(scale: number, index: number): number {
  const end = logLinearBound(index - 1, scale)
  return end === 0 ? -Number.MIN_VALUE : -nextUp(end)
}

function nextUp(value: number): number {
  return -nextDown(-value)
}

/** Mean and variance as far as cells can tell, each value in the middle of its cell and none beyond the extremes. */
export function momentsFromCells(
  layout: LogLinearLayout | { readonly kind: 'explicit'; readonly bounds: readonly number[] },
  values: Float64Array,
  least: number,
  greatest: number,
): { mean: number; variance: number } {
  const inside = (value: number) => Math.min(Math.max(value, least), greatest)
  const cells = values.subarray(histogramHeader)
  const middle = (cell: number): number => {
    if (layout.kind === 'explicit')
      return (inside(layout.bounds[cell - 1] ?? least) + inside(layout.bounds[cell] ?? greatest)) / 2
    const { scale, negative, positive } = layout
    if (cell === negative.length) return 0
    const side =
      cell > negative.length
        ? positive.offset + cell - negative.length - 1
        : negative.offset + negative.length - 1 - cell
    const magnitude = (exponentialUpperBound(side - 1, scale) + exponentialUpperBound(side, scale)) / 2
    return inside(cell > negative.length ? magnitude : -magnitude)
  }
  let count = 0
  let mean = 0
  let squares = 0
  for (let cell = 0; cell < cells.length; cell++) {
    if (cells[cell] === 0) continue
    const value = middle(cell)
    count += cells[cell]!
    const before = value - mean
    mean += (before * cells[cell]!) / count
    squares += before * (value - mean) * cells[cell]!
  }
  const variance = count === 0 ? 0 : squares / count
  return { mean, variance: Number.isFinite(variance) ? variance : Number.MAX_VALUE }
}
