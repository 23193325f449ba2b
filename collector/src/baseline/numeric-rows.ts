import type { Encoded } from './encode-cells.ts'
import type { RowPlaces } from './column-tally.ts'

/** Numbers kept of all columns together, 256 MB: all rows of a million by twenty, a third of three million. */
const maxKeptNumbers = 32_000_000

export interface NumericColumn {
  readonly column: string
  /** Place among the features. */
  readonly feature: number
}

/**
 * Numeric values of the rows that pass by, column by column: of all rows while they fit, else of one row out of every so many, at a
 * place that changes without a pattern, so that seasons in the file can not fall into step with it.
 */
export class NumericRows {
  readonly columns: readonly NumericColumn[]
  /** One row out of so many is kept; 1 for all. */
  readonly stride: number
  /** Rows kept so far. */
  rows = 0
  /** Rows that passed by. */
  #passed = 0
  readonly #capacity: number
  readonly #values: readonly Float64Array[]
  readonly #placeOf: ReadonlyMap<number, number>
  /** Group and chunk of every row, when all are kept. */
  readonly places: { readonly group?: Int32Array; readonly chunk?: Int32Array }
  #picked = new Int32Array(0)
  #pickedCount = 0

  constructor(
    columns: readonly NumericColumn[],
    options: { rows: number; segments: boolean; chunks: boolean; maxNumbers?: number },
  ) {
    const { rows, segments, chunks, maxNumbers = maxKeptNumbers } = options
    this.columns = columns
    this.stride = Math.max(1, Math.ceil((rows * columns.length) / maxNumbers))
    this.#capacity = Math.ceil(rows / this.stride)
    this.#values = columns.map(() => new Float64Array(this.#capacity))
    this.#placeOf = new Map(columns.map(({ feature }, place) => [feature, place]))
    this.places = {
      ...(this.stride === 1 && segments ? { group: new Int32Array(this.#capacity) } : {}),
      ...(this.stride === 1 && chunks ? { chunk: new Int32Array(this.#capacity) } : {}),
    }
  }

  /** Begins a batch of rows. */
  begin(rows: number, { group, chunk }: RowPlaces): void {
    if (this.#picked.length < rows) this.#picked = new Int32Array(rows)
    let picked = 0
    for (let row = 0; row < rows; row++) {
      const passed = this.#passed + row
      if (passed % this.stride !== placeInRun(Math.floor(passed / this.stride), this.stride)) continue
      // A file that grew since its rows were counted is refused later.
      if (this.rows + picked === this.#capacity) break
      if (this.places.group !== undefined) this.places.group[this.rows + picked] = group![row]!
      if (this.places.chunk !== undefined) this.places.chunk[this.rows + picked] = chunk![row]!
      this.#picked[picked++] = row
    }
    this.#pickedCount = picked
    this.#passed += rows
  }

  /** Takes the values of one feature of the batch; features that are not watched are passed over. */
  put(feature: number, { cells, numbers }: Encoded): void {
    const place = this.#placeOf.get(feature)
    if (place === undefined) return
    const target = this.#values[place]!
    const picked = this.#picked
    for (let i = 0; i < this.#pickedCount; i++) {
      const row = picked[i]!
      target[this.rows + i] = cells[row]! < 0 ? Number.NaN : numbers[row]!
    }
  }

  end(): void {
    this.rows += this.#pickedCount
  }

  /** Values of one column, NaN where there is no finite number. */
  values(place: number): Float64Array {
    return this.#values[place]!.subarray(0, this.rows)
  }
}

/** Which row of a run is kept: a number below `stride` that looks random and is always the same (the finaliser of MurmurHash3). */
function placeInRun(run: number, stride: number): number {
  if (stride === 1) return 0
  let hash = run | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % stride
}
