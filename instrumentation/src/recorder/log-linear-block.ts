import { exponentialIndex } from '../contract/index.ts'
import {
  numericInvalid,
  type NumericBlock,
  type NumericColumn,
  type NumericInvalid,
  type NumericReading,
} from './numeric-block.ts'

/** 2^3 = 8 cells per doubling, each 9 % wide: quantile bounds derived from them later are off by less than that. */
export const learningScale = 3

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
    const target = this.#columns[column]!
    for (let i = 0; i < count; i++) target.record(values[i]!)
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
    if (value - value !== 0) {
      this.invalid[value !== value ? numericInvalid.nan : numericInvalid.infinite]!++
      return
    }
    const magnitude = Math.abs(value)
    if (magnitude <= zeroThreshold) this.#zeroCount++
    else (value > 0 ? this.#positive : this.#negative).add(exponentialIndex(magnitude, learningScale))
    this.#origin ??= value
    const difference = value - this.#origin
    this.#count++
    this.#first += difference
    this.#second += difference * difference
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
    if (value < this.#low || value > this.#high) this.#outOfRange++
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
  #offset = 0
  #counts = new Float64Array(0)

  get bytes(): number {
    return this.#counts.byteLength
  }

  add(index: number): void {
    const clipped = Math.min(Math.max(index, lowestIndex), highestIndex)
    const place = clipped - this.#offset
    if (place < 0 || place >= this.#counts.length) this.#grow(clipped)
    this.#counts[clipped - this.#offset]!++
  }

  /** Without the empty cells at both ends, which `offset` makes needless. */
  read(): { offset: number; counts: number[] } {
    const counts = this.#counts
    let start = 0
    let end = counts.length
    while (start < end && counts[start] === 0) start++
    while (end > start && counts[end - 1] === 0) end--
    return end === start
      ? { offset: 0, counts: [] }
      : { offset: this.#offset + start, counts: Array.from(counts.subarray(start, end)) }
  }

  reset(): void {
    this.#counts.fill(0)
  }

  #grow(index: number): void {
    // One doubling to spare on either side, so that growing is rare.
    const spare = 2 ** learningScale
    const empty = this.#counts.length === 0
    const first = Math.max(lowestIndex, Math.min(index - spare, empty ? Infinity : this.#offset))
    const last = Math.min(
      highestIndex,
      Math.max(index + spare, empty ? -Infinity : this.#offset + this.#counts.length - 1),
    )
    const grown = new Float64Array(last - first + 1)
    if (!empty) grown.set(this.#counts, this.#offset - first)
    this.#offset = first
    this.#counts = grown
  }
}
