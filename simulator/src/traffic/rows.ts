import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Manifest } from '@driftline/instrumentation/contract'

/** What a client sends about one row: an id and the features. */
export type TrafficRow = Readonly<Record<string, string | number | null>>

/** A row, and the answer that the world gives later. */
export interface LabelledRow {
  readonly row: TrafficRow
  /** Null when the data does not say. */
  readonly label: boolean | null
}

/**
 * Reads the traffic of an example: a gzipped CSV file of plain cells, without quotes. Columns that the manifest lists as features
 * are kept, numeric ones as numbers and the others as text, and so is `id`; the label, 1 or 0, never becomes part of a row.
 *
 * @param label the column of the label
 * @throws Error naming the file when a column is missing or a line has another number of cells.
 */
export function readTrafficRows(file: string, features: Manifest['features'], label: string): LabelledRow[] {
  const text = file.endsWith('.gz') ? gunzipSync(readFileSync(file)).toString('utf8') : readFileSync(file, 'utf8')
  const [header = '', ...lines] = text.trimEnd().split('\n')
  const columns = header.split(',')
  const wanted = [
    { name: 'id', numeric: true },
    ...features.map(({ name, kind }) => ({ name, numeric: kind === 'numeric' })),
  ].map((column) => ({ ...column, index: columns.indexOf(column.name) }))
  const labelIndex = columns.indexOf(label)
  const absent = wanted.filter(({ index }) => index < 0).map(({ name }) => name)
  if (labelIndex < 0) absent.push(label)
  if (absent.length > 0) throw new Error(`${file}: no column ${absent.join(', ')}`)
  return lines.map((line, i) => {
    const cells = line.split(',')
    if (cells.length !== columns.length)
      throw new Error(`${file}:${i + 2}: ${cells.length} cells instead of ${columns.length}`)
    const row = Object.fromEntries(wanted.map(({ name, numeric, index }) => [name, cellValue(cells[index]!, numeric)]))
    const answer = cells[labelIndex]!
    return { row, label: answer === '' ? null : answer === '1' }
  })
}

function cellValue(cell: string, numeric: boolean): string | number | null {
  if (cell === '') return null
  return numeric ? Number(cell) : cell
}
