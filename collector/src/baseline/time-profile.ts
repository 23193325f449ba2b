import { DataFileError } from '../rows/data-file-error.ts'
import type { RowBatch } from '../rows/row-batch.ts'
import { QuantileSketch } from './quantile-sketch.ts'
import { isDate, readTime } from './read-time.ts'

/** What the first pass learns of the time column. */
export class TimeProfile {
  /** Whether no row is earlier than the one before it. */
  sorted = true
  /** Whether the values are dates, and so in milliseconds; else they are plain numbers. */
  dates = false
  min: number = Infinity
  max: number = -Infinity
  readonly sketch: QuantileSketch
  readonly #file: string
  readonly #column: string
  #rows = 0
  #last = -Infinity

  constructor(file: string, column: string, exactLimit: number) {
    this.#file = file
    this.#column = column
    this.sketch = new QuantileSketch({ exactLimit })
  }

  /** @throws DataFileError at the first row without a time: a row that no chunk can hold. */
  add(batch: RowBatch): void {
    const values = batch.columns.get(this.#column)
    for (let row = 0; row < batch.rows; row++) {
      const value = values?.[row]
      const time = readTime(value, batch.text)
      if (!Number.isFinite(time)) this.#fail(batch, row, `is no time: ${show(value)}`)
      if (this.#rows++ === 0) this.dates = isDate(value)
      else if (isDate(value) !== this.dates) this.#fail(batch, row, `mixes dates and numbers: ${show(value)}`)
      if (time < this.#last) this.sorted = false
      this.#last = time
      if (time < this.min) this.min = time
      if (time > this.max) this.max = time
      this.sketch.add(time)
    }
  }

  #fail(batch: RowBatch, row: number, message: string): never {
    throw new DataFileError(this.#file, `column ${JSON.stringify(this.#column)} ${message}`, {
      place: batch.place(row),
    })
  }
}

function show(value: unknown): string {
  if (value === undefined || value === null || value === '') return 'the value is missing'
  return JSON.stringify(typeof value === 'bigint' ? Number(value) : value).slice(0, 60)
}
