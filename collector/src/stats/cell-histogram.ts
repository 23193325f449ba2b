import { requireSameCells } from './histogram-cells.ts'

/**
 * A histogram made ready for many statistics: counts, shares, smoothed and cumulative shares, each summed and divided once.
 *
 * All arrays are Float64Array, whatever the counts came in, so that the loops over them are compiled for one kind of array;
 * this, more than the arithmetic, is what a comparison costs. They are kept from one `read` to the next and may be longer
 * than `cells`.
 */
export class CellHistogram {
  cells = 0
  /** Sum of the counts. */
  size = 0
  /** First and last cell with a count above 0; `cells` and -1 when there is none. */
  first = 0
  last = -1
  counts: Float64Array = new Float64Array(0)
  /** count / size. */
  shares: Float64Array = new Float64Array(0)
  /** As `smoothed-shares.ts` defines them. */
  smoothed: Float64Array = new Float64Array(0)
  /** Share of the values in this cell and all before it. */
  cumulative: Float64Array = new Float64Array(0)

  static of(counts: ArrayLike<number>): CellHistogram {
    return new CellHistogram().read(counts)
  }

  /** Takes the counts of another histogram in place of its own. */
  read(counts: ArrayLike<number>): this {
    this.reserve(counts.length)
    const own = this.counts
    for (let i = 0; i < counts.length; i++) own[i] = counts[i]!
    return this.complete(counts.length)
  }

  /** Makes room for counts that are then written in place; `complete` must follow. */
  reserve(cells: number): void {
    if (this.counts.length >= cells) return
    // Side by side, so that they come from memory together.
    const all = new ArrayBuffer(4 * 8 * cells)
    this.counts = new Float64Array(all, 0, cells)
    this.shares = new Float64Array(all, 8 * cells, cells)
    this.smoothed = new Float64Array(all, 2 * 8 * cells, cells)
    this.cumulative = new Float64Array(all, 3 * 8 * cells, cells)
  }

  /** Derives the shares from the first `cells` counts. */
  complete(cells: number): this {
    const { counts, shares, smoothed, cumulative } = this
    let size = 0
    for (let i = 0; i < cells; i++) size += counts[i]!
    const total = size + cells / 2
    let sum = 0
    for (let i = 0; i < cells; i++) {
      const count = counts[i]!
      sum += count
      shares[i] = count / size
      smoothed[i] = (count + 0.5) / total
      cumulative[i] = sum / size
    }
    let first = 0
    while (first < cells && !(counts[first]! > 0)) first++
    let last = cells - 1
    while (last >= 0 && !(counts[last]! > 0)) last--
    this.cells = cells
    this.size = size
    this.first = first
    this.last = last
    return this
  }
}

/** Applies a statistic of two prepared histograms to plain counts; null when one of them is empty. */
export function ofCells<Result>(
  baseline: ArrayLike<number>,
  window: ArrayLike<number>,
  statistic: (baseline: CellHistogram, window: CellHistogram) => Result,
): Result | null {
  requireSameCells(baseline, window)
  const one = CellHistogram.of(baseline)
  const two = CellHistogram.of(window)
  return one.size <= 0 || two.size <= 0 ? null : statistic(one, two)
}
