import { gridCells, gridOver } from './bounds-grid.ts'
import type { NumericBlock, NumericColumn, NumericInvalid, NumericReading } from './numeric-block.ts'

/** Steps of the search that every layout of up to 31 bounds takes, however few it has: one unrolled search serves them all. */
export const minimumDepth = 5

/** Steps of a search over `bounds` bounds: the smallest k >= 5 with 2^k - 1 >= bounds. */
export function searchDepth(bounds: number): number {
  return Math.max(minimumDepth, Math.ceil(Math.log2(bounds + 1)))
}

// A column's numbers beside its cells, in one run so that recording a value touches one or two cache lines.
const originAt = 0
const lowAt = 1
const highAt = 2
const firstAt = 3
const secondAt = 4
const minAt = 5
const maxAt = 6
const outOfRangeAt = 7
const invalidAt = 8
const gridLowAt = 12
const gridScaleAt = 13
const stateSize = 14

/**
 * Values whose places in a grid have squares that add up to more are left to the search: beyond, a place may not fit in 32 bits. NaN and
 * infinite values are among them.
 */
const gridReach = 2 ** 60
const lastGridCell = gridCells - 1

/**
 * Histograms over explicit bounds, for columns whose bounds need the same number of search steps.
 *
 * Each column owns 2^depth places in one flat array of bounds, padded with Infinity: the search needs no branch (a comparison
 * becomes 0 or 1 and moves the position), which matters because fresh data makes every branch of a binary search a
 * coin toss. Position p of the bounds is position p of the counts. The cell of a value is the number of bounds strictly below it.
 */
export class ExplicitBlock implements NumericBlock {
  readonly columns: number
  readonly #depth: number
  readonly #bounds: Float64Array
  readonly #counts: Float64Array
  readonly #state: Float64Array
  /** By column and place in its grid, the bounds below; empty for layouts of more bounds. */
  readonly #below: Uint8Array
  readonly #boundaries: number[][]
  /** Columns whose origin is yet to be taken from the first value. */
  readonly #openOrigins: Set<number>

  constructor(columns: readonly NumericColumn[], depth: number) {
    this.columns = columns.length
    this.#depth = depth
    this.#bounds = new Float64Array(columns.length << depth).fill(Infinity)
    this.#counts = new Float64Array(columns.length << depth)
    this.#state = new Float64Array(columns.length * stateSize)
    this.#below = new Uint8Array(depth === minimumDepth ? columns.length * gridCells : 0)
    this.#boundaries = columns.map(({ bounds }) => [...bounds!])
    this.#openOrigins = new Set()
    columns.forEach(({ bounds, origin, low, high }, column) => {
      this.#bounds.set(bounds!, column << depth)
      const at = column * stateSize
      this.#state[at + originAt] = origin ?? 0
      this.#state[at + lowAt] = low
      this.#state[at + highAt] = high
      if (depth === minimumDepth) {
        const grid = gridOver(bounds!)
        this.#below.set(grid.below, column * gridCells)
        this.#state[at + gridLowAt] = grid.low
        this.#state[at + gridScaleAt] = grid.scale
      }
      if (origin === null) this.#openOrigins.add(column)
    })
    this.reset()
  }

  get bytes(): number {
    return this.#bounds.byteLength + this.#counts.byteLength + this.#state.byteLength + this.#below.byteLength
  }

  record(column: number, value: number): void {
    if (this.#openOrigins.size > 0) this.#setOrigin(column, value)
    this.#count(column, value)
  }

  recordColumn(column: number, values: Float64Array, count: number): void {
    if (this.#depth !== minimumDepth || this.#openOrigins.size > 0) {
      for (let i = 0; i < count; i++) this.record(column, values[i]!)
      return
    }
    const placed = this.#placeFloat64(column, values, 0, 1, count)
    if (placed === count) return
    const stopped = this.#countRun(column, values, placed, count)
    if (stopped < count)
      this.#countRun(column, values, stopped, this.#removeNonFinite(column * stateSize, values, stopped, count))
  }

