import { CellHistogram } from './cell-histogram.ts'
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
  const mergedBaseline = new CellHistogram()
  const mergedWindow = new CellHistogram()
  const cells = mergeAdjacentInto(CellHistogram.of(baseline), CellHistogram.of(window), mergedBaseline, mergedWindow)
  if (cells < 2) return null
  return {
    baseline: Array.from(mergedBaseline.counts.subarray(0, cells)),
    window: Array.from(mergedWindow.counts.subarray(0, cells)),
  }
}

/** The same of histograms already prepared, into two others; returns their number of cells, 0 when fewer than two are left. */
export function mergeAdjacentInto(
  baseline: CellHistogram,
  window: CellHistogram,
  intoBaseline: CellHistogram,
  intoWindow: CellHistogram,
): number {
  const { counts: b, cells } = baseline
  const { counts: c } = window
  const needed = neededTotal(baseline.size, window.size)
  if (needed === null) return 0
  intoBaseline.reserve(cells)
  intoWindow.reserve(cells)
  const { counts: mergedBaseline } = intoBaseline
  const { counts: mergedWindow } = intoWindow
  let merged = 0
  let inBaseline = 0
  let inWindow = 0
  for (let i = 0; i < cells; i++) {
    inBaseline += b[i]!
    inWindow += c[i]!
    if (inBaseline + inWindow < needed) continue
    mergedBaseline[merged] = inBaseline
    mergedWindow[merged] = inWindow
    merged++
    inBaseline = 0
    inWindow = 0
  }
  if (merged < 2) return 0
  mergedBaseline[merged - 1]! += inBaseline
  mergedWindow[merged - 1]! += inWindow
  intoBaseline.complete(merged)
  intoWindow.complete(merged)
  return merged
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
  const needed = neededTotal(sumOf(baseline), sumOf(window))
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
function neededTotal(baselineSize: number, windowSize: number): number | null {
  const smaller = Math.min(baselineSize, windowSize)
  return smaller > 0 ? (smallestExpectedCount * (baselineSize + windowSize)) / smaller : null
}
