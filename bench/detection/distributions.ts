import { normalQuantile, normalUpperTail } from '../../collector/src/stats/normal-distribution.ts'
import type { Random } from './random.ts'

/** Where a feature's values lie, in standard deviations of the baseline's distribution, which is standard normal. */
export interface NumericChange {
  readonly name: string
  cdf(value: number): number
  /** The value that this share lies below. */
  quantile(share: number): number
}

/** Detection depends on ranks alone, so the normal distribution stands for every continuous one. */
export const unchanged: NumericChange = shiftedAndScaled('no change', 0, 1)

export function shiftedAndScaled(name: string, mean: number, deviation: number): NumericChange {
  return {
    name,
    cdf: (value) => normalUpperTail((mean - value) / deviation),
    quantile: (share) => mean + deviation * normalQuantile(share),
  }
}

/** This share of the rows is moved to five standard deviations above the mean. */
export function upperTail(name: string, share: number): NumericChange {
  return mixture(name, [
    { share: 1 - share, mean: 0, deviation: 1 },
    { share, mean: 5, deviation: 1 },
  ])
}

/** Two halves at -distance and +distance, narrowed so that mean and variance stay what they were. */
export function bimodal(name: string, distance: number): NumericChange {
  const deviation = Math.sqrt(1 - distance * distance)
  return mixture(name, [
    { share: 0.5, mean: -distance, deviation },
    { share: 0.5, mean: distance, deviation },
  ])
}

function mixture(
  name: string,
  parts: readonly { readonly share: number; readonly mean: number; readonly deviation: number }[],
): NumericChange {
  const cdf = (value: number): number => {
    let sum = 0
    for (const { share, mean, deviation } of parts) sum += share * normalUpperTail((mean - value) / deviation)
    return sum
  }
  return {
    name,
    cdf,
    quantile(share) {
      let low = -50
      let high = 50
      // Halving 50 times leaves 1e-13: values are only used to close the outermost cells.
      for (let i = 0; i < 50; i++) {
        const middle = (low + high) / 2
        if (cdf(middle) < share) low = middle
        else high = middle
      }
      return (low + high) / 2
    },
  }
}

/** Shares of the quantile layout's inner bounds (STATISTICS.md 1). */
export const layoutShares: readonly number[] = [0.01, ...Array.from({ length: 19 }, (_, i) => (i + 1) / 20), 0.99]

/** A baseline in the collector's quantile layout, as if drawn row by row. */
export interface NumericBaseline {
  readonly counts: Float64Array
  /** Values of the bounds, and the shares of the true distribution below them. */
  readonly bounds: Float64Array
  readonly ranks: Float64Array
}

/**
 * Draws a baseline of `rows` rows of a continuous feature: the values at the ranks of the layout's bounds are order
 * statistics of uniform numbers, drawn at once as sums of gamma gaps, so that no row need be drawn.
 *
 * The first bound lies just below the smallest row, the last at the largest: both outer cells are empty in the baseline.
 */
export function drawNumericBaseline(rows: number, random: Random): NumericBaseline {
  const atRank = [1, ...layoutShares.map((share) => Math.max(1, Math.ceil(share * rows - 1e-9))), rows]
  const ranks = new Float64Array(atRank.length)
  const counts = new Float64Array(atRank.length + 1)
  let sum = 0
  let before = 0
  atRank.forEach((rank, i) => {
    if (rank <= before) throw new RangeError(`${rows} rows are too few for the layout`)
    sum += random.gamma(rank - before)
    ranks[i] = sum
    // The smallest row is in the second cell, with those up to the first quantile.
    if (i > 0) counts[i] = rank - before + (i === 1 ? 1 : 0)
    before = rank
  })
  sum += random.gamma(1)
  for (let i = 0; i < ranks.length; i++) ranks[i]! /= sum
  return { counts, ranks, bounds: ranks.map((share) => normalQuantile(share)) }
}

/** Probability of every cell of the layout for rows of a (changed) distribution. */
export function cellProbabilities(baseline: NumericBaseline, change: NumericChange): Float64Array {
  const { bounds, ranks } = baseline
  const probabilities = new Float64Array(bounds.length + 1)
  let below = 0
  for (let i = 0; i < bounds.length; i++) {
    const share = change === unchanged ? ranks[i]! : change.cdf(bounds[i]!)
    probabilities[i] = Math.max(share - below, 0)
    below = Math.max(share, below)
  }
  probabilities[bounds.length] = 1 - below
  return probabilities
}

/**
 * Smallest and largest value of a window whose counts are known: of c rows in a cell the largest is at V^(1/c) of the cell's
 * probability, V uniform. Wasserstein's distance closes the open cells with them.
 */
export function drawExtremes(
  counts: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  change: NumericChange,
  random: Random,
): { readonly min: number; readonly max: number } {
  let below = 0
  let first = 0
  while (counts[first] === 0) below += probabilities[first++]!
  let above = 0
  let last = counts.length - 1
  while (counts[last] === 0) above += probabilities[last--]!
  const lowest = below + probabilities[first]! * (1 - (1 - random.uniform()) ** (1 / counts[first]!))
  const highest = 1 - above - probabilities[last]! * (1 - (1 - random.uniform()) ** (1 / counts[last]!))
  const min = change.quantile(Math.max(lowest, 1e-300))
  return { min, max: Math.max(min, change.quantile(Math.min(highest, 1 - 1e-16))) }
}

/** Zipf's shares of `categories` categories. */
export function zipfShares(categories: number): Float64Array {
  const shares = Float64Array.from({ length: categories }, (_, i) => 1 / (i + 1))
  const sum = shares.reduce((a, b) => a + b, 0)
  return shares.map((share) => share / sum)
}
