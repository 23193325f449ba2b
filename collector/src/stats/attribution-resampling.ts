import type { ClosedHistogram } from './interpolated-cdf.ts'
import { requireSameCells, sumOf } from './histogram-cells.ts'
import { drawMultinomial } from './multinomial-draw.ts'
import type { RandomGenerator } from './random-generator.ts'

/** Writes the mean |attribution| of every feature of one imagined window, in which nothing has changed. */
export type AttributionResampler = (random: RandomGenerator, target: Float64Array) => void

/** With fewer chunks a low quantile would be that of a handful of values. */
const fewestChunks = 20

/**
 * Resamples whole chunks of the baseline.
 *
 * Keeps what rows alone would lose: dependence between features, and variation from hour to hour. As many chunks are drawn as
 * the window has rows; a window smaller than a chunk gets one chunk, whose distance from the baseline's mean is stretched by
 * sqrt(chunk rows / window rows), as for independent rows (too much, hence cautious, where chunks differ by more than chance).
 * Null with fewer than 20 chunks that have rows, or when something is not a number. Cost: chunks drawn times features.
 *
 * @see Kunsch (1989), https://doi.org/10.1214/aos/1176347265, on resampling blocks.
 * @example chunkResampler({ chunkSums, chunkRows, windowRows: 500 })
 */
export function chunkResampler({
  chunkSums,
  chunkRows,
  windowRows,
}: {
  /** Per chunk, per feature: sum of |attribution|. */
  readonly chunkSums: readonly ArrayLike<number>[]
  readonly chunkRows: ArrayLike<number>
  readonly windowRows: number
}): AttributionResampler | null {
  if (chunkSums.length !== chunkRows.length) {
    throw new RangeError(`${chunkSums.length} chunks of sums and ${chunkRows.length} chunks of rows`)
  }
  const used = chunkSums.map((_, i) => i).filter((i) => chunkRows[i]! > 0)
  if (used.length < fewestChunks || !(windowRows > 0)) return null
  const rowsInAll = used.reduce((sum, i) => sum + chunkRows[i]!, 0)
  const features = chunkSums[used[0]!]!.length
  const means = new Float64Array(features)
  for (const i of used) {
    requireSameCells(means, chunkSums[i]!)
    for (let f = 0; f < features; f++) means[f]! += chunkSums[i]![f]! / rowsInAll
  }
  if (!means.every(Number.isFinite)) return null
  const perChunk = rowsInAll / used.length
  const drawn = Math.max(1, Math.round(windowRows / perChunk))
  const stretch = Math.sqrt(Math.max(1, perChunk / windowRows))
  return (random, target) => {
    target.fill(0)
    let rows = 0
    for (let k = 0; k < drawn; k++) {
      const chunk = used[Math.floor(random() * used.length)]!
      rows += chunkRows[chunk]!
      for (let f = 0; f < features; f++) target[f]! += chunkSums[chunk]![f]!
    }
    for (let f = 0; f < features; f++) {
      target[f] = Math.max(0, means[f]! + (target[f]! / rows - means[f]!) * stretch)
    }
  }
}

/** One feature's attributions as cells: rows, and the mean |attribution| of a row in each. */
export interface AttributionCells {
  readonly counts: ArrayLike<number>
  readonly magnitudes: ArrayLike<number>
}

/**
 * Resamples rows, feature by feature, from the baseline's histograms of attributions.
 *
 * For baselines without chunks. Independent rows and independent features: where rows cluster, real windows vary more.
 * Null without features, for a feature without rows, or for an empty window. Cost: one binomial draw a cell.
 *
 * @see Efron (1979), https://doi.org/10.1214/aos/1176344552
 * @example rowResampler({ features: [{ counts: [50, 50], magnitudes: [0, 2] }], windowRows: 100 })
 */
export function rowResampler({
  features,
  windowRows,
}: {
  readonly features: readonly AttributionCells[]
  readonly windowRows: number
}): AttributionResampler | null {
  const rows = Math.round(windowRows)
  if (features.length === 0 || !(rows > 0)) return null
  for (const { counts, magnitudes } of features) {
    requireSameCells(counts, magnitudes)
    if (!(sumOf(counts) > 0) || !Number.isFinite(sumOf(magnitudes))) return null
  }
  const scratch = features.map(({ counts }) => new Float64Array(counts.length))
  return (random, target) => {
    for (let f = 0; f < features.length; f++) {
      const { counts, magnitudes } = features[f]!
      const drawn = drawMultinomial(random, rows, counts, scratch[f])
      let sum = 0
      for (let i = 0; i < drawn.length; i++) sum += drawn[i]! * magnitudes[i]!
      target[f] = sum / rows
    }
  }
}

/**
 * Mean |value| of a row in each cell of a histogram of signed values.
 *
 * Rows are taken as spread evenly over their cell, closed by min and max; all are then scaled so that they add up to the known
 * sum of |value|. Null when the histogram is empty, or its ends or the sum are not finite. Cost linear in the cells.
 *
 * @example cellMagnitudes({ bounds: [0], counts: [1, 1], min: -1, max: 3 }, 4) // [1, 3]
 */
export function cellMagnitudes(histogram: ClosedHistogram, absoluteSum: number): Float64Array | null {
  const { bounds, counts, min, max } = histogram
  if (!(sumOf(counts) > 0) || !(absoluteSum >= 0) || !Number.isFinite(absoluteSum + max - min)) return null
  const magnitudes = new Float64Array(counts.length)
  let sum = 0
  for (let i = 0; i < counts.length; i++) {
    const high = i === bounds.length ? max : Math.min(bounds[i]!, max)
    const low = Math.min(i === 0 ? min : Math.max(bounds[i - 1]!, min), high)
    // Across 0 the two sides fold onto each other.
    magnitudes[i] = low * high >= 0 ? Math.abs(low + high) / 2 : (low * low + high * high) / (2 * (high - low))
    sum += counts[i]! * magnitudes[i]!
  }
  return magnitudes.map((magnitude) => (sum > 0 ? (magnitude * absoluteSum) / sum : 0))
}
