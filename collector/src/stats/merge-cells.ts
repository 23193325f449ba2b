import { requireSameCells, sumOf } from './histogram-cells.ts'

/** The smallest expected count for which chi-square p-values are trusted. */
export const smallestExpectedCount = 5

export interface MergedCells {
  readonly baseline: readonly number[]
  readonly window: readonly number[]
}

/**
 * Merges neighbouring cells of two histograms until every expected count is at least 5 in both.
 *
 * A cell's expected counts are its share of both histograms together times N and times n, so the smaller histogram decides.
 * Variant: greedy from the left; what is left over at the right end joins the last cell. Cells must be ordered.
 * Null when fewer than two cells would be left. Cost linear in the cells.
 *
 * @see Cochran (1952), https://doi.org/10.1214/aoms/1177729380, for the limit of 5.
 * @example mergeAdjacentCells([3, 97], [2, 98]) // null: 5 rows in all expect only 2.5 in each
 */
export function mergeAdjacentCells(baseline: ArrayLike<number>, window: ArrayLike<number>): MergedCells | null {
  requireSameCells(baseline, window)
  const needed = neededTotal(baseline, window)
  if (needed === null) return null
  const mergedBaseline: number[] = []
  const mergedWindow: number[] = []
  let inBaseline = 0
  let inWindow = 0
  for (let i = 0; i < baseline.length; i++) {
    inBaseline += baseline[i]!
    inWindow += window[i]!
    if (inBaseline + inWindow < needed) continue
    mergedBaseline.push(inBaseline)
    mergedWindow.push(inWindow)
    inBaseline = 0
    inWindow = 0
  }
  const last = mergedBaseline.length - 1
  if (last < 1) return null
  mergedBaseline[last]! += inBaseline
  mergedWindow[last]! += inWindow
  return { baseline: mergedBaseline, window: mergedWindow }
}

/**
 * Merges the rarest categories of two histograms into the last cell (`_OTHER`) until every expected count is at least 5 in
 * both.
 *
 * Variant: rarest first, by both counts together; an `_OTHER` that is itself too small takes in the next rarest category, an
 * empty one disappears. Null when fewer than two cells would be left. Cost: a sort of the cells.
 *
 * @example mergeRareCategories([50, 48, 2, 0], [50, 49, 1, 0]) // two cells: 50 / 50 and 50 / 50
 */
export function mergeRareCategories(baseline: ArrayLike<number>, window: ArrayLike<number>): MergedCells | null {
  requireSameCells(baseline, window)
  const needed = neededTotal(baseline, window)
  if (needed === null) return null
  const last = baseline.length - 1
  const total = (cell: number): number => baseline[cell]! + window[cell]!
  const order = Array.from({ length: last }, (_, i) => i).sort((a, b) => total(a) - total(b) || a - b)
  let otherBaseline = baseline[last] ?? 0
  let otherWindow = window[last] ?? 0
  let merged = 0
  for (const cell of order) {
    const other = otherBaseline + otherWindow
    if (total(cell) >= needed && (other === 0 || other >= needed)) break
    otherBaseline += baseline[cell]!
    otherWindow += window[cell]!
    merged++
  }
  const kept = order.slice(merged).sort((a, b) => a - b)
  const withOther = otherBaseline + otherWindow > 0
  if (kept.length + (withOther ? 1 : 0) < 2) return null
  const mergedBaseline = kept.map((cell) => baseline[cell]!)
  const mergedWindow = kept.map((cell) => window[cell]!)
  if (withOther) {
    mergedBaseline.push(otherBaseline)
    mergedWindow.push(otherWindow)
  }
  return { baseline: mergedBaseline, window: mergedWindow }
}

/** Rows of both histograms together that a cell needs. */
function neededTotal(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  const baselineSize = sumOf(baseline)
  const windowSize = sumOf(window)
  const smaller = Math.min(baselineSize, windowSize)
  return smaller > 0 ? (smallestExpectedCount * (baselineSize + windowSize)) / smaller : null
}
