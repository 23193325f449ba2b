import { readCsv } from './csv.ts'
import { DataFileError } from './data-file-error.ts'
import { readJsonLines } from './json-lines.ts'
import { inspectFile } from './open-bytes.ts'
import { readParquet } from './parquet.ts'
import type { RowBatch } from './row-batch.ts'

export type RowFormat = 'csv' | 'tsv' | 'jsonl' | 'parquet'

export interface ReadRowsOptions {
  /** Told by the file's name when absent: .csv, .tsv, .jsonl or .ndjson, .parquet or .pq; the text formats also with .gz. */
  readonly format?: RowFormat
  /** Columns to read; all when absent. A column that CSV or Parquet does not have is an error; JSONL rows may lack any field. */
  readonly columns?: readonly string[]
  /** Called now and then with the share of the file that was read, 0 to 1. */
  readonly onProgress?: (share: number) => void
}

/**
 * Reads the rows of a CSV, TSV, JSONL or Parquet file in bounded memory.
 *
 * CSV: UTF-8 with or without byte-order mark, quotes after RFC 4180, first line the header, blank lines skipped, every row as long as
 * the header. JSONL: one object per line. Parquet: a row group at a time.
 *
 * @throws DataFileError naming the file and the line or row.
 */
export async function* readRows(file: string, options: ReadRowsOptions = {}): AsyncGenerator<RowBatch> {
  await inspectFile(file)
  const format = options.format ?? formatOf(file)
  switch (format) {
    case 'csv':
    case 'tsv':
      yield* readCsv(file, { ...options, delimiter: format === 'csv' ? ',' : '\t' })
      return
    case 'jsonl':
      yield* readJsonLines(file, options)
      return
    case 'parquet':
      yield* readParquet(file, options)
  }
}

/** @throws DataFileError when the name does not tell. */
export function formatOf(file: string): RowFormat {
  const extension = /\.(csv|tsv|jsonl|ndjson)(\.gz)?$|\.(parquet|pq)$/i.exec(file)
  if (extension === null) {
    throw new DataFileError(
      file,
      'the name does not tell the format; known are .csv, .tsv, .jsonl, .ndjson (also with .gz), .parquet and .pq',
    )
  }
  const name = (extension[1] ?? extension[3]!).toLowerCase()
  if (name === 'ndjson') return 'jsonl'
  return name === 'pq' ? 'parquet' : (name as RowFormat)
}
