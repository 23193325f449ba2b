import { explicitCell, ReconstructionErrors, type MultivariateBaseline } from '@driftline/instrumentation/contract'
import type { ReconstructionCounts } from '../evaluate/window-counts.ts'
import { ColumnTally } from './column-tally.ts'
import type { Encoded } from './encode-cells.ts'

/** Measures the reconstruction errors of rows of files and counts them in the cells of a baseline, as the recorder does. */
export class ReconstructionColumn {
  readonly #errors: ReconstructionErrors
  readonly #bounds: Float64Array
  readonly #origin: number
  readonly #placeOf: ReadonlyMap<string, number>
  #tally: ColumnTally
  #imputed = 0
  #measured: Encoded = { cells: new Int32Array(0), numbers: new Float64Array(0) }

  constructor(multivariate: MultivariateBaseline) {
    const { features, error } = multivariate
    this.#errors = new ReconstructionErrors(multivariate)
    this.#bounds = Float64Array.from(error.bounds)
    this.#origin = error.mean
    this.#placeOf = new Map(features.map((name, place) => [name, place]))
    this.#tally = this.#newTally()
  }

  /** Takes the values of one feature; of one that the detector does not use, nothing. Places without a number are overwritten with NaN. */
  put(feature: string, { cells, numbers }: Encoded, rows: number): void {
    const place = this.#placeOf.get(feature)
    if (place === undefined) return
    for (let row = 0; row < rows; row++) if (cells[row]! < 0) numbers[row] = Number.NaN
    this.#errors.put(place, numbers, rows)
  }

  /** Counts the rows whose values were put. */
  count(rows: number): void {
    if (this.#measured.cells.length < rows)
      this.#measured = { cells: new Int32Array(rows), numbers: new Float64Array(rows) }
    const { cells, numbers } = this.#measured
    this.#imputed += this.#errors.measure(rows, numbers)
    for (let row = 0; row < rows; row++) cells[row] = explicitCell(this.#bounds, numbers[row]!)
    this.#tally.add(this.#measured, rows)
  }

  /** What was counted since the last call; starts anew. */
  take(): ReconstructionCounts {
    const { counts, values, sum, sumOfSquares, min, max } = this.#tally.group(0)
    const none = values === 0
    const imputed = this.#imputed
    this.#imputed = 0
    this.#tally = this.#newTally()
    return {
      distribution: {
        kind: 'numeric',
        counts,
        values,
        sum,
        sumOfSquares,
        min: none ? Number.NaN : min,
        max: none ? Number.NaN : max,
      },
      imputed,
    }
  }

  #newTally(): ColumnTally {
    return new ColumnTally({ cells: this.#bounds.length + 1, origin: this.#origin })
  }
}
