import { sumOf } from '../../stats/histogram-cells.ts'

/** A run of neighbouring cells, `to` exclusive. */
export interface CellRange {
  readonly from: number
  readonly to: number
}

export interface TailRange extends CellRange {
  readonly side: 'lower' | 'upper'
}

/** At most this many groups of cells are watched for changes of shape. */
const shapeGroupLimit = 10

/** A tail holds at most this share of the baseline. */
const tailShare = 0.02

/**
 * The outermost cells of a baseline histogram, range cell included, per side, as far as their share stays within 2 %. A side
 * whose outermost filled cell is larger has no tail.
 */
export function tailRanges(counts: ArrayLike<number>): TailRange[] {
  const limit = tailShare * sumOf(counts)
  const tails: TailRange[] = []
  let sum = 0
  let end = 0
  while (end < counts.length && sum + counts[end]! <= limit) sum += counts[end++]!
  if (sum > 0) tails.push({ side: 'lower', from: 0, to: end })
  sum = 0
  let start = counts.length
  while (start > 0 && sum + counts[start - 1]! <= limit) sum += counts[--start]!
  if (sum > 0) tails.push({ side: 'upper', from: start, to: counts.length })
  return tails
}

/**
 * At most ten groups of neighbouring cells with about equal baseline share: greedy from the left; a last group of less than
 * half its due joins the one before.
 */
export function shapeGroups(counts: ArrayLike<number>): CellRange[] {
  const total = sumOf(counts)
  const starts = [0]
  let inGroup = 0
  let before = 0
  for (let i = 0; i < counts.length; i++) {
    const due = (starts.length * total) / shapeGroupLimit
    if (inGroup > 0 && before + inGroup + counts[i]! / 2 > due && starts.length < shapeGroupLimit) {
      starts.push(i)
      before += inGroup
      inGroup = 0
    }
    inGroup += counts[i]!
  }
  if (inGroup / total < 0.5 / shapeGroupLimit && starts.length > 1) starts.pop()
  return starts.map((from, i) => ({ from, to: starts[i + 1] ?? counts.length }))
}
