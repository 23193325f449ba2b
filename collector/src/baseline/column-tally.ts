import { noCell, type Encoded } from './encode-cells.ts'

export interface ColumnTallyOptions {
  readonly cells: number
  /** Moments are summed about it; 0 for categories. */
  readonly origin?: number
  readonly range?: { readonly min?: number; readonly max?: number } | undefined
  /** Sets of rows that are counted apart; a row counts in group 0 and in its own. */
  readonly groups?: number
  /** Time-ordered chunks of each group; 0 for none. */
  readonly chunks?: number
  /** Whether groups other than 0 are cut into chunks too. */
  readonly chunkAllGroups?: boolean
}

/** Where a row counts: its group, 0 for none but the whole, and its chunk. */
export interface RowPlaces {
  readonly group?: Int32Array
  readonly chunk?: Int32Array
}

/** Counts of one column: cells, moments, missing and invalid values, for all rows, per group and per chunk. */
export class ColumnTally {
  readonly #cells: number
  readonly #origin: number
  readonly #low: number
  readonly #high: number
  readonly #chunks: number
  readonly #chunkedGroups: number
  readonly #groups: readonly GroupTally[]
  readonly #chunkCounts: Uint32Array
  readonly #chunkMissing: Uint32Array
  readonly #chunkInvalid: Uint32Array

  constructor({ cells, origin = 0, range, groups = 1, chunks = 0, chunkAllGroups = true }: ColumnTallyOptions) {
    this.#cells = cells
    this.#origin = origin
    this.#low = range?.min ?? -Infinity
    this.#high = range?.max ?? Infinity
    this.#chunks = chunks
    this.#chunkedGroups = chunks === 0 ? 0 : chunkAllGroups ? groups : 1
    this.#groups = Array.from({ length: groups }, () => emptyGroup(cells))
    this.#chunkCounts = new Uint32Array(this.#chunkedGroups * chunks * cells)
    this.#chunkMissing = new Uint32Array(this.#chunkedGroups * chunks)
    this.#chunkInvalid = new Uint32Array(this.#chunkedGroups * chunks)
  }

  /** Counts the first `rows` places of what an encoder wrote. */
  add({ cells, numbers }: Encoded, rows: number, places: RowPlaces = {}): void {
    const { group, chunk } = places
    for (let row = 0; row < rows; row++) {
      const inChunk = chunk === undefined ? 0 : chunk[row]!
      this.#count(0, inChunk, cells[row]!, numbers[row]!)
      const own = group === undefined ? 0 : group[row]!
      if (own > 0) this.#count(own, inChunk, cells[row]!, numbers[row]!)
    }
  }

  group(index: number): Readonly<GroupTally> {
    return this.#groups[index]!
  }

  /** Counts of a group, chunk by chunk; undefined when it has none. */
  chunks(group: number): { counts: number[][]; missing: number[]; invalid: number[] } | undefined {
    if (group >= this.#chunkedGroups) return undefined
    const first = group * this.#chunks
    const counts = Array.from({ length: this.#chunks }, (_, chunk) =>
      Array.from(this.#chunkCounts.subarray((first + chunk) * this.#cells, (first + chunk + 1) * this.#cells)),
    )
    return {
      counts,
      missing: Array.from(this.#chunkMissing.subarray(first, first + this.#chunks)),
      invalid: Array.from(this.#chunkInvalid.subarray(first, first + this.#chunks)),
    }
  }

  #count(index: number, chunk: number, cell: number, number: number): void {
    const group = this.#groups[index]!
    const place = index * this.#chunks + chunk
    const chunked = index < this.#chunkedGroups
    if (cell < 0) {
      if (cell === noCell.missing) {
        group.missing++
        if (chunked) this.#chunkMissing[place]!++
        return
      }
      if (cell === noCell.nan) group.nan++
      else if (cell === noCell.infinite) group.infinite++
      else group.wrongType++
      if (chunked) this.#chunkInvalid[place]!++
      return
    }
    group.values++
    group.counts[cell]!++
    if (chunked) this.#chunkCounts[place * this.#cells + cell]!++
    const distance = number - this.#origin
    group.sum += distance
    group.sumOfSquares += distance * distance
    if (number < group.min) group.min = number
    if (number > group.max) group.max = number
    if (number < this.#low || number > this.#high) group.outOfRange++
  }
}

export interface GroupTally {
  readonly counts: Float64Array
  /** Sum of the counts. */
  values: number
  /** Sums of (x - origin) and its square. */
  sum: number
  sumOfSquares: number
  /** Infinity and -Infinity when there are no values. */
  min: number
  max: number
  missing: number
  nan: number
  infinite: number
  wrongType: number
  outOfRange: number
}

function emptyGroup(cells: number): GroupTally {
  return {
    counts: new Float64Array(cells),
    values: 0,
    sum: 0,
    sumOfSquares: 0,
    min: Infinity,
    max: -Infinity,
    missing: 0,
    nan: 0,
    infinite: 0,
    wrongType: 0,
    outOfRange: 0,
  }
}
