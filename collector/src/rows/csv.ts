import { parse, type CsvError, type Parser } from 'csv-parse'
import { DataFileError } from './data-file-error.ts'
import { openBytes } from './open-bytes.ts'
import { maxColumns, rowsPerBatch, type RowBatch } from './row-batch.ts'

export interface ReadCsvOptions {
  readonly delimiter: ',' | '\t'
  readonly columns?: readonly string[]
  readonly onProgress?: (share: number) => void
}

/** Most bytes of one record: an unclosed quote would otherwise collect the rest of the file. */
const maxRecordBytes = 16 * 1024 * 1024

/**
 * Rows of a delimited text file. Until the first quote appears, lines are cut at line ends and delimiters, which is all that
 * CSV without quotes means and four times as fast; from there on csv-parse reads.
 */
export async function* readCsv(file: string, options: ReadCsvOptions): AsyncGenerator<RowBatch> {
  const table = new CsvTable(file, options)
  const plain = new PlainLines(table, options.delimiter)
  let quoted: QuotedRecords | undefined
  for await (const bytes of openBytes(file, options.onProgress)) {
    if (quoted === undefined && bytes.includes(quote)) {
      quoted = new QuotedRecords(table, options.delimiter, plain.linesBefore)
      await quoted.write(plain.takeRest())
    }
    if (quoted === undefined) plain.write(bytes)
    else await quoted.write(bytes)
    yield* table.takeFull()
  }
  if (quoted === undefined) plain.end()
  else await quoted.end()
  yield* table.takeRest()
}

const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** Takes records one by one, the first as the header, and collects them into batches. */
class CsvTable {
  readonly #file: string
  readonly #wanted: readonly string[] | undefined
  #header: readonly string[] | undefined
  /** Index in the record of each column that is read. */
  #positions: number[] = []
  #names: string[] = []
  #batchRows = 1
  #columns: string[][] = []
  #lines: number[] = []
  #firstRow = 0
  readonly #full: RowBatch[] = []

  constructor(file: string, options: ReadCsvOptions) {
    this.#file = file
    this.#wanted = options.columns
  }

