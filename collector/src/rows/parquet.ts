import { open, type FileHandle } from 'node:fs/promises'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
} from 'hyparquet'
import { listed } from './csv.ts'
import { DataFileError } from './data-file-error.ts'
import { maxColumns, rowsPerBatch, type ColumnValues, type RowBatch } from './row-batch.ts'

export interface ReadParquetOptions {
  readonly columns?: readonly string[]
  readonly onProgress?: (share: number) => void
}

/** Rows decoded at once; a larger row group is read in several runs. */
const maxRunRows = 1_000_000

/** Snappy and uncompressed pages are read by hyparquet itself. */
const compressors: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
}

/** Rows of a Parquet file, a row group at a time. */
export async function* readParquet(file: string, options: ReadParquetOptions): AsyncGenerator<RowBatch> {
  const handle = await open(file)
  try {
    const buffer = asyncBuffer(handle, (await handle.stat()).size)
    const metadata = await readable(file, undefined, () => parquetMetadataAsync(buffer))
    const names = await readable(file, undefined, async () => columnNames(metadata))
    checkColumns(file, names, options.columns)
    const columns = [...(options.columns ?? names)]
    const rows = Number(metadata.num_rows)
    let firstRow = 0
    for (const [group, { num_rows: groupRows }] of metadata.row_groups.entries()) {
      const groupEnd = firstRow + Number(groupRows)
      while (firstRow < groupEnd) {
        const end = Math.min(groupEnd, firstRow + maxRunRows)
        const run = await readable(file, `row group ${group}`, () => readRun(buffer, metadata, columns, firstRow, end))
        yield* cut(run, firstRow, end)
        firstRow = end
        options.onProgress?.(firstRow / rows)
      }
    }
  } finally {
    await handle.close()
  }
}

/** Whatever hyparquet throws says that the file is not what it should be. */
async function readable<T>(file: string, place: string | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const message = `not a readable Parquet file (${error instanceof Error ? error.message : String(error)})`
    throw new DataFileError(file, message, { cause: error, ...(place === undefined ? {} : { place }) })
  }
}

function asyncBuffer(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start))
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled)
        if (bytesRead === 0) throw new Error('the file became shorter while it was read')
        filled += bytesRead
      }
      return bytes.buffer
    },
  }
}

function columnNames(metadata: FileMetaData): string[] {
  return parquetSchema(metadata).children.map(({ element }) => element.name)
}

function checkColumns(file: string, names: readonly string[], wanted: readonly string[] | undefined): void {
  if (names.length > maxColumns)
    throw new DataFileError(file, `expected at most ${maxColumns} columns, got ${names.length}`)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new DataFileError(file, `has column ${JSON.stringify(twice)} twice`)
  const absent = wanted?.find((name) => !names.includes(name))
  if (absent !== undefined) {
    throw new DataFileError(file, `has no column ${JSON.stringify(absent)}; its columns are ${listed(names)}`)
  }
}

/** A stretch of a column, as it was decoded. */
interface Piece {
  readonly start: number
  readonly values: ColumnValues
}

/** The pieces of each column between two rows. */
type Run = ReadonlyMap<string, readonly Piece[]>

async function readRun(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: string[],
  rowStart: number,
  rowEnd: number,
): Promise<Run> {
  const run = new Map<string, Piece[]>(columns.map((name) => [name, []]))
  if (columns.length === 0) return run
  await parquetRead({
    file,
    metadata,
    columns,
    rowStart,
    rowEnd,
    compressors,
    onChunk: ({ columnName, columnData, rowStart: start }) =>
      run.get(columnName)?.push({ start, values: withoutBigInts(columnData) }),
  })
  for (const pieces of run.values()) pieces.sort((a, b) => a.start - b.start)
  return run
}

/** Whole numbers of 64 bits become numbers where those are exact; a column with a larger one keeps bigints. */
function withoutBigInts(values: ColumnValues): ColumnValues {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    const numbers = new Float64Array(values.length)
    for (let i = 0; i < values.length; i++) {
      const number = Number(values[i])
      if (!Number.isSafeInteger(number)) return values
      numbers[i] = number
    }
    return numbers
  }
  if (!Array.isArray(values)) return values
  return values.map((value: unknown) =>
    typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value,
  )
}

function* cut(run: Run, runStart: number, runEnd: number): Generator<RowBatch> {
  const size = rowsPerBatch(run.size)
  for (let start = runStart; start < runEnd; start += size) {
    const end = Math.min(runEnd, start + size)
    const columns = new Map<string, ColumnValues>()
    for (const [name, pieces] of run) columns.set(name, between(pieces, start, end))
    const firstRow = start
    yield { firstRow, rows: end - start, columns, text: false, place: (row) => `row ${firstRow + row + 1}` }
  }
}

function between(pieces: readonly Piece[], start: number, end: number): ColumnValues {
  const inside = pieces.find((piece) => piece.start <= start && piece.start + piece.values.length >= end)
  if (inside !== undefined) {
    const values = inside.values as unknown[] | Float64Array
    return values.slice(start - inside.start, end - inside.start)
  }
  const values: unknown[] = []
  for (let row = start; row < end; row++) {
    const piece = pieces.find((one) => one.start <= row && row < one.start + one.values.length)
    values.push(piece?.values[row - piece.start])
  }
  return values
}
