import type { ColumnValues } from '../rows/row-batch.ts'
import { noCell, readBoolean, readCategory, readNumber, whyNoNumber } from './encode-cells.ts'
import { FrequentValues } from './frequent-values.ts'
import { QuantileSketch, type QuantileSketchOptions } from './quantile-sketch.ts'

export type ColumnKind = 'numeric' | 'categorical' | 'boolean'

/** What the first pass over the rows learns of one column: its kind, its numbers, its categories. */
export class ColumnProfile {
  readonly column: string
  /** Undefined: told by the values. */
  readonly declared: ColumnKind | undefined
  readonly sketch: QuantileSketch
  readonly categories: FrequentValues = new FrequentValues()
  min: number = Infinity
  max: number = -Infinity
  /** Values by what they look like. */
  readonly seen = { numbers: 0, booleans: 0, texts: 0, dates: 0, others: 0 }
  /** The first value that is no number, and where it stands. */
  firstText: { readonly value: string; readonly place: string } | undefined
  #origin = 0
  #sum = 0
  #counted = 0
  #categorical: boolean
  #late = false

  constructor(column: string, declared: ColumnKind | undefined, sketch: QuantileSketchOptions) {
    this.column = column
    this.declared = declared
    this.sketch = new QuantileSketch(sketch)
    this.#categorical = declared === 'categorical' || declared === 'boolean'
  }

  add(values: ColumnValues, rows: number, text: boolean, place: (row: number) => string): void {
    if (this.declared === undefined) this.#look(values, rows, text, place)
    if (this.#categorical) this.#addCategories(values, rows, text)
    else this.#addNumbers(values, rows, text)
  }

  /**
   * Numeric unless a value is something else; boolean when all values are true or false; categorical otherwise. Undefined when the
   * values are dates or objects, which no feature is made of.
   */
  get kind(): ColumnKind | undefined {
    if (this.declared !== undefined) return this.declared
    const { numbers, booleans, texts, dates, others } = this.seen
    if (dates + others > 0 && numbers + booleans + texts === 0) return undefined
    if (texts === 0 && booleans === 0) return 'numeric'
    return booleans > 0 && texts === 0 && numbers === 0 ? 'boolean' : 'categorical'
  }

  /** Whether the first text came so late that earlier values are missing from `categories`: the column must be read again. */
  get incomplete(): boolean {
    return this.#late
  }

  /** Mean of the finite numbers, 0 when there are none. */
  get mean(): number {
    return this.#counted === 0 ? 0 : this.#origin + this.#sum / this.#counted
  }

  /** Counts what the values look like, and turns a column with a first text to categories. */
  #look(values: ColumnValues, rows: number, text: boolean, place: (row: number) => string): void {
    const { seen } = this
    const numbersBefore = seen.numbers
    for (let row = 0; row < rows; row++) {
      const value = values[row]
      if (!Number.isNaN(readNumber(value, text))) {
        seen.numbers++
        continue
      }
      const why = whyNoNumber(value, text)
      if (why !== noCell.wrongType) {
        // NaN and infinity are values of a number; a missing value says nothing.
        if (why !== noCell.missing) seen.numbers++
        continue
      }
      if (isBooleanLiteral(value, text)) seen.booleans++
      else if (value instanceof Date) seen.dates++
      else if (typeof value === 'string') {
        seen.texts++
        this.firstText ??= { value, place: place(row) }
      } else seen.others++
    }
    if (!this.#categorical && seen.texts + seen.booleans > 0) {
      this.#categorical = true
      this.#late = numbersBefore > 0
    }
  }

  #addNumbers(values: ColumnValues, rows: number, text: boolean): void {
    for (let row = 0; row < rows; row++) {
      const number = readNumber(values[row], text)
      if (Number.isNaN(number)) continue
      // Sums about the first value keep the digits of values like 1e9 ± 1.
      if (this.#counted++ === 0) this.#origin = number
      this.#sum += number - this.#origin
      if (number < this.min) this.min = number
      if (number > this.max) this.max = number
      this.sketch.add(number)
    }
  }

  #addCategories(values: ColumnValues, rows: number, text: boolean): void {
    for (let row = 0; row < rows; row++) {
      const category = readCategory(values[row], text)
      if (typeof category === 'string') this.categories.add(category)
    }
  }
}

function isBooleanLiteral(value: unknown, text: boolean): boolean {
  if (typeof value === 'boolean') return true
  // In text, 0 and 1 read as numbers before this is asked; in JSON the text "true" is a text.
  return text && typeof readBoolean(value, true) === 'string'
}
