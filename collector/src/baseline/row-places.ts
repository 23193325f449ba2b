import type { RowBatch } from '../rows/row-batch.ts'
import type { BaselineLayout } from './baseline-layout.ts'
import { fileOrder, type ChunkPlan } from './chunk-plan.ts'
import type { RowPlaces } from './column-tally.ts'
import { categoryEncoder, type Encoder } from './encode-cells.ts'

/** Finds the group and the chunk of every row: its segment counted from 1, 0 when it is in none, and its slice of time. */
export class RowPlacer {
  readonly columns: readonly string[]
  readonly #segments: BaselineLayout['segments']
  readonly #chunks: ChunkPlan | undefined
  readonly #segmentOf: Encoder | undefined
  #group = new Int32Array(0)
  #chunk = new Int32Array(0)

  constructor(segments: BaselineLayout['segments'], chunks: ChunkPlan | undefined) {
    this.#segments = segments
    this.#chunks = chunks
    if (segments !== undefined) this.#segmentOf = categoryEncoder(segments.names, false)
    this.columns = [
      ...(segments === undefined ? [] : [segments.column]),
      ...(chunks === undefined || chunks.column === fileOrder ? [] : [chunks.column]),
    ]
  }

  /** The arrays are used again for the next batch. */
  place(batch: RowBatch): RowPlaces {
    const { rows } = batch
    if (this.#group.length < rows) {
      this.#group = new Int32Array(rows)
      this.#chunk = new Int32Array(rows)
    }
    if (this.#segmentOf !== undefined) {
      const { column, names } = this.#segments!
      this.#segmentOf(batch.columns.get(column), batch.text, 0, rows, { cells: this.#group, numbers: noNumbers })
      for (let row = 0; row < rows; row++) {
        const cell = this.#group[row]!
        this.#group[row] = cell < 0 || cell === names.length ? 0 : cell + 1
      }
    }
    this.#chunks?.place(batch, this.#chunk)
    return {
      ...(this.#segmentOf === undefined ? {} : { group: this.#group }),
      ...(this.#chunks === undefined ? {} : { chunk: this.#chunk }),
    }
  }
}

/** Categories have none. */
const noNumbers = new Float64Array(0)
