import type { BucketRange, LogLinearLayout } from '@driftline/instrumentation/contract'
import { histogramHeader } from './block.ts'
import { scatterLogLinear, withFewCells } from './totals.ts'

/** The finest scale there is: a feature whose values lie within a few parts per million of each other has its shape only there. */
export const finestScale = 20
/** Ranges start and end at multiples of this, so that the layout of a series rarely changes from one export to the next. */
export const rangeStep = 32

export interface ExponentialSide {
  /** Index of the first bucket. */
  readonly offset: number
  readonly bucketCounts: readonly number[]
}

/**
 * Buckets of an exponential histogram as cells of a log-linear layout of at most `finestScale` and `maxCommonCells`, each range widened to
 * multiples of `rangeStep` buckets. Empty buckets at the ends are left out first; a side without counts has no cells.
 *
 * `values` has the four slots of a histogram's header, left at 0, and then the cells from the most negative to the most positive one.
 *
 * @throws RangeError when a bucket with counts lies beyond the finite doubles.
 */
export function toLogLinear(
  scale: number,
  zeroThreshold: number,
  zeroCount: number,
  negative: ExponentialSide,
  positive: ExponentialSide,
): { layout: LogLinearLayout; values: Float64Array } {
  const from = {
    kind: 'log-linear',
    scale,
    zeroThreshold,
    negative: filled(negative),
    positive: filled(positive),
  } as const
  const layout = withFewCells(Math.min(scale, finestScale), (kept) => ({
    kind: 'log-linear',
    scale: kept,
    zeroThreshold,
    negative: widened(from.negative, scale - kept, kept),
    positive: widened(from.positive, scale - kept, kept),
  }))
  const cells = new Float64Array(histogramHeader + from.negative.length + 1 + from.positive.length)
  const zero = histogramHeader + from.negative.length
  cells[zero] = zeroCount
  for (let i = 0; i < from.negative.length; i++)
    cells[zero - 1 - i] = negative.bucketCounts[from.negative.offset - negative.offset + i]!
  for (let i = 0; i < from.positive.length; i++)
    cells[zero + 1 + i] = positive.bucketCounts[from.positive.offset - positive.offset + i]!
  const values = new Float64Array(histogramHeader + layout.negative.length + 1 + layout.positive.length)
  scatterLogLinear(from, cells, 0, layout, values)
  return { layout, values }
}

/** The range from the first to the last bucket that holds anything. */
function filled({ offset, bucketCounts }: ExponentialSide): BucketRange {
  let first = 0
  let last = bucketCounts.length - 1
  while (first <= last && bucketCounts[first] === 0) first++
  while (last >= first && bucketCounts[last] === 0) last--
  return first > last ? { offset: 0, length: 0 } : { offset: offset + first, length: last - first + 1 }
}

function widened(range: BucketRange, shift: number, scale: number): BucketRange {
  if (range.length === 0) return range
  const first = range.offset >> shift
  const last = (range.offset + range.length - 1) >> shift
  // Doubles reach from 2^-1074 to 2^1024.
  if (first < Math.floor(-1075 * 2 ** scale) || last > Math.ceil(1024 * 2 ** scale)) {
    throw new RangeError(`buckets ${first} to ${last} of scale ${scale} lie beyond the finite doubles`)
  }
  const offset = Math.floor(first / rangeStep) * rangeStep
  return { offset, length: Math.ceil((last + 1) / rangeStep) * rangeStep - offset }
}
