import { otherCategory } from '../contract/index.ts'
import { readValue, type Values } from './gather.ts'
import type { NumericReading } from './numeric-block.ts'
import { SingleHistogram } from './single-histogram.ts'

/** Methods that are counted apart; those of later ones are counted together under `_OTHER`. */
export const maxAttributionMethods = 4

/** What `ml.attribution.method` says when the caller did not. */
export const unknownMethod = 'unknown'

/** Longer names of methods are cut: they are attributes, not descriptions. */
const maxNameLength = 100

export interface AttributionReading {
  readonly method: string
  /** In the order of the features; those that nothing was counted of included. */
  readonly values: readonly NumericReading[]
}

/** Counts how much each feature moved predictions, of one segment or of the model as a whole. */
export class AttributionRecorder {
  readonly #names: readonly string[]
  readonly #methods = new Map<string, SingleHistogram[]>()
  readonly #row: Float64Array

  constructor(names: readonly string[]) {
    this.#names = names
    this.#row = new Float64Array(names.length)
  }

  /**
   * Counts the attributions to one prediction, by name or in the order of the features; all of them or, when one is not a finite number, none.
   * By name, features may be left out. False when nothing was counted.
   */
  record(attributions: unknown, method: unknown): boolean {
    try {
      if (typeof attributions !== 'object' || attributions === null) return false
      const inOrder = Array.isArray(attributions) || ArrayBuffer.isView(attributions)
      const found = inOrder ? this.#readOrdered(attributions as unknown as Values, 0) : this.#readNamed(attributions)
      if (inOrder && (attributions as unknown as Values).length !== this.#names.length) return false
      if (!found) return false
    } catch {
      return false
    }
    this.#count(this.#histogramsOf(method))
    return true
  }

  /**
   * Counts the attributions to rows of a batch: a row-major array over all features in order, or one array per feature by name.
   *
   * @param rows numbers of the rows in the batch, of which the first `count` are taken
   * @returns the rows of which nothing was counted
   */
  recordRows(attributions: unknown, method: unknown, rows: Int32Array, count: number): number {
    if (typeof attributions !== 'object' || attributions === null) return count
    const histograms = this.#histogramsOf(method)
    let invalid = 0
    for (let i = 0; i < count; i++) {
      const row = rows[i]!
      let found = false
      try {
        found =
          Array.isArray(attributions) || ArrayBuffer.isView(attributions)
            ? this.#readOrdered(attributions as unknown as Values, row * this.#names.length)
            : this.#readColumns(attributions as Readonly<Record<string, Values | undefined>>, row)
      } catch {
        // As if there were none.
      }
      if (found) this.#count(histograms)
      else invalid++
    }
    return invalid
  }

  /** What was counted since the last call, by method; counting starts again at zero. */
  take(): AttributionReading[] {
    return [...this.#methods].map(([method, histograms]) => ({
      method,
      values: histograms.map((histogram) => histogram.take()),
    }))
  }

  #readOrdered(values: Values, start: number): boolean {
    for (let i = 0; i < this.#names.length; i++) {
      const value = readValue(values, start + i)
      if (typeof value !== 'number' || !Number.isFinite(value)) return false
      this.#row[i] = value
    }
    return this.#names.length > 0
  }

  #readNamed(attributions: object): boolean {
    let found = false
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i]!
      const value = Object.hasOwn(attributions, name) ? (attributions as Record<string, unknown>)[name] : undefined
      if (!this.#put(i, value)) return false
      if (value !== undefined) found = true
    }
    return found
  }

  #readColumns(columns: Readonly<Record<string, Values | undefined>>, row: number): boolean {
    let found = false
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i]!
      const column = Object.hasOwn(columns, name) ? columns[name] : undefined
      const value = column === undefined ? undefined : readValue(column, row)
      if (!this.#put(i, value)) return false
      if (value !== undefined) found = true
    }
    return found
  }

  /** Puts one value into the row, NaN for none; false when it is there and no finite number. */
  #put(i: number, value: unknown): boolean {
    if (value === undefined) this.#row[i] = Number.NaN
    else if (typeof value !== 'number' || !Number.isFinite(value)) return false
    else this.#row[i] = value
    return true
  }

  #count(histograms: readonly SingleHistogram[]): void {
    for (let i = 0; i < histograms.length; i++) if (!Number.isNaN(this.#row[i]!)) histograms[i]!.record(this.#row[i]!)
  }

  #histogramsOf(method: unknown): SingleHistogram[] {
    const given = typeof method === 'string' && method !== '' ? method.slice(0, maxNameLength) : unknownMethod
    const known = this.#methods.get(given)
    if (known !== undefined) return known
    if (this.#methods.size >= maxAttributionMethods && given !== otherCategory) return this.#histogramsOf(otherCategory)
    // A baseline holds no cells of attributions, so these are log-linear.
    const column = { bounds: null, origin: 0, low: -Infinity, high: Infinity }
    const histograms = this.#names.map(() => new SingleHistogram(column))
    this.#methods.set(given, histograms)
    return histograms
  }
}
