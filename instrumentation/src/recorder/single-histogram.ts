import { ExplicitBlock, searchDepth } from './explicit-block.ts'
import { LogLinearBlock } from './log-linear-block.ts'
import type { NumericBlock, NumericColumn, NumericReading } from './numeric-block.ts'

/** Values that are kept before they are counted; as with rows, so that most calls touch one place in memory and no table. */
const bufferedValues = 32

/** A histogram that gets one value at a time: an answer of the model, a duration. */
export class SingleHistogram {
  readonly #block: NumericBlock
  readonly #buffer = new Float64Array(bufferedValues)
  #buffered = 0

  constructor(column: NumericColumn) {
    const { bounds } = column
    this.#block =
      bounds === null ? new LogLinearBlock([column]) : new ExplicitBlock([column], searchDepth(bounds.length))
  }

  record(value: number): void {
    this.#buffer[this.#buffered++] = value
    if (this.#buffered === bufferedValues) this.#count()
  }

  recordColumn(values: Float64Array, count: number): void {
    this.#block.recordColumn(0, values, count)
  }

  /** What was counted since the last call; counting starts again at zero. */
  take(): NumericReading {
    this.#count()
    const reading = this.#block.read(0)
    this.#block.reset()
    return reading
  }

  #count(): void {
    this.#block.recordColumn(0, this.#buffer, this.#buffered)
    this.#buffered = 0
  }
}
