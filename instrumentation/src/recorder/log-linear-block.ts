import { learningIndex, learningScale } from './log-linear-index.ts'
import {
  numericInvalid,
  type NumericBlock,
  type NumericColumn,
  type NumericInvalid,
  type NumericReading,
} from './numeric-block.ts'

/**
 * Magnitudes up to 2^-64 count as zero, those above 2^64 in the topmost cell. So a column has at most 1,024 cells a side,
 * and no ordinary quantity, from an electron's charge in coulombs to nanoseconds since 1970, is clipped.
 */
export const learningExponents = { lowest: -64, highest: 64 } as const

const lowestIndex = learningExponents.lowest * 2 ** learningScale
const highestIndex = learningExponents.highest * 2 ** learningScale - 1
const zeroThreshold = 2 ** learningExponents.lowest

/** Histograms over signed log-linear cells, for columns of which nothing is known yet. */
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
    const low = this.#low
    const high = this.#high
    const positive = this.#positive
    // Most values are positive, and in a cell that was seen before.
    let counts = positive.counts
    let offset = positive.offset
    // A number through the whole loop: one that may be null would be looked at, value by value.
    const origin = this.#origin ?? firstFinite(values, count)
    let first = 0
    let second = 0
    let min = this.#min
    let max = this.#max
    let finite = 0
    for (let i = 0; i < count; i++) {
      const value = values[i]!
      if (value - value !== 0) {
        this.invalid[value !== value ? numericInvalid.nan : numericInvalid.infinite]!++
        continue
      }
      if (value > zeroThreshold) {
        const index = learningIndex(value)
        const place = index - offset
        if (place >= 0 && place < counts.length) {
          counts[place]!++
        } else {
          positive.add(index)
          counts = positive.counts
          offset = positive.offset
        }
      } else if (value < -zeroThreshold) this.#negative.add(learningIndex(-value))
      else this.#zeroCount++
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
        scale: learningScale,
        zeroCount: this.#zeroCount,
        positive: this.#positive.read(),
        negative: this.#negative.read(),
      },
    }
  }

  /** The origin stays: moments of one column are to be added up over intervals. */
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
}

/** Cells of one sign: a run of counts that grows to both ends as magnitudes appear, within the clipped range. */
class Side {
  /** Index of the first cell of `counts`. */
  offset = 0
  counts: Float64Array = new Float64Array(0)

  get bytes(): number {
    return this.counts.byteLength
  }

  add(index: number): void {
    const place = index - this.offset
    if (place >= 0 && place < this.counts.length) this.counts[place]!++
    else this.#addOutside(Math.min(Math.max(index, lowestIndex), highestIndex))
  }

  /** Without the empty cells at both ends, which `offset` makes needless. */
  read(): { offset: number; counts: number[] } {
    const counts = this.counts
    let start = 0
    let end = counts.length
    while (start < end && counts[start] === 0) start++
    while (end > start && counts[end - 1] === 0) end--
    return end === start
      ? { offset: 0, counts: [] }
      : { offset: this.offset + start, counts: Array.from(counts.subarray(start, end)) }
  }

  reset(): void {
    this.counts.fill(0)
  }

  #addOutside(clipped: number): void {
    const place = clipped - this.offset
    if (place < 0 || place >= this.counts.length) this.#grow(clipped)
    this.counts[clipped - this.offset]!++
  }

  #grow(index: number): void {
    // One doubling to spare on either side, so that growing is rare.
    const spare = 2 ** learningScale
    const empty = this.counts.length === 0
    const first = Math.max(lowestIndex, Math.min(index - spare, empty ? Infinity : this.offset))
    const last = Math.min(
      highestIndex,
      Math.max(index + spare, empty ? -Infinity : this.offset + this.counts.length - 1),
    )
    const grown = new Float64Array(last - first + 1)
    if (!empty) grown.set(this.counts, this.offset - first)
    this.offset = first
    this.counts = grown
  }
}