  add(record: readonly string[], line: number): void {
    if (this.#header === undefined) {
      this.#start(record, line)
      return
    }
    if (record.length !== this.#header.length) {
      throw new DataFileError(
        this.#file,
        `expected ${this.#header.length} fields as in the header, got ${record.length}`,
        { place: `line ${line}` },
      )
    }
    for (let i = 0; i < this.#positions.length; i++) this.#columns[i]!.push(record[this.#positions[i]!]!)
    this.#lines.push(line)
    if (this.#lines.length >= this.#batchRows) this.#cut()
  }

  fail(message: string, line: number, cause?: unknown): never {
    throw new DataFileError(this.#file, message, { place: `line ${line}`, cause })
  }

  *takeFull(): Generator<RowBatch> {
    while (this.#full.length > 0) yield this.#full.shift()!
  }

  *takeRest(): Generator<RowBatch> {
    if (this.#header === undefined) throw new DataFileError(this.#file, 'no header: the file holds only blank lines')
    if (this.#lines.length > 0) this.#cut()
    yield* this.takeFull()
  }

  #start(header: readonly string[], line: number): void {
    const place = `line ${line}`
    if (header.length > maxColumns) {
      throw new DataFileError(this.#file, `expected at most ${maxColumns} columns, got ${header.length}`, { place })
    }
    const positions = new Map<string, number>()
    header.forEach((name, i) => {
      if (name === '') throw new DataFileError(this.#file, `column ${i + 1} of the header has no name`, { place })
      if (positions.has(name)) {
        throw new DataFileError(this.#file, `the header names column ${JSON.stringify(name)} twice`, { place })
      }
      positions.set(name, i)
    })
    for (const name of this.#wanted ?? header) {
      const position = positions.get(name)
      if (position === undefined) {
        throw new DataFileError(this.#file, `has no column ${JSON.stringify(name)}; its columns are ${listed(header)}`)
      }
      this.#names.push(name)
      this.#positions.push(position)
    }
    this.#header = header
    this.#batchRows = rowsPerBatch(this.#positions.length)
    this.#columns = this.#positions.map(() => [])
  }

  #cut(): void {
    const lines = this.#lines
    this.#full.push({
      firstRow: this.#firstRow,
      rows: lines.length,
      columns: new Map(this.#names.map((name, i) => [name, this.#columns[i]!])),
      text: true,
      place: (row) => `line ${lines[row]!}`,
    })
    this.#firstRow += lines.length
    this.#lines = []
    this.#columns = this.#positions.map(() => [])
  }
}

/** Names as a message shows them: not all of a thousand. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(', ')
  return names.length > 20 ? `${shown}, ... (${names.length} in all)` : shown
}

/** CSV without quotes: cut at line ends and delimiters. */
class PlainLines {
  readonly #table: CsvTable
  readonly #delimiter: string
  readonly #decoder = new TextDecoder('utf-8')
  /** Bytes after the last line end. */
  #rest: Buffer = Buffer.alloc(0)
  #lines = 0

  constructor(table: CsvTable, delimiter: string) {
    this.#table = table
    this.#delimiter = delimiter
  }

  get linesBefore(): number {
    return this.#lines
  }

  write(bytes: Buffer): void {
    const end = bytes.lastIndexOf(lineFeed)
    if (end < 0) {
      this.#rest = Buffer.concat([this.#rest, bytes])
      if (this.#rest.length > maxRecordBytes) {
        this.#table.fail(
          `a line of more than ${maxRecordBytes} bytes${this.#rest.includes(carriageReturn) ? '; line ends must be LF or CRLF' : ''}`,
          this.#lines + 1,
        )
      }
      return
    }
    this.#cut(Buffer.concat([this.#rest, bytes.subarray(0, end)]))
    this.#rest = Buffer.from(bytes.subarray(end + 1))
  }

  end(): void {
    if (this.#rest.length > 0) this.#cut(this.takeRest())
  }

  takeRest(): Buffer {
    const rest = this.#rest
    this.#rest = Buffer.alloc(0)
    return rest
  }

  /** Whole lines, without the last line end. */
  #cut(bytes: Buffer): void {
    const withReturns = bytes.includes(carriageReturn)
    for (let line of this.#decoder.decode(bytes).split('\n')) {
      this.#lines++
      if (withReturns && line.endsWith('\r')) line = line.slice(0, -1)
      if (line !== '') this.#table.add(line.split(this.#delimiter), this.#lines)
    }
  }
}

/** What csv-parse calls the mistakes that people make, in words. */
const quoteMistakes: Readonly<Record<string, string>> = {
  CSV_INVALID_CLOSING_QUOTE: 'a closing quote must be followed by a delimiter or the end of the line',
  INVALID_OPENING_QUOTE: 'a quote inside a field that does not start with one',
}

/** CSV with quotes, through csv-parse. A record is said to stand at the line on which it ends. */
class QuotedRecords {
  readonly #table: CsvTable
  readonly #parser: Parser
  readonly #linesBefore: number
  /** Line on which the last whole record ended. */
  #lastLine: number
  #failure: unknown

  constructor(table: CsvTable, delimiter: string, linesBefore: number) {
    this.#table = table
    this.#linesBefore = linesBefore
    this.#lastLine = linesBefore
    this.#parser = parse({
      bom: linesBefore === 0,
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: maxRecordBytes,
      // Records go to the table as they are read; the parser's own output stays empty.
      on_record: (record: string[], { lines }) => {
        this.#lastLine = linesBefore + lines
        table.add(record, this.#lastLine)
        return null
      },
    })
    this.#parser.on('error', (error) => (this.#failure ??= error))
    this.#parser.resume()
  }

  async write(bytes: Buffer): Promise<void> {
    if (bytes.length > 0) await this.#settled((done) => this.#parser.write(bytes, done))
  }

  async end(): Promise<void> {
    await this.#settled((done) => this.#parser.end(done))
  }

  async #settled(run: (done: (error?: Error | null) => void) => void): Promise<void> {
    await new Promise<void>((resolve) => run((error) => resolve(void (this.#failure ??= error ?? undefined))))
    const failure = this.#failure
    if (failure === undefined) return
    if (failure instanceof DataFileError) throw failure
    const { code, message, lines } = failure as CsvError & { lines?: number }
    const line = this.#linesBefore + (lines ?? 1)
    const unclosed = this.#lastLine + 1
    if (code === 'CSV_QUOTE_NOT_CLOSED') this.#table.fail('a quote is opened and never closed', unclosed, failure)
    if (code === 'CSV_MAX_RECORD_SIZE') {
      this.#table.fail(`a record of more than ${maxRecordBytes} bytes; is a quote left open?`, unclosed, failure)
    }
    this.#table.fail(quoteMistakes[code] ?? message, line, failure)
  }
}
