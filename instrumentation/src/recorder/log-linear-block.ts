import { coarseIndex, learningIndex, lookupScale } from './log-linear-index.ts'
import {
  numericInvalid,
  type NumericBlock,
  type NumericColumn,
  type NumericInvalid,
  type NumericReading,
} from './numeric-block.ts'

/**
 * Magnitudes up to 2^-64 count as zero, those above 2^64 in the topmost cell. So no ordinary quantity, from an electron's charge in
 * coulombs to nanoseconds since 1970, is clipped.
 */
export const learningExponents = { lowest: -64, highest: 64 } as const

/**
 * Scales that a column is counted at: 2^scale cells per doubling. At the finest, that of OpenTelemetry's exponential histogram, a cell is
 * 6.6e-7 of its value wide, still eleven steps of a 32-bit float. At the coarsest it is 9 % wide, and there are 1,024 cells a side.
 */
export const learningScales = { finest: 20, coarsest: 3 } as const

/**
 * Cells from the lowest to the highest magnitude, of both signs together, beyond which a column goes to a coarser scale, as long as there is
 * one: the number that OpenTelemetry has for each sign. A normal distribution far from zero has 10 to 20 of them per standard deviation.
 */
export const maxLearningCells = 160

/** Empty cells that are kept on either side of those in use, so that making room is rare. */
const spareCells = 16

const zeroThreshold = 2 ** learningExponents.lowest

/**
 * Histograms over signed log-linear cells, for columns of which nothing is known yet. Each column starts at the finest scale and goes to
 * coarser ones, whose bounds are every second of the bounds before, as its magnitudes spread. It never goes back, so that intervals agree.
 */
export class LogLinearBlock implements NumericBlock {
  readonly #columns: LogLinearColumn[]

  constructor(columns: readonly NumericColumn[]) {
    this.#columns = columns.map((column) => new LogLinearColumn(column))
  }

  get columns(): number {
    return this.#columns.length
  }

  get bytes(): number {
    return this.#columns.reduce((sum, column) => sum + column.bytes, 0)
  }

  record(column: number, value: number): void {
    this.#columns[column]!.record(value)
  }

  recordColumn(column: number, values: Float64Array, count: number): void {
    this.#columns[column]!.recordAll(values, count)
  }

  recordStrided(): number {
    return 0
  }

  addInvalid(column: number, reason: NumericInvalid, count: number): void {
    this.#columns[column]!.invalid[reason]! += count
  }

  read(column: number): NumericReading {
    return this.#columns[column]!.read()
  }

  reset(): void {
    for (const column of this.#columns) column.reset()
  }
}

function firstFinite(values: Float64Array, count: number): number {
  for (let i = 0; i < count; i++) if (Number.isFinite(values[i])) return values[i]!
  return 0
}

/** Holds a lone value on its way to `recordAll`. */
const single = new Float64Array(1)

class LogLinearColumn {
  readonly invalid: Float64Array = new Float64Array(4)
  readonly #low: number
  readonly #high: number
  readonly #positive = new Side()
  readonly #negative = new Side()
  #scale: number = learningScales.finest
  #origin: number | null
  #zeroCount = 0
  #count = 0
  #first = 0
  #second = 0
  #min = Infinity
  #max = -Infinity
  #outOfRange = 0

  constructor({ origin, low, high }: NumericColumn) {
    this.#origin = origin
    this.#low = low
    this.#high = high
  }

  get bytes(): number {
    return this.#positive.bytes + this.#negative.bytes + this.invalid.byteLength
  }

  record(value: number): void {
    single[0] = value
    this.recordAll(single, 1)
  }

  recordAll(values: Float64Array, count: number): void {
    const placed = this.#scale <= lookupScale && this.#origin !== null ? this.#recordPlaced(values, count) : 0
    if (placed < count) this.#recordAny(values, placed, count)
  }

