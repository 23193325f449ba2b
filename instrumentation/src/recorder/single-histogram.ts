import { ExplicitBlock, searchDepth } from './explicit-block.ts'
import { LogLinearBlock } from './log-linear-block.ts'
import type { NumericBlock, NumericColumn, NumericReading } from './numeric-block.ts'

/** A histogram of one column: an answer of the model, a duration. */
export class SingleHistogram {
  readonly #block: NumericBlock

  constructor(column: NumericColumn) {
    const { bounds } = column
    this.#block =
      bounds === null ? new LogLinearBlock([column]) : new ExplicitBlock([column], searchDepth(bounds.length))
  }

  /** As `NumericBlock.recordColumn`. */
  recordColumn(values: Float64Array, count: number): void {
    this.#block.recordColumn(0, values, count)
  }

  /** What was counted since the last call; counting starts again at zero. */
  take(): NumericReading {
    const reading = this.#block.read(0)
    this.#block.reset()
    return reading
  }
}