  recordStrided(column: number, data: Float32Array | Float64Array, first: number, step: number, count: number): number {
    if (this.#depth !== minimumDepth || this.#openOrigins.size > 0) return 0
    return data instanceof Float32Array
      ? this.#placeFloat32(column, data, first, step, count)
      : this.#placeFloat64(column, data, first, step, count)
  }

  addInvalid(column: number, reason: NumericInvalid, count: number): void {
    this.#state[column * stateSize + invalidAt + reason]! += count
  }

  read(column: number): NumericReading {
    const state = this.#state.subarray(column * stateSize, (column + 1) * stateSize)
    const bounds = this.#boundaries[column]!
    const start = column << this.#depth
    const counts = Array.from(this.#counts.subarray(start, start + bounds.length + 1))
    return {
      count: counts.reduce((sum, count) => sum + count, 0),
      origin: state[originAt]!,
      first: state[firstAt]!,
      second: state[secondAt]!,
      min: state[minAt]!,
      max: state[maxAt]!,
      outOfRange: state[outOfRangeAt]!,
      missing: state[invalidAt]!,
      nan: state[invalidAt + 1]!,
      infinite: state[invalidAt + 2]!,
      wrongType: state[invalidAt + 3]!,
      cells: { kind: 'explicit', bounds, counts },
    }
  }

  reset(): void {
    this.#counts.fill(0)
    for (let at = 0; at < this.#state.length; at += stateSize) {
      this.#state.fill(0, at + firstAt, at + gridLowAt)
      this.#state[at + minAt] = Infinity
      this.#state[at + maxAt] = -Infinity
    }
  }

  /**
   * Counts values by the search of least depth, up to the first pair with one that is not finite; returns where it stopped. A call in the
   * loop that handles such values on the spot would make all others a tenth slower: after it, every array has to be looked at again.
   */
  #countRun(column: number, values: Float64Array, from: number, end: number): number {
    const bounds = this.#bounds
    const counts = this.#counts
    const state = this.#state
    const start = column << minimumDepth
    const at = column * stateSize
    const middle = bounds[start + 15]!
    const origin = state[at + originAt]!
    let first = 0
    let second = 0
    // Not from infinity: the first values of each call would all set a new minimum or maximum, which no branch predictor foresees.
    let min = state[at + minAt]!
    let max = state[at + maxAt]!
    let i = from
    // Two values at a time: their searches do not wait for each other, which makes the loop a fifth faster.
    for (; i + 1 < end; i += 2) {
      const value = values[i]!
      const other = values[i + 1]!
      // The difference of a number to itself is 0, but NaN when it is not finite.
      if (value - value + (other - other) !== 0) break
      // `| 0` tells the compiler that positions are whole numbers of 32 bits; it makes the loop a seventh faster.
      let position = (start + (+(middle < value) << 4)) | 0
      let otherPosition = (start + (+(middle < other) << 4)) | 0
      position = (position + (+(bounds[position + 7]! < value) << 3)) | 0
      otherPosition = (otherPosition + (+(bounds[otherPosition + 7]! < other) << 3)) | 0
      position = (position + (+(bounds[position + 3]! < value) << 2)) | 0
      otherPosition = (otherPosition + (+(bounds[otherPosition + 3]! < other) << 2)) | 0
      position = (position + (+(bounds[position + 1]! < value) << 1)) | 0
      otherPosition = (otherPosition + (+(bounds[otherPosition + 1]! < other) << 1)) | 0
      position = (position + +(bounds[position]! < value)) | 0
      otherPosition = (otherPosition + +(bounds[otherPosition]! < other)) | 0
      counts[position]!++
      counts[otherPosition]!++
      const difference = value - origin
      const otherDifference = other - origin
      first += difference + otherDifference
      second += difference * difference + otherDifference * otherDifference
      if (value < min) min = value
      if (other < min) min = other
      if (value > max) max = value
      if (other > max) max = other
    }
    state[at + firstAt]! += first
    state[at + secondAt]! += second
    state[at + minAt] = min
    state[at + maxAt] = max
    if (min < state[at + lowAt]! || max > state[at + highAt]!) this.#countOutOfRange(at, values, from, 1, i - from)
    if (i !== end - 1) return i
    this.#count(column, values[i]!)
    return end
  }

  /**
   * Counts data[from], data[from + step] and so on by their places in the grid, up to the first pair with one that has none, since it is not finite
   * or so far away; returns how many were counted, none where the column has no grid.
   */
  #placeFloat32(column: number, data: Float32Array, from: number, step: number, count: number): number {
    const bounds = this.#bounds
    const counts = this.#counts
    const state = this.#state
    const below = this.#below
    const start = column << minimumDepth
    const at = column * stateSize
    const low = state[at + gridLowAt]!
    const scale = state[at + gridScaleAt]!
    const grid = column * gridCells + lastGridCell
    const origin = state[at + originAt]!
    let first = 0
    let second = 0
    // Not from infinity: the first values of each call would all set a new minimum or maximum, which no branch predictor foresees.
    let min = state[at + minAt]!
    let max = state[at + maxAt]!
    let next = from
    let i = 0
    // Two values at a time: their searches do not wait for each other.
    for (; i + 1 < count; i += 2) {
      const value = data[next]!
      const other = data[next + step]!
      const reached = (value - low) * scale
      const otherReached = (other - low) * scale
      if (!(reached * reached + otherReached * otherReached < gridReach)) break
      let place = reached | 0
      let otherPlace = otherReached | 0
      // Below the grid is its first cell, above it the last: by the bits, since to the left and right are values, too, often enough.
      place = ((place & ~(place >> 31)) - lastGridCell) | 0
      otherPlace = ((otherPlace & ~(otherPlace >> 31)) - lastGridCell) | 0
      // `| 0` tells the compiler that positions are whole numbers of 32 bits.
      let position = (start + below[(grid + (place & (place >> 31))) | 0]!) | 0
      let otherPosition = (start + below[(grid + (otherPlace & (otherPlace >> 31))) | 0]!) | 0
      position = (position + +(bounds[position]! < value)) | 0
      otherPosition = (otherPosition + +(bounds[otherPosition]! < other)) | 0
      counts[position]!++
      counts[otherPosition]!++
      const difference = value - origin
      const otherDifference = other - origin
      first += difference + otherDifference
      second += difference * difference + otherDifference * otherDifference
      if (value < min) min = value
      if (other < min) min = other
      if (value > max) max = value
      if (other > max) max = other
      next = (next + 2 * step) | 0
    }
    state[at + firstAt]! += first
    state[at + secondAt]! += second
    state[at + minAt] = min
    state[at + maxAt] = max
    if (min < state[at + lowAt]! || max > state[at + highAt]!) this.#countOutOfRange(at, data, from, step, i)
    if (i !== count - 1) return i
    this.#count(column, data[next]!)
    return count
  }

