import type { CellHistogram } from './cell-histogram.ts'
import { requireSameCells, sumOf } from './histogram-cells.ts'

/** A histogram of numbers, whose open ends are closed by the smallest and largest value it holds. */
export interface ClosedHistogram {
  /** Strictly increasing; cells are (lower, upper]. */
  readonly bounds: ArrayLike<number>
  /** One more than there are bounds. */
  readonly counts: ArrayLike<number>
  readonly min: number
  readonly max: number
}

export interface CdfGap {
  /** Integral of |F - G| over the line. */
  readonly absolute: number
  /** Integral of (F - G)^2 over the line. */
  readonly squared: number
}

/**
 * Integrals of the gap between two cumulative distribution functions that rise linearly inside each cell.
 *
 * The mass of a cell is spread evenly over the cell as closed by min and max; a cell of zero width keeps its mass as a
 * jump. Both integrals are exact for such functions, crossings inside a cell included.
 * Null when a histogram is empty, its min or max is not a finite number, or the range overflows. Cost linear in the cells.
 *
 * @see Vallender (1974), https://doi.org/10.1137/1118101, for |F - G| as the Wasserstein-1 distance.
 */
export function interpolatedCdfGap(baseline: ClosedHistogram, window: ClosedHistogram): CdfGap | null {
  requireSameCells(baseline.counts, window.counts)
  return gapOfKnots(knotsOf(baseline), knotsOf(window))
}

/** A prepared histogram with its smallest and largest value. */
export interface ClosedCells {
  readonly cells: CellHistogram
  readonly min: number
  readonly max: number
}

/**
 * The same of prepared histograms over the same bounds. Both functions are then straight lines from bound to bound but in
 * the outermost cells in use, which min and max close; only these are taken apart. Where min or max contradicts the counts,
 * the general walk is taken.
 */
export function interpolatedGapOfCells(
  bounds: Float64Array,
  baseline: ClosedCells,
  window: ClosedCells,
): CdfGap | null {
  const { cells, counts: b, cumulative: f } = baseline.cells
  const { counts: c, cumulative: g } = window.cells
  const first = Math.min(baseline.cells.first, window.cells.first)
  const last = Math.max(baseline.cells.last, window.cells.last)
  if (!endsAgree(bounds, baseline) || !endsAgree(bounds, window)) {
    return gapOfKnots(knotsOf(closedHistogram(bounds, baseline)), knotsOf(closedHistogram(bounds, window)))
  }
  let absolute = 0
  let squared = 0
  for (let i = first; i <= last; i++) {
    const low = i === 0 ? Number.NEGATIVE_INFINITY : bounds[i - 1]!
    const high = i === cells - 1 ? Number.POSITIVE_INFINITY : bounds[i]!
    // Where a cell is empty the function is flat, whatever min and max are.
    const inBaseline = b[i]! > 0
    const inWindow = c[i]! > 0
    const oneLow = inBaseline && baseline.min > low ? baseline.min : low
    const oneHigh = inBaseline && baseline.max < high ? baseline.max : high
    const twoLow = inWindow && window.min > low ? window.min : low
    const twoHigh = inWindow && window.max < high ? window.max : high
    const before = i === 0 ? 0 : f[i - 1]!
    const windowBefore = i === 0 ? 0 : g[i - 1]!
    const left = before - windowBefore
    const right = f[i]! - g[i]!
    if (oneLow === low && twoLow === low && oneHigh === high && twoHigh === high) {
      if (low === Number.NEGATIVE_INFINITY || high === Number.POSITIVE_INFINITY) continue
      const width = high - low
      absolute += width * averageDistance(left, right)
      squared += (width * (left * left + left * right + right * right)) / 3
      continue
    }
    // An empty cell has no ramp of its own; it takes an end of the other's, where nothing happens in it.
    const oneTo = inBaseline ? oneHigh : Math.min(twoLow, twoHigh)
    const oneFrom = inBaseline ? Math.min(oneLow, oneHigh) : oneTo
    const twoTo = inWindow ? twoHigh : oneTo
    const twoFrom = inWindow ? Math.min(twoLow, twoHigh) : twoTo
    corners[0] = low === Number.NEGATIVE_INFINITY ? Math.min(oneFrom, twoFrom) : low
    corners[1] = oneFrom
    corners[2] = oneTo
    corners[3] = twoFrom
    corners[4] = twoTo
    corners[5] = high === Number.POSITIVE_INFINITY ? Math.max(oneTo, twoTo) : high
    sortCorners()
    for (let k = 0; k < 5; k++) {
      const from = corners[k]!
      const to = corners[k + 1]!
      const width = to - from
      if (!(width > 0)) continue
      const start = rightOf(from, oneFrom, oneTo, before, f[i]!) - rightOf(from, twoFrom, twoTo, windowBefore, g[i]!)
      const end = leftOf(to, oneFrom, oneTo, before, f[i]!) - leftOf(to, twoFrom, twoTo, windowBefore, g[i]!)
      absolute += width * averageDistance(start, end)
      squared += (width * (start * start + start * end + end * end)) / 3
    }
  }
  return Number.isFinite(absolute) && Number.isFinite(squared) ? { absolute, squared } : null
}

/** Ends of a cell and of the two ramps in it. */
const corners = new Float64Array(6)

function sortCorners(): void {
  for (let i = 1; i < 6; i++) {
    const value = corners[i]!
    let k = i - 1
    for (; k >= 0 && corners[k]! > value; k--) corners[k + 1] = corners[k]!
    corners[k + 1] = value
  }
}

