import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { features, type FeatureName } from './features.ts'

/** One row of the committed data: a person in a year, with the answer. */
export type DataRow = { readonly [name in Exclude<FeatureName, 'AGEP'>]: string } & {
  readonly id: number
  readonly year: number
  readonly AGEP: number
  readonly employed: boolean
}

/**
 * Reads one of the committed files of `data/`. They hold plain numbers without quotes, so splitting at commas is enough.
 *
 * @throws Error when the header is not the expected one.
 */
export function readRows(name: 'training' | 'baseline' | 'held-out' | 'later-years'): DataRow[] {
  const text = gunzipSync(readFileSync(new URL(`data/${name}.csv.gz`, import.meta.url))).toString('utf8')
  const [header, ...lines] = text.trimEnd().split('\n')
  const columns = ['id', 'year', ...features, 'employed']
  if (header !== columns.join(',')) throw new Error(`data/${name}.csv.gz has the columns ${header}`)
  return lines.map((line) => {
    const cells = line.split(',')
    const row: Record<string, unknown> = {}
    for (const [i, column] of columns.entries()) row[column] = cells[i]!
    return {
      ...row,
      id: Number(row['id']),
      year: Number(row['year']),
      AGEP: Number(row['AGEP']),
      employed: row['employed'] === '1',
    } as DataRow
  })
}
