import type { SliceCounts } from '../evaluate/evaluate-slice.ts'
import { addWindowCounts } from '../evaluate/window-counts.ts'

/** The counts of two slices, segment by segment, as if they were one. */
export function addSliceCounts(a: SliceCounts, b: SliceCounts): SliceCounts {
  const sums = new Map(a)
  for (const [segment, counts] of b) {
    const sum = sums.get(segment)
    sums.set(segment, sum === undefined ? counts : addWindowCounts(sum, counts))
  }
  return sums
}
