import type { AttributionBaseline } from '@driftline/instrumentation/contract'
import type { RowBatch } from '../rows/row-batch.ts'
import type { RowPlaces } from './column-tally.ts'
import { readNumber } from './encode-cells.ts'

/** Where a file holds the attributions of its rows, and how they were computed. */
export interface AttributionColumns {
  /** The attribution of feature `x` stands in the column of this with `x` behind it. */
  readonly prefix: string
  readonly method: string
}

/** Sums the sizes of attributions, feature by feature and chunk by chunk. */
export class AttributionTally {
  /** In the order of the features. */
  readonly columns: readonly string[]
  readonly #features: readonly string[]
  readonly #method: string
  /** At least one chunk. */
  readonly #chunks: { rows: number; absoluteSums: number[] }[]
  readonly #chunked: boolean
  #present = new Uint8Array(0)

  constructor(features: readonly string[], { prefix, method }: AttributionColumns, chunks: number | undefined) {
    this.#features = features
    this.columns = features.map((feature) => prefix + feature)
    this.#method = method
    this.#chunked = chunks !== undefined
    this.#chunks = Array.from({ length: chunks ?? 1 }, () => ({ rows: 0, absoluteSums: features.map(() => 0) }))
  }

  /** A row without any number has no attributions; in one that has some, a feature without one has 0. */
  add(batch: RowBatch, { chunk }: RowPlaces): void {
    const { rows, text } = batch
    if (this.#present.length < rows) this.#present = new Uint8Array(rows)
    this.#present.fill(0, 0, rows)
    this.columns.forEach((column, feature) => {
      const values = batch.columns.get(column)
      if (values === undefined) return
      for (let row = 0; row < rows; row++) {
        const value = readNumber(values[row], text)
        if (Number.isNaN(value)) continue
        this.#present[row] = 1
        this.#chunks[chunk?.[row] ?? 0]!.absoluteSums[feature]! += Math.abs(value)
      }
    })
    for (let row = 0; row < rows; row++) if (this.#present[row] === 1) this.#chunks[chunk?.[row] ?? 0]!.rows++
  }

  /** Undefined when no row had any. */
  result(): AttributionBaseline | undefined {
    const rows = this.#chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
    if (rows === 0) return undefined
    const totals = this.#features.map((_, i) => this.#chunks.reduce((sum, chunk) => sum + chunk.absoluteSums[i]!, 0))
    return {
      method: this.#method,
      rows,
      features: this.#features,
      meanAbsolute: totals.map((total) => total / rows),
      ...(this.#chunked ? { chunks: this.#chunks } : {}),
    }
  }
}
