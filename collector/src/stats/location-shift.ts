import { CellHistogram } from './cell-histogram.ts'
import { requireSameCells } from './histogram-cells.ts'
import { z95 } from './wilson-interval.ts'

export interface LocationShift {
  /** Mean standardised normal score of the window: the shift in baseline standard deviations. */
  readonly effect: number
  /** 95 %. */
  readonly interval: readonly [number, number]
  readonly z: number
}

/**
 * Location shift of a window against its baseline, in standard deviations of the normal score.
 *
 * 0 when nothing has moved; +1 when the window lies one baseline standard deviation higher, for normal data; for other data
 * the shift after mapping the baseline's ranks to a normal variable, so outliers count by their rank only.
 * Formula: m = sum c_i s_i / n, s standardised normal scores of the baseline; interval m ± 1.96 sqrt(v / n + 1 / N), v the
 * window's variance of s; z = m / sqrt(1 / n + 1 / N).
 * Null when the window or the baseline is empty. Asymptotic interval; cost linear in the cells.
 *
 * @see van der Waerden (1952) for the scores.
 * @example locationShift(scores, [0, 10, 0], 1000)?.effect // the middle cell's score
 */
export function locationShift(
  standardisedScores: ArrayLike<number>,
  window: ArrayLike<number>,
  baselineSize: number,
): LocationShift | null {
  requireSameCells(standardisedScores, window)
  return locationShiftOfCells(Float64Array.from(standardisedScores), CellHistogram.of(window), baselineSize)
}

/** The same of a histogram already prepared. */
export function locationShiftOfCells(
  standardisedScores: Float64Array,
  { counts, cells, size }: CellHistogram,
  baselineSize: number,
): LocationShift | null {
  if (!(size > 0) || !(baselineSize > 0)) return null
  let sum = 0
  for (let i = 0; i < cells; i++) sum += counts[i]! * standardisedScores[i]!
  const effect = sum / size
  let squares = 0
  for (let i = 0; i < cells; i++) {
    const deviation = standardisedScores[i]! - effect
    squares += counts[i]! * deviation * deviation
  }
  // A window in a single cell has no variance of its own; the floor keeps the interval open.
  const error = Math.sqrt(Math.max(squares / size, 1e-12) / size + 1 / baselineSize)
  return {
    effect,
    interval: [effect - z95 * error, effect + z95 * error],
    z: effect / Math.sqrt(1 / size + 1 / baselineSize),
  }
}