/** Height just right of x of a function that rises from `before` at `from` to `after` at `to`. */
function rightOf(x: number, from: number, to: number, before: number, after: number): number {
  if (x >= to) return after
  return x <= from ? before : before + ((after - before) * (x - from)) / (to - from)
}

/** Height just left of x. */
function leftOf(x: number, from: number, to: number, before: number, after: number): number {
  if (x <= from) return before
  return x >= to ? after : before + ((after - before) * (x - from)) / (to - from)
}

/** Mean of |y| along a line. Of opposite signs, it crosses 0 and leaves two triangles. */
function averageDistance(left: number, right: number): number {
  const a = Math.abs(left)
  const b = Math.abs(right)
  return left * right >= 0 ? (a + b) / 2 : (a * a + b * b) / (2 * (a + b))
}

/** Whether min and max lie in the outermost cells in use, and are known. */
function endsAgree(bounds: Float64Array, { cells, min, max }: ClosedCells): boolean {
  const { first, last } = cells
  if (!(cells.size > 0) || last < 0 || !(min <= max) || max - min === Number.POSITIVE_INFINITY) return false
  return (
    (first === cells.cells - 1 || min <= bounds[first]!) &&
    (first === 0 || min >= bounds[first - 1]!) &&
    (last === 0 || max >= bounds[last - 1]!) &&
    (last === cells.cells - 1 || max <= bounds[last]!)
  )
}

function closedHistogram(bounds: Float64Array, { cells, min, max }: ClosedCells): ClosedHistogram {
  return { bounds, counts: cells.counts.subarray(0, cells.cells), min, max }
}

function gapOfKnots(first: readonly number[] | null, second: readonly number[] | null): CdfGap | null {
  if (first === null || second === null) return null
  const one = new CdfCursor(first)
  const two = new CdfCursor(second)
  let position = Math.min(one.next(), two.next())
  let absolute = 0
  let squared = 0
  let left = one.advanceTo(position) - two.advanceTo(position)
  for (;;) {
    const following = Math.min(one.next(), two.next())
    if (following === Number.POSITIVE_INFINITY) break
    const right = one.before(following) - two.before(following)
    const width = following - position
    absolute += width * averageDistance(left, right)
    squared += (width * (left * left + left * right + right * right)) / 3
    position = following
    left = one.advanceTo(position) - two.advanceTo(position)
  }
  return Number.isFinite(absolute) && Number.isFinite(squared) ? { absolute, squared } : null
}

/**
 * How far a row can lie from where the interpolation puts it, on average: sum over cells of share times closed width. The
 * Wasserstein distance of the raw values differs from the interpolated one by at most this, summed over both histograms.
 */
export function averageCellWidth(histogram: ClosedHistogram): number | null {
  const { counts } = histogram
  const size = sumOf(counts)
  if (!(size > 0) || !Number.isFinite(histogram.min) || !Number.isFinite(histogram.max)) return null
  let sum = 0
  for (let i = 0; i < counts.length; i++) {
    if (counts[i]! > 0) sum += (counts[i]! / size) * Math.max(upperEnd(histogram, i) - lowerEnd(histogram, i), 0)
  }
  return Number.isFinite(sum) ? sum : null
}

function lowerEnd({ bounds, min }: ClosedHistogram, cell: number): number {
  return cell === 0 ? min : Math.max(bounds[cell - 1]!, min)
}

function upperEnd({ bounds, max }: ClosedHistogram, cell: number): number {
  return cell === bounds.length ? max : Math.min(bounds[cell]!, max)
}

/** Corners of the cumulative function, left to right: position and height alternate. Null when there is none. */
export function knotsOf(histogram: ClosedHistogram): number[] | null {
  const { counts } = histogram
  const size = sumOf(counts)
  if (!(size > 0) || !Number.isFinite(histogram.min) || !Number.isFinite(histogram.max)) return null
  const knots: number[] = []
  let cumulative = 0
  for (let i = 0; i < counts.length; i++) {
    if (!(counts[i]! > 0)) continue
    const high = upperEnd(histogram, i)
    const before = cumulative / size
    cumulative += counts[i]!
    knots.push(Math.min(lowerEnd(histogram, i), high), before, high, cumulative / size)
  }
  return knots
}

/** Walks a cumulative function from left to right. */
class CdfCursor {
  readonly #knots: readonly number[]
  /** Knots at or left of the current position, times two. */
  #passed = 0

  constructor(knots: readonly number[]) {
    this.#knots = knots
  }

  /** Position of the next knot. */
  next(): number {
    return this.#passed < this.#knots.length ? this.#knots[this.#passed]! : Number.POSITIVE_INFINITY
  }

  /** Height just left of `position`, which is not beyond the next knot. */
  before(position: number): number {
    return this.#heightAt(position)
  }

  /** Moves to `position` and returns the height just right of it. */
  advanceTo(position: number): number {
    while (this.#passed < this.#knots.length && this.#knots[this.#passed]! <= position) this.#passed += 2
    return this.#heightAt(position)
  }

  #heightAt(position: number): number {
    const knots = this.#knots
    const after = this.#passed
    if (after === 0) return 0
    if (after === knots.length) return 1
    const x = knots[after - 2]!
    const height = knots[after - 1]!
    return height + ((knots[after + 1]! - height) * (position - x)) / (knots[after]! - x)
  }
}
