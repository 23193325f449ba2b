import { chiSquareLowerQuantile, chiSquareUpperQuantile } from '../../stats/chi-square-distribution.ts'
import { fUpperQuantile } from '../../stats/f-distribution.ts'
import { normalScores, standardise } from '../../stats/normal-scores.ts'
import { smoothedShares } from '../../stats/smoothed-shares.ts'
import { shapeGroups, tailRanges, type CellRange } from './cell-groups.ts'

/** Block lengths, in chunks, whose variance is looked at. */
const blockSizes = [1, 2, 4, 8, 16, 32] as const
const singleChunks = [1] as const

/** Fewer blocks than this tell nothing about a variance. */
const fewestBlocks = 5

/** Significance asked of an excess of variance, per group of directions. */
const excessSignificance = 0.01

/** The factor is the upper confidence limit of the excess at 1 - this. */
const limitProbability = 0.1

/** Significance asked of longer blocks varying more than single chunks. */
const longerBlockSignificance = 0.1

/** Hits and other rows that a rate needs before its dispersion is learned. */
const fewestHits = 5

export interface NumericDispersion {
  readonly location: number | undefined
  readonly scale: number | undefined
  readonly tail: { readonly lower?: number; readonly upper?: number }
  /** Per group of cells, in the order of `shapeGroups`. */
  readonly shape: readonly number[]
}

export interface CategoricalDispersion {
  /** Per cell, `_OTHER` last. */
  readonly category: readonly number[]
}

/** Counts of K time-ordered chunks of the baseline, in its cells. */
export type Chunks = readonly ArrayLike<number>[]

/**
 * Dispersion factor of one direction: by how much sums over chunks vary more than sums over independent rows would.
 *
 * `deviations[t]` is the sum over the rows of chunk t of a score with mean 0 and variance 1 under the baseline, `rows[t]` its
 * rows. For every block size g, v_g = sum over blocks of S^2 / r / (k - 1). An excess that is significant by chi-square is
 * replaced by its upper 90 % limit, and the largest counts; longer blocks count only if they vary more than single chunks
 * do (F test): without that rule a factor is picked from the noise of a few long blocks.
 *
 * @see STATISTICS.md 6.4. Design effect: Kish, Survey Sampling (1965).
 * @returns at least 1; 1 when there are fewer than five blocks.
 */
function dispersionFactor(
  deviations: ArrayLike<number>,
  rows: ArrayLike<number>,
  significance: number = excessSignificance,
  blocks: readonly number[] = blockSizes,
): number {
  let factor = 1
  let single: { readonly variance: number; readonly blocks: number } | null = null
  for (const size of blocks) {
    if (Math.floor(deviations.length / size) < fewestBlocks) break
    const { variance, count } = blockVariance(deviations, rows, size)
    if (count < fewestBlocks) continue
    if (size === 1) single = { variance: Math.max(variance, 1), blocks: count }
    // The cheap conditions first: a quantile costs microseconds and there are thousands of directions.
    if (variance <= 1 || (count - 1) * variance <= chiSquareUpperQuantile(significance, count - 1)) continue
    if (
      size > 1 &&
      single !== null &&
      variance / single.variance <= fUpperQuantile(longerBlockSignificance, count - 1, single.blocks - 1)
    ) {
      continue
    }
    factor = Math.max(factor, (variance * (count - 1)) / chiSquareLowerQuantile(limitProbability, count - 1))
  }
  return factor
}

function blockVariance(
  deviations: ArrayLike<number>,
  rows: ArrayLike<number>,
  size: number,
): { readonly variance: number; readonly count: number } {
  const blocks = Math.floor(deviations.length / size)
  let sum = 0
  let count = 0
  for (let block = 0; block < blocks; block++) {
    let deviation = 0
    let inBlock = 0
    for (let t = block * size; t < (block + 1) * size; t++) {
      deviation += deviations[t]!
      inBlock += rows[t]!
    }
    if (inBlock <= 0) continue
    sum += (deviation * deviation) / inBlock
    count++
  }
  return { variance: sum / (count - 1), count }
}

/** Dispersion factor of a rate, from hits and rows per chunk; 1 when there are fewer than five hits or other rows. */
export function rateDispersion(
  hits: ArrayLike<number>,
  rows: ArrayLike<number>,
  significance: number = excessSignificance,
  blocks: readonly number[] = blockSizes,
): number {
  let allHits = 0
  let allRows = 0
  for (let t = 0; t < rows.length; t++) {
    allHits += hits[t]!
    allRows += rows[t]!
  }
  if (allHits < fewestHits || allRows - allHits < fewestHits) return 1
  const rate = allHits / allRows
  const deviation = Math.sqrt(rate * (1 - rate))
  const deviations = Float64Array.from(rows, (inChunk, t) => (hits[t]! - rate * inChunk) / deviation)
  return dispersionFactor(deviations, rows, significance, blocks)
}

