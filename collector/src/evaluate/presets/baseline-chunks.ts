import { sumOf } from '../../stats/histogram-cells.ts'
import type { PresetInput } from './preset.ts'

/** What a distance from the baseline is on the baseline's own chunks. */
export interface ChunkSpread {
  readonly mean: number
  /** With divisor n. */
  readonly deviation: number
  /** Values of a chunk, on average. */
  readonly size: number
}

/** Windows that differ more from the size of the chunks have another spread without any drift. */
const largestSizeDifference = 0.2

type Summary = PresetInput['baseline']

/**
 * How a distance spreads over the chunks of a baseline; null without at least two chunks that have values. Found once per
 * baseline, because every window of it asks for the same.
 */
export function chunkSpreadOf(
  distance: (baseline: ArrayLike<number>, chunk: ArrayLike<number>) => number | null,
): (baseline: Summary) => ChunkSpread | null {
  const known = new WeakMap<Summary, { readonly spread: ChunkSpread | null }>()
  return (baseline) => {
    const found = known.get(baseline)
    if (found !== undefined) return found.spread
    const spread = spreadOf(baseline, distance)
    known.set(baseline, { spread })
    return spread
  }
}

function spreadOf(
  baseline: Summary,
  distance: (baseline: ArrayLike<number>, chunk: ArrayLike<number>) => number | null,
): ChunkSpread | null {
  const distances: number[] = []
  let values = 0
  for (const chunk of baseline.chunks ?? []) {
    const size = sumOf(chunk)
    const value = size > 0 && chunk.length === baseline.counts.length ? distance(baseline.counts, chunk) : null
    if (value === null) continue
    distances.push(value)
    values += size
  }
  if (distances.length < 2) return null
  const mean = sumOf(distances) / distances.length
  const variance = sumOf(distances.map((value) => (value - mean) ** 2)) / distances.length
  return { mean, deviation: Math.sqrt(variance), size: values / distances.length }
}

/** Whether a window has about as many values as the chunks. */
export function isOfChunkSize({ window }: PresetInput, { size }: ChunkSpread): boolean {
  return Math.abs(window.values - size) <= largestSizeDifference * size
}
