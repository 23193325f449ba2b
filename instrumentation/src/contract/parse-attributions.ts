import { field, item, shown, sum, type Fields, type Problems } from './parse-fields.ts'
import { maxChunks, maxFeatures } from './parse-limits.ts'

/** A mean is a rounded sum; those of the chunks may part from it by this share and no more. */
const meanTolerance = 1e-6

/** What is checked against the rest of the document; parts that are themselves wrong are undefined and not compared with. */
interface Surroundings {
  readonly problems: Problems
  readonly rows: number | undefined
  readonly chunkRows: readonly number[] | undefined
}

/** Reports what is wrong with the attributions of a baseline. */
export function checkAttributions(
  { problems, rows, chunkRows }: Surroundings,
  value: unknown,
  features: readonly unknown[] | undefined,
): void {
  const path = 'attributions'
  const fields = problems.object(value, path, ['method', 'rows', 'features', 'meanAbsolute', 'chunks'])
  if (fields === undefined) return
  problems.nonEmptyText(fields.method, field(path, 'method'))
  const own = problems.whole(fields.rows, field(path, 'rows'))
  if (own !== undefined && rows !== undefined && own > rows)
    problems.add(field(path, 'rows'), `is ${own}, but rows is ${rows}`)
  const names = problems.distinctTexts(fields.features, field(path, 'features'), 'features', maxFeatures)
  const known = features?.map((one) => (one as Fields | null)?.name)
  names?.forEach((name, i) => {
    if (known !== undefined && !known.includes(name))
      problems.add(item(field(path, 'features'), i), `${shown(name)} is no feature of the baseline`)
  })
  const means = magnitudes(problems, fields.meanAbsolute, field(path, 'meanAbsolute'), names?.length)
  if (fields.chunks === undefined) return
  const chunksPath = field(path, 'chunks')
  const chunks = problems.array(fields.chunks, chunksPath, 'chunks', maxChunks)
  if (chunks === undefined) return
  if (chunkRows === undefined) problems.add(chunksPath, 'given without chunking, which says what the chunks are')
  else if (chunkRows.length !== chunks.length)
    problems.add(chunksPath, `expected ${chunkRows.length} chunks as in chunking.rows, got ${chunks.length}`)
  const counts: number[] = []
  const sums: (readonly number[])[] = []
  chunks.forEach((one, k) => {
    const place = item(chunksPath, k)
    const chunk = problems.object(one, place, ['rows', 'absoluteSums'])
    if (chunk === undefined) return
    const inChunk = problems.whole(chunk.rows, field(place, 'rows'))
    const inAll = chunkRows?.[k]
    if (inChunk !== undefined && inAll !== undefined && inChunk > inAll)
      problems.add(field(place, 'rows'), `is ${inChunk}, but the chunk has ${inAll} rows`)
    if (inChunk !== undefined) counts.push(inChunk)
    const absolute = magnitudes(problems, chunk.absoluteSums, field(place, 'absoluteSums'), names?.length)
    if (absolute !== undefined) sums.push(absolute)
  })
  if (own !== undefined && counts.length === chunks.length && sum(counts) !== own)
    problems.add(chunksPath, `their rows add up to ${sum(counts)}, but attributions.rows is ${own}`)
  if (own === undefined || means === undefined || sums.length !== chunks.length) return
  means.forEach((mean, i) => {
    const total = sums.reduce((all, chunk) => all + chunk[i]!, 0)
    if (Math.abs(total - mean * own) > meanTolerance * Math.max(total, mean * own))
      problems.add(
        item(field(path, 'meanAbsolute'), i),
        `times rows is ${mean * own}, but the chunks add up to ${total}`,
      )
  })
}

/** As many numbers of at least 0 as there are features. */
function magnitudes(
  problems: Problems,
  value: unknown,
  path: string,
  length: number | undefined,
): readonly number[] | undefined {
  const list = problems.array(value, path, 'numbers', maxFeatures)
  if (list === undefined) return undefined
  if (length !== undefined && list.length !== length) {
    problems.add(path, `expected ${length} numbers, one for each feature, got ${list.length}`)
    return undefined
  }
  const numbers = list.map((one, i) => problems.finite(one, item(path, i)))
  numbers.forEach((number, i) => {
    if (number !== undefined && number < 0) problems.expected('a number >= 0', number, item(path, i))
  })
  return numbers.every((number) => number !== undefined && number >= 0) ? (numbers as readonly number[]) : undefined
}
