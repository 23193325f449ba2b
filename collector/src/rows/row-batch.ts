/** A run of consecutive rows of a file, column by column. */
export interface RowBatch {
  /** Index of the first row in the file, from 0. */
  readonly firstRow: number
  readonly rows: number
  /** Values by column name, `rows` of each. A column that no row of the batch has may be absent; null and undefined are missing. */
  readonly columns: ReadonlyMap<string, ColumnValues>
  /** The values are text cells (CSV): an empty cell is missing, and numbers are still to be read from their digits. */
  readonly text: boolean
  /** Where a row of the batch stands in the file, such as `line 12`; for messages. */
  readonly place: (row: number) => string
}

export type ColumnValues = ArrayLike<unknown>

/** Rows handed out at once: enough to spread the cost of a batch, few enough to stay in the processor's cache. */
const batchRows = 8192

/** Cells handed out at once, so that a file of thousands of columns does not fill the memory. */
const batchCells = 1_000_000

/** Most columns of a file; more are a transposed table. */
export const maxColumns = 20_000

/** Rows of a batch for so many columns. */
export function rowsPerBatch(columns: number): number {
  return Math.max(1, Math.min(batchRows, Math.floor(batchCells / Math.max(1, columns))))
}
