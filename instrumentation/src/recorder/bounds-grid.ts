/** Places of a column in the grid: with a byte each, as much memory as half its bounds take. */
export const gridCells = 128

/**
 * Even cells from the lowest bound of a column to the highest, by which a value finds its place among bounds in one step. Each grid cell
 * holds how many bounds are below all of its values; which makes one comparison the rest of the search, where no cell has two bounds.
 */
export interface BoundsGrid {
  readonly low: number
  /** Grid cells per unit; NaN where a grid cell would have two bounds, as those of very skewed columns. */
  readonly scale: number
  readonly below: Uint8Array
}

export function gridOver(bounds: readonly number[]): BoundsGrid {
  const low = bounds[0] ?? 0
  // Of a single bound, any width will do.
  const width = (bounds.at(-1) ?? 0) - low || 1
  const scale = (gridCells - 1) / width
  // Places are made by the very operations of `gridPlace`, each of which never falls where its operand rises: rounding moves no value past a bound.
  const places = bounds.map((bound) => gridPlace(bound, low, scale))
  const below = Uint8Array.from({ length: gridCells }, (_, place) => places.filter((bound) => bound < place).length)
  const usable = Number.isFinite(scale) && Number.isFinite(low * scale) && new Set(places).size === places.length
  return { low, scale: usable ? scale : Number.NaN, below }
}

function gridPlace(value: number, low: number, scale: number): number {
  return Math.min(Math.max(Math.trunc((value - low) * scale), 0), gridCells - 1)
}
