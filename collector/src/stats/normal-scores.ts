import { normalDensity, normalQuantile } from './normal-distribution.ts'
import { sumOf } from './histogram-cells.ts'

export interface NormalScores {
  /** Mean of Z in each cell. */
  readonly location: Float64Array
  /** Mean of Z^2 in each cell. */
  readonly scale: Float64Array
}

/**
 * Normal scores of the cells of a baseline histogram.
 *
 * The baseline is imagined mapped, rank by rank, onto a standard normal variable Z; a cell then holds an interval of Z, and
 * its scores are the means of Z (location, van der Waerden) and Z^2 (scale, Klotz) there. A window's mean score is 0 (1) when
 * nothing has changed, whatever shape the feature has; it reacts to shifts (spread) and not to single wild values.
 * Formula: (phi(low) - phi(high)) / p and 1 + (low phi(low) - high phi(high)) / p, at the cell's ends low, high.
 * Empty cells take the score of the nearest non-empty cell, the lower one when two are as near. Null for an empty baseline.
 * Exact; cost: one normal quantile a cell.
 *
 * @see van der Waerden (1952); Klotz (1962), https://doi.org/10.1214/aoms/1177704576
 * @example normalScores([1, 1])?.location // [-0.7978845608028654, 0.7978845608028654]
 */
export function normalScores(counts: ArrayLike<number>): NormalScores | null {
  const total = sumOf(counts)
  if (!(total > 0)) return null
  const cells = counts.length
  const location = new Float64Array(cells)
  const scale = new Float64Array(cells)
  let cumulative = 0
  let density = 0
  let slope = 0
  const last = lastFilled(counts)
  for (let i = 0; i < cells; i++) {
    const share = counts[i]! / total
    if (!(share > 0)) continue
    cumulative += share
    const z = i === last ? Number.POSITIVE_INFINITY : normalQuantile(Math.min(cumulative, 1))
    const nextDensity = Number.isFinite(z) ? normalDensity(z) : 0
    const nextSlope = Number.isFinite(z) ? z * nextDensity : 0
    location[i] = (density - nextDensity) / share
    scale[i] = 1 + (slope - nextSlope) / share
    density = nextDensity
    slope = nextSlope
  }
  for (let i = 0; i < cells; i++) {
    if (counts[i]! > 0) continue
    const nearest = nearestFilled(counts, i)
    location[i] = location[nearest]!
    scale[i] = scale[nearest]!
  }
  return { location, scale }
}

function lastFilled(counts: ArrayLike<number>): number {
  let last = counts.length - 1
  while (last > 0 && !(counts[last]! > 0)) last--
  return last
}

function nearestFilled(counts: ArrayLike<number>, cell: number): number {
  for (let distance = 1; ; distance++) {
    if (counts[cell - distance]! > 0) return cell - distance
    if (counts[cell + distance]! > 0) return cell + distance
  }
}

/**
 * Scores shifted and scaled to mean 0 and variance 1 under the given shares; null when they do not vary.
 *
 * @example standardise([0, 2], [0.5, 0.5]) // [-1, 1]
 */
export function standardise(scores: ArrayLike<number>, shares: ArrayLike<number>): Float64Array | null {
  let mean = 0
  for (let i = 0; i < scores.length; i++) mean += shares[i]! * scores[i]!
  let variance = 0
  for (let i = 0; i < scores.length; i++) variance += shares[i]! * (scores[i]! - mean) ** 2
  if (variance < 1e-12) return null
  const deviation = Math.sqrt(variance)
  return Float64Array.from(scores, (score) => (score - mean) / deviation)
}