  /** The same: one loop for both kinds of array would look up the kind at each value. */
  #placeFloat64(column: number, data: Float64Array, from: number, step: number, count: number): number {
    const bounds = this.#bounds
    const counts = this.#counts
    const state = this.#state
    const below = this.#below
    const start = column << minimumDepth
    const at = column * stateSize
    const low = state[at + gridLowAt]!
    const scale = state[at + gridScaleAt]!
    const grid = column * gridCells + lastGridCell
    const origin = state[at + originAt]!
    let first = 0
    let second = 0
    // Not from infinity: the first values of each call would all set a new minimum or maximum, which no branch predictor foresees.
    let min = state[at + minAt]!
    let max = state[at + maxAt]!
    let next = from
    let i = 0
    // Two values at a time: their searches do not wait for each other.
    for (; i + 1 < count; i += 2) {
      const value = data[next]!
      const other = data[next + step]!
      const reached = (value - low) * scale
      const otherReached = (other - low) * scale
      if (!(reached * reached + otherReached * otherReached < gridReach)) break
      let place = reached | 0
      let otherPlace = otherReached | 0
      // Below the grid is its first cell, above it the last: by the bits, since to the left and right are values, too, often enough.
      place = ((place & ~(place >> 31)) - lastGridCell) | 0
      otherPlace = ((otherPlace & ~(otherPlace >> 31)) - lastGridCell) | 0
      // `| 0` tells the compiler that positions are whole numbers of 32 bits.
      let position = (start + below[(grid + (place & (place >> 31))) | 0]!) | 0
      let otherPosition = (start + below[(grid + (otherPlace & (otherPlace >> 31))) | 0]!) | 0
      position = (position + +(bounds[position]! < value)) | 0
      otherPosition = (otherPosition + +(bounds[otherPosition]! < other)) | 0
      counts[position]!++
      counts[otherPosition]!++
      const difference = value - origin
      const otherDifference = other - origin
      first += difference + otherDifference
      second += difference * difference + otherDifference * otherDifference
      if (value < min) min = value
      if (other < min) min = other
      if (value > max) max = value
      if (other > max) max = other
      next = (next + 2 * step) | 0
    }
    state[at + firstAt]! += first
    state[at + secondAt]! += second
    state[at + minAt] = min
    state[at + maxAt] = max
    if (min < state[at + lowAt]! || max > state[at + highAt]!) this.#countOutOfRange(at, data, from, step, i)
    if (i !== count - 1) return i
    this.#count(column, data[next]!)
    return count
  }

  /** One value, by a search of any depth. */
  #count(column: number, value: number): void {
    const at = column * stateSize
    if (value - value !== 0) {
      this.#countNonFinite(at, value)
      return
    }
    const bounds = this.#bounds
    let position = column << this.#depth
    for (let step = this.#depth - 1; step >= 0; step--)
      position += +(bounds[position + (1 << step) - 1]! < value) << step
    this.#counts[position]!++
    const state = this.#state
    const difference = value - state[at + originAt]!
    state[at + firstAt]! += difference
    state[at + secondAt]! += difference * difference
    if (value < state[at + minAt]!) state[at + minAt] = value
    if (value > state[at + maxAt]!) state[at + maxAt] = value
    if (value < state[at + lowAt]! || value > state[at + highAt]!) state[at + outOfRangeAt]!++
  }

  /** A second look at the values, in an interval that had some out of range, which is rare. */
  #countOutOfRange(at: number, data: Float32Array | Float64Array, from: number, step: number, count: number): void {
    const low = this.#state[at + lowAt]!
    const high = this.#state[at + highAt]!
    for (let i = 0; i < count; i++) {
      const value = data[from + i * step]!
      if (value < low || value > high) this.#state[at + outOfRangeAt]!++
    }
  }

  /** Counts the values from `start` on that are not finite, and moves the others together; returns where they end. */
  #removeNonFinite(at: number, values: Float64Array, start: number, end: number): number {
    let kept = start
    for (let i = start; i < end; i++) {
      const value = values[i]!
      if (value - value === 0) values[kept++] = value
      else this.#countNonFinite(at, value)
    }
    return kept
  }

  #countNonFinite(at: number, value: number): void {
    this.#state[at + invalidAt + (value !== value ? 1 : 2)]!++
  }

  #setOrigin(column: number, value: number): void {
    if (value - value !== 0 || !this.#openOrigins.delete(column)) return
    this.#state[column * stateSize + originAt] = value
  }
}
