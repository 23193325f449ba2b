import type { Drift } from '../drift/drift.ts'
import { seededRandom, type Random } from '../random.ts'
import { inOrderForever, shuffledForever } from './order.ts'
import type { LabelledRow } from './rows.ts'

export interface TrafficSourceOptions {
  /** Rows as the model knows them. */
  readonly heldOut: readonly LabelledRow[]
  /** Rows of the years after; needed by a drift that draws from them. */
  readonly laterYears: readonly LabelledRow[]
  readonly drift: Drift
  readonly seed: number
}

/** An endless supply of rows: undisturbed ones until `plantDrift()`, disturbed ones after it. The same seed gives the same rows. */
export class TrafficSource {
  readonly #options: TrafficSourceOptions
  readonly #coin: Random
  #order: Iterator<number, never, void>
  #rows: readonly LabelledRow[]
  #planted = false

  constructor(options: TrafficSourceOptions) {
    this.#options = options
    this.#rows = options.heldOut
    this.#order = shuffledForever(options.heldOut.length, seededRandom(options.seed))
    // A generator of its own, so that the order of the rows is the same with every drift.
    this.#coin = seededRandom(options.seed + 1)
  }

  get planted(): boolean {
    return this.#planted
  }

  /** Rows that are walked before any of them comes again. */
  get rowsPerPass(): number {
    return this.#rows.length
  }

  plantDrift(): void {
    if (this.#planted) return
    this.#planted = true
    if (this.#options.drift.source === 'later-years') {
      this.#rows = this.#options.laterYears
      this.#order = inOrderForever(this.#rows.length)
    }
  }

  /** A drift changes what is sent of a row, never what becomes of it. */
  next(): LabelledRow {
    const next = this.#rows[this.#order.next().value]!
    return this.#planted ? { ...next, row: this.#options.drift.plant(next.row, this.#coin) } : next
  }
}
