/**
 * Several numeric columns that are counted together: features, or one output of the model.
 *
 * A column's value is counted in a cell and in the moments when it is finite; NaN and infinite values are counted as such.
 * None of the recording methods allocates or throws.
 */
export interface NumericBlock {
  readonly columns: number
  /** Bytes of the typed arrays that the block keeps. */
  readonly bytes: number
  record(column: number, value: number): void
  /** Counts values[0] to values[count - 1], all in one column. What the array holds afterwards is undefined. */
  recordColumn(column: number, values: Float64Array, count: number): void
  /**
   * Counts data[first], data[first + step] and so on, all in one column, as long as that goes without a look at odd ones; returns how many of the
   * `count` values were counted. The rest is left to `recordColumn`.
   */
  recordStrided(column: number, data: Float32Array | Float64Array, first: number, step: number, count: number): number
  /** Adds to one of the counters of values that did not reach a cell. */
  addInvalid(column: number, reason: NumericInvalid, count: number): void
  /** What was counted in a column since the last `reset`. */
  read(column: number): NumericReading
  reset(): void
}

/** Places of the reasons in a column's counters, after those of the moments. */
export const numericInvalid = { missing: 0, nan: 1, infinite: 2, wrongType: 3 } as const
export type NumericInvalid = (typeof numericInvalid)[keyof typeof numericInvalid]

export interface NumericReading {
  /** Finite values. */
  readonly count: number
  /** What was subtracted before the moments were summed. */
  readonly origin: number
  /** Sum of (x - origin). */
  readonly first: number
  /** Sum of (x - origin)². */
  readonly second: number
  /** Infinity and -Infinity when there was no finite value. */
  readonly min: number
  readonly max: number
  /** Finite values outside the declared range; they are in the cells too. */
  readonly outOfRange: number
  readonly missing: number
  readonly nan: number
  readonly infinite: number
  readonly wrongType: number
  readonly cells: ExplicitCells | LogLinearCells
}

export interface ExplicitCells {
  readonly kind: 'explicit'
  /** The same array at every reading. */
  readonly bounds: number[]
  readonly counts: number[]
}

export interface LogLinearCells {
  readonly kind: 'log-linear'
  readonly scale: number
  readonly zeroCount: number
  readonly positive: { readonly offset: number; readonly counts: number[] }
  readonly negative: { readonly offset: number; readonly counts: number[] }
}

/** How one column is to be counted. */
export interface NumericColumn {
  /** Strictly increasing, or null to count in log-linear cells. */
  readonly bounds: readonly number[] | null
  /** Null: the first finite value. */
  readonly origin: number | null
  /** The declared range; -Infinity and Infinity when open. */
  readonly low: number
  readonly high: number
}
