import { isDate, millisecondsPerUnit, readTime } from '../baseline/read-time.ts'
import type { RowBatch } from '../rows/row-batch.ts'

/** How the rows of a file become slices. */
export type Cut =
  | { readonly kind: 'rows'; readonly rows: number }
  /** Rows in time order; slices of `everyMs`, aligned to the epoch. */
  | { readonly kind: 'time'; readonly column: string; readonly everyMs: number }

/** Consecutive rows of a batch that belong to one slice. */
export interface Run {
  readonly from: number
  readonly to: number
  /** Number of the slice: rows before it divided by the size, or time since the epoch divided by its length. */
  readonly slice: number
}

export interface Cutter {
  /** Cuts a batch into runs; rows whose time is unreadable, or that lie before the slice under way, are left out and counted. */
  runs(batch: RowBatch): Run[]
  readonly unreadable: number
  readonly late: number
}

export function createCutter(cut: Cut): Cutter {
  return cut.kind === 'rows' ? cutByRows(cut.rows) : cutByTime(cut.column, cut.everyMs)
}

function cutByRows(size: number): Cutter {
  return {
    unreadable: 0,
    late: 0,
    runs(batch) {
      const runs: Run[] = []
      for (let from = 0; from < batch.rows;) {
        const slice = Math.floor((batch.firstRow + from) / size)
        const to = Math.min(batch.rows, (slice + 1) * size - batch.firstRow)
        runs.push({ from, to, slice })
        from = to
      }
      return runs
    },
  }
}

function cutByTime(column: string, everyMs: number): Cutter {
  let unreadable = 0
  let late = 0
  let current = Number.NEGATIVE_INFINITY
  return {
    get unreadable() {
      return unreadable
    },
    get late() {
      return late
    },
    runs(batch) {
      const values = batch.columns.get(column)
      const runs: Run[] = []
      let from = 0
      let open: number | null = null
      const end = (to: number) => {
        if (open !== null && to > from) runs.push({ from, to, slice: open })
      }
      for (let row = 0; row < batch.rows; row++) {
        const value = values?.[row]
        const time = readTime(value, batch.text)
        const slice = Math.floor((isDate(value) ? time : time * (millisecondsPerUnit(time) ?? 1)) / everyMs)
        const usable = Number.isFinite(slice) && slice >= current
        if (!usable) {
          if (Number.isFinite(slice)) late++
          else unreadable++
        }
        const next = usable ? slice : null
        if (next !== open) {
          end(row)
          from = row
          open = next
        }
        if (usable) current = slice
      }
      end(batch.rows)
      return runs
    },
  }
}
