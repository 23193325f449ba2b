import {
  usableOrigin,
  type NumericBlock,
  type NumericColumn,
  type NumericInvalid,
  type NumericReading,
} from './numeric-block.ts'

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
const stateSize = 12

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
  readonly #boundaries: number[][]
  /** Columns whose origin is yet to be taken from the first value. */
  readonly #openOrigins: Set<number>

  constructor(columns: readonly NumericColumn[], depth: number) {
    this.columns = columns.length
    this.#depth = depth
    this.#bounds = new Float64Array(columns.length << depth).fill(Infinity)
    this.#counts = new Float64Array(columns.length << depth)
    this.#state = new Float64Array(columns.length * stateSize)
    this.#boundaries = columns.map(({ bounds }) => [...bounds!])
    this.#openOrigins = new Set()
    columns.forEach(({ bounds, origin, low, high }, column) => {
      this.#bounds.set(bounds!, column << depth)
      const at = column * stateSize
      this.#state[at + originAt] = usableOrigin(origin ?? 0)
      this.#state[at + lowAt] = low
      this.#state[at + highAt] = high
      if (origin === null) this.#openOrigins.add(column)
    })
    this.reset()
  }

  get bytes(): number {
    return this.#bounds.byteLength + this.#counts.byteLength + this.#state.byteLength
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
    const bounds = this.#bounds
    const counts = this.#counts
    const state = this.#state
    const start = column << 5
    const at = column * stateSize
    const middle = bounds[start + 15]!
    const origin = state[at + originAt]!
    let first = 0
    let second = 0
    let min = Infinity
    let max = -Infinity
    let end = count
    let i = 0
    // Four values at a time: their searches do not wait for each other, which makes the loop NNN faster.
    for (; i + 3 < end; i += 4) {
      // The difference of a number to itself is 0, or NaN when it is not finite.
      if (values[i]! - values[i]! + (values[i + 1]! - values[i + 1]!) + (values[i + 2]! - values[i + 2]!) + (values[i + 3]! - values[i + 3]!) !== 0) {
        end = this.#removeNonFinite(at, values, i, end)
        if (i + 3 >= end) break
      }
      const a = values[i]!
      const b = values[i + 1]!
      const c = values[i + 2]!
      const d = values[i + 3]!
      // `| 0` tells the compiler that positions are whole numbers of 32 bits; it makes the loop a seventh faster.
      let aAt = (start + (+(middle < a) << 4)) | 0
      let bAt = (start + (+(middle < b) << 4)) | 0
      let cAt = (start + (+(middle < c) << 4)) | 0
      let dAt = (start + (+(middle < d) << 4)) | 0
      aAt = (aAt + (+(bounds[aAt + 7]! < a) << 3)) | 0
      bAt = (bAt + (+(bounds[bAt + 7]! < b) << 3)) | 0
      cAt = (cAt + (+(bounds[cAt + 7]! < c) << 3)) | 0
      dAt = (dAt + (+(bounds[dAt + 7]! < d) << 3)) | 0
      aAt = (aAt + (+(bounds[aAt + 3]! < a) << 2)) | 0
      bAt = (bAt + (+(bounds[bAt + 3]! < b) << 2)) | 0
      cAt = (cAt + (+(bounds[cAt + 3]! < c) << 2)) | 0
      dAt = (dAt + (+(bounds[dAt + 3]! < d) << 2)) | 0
      aAt = (aAt + (+(bounds[aAt + 1]! < a) << 1)) | 0
      bAt = (bAt + (+(bounds[bAt + 1]! < b) << 1)) | 0
      cAt = (cAt + (+(bounds[cAt + 1]! < c) << 1)) | 0
      dAt = (dAt + (+(bounds[dAt + 1]! < d) << 1)) | 0
      aAt = (aAt + +(bounds[aAt]! < a)) | 0
      bAt = (bAt + +(bounds[bAt]! < b)) | 0
      cAt = (cAt + +(bounds[cAt]! < c)) | 0
      dAt = (dAt + +(bounds[dAt]! < d)) | 0
      counts[aAt]!++
      counts[bAt]!++
      counts[cAt]!++
      counts[dAt]!++
      const aOff = a - origin
      const bOff = b - origin
      const cOff = c - origin
      const dOff = d - origin
      first += aOff + bOff + (cOff + dOff)
      second += aOff * aOff + bOff * bOff + (cOff * cOff + dOff * dOff)
      if (a < min) min = a
      if (b < min) min = b
      if (c < min) min = c
      if (d < min) min = d
      if (a > max) max = a
      if (b > max) max = b
      if (c > max) max = c
      if (d > max) max = d
    }
    state[at + firstAt]! += first
    state[at + secondAt]! += second
    if (min < state[at + minAt]!) state[at + minAt] = min
    if (max > state[at + maxAt]!) state[at + maxAt] = max
    if (min < state[at + lowAt]! || max > state[at + highAt]!) this.#countOutOfRange(at, values, i)
    for (; i < end; i++) this.#count(column, values[i]!)
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
      this.#state.fill(0, at + firstAt, at + stateSize)
      this.#state[at + minAt] = Infinity
      this.#state[at + maxAt] = -Infinity
    }
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

  /** A second look at values of which some are out of range, which is rare. */
  #countOutOfRange(at: number, values: Float64Array, count: number): void {
    const low = this.#state[at + lowAt]!
    const high = this.#state[at + highAt]!
    for (let i = 0; i < count; i++) {
      const value = values[i]!
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
    this.#state[column * stateSize + originAt] = usableOrigin(value)
  }
}
