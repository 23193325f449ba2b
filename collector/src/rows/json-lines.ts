import { DataFileError } from './data-file-error.ts'
import { openBytes } from './open-bytes.ts'
import { maxColumns, rowsPerBatch, type RowBatch } from './row-batch.ts'

export interface ReadJsonLinesOptions {
  readonly columns?: readonly string[]
  readonly onProgress?: (share: number) => void
}

/** Most bytes of one line; a longer one is a JSON document, not JSON lines. */
const maxLineBytes = 16 * 1024 * 1024

const lineFeed = 0x0a

/** Rows of a file with one JSON object per line; blank lines are skipped. */
export async function* readJsonLines(file: string, options: ReadJsonLinesOptions): AsyncGenerator<RowBatch> {
  const rows = new JsonRows(file, options.columns)
  const decoder = new TextDecoder('utf-8')
  let rest: Buffer = Buffer.alloc(0)
  for await (const bytes of openBytes(file, options.onProgress)) {
    const end = bytes.lastIndexOf(lineFeed)
    if (end < 0) {
      rest = Buffer.concat([rest, bytes])
      if (rest.length > maxLineBytes) {
        throw new DataFileError(file, `a line of more than ${maxLineBytes} bytes`, { place: `line ${rows.line + 1}` })
      }
      continue
    }
    for (const line of decoder.decode(Buffer.concat([rest, bytes.subarray(0, end)])).split('\n')) rows.add(line)
    rest = Buffer.from(bytes.subarray(end + 1))
    yield* rows.takeFull()
  }
  if (rest.length > 0) rows.add(decoder.decode(rest))
  yield* rows.takeRest()
}

class JsonRows {
  line = 0
  readonly #file: string
  readonly #wanted: readonly string[] | undefined
  #columns = new Map<string, unknown[]>()
  #known = 0
  #lines: number[] = []
  #firstRow = 0
  readonly #full: RowBatch[] = []

  constructor(file: string, wanted: readonly string[] | undefined) {
    this.#file = file
    this.#wanted = wanted
  }

  add(text: string): void {
    this.line++
    if (text.trim() === '') return
    const row = this.#parse(text)
    const index = this.#lines.length
    if (this.#wanted === undefined) {
      for (const name of Object.keys(row)) this.#set(name, index, row[name])
    } else {
      for (const name of this.#wanted) if (Object.hasOwn(row, name)) this.#set(name, index, row[name])
    }
    this.#lines.push(this.line)
    if (this.#lines.length >= rowsPerBatch(this.#known)) this.#cut()
  }

  *takeFull(): Generator<RowBatch> {
    while (this.#full.length > 0) yield this.#full.shift()!
  }

  *takeRest(): Generator<RowBatch> {
    if (this.#lines.length > 0) this.#cut()
    yield* this.takeFull()
  }

  #parse(text: string): Record<string, unknown> {
    let row: unknown
    try {
      row = JSON.parse(text)
    } catch (error) {
      throw new DataFileError(this.#file, `not JSON (${(error as Error).message})`, {
        place: `line ${this.line}`,
        cause: error,
      })
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw new DataFileError(this.#file, 'expected one JSON object per line', { place: `line ${this.line}` })
    }
    return row as Record<string, unknown>
  }

  #set(name: string, index: number, value: unknown): void {
    let column = this.#columns.get(name)
    if (column === undefined) {
      column = []
      this.#columns.set(name, column)
      this.#known = Math.max(this.#known, this.#columns.size)
      if (this.#columns.size > maxColumns) {
        throw new DataFileError(this.#file, `more than ${maxColumns} different fields`, { place: `line ${this.line}` })
      }
    }
    while (column.length < index) column.push(undefined)
    column.push(value)
  }

  #cut(): void {
    const lines = this.#lines
    for (const column of this.#columns.values()) while (column.length < lines.length) column.push(undefined)
    this.#full.push({
      firstRow: this.#firstRow,
      rows: lines.length,
      columns: this.#columns,
      text: false,
      place: (row) => `line ${lines[row]!}`,
    })
    this.#firstRow += lines.length
    this.#lines = []
    this.#columns = new Map()
  }
}
