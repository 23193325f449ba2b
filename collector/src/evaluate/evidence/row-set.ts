/**
 * The rows of one histogram: hypotheses about how it may have changed, each with an e-value for every window.
 *
 * Every row is linear in the window's counts: log e = sum_i c_i l_i. The coefficients l of a row are never stored as such.
 * All rows share a few statistics of the window: the sum of a score over its rows (location, scale) or the count of a run of
 * cells (a tail, a group of cells, a category). A row is then log e = slope * statistic + intercept * n, so a window costs
 * one pass over its cells and two multiplications a row, instead of a matrix of rows times cells: a feature with 50
 * categories has 459 rows.
 *
 * @see STATISTICS.md 6.2; `rowCoefficients` gives the matrix form.
 */
export interface RowSet {
  readonly cells: number
  /** Scores of the cells, one run of `cells` numbers per score. */
  readonly scores: Float64Array
  readonly scoreCount: number
  /** First and one past the last cell of each run of cells. */
  readonly ranges: Uint32Array
  /** Per row, the statistic it uses: first the scores, then the ranges. */
  readonly statistic: Uint32Array
  readonly slope: Float64Array
  readonly intercept: Float64Array
  /** Weights within the set; they sum to 1 unless there are no rows. */
  readonly weight: Float64Array
  /** Learned dispersion factor of the row's direction, at least 1; already in slope and intercept. */
  readonly dispersion: Float64Array
  /** The kind of change: location, scale, tail, range, shape, category, unseen, flag. */
  readonly groups: readonly string[]
  /** The change in words; rows of one direction and different sizes may share a name. */
  readonly names: readonly string[]
}

/** One row before the set is closed. */
export interface Row {
  readonly statistic: number
  readonly slope: number
  readonly intercept: number
  readonly dispersion: number
  readonly group: string
  readonly name: string
}

/** Collects rows, group by group, and closes them into a set with weights that sum to 1. */
export class RowSetBuilder {
  readonly #cells: number
  readonly #scores: Float64Array[] = []
  readonly #ranges: number[] = []
  readonly #rows: { readonly row: Row; readonly weight: number }[] = []

  constructor(cells: number) {
    this.#cells = cells
  }

  /** Scores must be added before ranges; returns the statistic's number. */
  addScore(scores: Float64Array): number {
    this.#scores.push(scores)
    return this.#scores.length - 1
  }

  addRange(from: number, to: number): number {
    this.#ranges.push(from, to)
    return this.#scores.length + this.#ranges.length / 2 - 1
  }

  /** Splits a weight evenly over rows; without rows the weight falls to the others. */
  addRows(rows: readonly Row[], weight: number): void {
    for (const row of rows) this.#rows.push({ row, weight: weight / rows.length })
  }

  build(): RowSet {
    let sum = 0
    for (const { weight } of this.#rows) sum += weight
    const scores = new Float64Array(this.#scores.length * this.#cells)
    this.#scores.forEach((one, i) => scores.set(one, i * this.#cells))
    const rows = this.#rows
    return {
      cells: this.#cells,
      scores,
      scoreCount: this.#scores.length,
      ranges: Uint32Array.from(this.#ranges),
      statistic: Uint32Array.from(rows, ({ row }) => row.statistic),
      slope: Float64Array.from(rows, ({ row }) => row.slope),
      intercept: Float64Array.from(rows, ({ row }) => row.intercept),
      weight: Float64Array.from(rows, ({ weight }) => weight / sum),
      dispersion: Float64Array.from(rows, ({ row }) => row.dispersion),
      groups: rows.map(({ row }) => row.group),
      names: rows.map(({ row }) => row.name),
    }
  }
}

/** Number of statistics of a set: its scores and its ranges. */
export function statisticCount(set: RowSet): number {
  return set.scoreCount + set.ranges.length / 2
}

/** Writes the statistics of a window into `into`, starting at 0. */
export function windowStatistics(set: RowSet, counts: ArrayLike<number>, into: Float64Array): void {
  const { cells, scores, scoreCount, ranges } = set
  for (let s = 0; s < scoreCount; s++) {
    const offset = s * cells
    let sum = 0
    for (let i = 0; i < cells; i++) sum += counts[i]! * scores[offset + i]!
    into[s] = sum
  }
  for (let r = 0; r < ranges.length; r += 2) {
    const to = ranges[r + 1]!
    let sum = 0
    for (let i = ranges[r]!; i < to; i++) sum += counts[i]!
    into[scoreCount + r / 2] = sum
  }
}

/** The coefficients l of a row: log e = sum over cells of count times coefficient. For tests and for explanations. */
export function rowCoefficients(set: RowSet, row: number): Float64Array {
  const { cells, scores, scoreCount, ranges } = set
  const statistic = set.statistic[row]!
  const slope = set.slope[row]!
  const intercept = set.intercept[row]!
  return Float64Array.from({ length: cells }, (_, i) => {
    if (statistic < scoreCount) return slope * scores[statistic * cells + i]! + intercept
    const range = 2 * (statistic - scoreCount)
    return (i >= ranges[range]! && i < ranges[range + 1]! ? slope : 0) + intercept
  })
}

/** The log e-values of all rows for one window. */
export function logEValues(set: RowSet, counts: ArrayLike<number>): Float64Array {
  const statistics = new Float64Array(statisticCount(set))
  windowStatistics(set, counts, statistics)
  let size = 0
  for (let i = 0; i < set.cells; i++) size += counts[i]!
  return Float64Array.from(
    set.slope,
    (slope, row) => slope * statistics[set.statistic[row]!]! + set.intercept[row]! * size,
  )
}