/**
 * Dispersion of every direction of a numeric histogram. Tails and groups of cells also borrow from location and scale, in
 * proportion to the squared correlation: what wanders there moves every share.
 */
export function learnNumericDispersion(chunks: Chunks): NumericDispersion {
  const counts = sumOfChunks(chunks)
  const rows = rowsOfChunks(chunks)
  const scores = normalScores(counts)
  if (scores === null) return { location: undefined, scale: undefined, tail: {}, shape: [] }
  const shares = smoothedShares(counts)
  const learned = [scores.location, scores.scale].map((raw) => {
    const standardised = standardise(raw, shares)
    if (standardised === null) return null
    return { scores: standardised, factor: scoreDispersion(chunks, rows, standardised) }
  })
  const borrowed = ({ from, to }: CellRange): number => {
    let share = 0
    for (let i = from; i < to; i++) share += shares[i]!
    const variance = share * (1 - share)
    if (!(variance > 0)) return 1
    let factor = 1
    for (const direction of learned) {
      if (direction === null) continue
      let covariance = 0
      for (let i = from; i < to; i++) covariance += shares[i]! * direction.scores[i]!
      factor += ((direction.factor - 1) * covariance * covariance) / variance
    }
    return factor
  }
  const ofRange = (range: CellRange, significance: number): number =>
    Math.max(rateDispersion(hitsOfChunks(chunks, range), rows, significance), borrowed(range))
  const tail: { lower?: number; upper?: number } = {}
  for (const range of tailRanges(counts)) tail[range.side] = ofRange(range, excessSignificance)
  const groups = shapeGroups(counts)
  const shape = groups.map((range) => ofRange(range, excessSignificance / groups.length))
  return { location: learned[0]?.factor, scale: learned[1]?.factor, tail, shape }
}

function scoreDispersion(chunks: Chunks, rows: Float64Array, scores: Float64Array): number {
  const sums = Float64Array.from(chunks, (chunk) => {
    let sum = 0
    for (let i = 0; i < scores.length; i++) sum += chunk[i]! * scores[i]!
    return sum
  })
  const mean = sums.reduce((a, b) => a + b, 0) / rows.reduce((a, b) => a + b, 0)
  return dispersionFactor(
    sums.map((sum, t) => sum - rows[t]! * mean),
    rows,
  )
}

/**
 * Dispersion of every cell of a categorical histogram. `_OTHER`, mostly empty, takes the median over the categories, single
 * chunks only.
 */
export function learnCategoricalDispersion(chunks: Chunks): CategoricalDispersion {
  const cells = chunks[0]?.length ?? 0
  const rows = rowsOfChunks(chunks)
  const significance = excessSignificance / cells
  const category: number[] = []
  const single: number[] = []
  for (let cell = 0; cell < cells - 1; cell++) {
    const hits = hitsOfChunks(chunks, { from: cell, to: cell + 1 })
    category.push(rateDispersion(hits, rows, significance))
    single.push(rateDispersion(hits, rows, significance, singleChunks))
  }
  if (cells > 0) category.push(median(single))
  return { category }
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 1
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function sumOfChunks(chunks: Chunks): Float64Array {
  const sums = new Float64Array(chunks[0]?.length ?? 0)
  for (const chunk of chunks) for (let i = 0; i < sums.length; i++) sums[i]! += chunk[i]!
  return sums
}

function rowsOfChunks(chunks: Chunks): Float64Array {
  return hitsOfChunks(chunks, { from: 0, to: chunks[0]?.length ?? 0 })
}

function hitsOfChunks(chunks: Chunks, { from, to }: CellRange): Float64Array {
  return Float64Array.from(chunks, (chunk) => {
    let sum = 0
    for (let i = from; i < to; i++) sum += chunk[i]!
    return sum
  })
}

/**
 * The factor for a window of `windowSize` rows, learned on chunks of `chunkSize` rows: what a chunk shares, a longer window
 * shares at least as much of.
 *
 * @example dispersionForWindow(3, 2000, 1000) // 5
 */
export function dispersionForWindow(factor: number, windowSize: number, chunkSize: number): number {
  return 1 + (factor - 1) * Math.max(1, windowSize / chunkSize)
}
