import { explicitCell, maxChunks } from '@driftline/instrumentation/contract'
import { DataFileError } from '../rows/data-file-error.ts'
import type { RowBatch } from '../rows/row-batch.ts'
import { millisecondsPerUnit, readTime } from './read-time.ts'
import type { TimeProfile } from './time-profile.ts'

/** Hours of a week: two full seasons of a day and one of a week are what dispersion is learned from. */
const defaultChunks = 168

/** Rows of a chunk below which its shares say little. */
const minChunkRows = 50

/** Stands for the order of the file where a time column is asked for. */
export const fileOrder = '@row'

/** How rows are cut into time-ordered chunks. */
export interface ChunkPlan {
  readonly column: string
  readonly count: number
  readonly durationMs?: number
  /** Writes the chunk of each row of a batch. */
  place(batch: RowBatch, into: Int32Array): void
}

export interface ChunkOptions {
  readonly file: string
  readonly column: string
  readonly rows: number
  /** Absent for the order of the file. */
  readonly times?: TimeProfile
  /** Chunks of equal row counts. */
  readonly chunks?: number | undefined
  /** Chunks of equal duration instead. */
  readonly durationMs?: number | undefined
}

/**
 * Decides the chunks: as many as asked for, else 168 of equal row counts, or fewer so that each has at least 50 rows. Undefined when
 * there are too few rows for two.
 *
 * Rows need not be sorted. When they are, or when the file's order is the time, chunks have equal counts to the row; else chunks end at
 * quantiles of the time, and rows of one time stay together.
 *
 * @throws DataFileError when a duration is asked for and the column holds no times, or gives too many chunks.
 */
export function planChunks(options: ChunkOptions): ChunkPlan | undefined {
  const { column, rows, times, durationMs } = options
  if (durationMs !== undefined) return byDuration(options, durationMs)
  const count = Math.min(options.chunks ?? Math.min(defaultChunks, Math.floor(rows / minChunkRows)), rows)
  if (count < 2) return undefined
  if (times === undefined || times.sorted) {
    return {
      column,
      count,
      place(batch, into) {
        for (let row = 0; row < batch.rows; row++) into[row] = Math.floor(((batch.firstRow + row) * count) / rows)
      },
    }
  }
  const percentages = Array.from({ length: count - 1 }, (_, i) => ((i + 1) * 100) / count)
  const ends = [...new Set(times.sketch.quantiles(percentages))].filter((end) => end < times.max)
  if (ends.length === 0) return undefined
  return byCell(column, ends.length + 1, (time) => explicitCell(ends, time))
}

function byDuration({ file, column, times }: ChunkOptions, durationMs: number): ChunkPlan {
  if (times === undefined) throw new DataFileError(file, 'chunks of equal duration need a time column')
  const unit = times.dates ? 1 : millisecondsPerUnit(times.max)
  if (unit === undefined) {
    throw new DataFileError(
      file,
      `column ${JSON.stringify(column)} holds plain numbers up to ${times.max}, which are no times; chunks of equal duration need dates or seconds since 1970`,
    )
  }
  const duration = durationMs / unit
  const first = Math.floor(times.min / duration)
  const count = Math.floor(times.max / duration) - first + 1
  if (count > maxChunks) {
    throw new DataFileError(
      file,
      `chunks of ${durationMs} ms would be ${count}; at most ${maxChunks} are kept, so make them longer`,
    )
  }
  return { ...byCell(column, count, (time) => Math.floor(time / duration) - first), durationMs }
}

function byCell(column: string, count: number, chunkOf: (time: number) => number): ChunkPlan {
  return {
    column,
    count,
    place(batch, into) {
      const values = batch.columns.get(column)
      for (let row = 0; row < batch.rows; row++) into[row] = chunkOf(readTime(values?.[row], batch.text))
    },
  }
}
