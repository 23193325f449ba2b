import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** One text of the committed data with its human rating. */
export interface RatedText {
  readonly id: string
  /** Mean of about 20 people, from -4 to 4. */
  readonly rating: number
  /** Whether the rating is above 0. */
  readonly positive: boolean
  readonly text: string
}

export type TextFile = 'training' | 'baseline' | 'held-out' | 'product-reviews'

/** A row as Python's csv module writes it: the text alone may be in quotes, with its own quotes doubled. */
const row = /^([^,]+),([^,]+),([01]),(?:"((?:[^"]|"")*)"|([^"]*))$/

/**
 * Reads one of the committed files of `data/`.
 *
 * @throws Error when a line is not of the expected form.
 */
export function readTexts(name: TextFile): RatedText[] {
  const [header, ...lines] = gunzipSync(readFileSync(new URL(`data/${name}.csv.gz`, import.meta.url)))
    .toString('utf8')
    .trimEnd()
    .split('\n')
  if (header !== 'id,rating,positive,text') throw new Error(`data/${name}.csv.gz has the columns ${header}`)
  return lines.map((line, i) => {
    const match = row.exec(line)
    if (match === null) throw new Error(`data/${name}.csv.gz:${i + 2} is no row`)
    const [, id, rating, positive, quoted, plain] = match
    return {
      id: id!,
      rating: Number(rating),
      positive: positive === '1',
      text: quoted === undefined ? plain! : quoted.replaceAll('""', '"'),
    }
  })
}
