import { ExplicitBlock, searchDepth } from './explicit-block.ts'
import { LogLinearBlock } from './log-linear-block.ts'
import type { NumericBlock, NumericColumn, NumericInvalid, NumericReading } from './numeric-block.ts'

/**
 * Where the numeric columns of a model stand: columns that need the same search depth lie next to each other, in one block.
 * The same for all segments of a model.
 */
export interface SlotOrder {
  /** Slot of the i-th numeric column as declared. */
  readonly slots: readonly number[]
  /** Runs of slots, by the kind of block that counts them; depth null means log-linear. */
  readonly runs: readonly { readonly depth: number | null; readonly declared: readonly number[] }[]
}

/** @param layouts the bounds of each column; null: log-linear */
export function orderSlots(layouts: readonly (readonly number[] | null)[]): SlotOrder {
  const byDepth = new Map<number | null, number[]>()
  layouts.forEach((bounds, declared) => {
    const depth = bounds === null ? null : searchDepth(bounds.length)
    const run = byDepth.get(depth)
    if (run === undefined) byDepth.set(depth, [declared])
    else run.push(declared)
  })
  const slots: number[] = []
  let next = 0
  for (const declared of byDepth.values()) for (const column of declared) slots[column] = next++
  return { slots, runs: [...byDepth].map(([depth, declared]) => ({ depth, declared })) }
}

/** The numeric columns of one scope, addressed by slot. */
export class NumericFeatures {
  readonly #blocks: NumericBlock[] = []
  readonly #blockOf: NumericBlock[] = []
  readonly #columnOf: number[] = []

  constructor(columns: readonly NumericColumn[], order: SlotOrder) {
    for (const { depth, declared } of order.runs) {
      const own = declared.map((column) => columns[column]!)
      const block = depth === null ? new LogLinearBlock(own) : new ExplicitBlock(own, depth)
      this.#blocks.push(block)
      own.forEach((_, column) => {
        this.#blockOf.push(block)
        this.#columnOf.push(column)
      })
    }
  }

  get bytes(): number {
    return this.#blocks.reduce((sum, block) => sum + block.bytes, 0)
  }

  recordColumn(slot: number, values: Float64Array, count: number): void {
    this.#blockOf[slot]!.recordColumn(this.#columnOf[slot]!, values, count)
  }

  /** As in `NumericBlock`. */
  recordStrided(slot: number, data: Float32Array | Float64Array, first: number, step: number, count: number): number {
    return this.#blockOf[slot]!.recordStrided(this.#columnOf[slot]!, data, first, step, count)
  }

  addInvalid(slot: number, reason: NumericInvalid, count: number): void {
    this.#blockOf[slot]!.addInvalid(this.#columnOf[slot]!, reason, count)
  }

  read(slot: number): NumericReading {
    return this.#blockOf[slot]!.read(this.#columnOf[slot]!)
  }

  reset(): void {
    for (const block of this.#blocks) block.reset()
  }
}
