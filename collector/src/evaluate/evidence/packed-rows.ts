import type { CompiledDetector } from './compile-detector.ts'

/**
 * The rows of all parts of a detector, one after the other in the order of its state.
 *
 * A step runs over every row of the model once. In arrays of its own for each part it would wait for memory at the beginning
 * of each of them: with thousands of features that takes longer than the arithmetic.
 */
export interface PackedRows {
  /** Slope, intercept and weight within the monitor, row by row. */
  readonly coefficients: Float64Array
  /** The statistic of each row, within its part. */
  readonly statistic: Uint32Array
  /** Rows of each monitor's values, missing and invalid part: three numbers a monitor. */
  readonly partRows: Uint32Array
  readonly groups: readonly string[]
  readonly names: readonly string[]
}

/** Detectors live as long as their model is watched. */
const packed = new WeakMap<CompiledDetector, PackedRows>()

export function packedRows(detector: CompiledDetector): PackedRows {
  let rows = packed.get(detector)
  if (rows === undefined) {
    rows = pack(detector)
    packed.set(detector, rows)
  }
  return rows
}

function pack(detector: CompiledDetector): PackedRows {
  const coefficients = new Float64Array(3 * detector.rowCount)
  const statistic = new Uint32Array(detector.rowCount)
  const groups = new Array<string>(detector.rowCount).fill('')
  const names = new Array<string>(detector.rowCount).fill('')
  const parts = detector.monitors.flatMap(({ values, missing, invalid }) => [values, missing, invalid])
  const partRows = Uint32Array.from(parts, (part) => part?.weight.length ?? 0)
  for (const part of parts) {
    if (part === null) continue
    const { rows, offset, weight } = part
    statistic.set(rows.statistic, offset)
    for (let row = 0; row < rows.slope.length; row++) {
      const at = offset + row
      coefficients[3 * at] = rows.slope[row]!
      coefficients[3 * at + 1] = rows.intercept[row]!
      coefficients[3 * at + 2] = weight[row]!
      groups[at] = rows.groups[row]!
      names[at] = rows.names[row]!
    }
  }
  return { coefficients, statistic, partRows, groups, names }
}