  /**
   * Counts values up to the first that is not positive and in a cell that there is room for; returns how many. Without what any value
   * may need, the loop takes half the time.
   */
  #recordPlaced(values: Float64Array, count: number): number {
    const { counts, offset, length } = this.#positive
    const scale = this.#scale
    const origin = this.#origin!
    let first = 0
    let second = 0
    let min = this.#min
    let max = this.#max
    let i = 0
    for (; i < count; i++) {
      const value = values[i]!
      if (!(value > zeroThreshold)) break
      // What is to be clipped, and infinity, are in no cell that there is room for; a negative place is a large one without its sign.
      const place = (coarseIndex(value, scale) - offset) | 0
      if (place >>> 0 >= length) break
      counts[place]!++
      const difference = value - origin
      first += difference
      second += difference * difference
      if (value < min) min = value
      if (value > max) max = value
    }
    this.#count += i
    this.#first += first
    this.#second += second
    this.#min = min
    this.#max = max
    const low = this.#low
    const high = this.#high
    if (min < low || max > high)
      for (let seen = 0; seen < i; seen++) if (values[seen]! < low || values[seen]! > high) this.#outOfRange++
    return i
  }

  #recordAny(values: Float64Array, from: number, count: number): void {
    const low = this.#low
    const high = this.#high
    const positive = this.#positive
    const negative = this.#negative
    // Most values are positive, and in a cell that there is room for.
    let counts = positive.counts
    let offset = positive.offset
    let length = positive.length
    let scale = this.#scale
    // A number through the whole loop: one that may be null would be looked at, value by value.
    const origin = this.#origin ?? firstFinite(values, count)
    let first = 0
    let second = 0
    let min = this.#min
    let max = this.#max
    let finite = 0
    for (let i = from; i < count; i++) {
      const value = values[i]!
      if (value - value !== 0) {
        this.invalid[value !== value ? numericInvalid.nan : numericInvalid.infinite]!++
        continue
      }
      if (value > zeroThreshold) {
        const place = learningIndex(value, scale) - offset
        if (place >= 0 && place < length) {
          counts[place]!++
        } else {
          this.#addOutside(positive, value)
          counts = positive.counts
          offset = positive.offset
          length = positive.length
          scale = this.#scale
        }
      } else if (value < -zeroThreshold) {
        const place = learningIndex(-value, scale) - negative.offset
        if (place >= 0 && place < negative.length) {
          negative.counts[place]!++
        } else {
          this.#addOutside(negative, -value)
          counts = positive.counts
          offset = positive.offset
          length = positive.length
          scale = this.#scale
        }
      } else this.#zeroCount++
      const difference = value - origin
      finite++
      first += difference
      second += difference * difference
      if (value < min) min = value
      if (value > max) max = value
      if (value < low || value > high) this.#outOfRange++
    }
    if (finite > 0) this.#origin = origin
    this.#count += finite
    this.#first += first
    this.#second += second
    this.#min = min
    this.#max = max
  }

  read(): NumericReading {
    return {
      count: this.#count,
      origin: this.#origin ?? 0,
      first: this.#first,
      second: this.#second,
      min: this.#min,
      max: this.#max,
      outOfRange: this.#outOfRange,
      missing: this.invalid[numericInvalid.missing]!,
      nan: this.invalid[numericInvalid.nan]!,
      infinite: this.invalid[numericInvalid.infinite]!,
      wrongType: this.invalid[numericInvalid.wrongType]!,
      cells: {
        kind: 'log-linear',
        scale: this.#scale,
        zeroCount: this.#zeroCount,
        positive: this.#positive.read(),
        negative: this.#negative.read(),
      },
    }
  }

  /** The origin stays, as the scale does: moments of one column are to be added up over intervals. */
  reset(): void {
    this.#positive.reset()
    this.#negative.reset()
    this.invalid.fill(0)
    this.#zeroCount = 0
    this.#count = 0
    this.#first = 0
    this.#second = 0
    this.#min = Infinity
    this.#max = -Infinity
    this.#outOfRange = 0
  }

  #addOutside(side: Side, magnitude: number): void {
    let index = Math.min(learningIndex(magnitude, this.#scale), highestIndex(this.#scale))
    if (!side.hasRoom(index)) {
      this.#makeRoom(side, index)
      index = Math.min(learningIndex(magnitude, this.#scale), highestIndex(this.#scale))
    }
    side.counts[index - side.offset]!++
  }

  /** Goes to a coarser scale when the cells in use and one more are too many, and gives every side a few empty cells. */
  #makeRoom(side: Side, index: number): void {
    const positive = this.#positive
    const negative = this.#negative
    positive.measure()
    negative.measure()
    side.include(index)
    let shift = 0
    while (
      this.#scale - shift > learningScales.coarsest &&
      positive.usedCells(shift) + negative.usedCells(shift) > maxLearningCells
    )
      shift++
    this.#scale -= shift
    const scale = this.#scale
    const ends = (positive.usedCells(0) > 0 ? 2 : 0) + (negative.usedCells(0) > 0 ? 2 : 0)
    const left = maxLearningCells - positive.usedCells(shift) - negative.usedCells(shift)
    const isCoarsest = scale === learningScales.coarsest
    const spare = isCoarsest ? spareCells : Math.min(spareCells, Math.floor(left / ends))
    positive.resize(shift, spare, scale, isCoarsest)
    negative.resize(shift, spare, scale, isCoarsest)
  }
}

function lowestIndex(scale: number): number {
  return learningExponents.lowest * 2 ** scale
}

function highestIndex(scale: number): number {
  return learningExponents.highest * 2 ** scale - 1
}

/** Counts on their way to other places: those of all cells that a side can have at the coarsest scale, the most there are. */
const moved = new Float64Array((learningExponents.highest - learningExponents.lowest) * 2 ** learningScales.coarsest)

/** Cells of one sign: a run of counts that is moved and made longer as magnitudes appear, within the clipped range. */
class Side {
  /** Index of the first cell. */
  offset = 0
  /** Cells there is room for; `counts` may be longer. */
  length = 0
  counts: Float64Array = new Float64Array(0)
  /** First and last index in use, as last measured; none when the first is greater. */
  #first = 0
  #last = -1

  get bytes(): number {
    return this.counts.byteLength
  }

  hasRoom(index: number): boolean {
    return index >= this.offset && index < this.offset + this.length
  }

  measure(): void {
    const counts = this.counts
    let start = 0
    let end = this.length
    while (start < end && counts[start] === 0) start++
    while (end > start && counts[end - 1] === 0) end--
    this.#first = this.offset + start
    this.#last = this.offset + end - 1
  }

  include(index: number): void {
    const isEmpty = this.#first > this.#last
    this.#first = isEmpty ? index : Math.min(this.#first, index)
    this.#last = isEmpty ? index : Math.max(this.#last, index)
  }

  /** Cells from the first to the last in use, at a scale that is coarser by `shift`. */
  usedCells(shift: number): number {
    return this.#first > this.#last ? 0 : (this.#last >> shift) - (this.#first >> shift) + 1
  }

  /**
   * Makes the cells in use, and `spare` on either side, the ones that there is room for, at a scale coarser by `shift`.
   *
   * @param keeps whether cells there was room for before are kept: at the coarsest scale there are not too many of them
   */
  resize(shift: number, spare: number, scale: number, keeps: boolean): void {
    const isEmpty = this.#first > this.#last
    const hadRoom = keeps && this.length > 0
    if (isEmpty && !hadRoom) {
      this.offset = 0
      this.length = 0
      return
    }
    let first = isEmpty ? Infinity : (this.#first >> shift) - spare
    let last = isEmpty ? -Infinity : (this.#last >> shift) + spare
    if (hadRoom) {
      first = Math.min(first, this.offset >> shift)
      last = Math.max(last, (this.offset + this.length - 1) >> shift)
    }
    first = Math.max(first, lowestIndex(scale))
    last = Math.min(last, highestIndex(scale))
    const length = last - first + 1
    moved.fill(0, 0, length)
    for (let place = 0; place < this.length; place++) {
      const count = this.counts[place]!
      if (count !== 0) moved[((this.offset + place) >> shift) - first]! += count
    }
    if (length > this.counts.length) this.counts = new Float64Array(length)
    else this.counts.fill(0, length)
    for (let place = 0; place < length; place++) this.counts[place] = moved[place]!
    this.offset = first
    this.length = length
    this.#first >>= shift
    this.#last >>= shift
  }

  /** Without the empty cells at both ends, which `offset` makes needless. */
  read(): { offset: number; counts: number[] } {
    this.measure()
    const offset = this.#first
    const length = this.#last - offset + 1
    return length === 0
      ? { offset: 0, counts: [] }
      : { offset, counts: Array.from(this.counts.subarray(offset - this.offset, offset - this.offset + length)) }
  }

  reset(): void {
    this.counts.fill(0)
  }
}
