import { ReconstructionErrors } from '../contract/index.ts'
import type { DetectorPlan } from '../plan.ts'
import { chunkRows } from './gather.ts'
import type { NumericReading } from './numeric-block.ts'
import { SingleHistogram } from './single-histogram.ts'

/** What the detector of one scope counted. */
export interface DetectorReading {
  readonly error: NumericReading
  /** Rows of which a value was missing or invalid, so that its mean stood in for it. */
  readonly imputed: number
}

/**
 * Measures rows for the detector of a model. Shared by all segments, which is safe because recording is synchronous and
 * `ModelRecorder` refuses to be entered twice.
 */
export class DetectorShape {
  readonly errors: ReconstructionErrors
  /** For each numeric slot its place in the detector's basis, or -1. */
  readonly placeOfSlot: Int32Array

  /** @param slots for each feature its numeric slot; anything below 0 when it has none */
  constructor(plan: DetectorPlan, slots: readonly number[], numericCount: number) {
    this.errors = new ReconstructionErrors(plan.basis)
    this.placeOfSlot = new Int32Array(numericCount).fill(-1)
    slots.forEach((slot, feature) => {
      if (slot >= 0) this.placeOfSlot[slot] = plan.places[feature]!
    })
  }

  /** Takes the values of one numeric slot, at most `chunkRows`; those that are not finite count as missing. */
  put(slot: number, values: Float64Array, count: number): void {
    const place = this.placeOfSlot[slot]!
    if (place >= 0) this.errors.put(place, values, count)
  }
}

/** Counts the errors of the rows of one scope. */
export class DetectorRecorder {
  readonly #shape: DetectorShape
  readonly #histogram: SingleHistogram
  #imputed = 0

  constructor(plan: DetectorPlan, shape: DetectorShape) {
    this.#shape = shape
    this.#histogram = new SingleHistogram(plan.error)
  }

  /** Counts the rows whose values were put in the shape. */
  count(rows: number): void {
    this.#imputed += this.#shape.errors.measure(rows, measured)
    this.#histogram.recordColumn(measured, rows)
  }

  /** What was counted since the last call; counting starts again at zero. */
  take(): DetectorReading {
    const reading = { error: this.#histogram.take(), imputed: this.#imputed }
    this.#imputed = 0
    return reading
  }
}

/** Errors of one chunk. Used within one synchronous call at a time. */
const measured = new Float64Array(chunkRows)
