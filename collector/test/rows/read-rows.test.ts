import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DataFileError } from '../../src/rows/data-file-error.ts'
import { readRows, type ReadRowsOptions } from '../../src/rows/read-rows.ts'

let directory: string
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'driftline-rows-'))))
afterAll(() => rm(directory, { recursive: true }))

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, content)
  return path
}

/** All rows as objects, with the place of each. */
async function rowsOf(
  path: string,
  options: ReadRowsOptions = {},
): Promise<{ rows: Record<string, unknown>[]; places: string[] }> {
  const rows: Record<string, unknown>[] = []
  const places: string[] = []
  for await (const batch of readRows(path, options)) {
    expect(batch.firstRow).toBe(rows.length)
    for (let row = 0; row < batch.rows; row++) {
      rows.push(Object.fromEntries([...batch.columns].map(([name, values]) => [name, values[row]])))
      places.push(batch.place(row))
    }
    for (const values of batch.columns.values()) expect(values.length).toBe(batch.rows)
  }
  return { rows, places }
}

async function csv(content: string | Buffer, options: ReadRowsOptions = {}): Promise<Record<string, unknown>[]> {
  return (await rowsOf(await file('rows.csv', content), options)).rows
}

async function failure(path: string, options: ReadRowsOptions = {}): Promise<string> {
  const error: unknown = await rowsOf(path, options).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DataFileError)
  return (error as Error).message.replace(directory, '')
}

describe('CSV', () => {
  it('reads cells as text, whatever the line ends, with and without a last one', async () => {
    const rows = [
      { a: '1', b: 'x' },
      { a: '', b: 'y z' },
    ]
    for (const text of [
      'a,b\n1,x\n,y z\n',
      'a,b\r\n1,x\r\n,y z\r\n',
      'a,b\n1,x\n,y z',
      '\uFEFFa,b\n\n1,x\n\r\n,y z\n\n',
    ]) {
      expect(await csv(text), JSON.stringify(text)).toEqual(rows)
    }
  })

  it('reads quotes, with delimiters, quotes and line ends inside, from any line on', async () => {
    expect(await csv('a,b\n1,2\n"x, ""y""","line\nbreak"\n3,4\n')).toEqual([
      { a: '1', b: '2' },
      { a: 'x, "y"', b: 'line\nbreak' },
      { a: '3', b: '4' },
    ])
    expect(await csv('\uFEFF"a","b"\r\n"1","2"\r\n')).toEqual([{ a: '1', b: '2' }])
  })

  it('says at which line a row stands, also behind quoted line ends and blank lines', async () => {
    const { places } = await rowsOf(await file('places.csv', 'a,b\n1,2\n\n"x\ny",4\n5,6\n'))
    expect(places).toEqual(['line 2', 'line 5', 'line 6'])
  })

  it('reads named columns only, in any order', async () => {
    expect(await csv('a,b,c\n1,2,3\n', { columns: ['c', 'a'] })).toEqual([{ c: '3', a: '1' }])
  })

  it('reads tab-separated and gzip files', async () => {
    expect((await rowsOf(await file('t.tsv', 'a\tb\n1,5\t2\n'))).rows).toEqual([{ a: '1,5', b: '2' }])
    expect((await rowsOf(await file('z.csv.gz', gzipSync('a\n1\n')))).rows).toEqual([{ a: '1' }])
  })

  it('reads the same through both of its ways, however the bytes are cut', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '1', ' ', '.', '\u00e9', '\u{1F600}', ';'), maxLength: 5 })
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 20 })
    const end = fc.constantFrom('\n', '\r\n')
    await fc.assert(
      fc.asyncProperty(table, end, async (rows, lineEnd) => {
        const text = (quote: string) =>
          ['a,b', ...rows.map(([a, b]) => `${quote}${a}${quote},${quote}${b}${quote}`)].join(lineEnd)
        expect(await csv(text('"'))).toEqual(await csv(text('')))
      }),
      { numRuns: 100 },
    )
  })

  it('hands over to the quoted way in the middle of a large file without losing or repeating a row', async () => {
    const line = (i: number) => (i === 30_000 ? `${i},"a,\nb"` : `${i},text ${i}`)
    const path = await file('large.csv', `n,t\n${Array.from({ length: 60_000 }, (_, i) => line(i)).join('\n')}\n`)
    const { rows, places } = await rowsOf(path)
    expect(rows.length).toBe(60_000)
    expect(rows.every(({ n }, i) => n === String(i))).toBe(true)
    expect(rows[30_000]!.t).toBe('a,\nb')
    expect(places[29_999]).toBe('line 30001')
    expect(places[59_999]).toBe('line 60002')
  })

  it('names file and line of what is wrong', async () => {
    const bad: [string, string | Buffer, string][] = [
      ['empty.csv', '', '/empty.csv: the file is empty'],
      ['blank.csv', '\n\r\n\n', '/blank.csv: no header: the file holds only blank lines'],
      ['short.csv', 'a,b\n1,2\n3\n', '/short.csv, line 3: expected 2 fields as in the header, got 1'],
      ['long.csv', 'a,b\n"1",2\n3,4,5\n', '/long.csv, line 3: expected 2 fields as in the header, got 3'],
      ['twice.csv', 'a,b,a\n1,2,3\n', '/twice.csv, line 1: the header names column "a" twice'],
      ['nameless.csv', 'a,,b\n1,2,3\n', '/nameless.csv, line 1: column 2 of the header has no name'],
      ['open.csv', 'a,b\n1,2\n"3,4\n5,6\n', '/open.csv, line 3: a quote is opened and never closed'],
      [
        'after.csv',
        'a,b\n"1"x,2\n',
        '/after.csv, line 2: a closing quote must be followed by a delimiter or the end of the line',
      ],
      ['inside.csv', 'a,b\n1"x,2\n', '/inside.csv, line 2: a quote inside a field that does not start with one'],
    ]
    for (const [name, content, message] of bad) expect(await failure(await file(name, content))).toBe(message)
  })

  it('says which columns there are when one is missing', async () => {
    const path = await file('missing.csv', 'a,b\n1,2\n')
    expect(await failure(path, { columns: ['a', 'c'] })).toBe('/missing.csv: has no column "c"; its columns are a, b')
  })

  it('has no rows below a header that stands alone', async () => {
    expect(await csv('a,b\n')).toEqual([])
  })

  it('refuses files that are not there, directories and damaged gzip', async () => {
    expect(await failure(join(directory, 'none.csv'))).toBe('/none.csv: no such file')
    expect(await failure(directory, { format: 'csv' })).toBe(': is a directory, not a file')
    const whole = gzipSync('a,b\n1,2\n'.repeat(1000))
    expect(await failure(await file('cut.csv.gz', whole.subarray(0, 30)))).toContain('the gzip data is damaged')
    expect(await failure(await file('rows.txt', 'a\n1\n'))).toContain('the name does not tell the format')
  })
})

describe('Parquet', () => {
  const reference = new URL('../../../test/fixtures/reference/baseline/', import.meta.url)
  const path = (name: string) => fileURLToPath(new URL(name, reference))

  it('reads the same rows from CSV, from Snappy pages, and from several Zstandard row groups', async () => {
    const text = await rowsOf(path('rows.csv'))
    const expected = text.rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, cell]) => {
          if (name === 'city') return [name, cell]
          if (name === 'smoker') return [name, cell === 'true']
          return [name, cell === '' ? undefined : Number(cell)]
        }),
      ),
    )
    for (const name of ['rows.parquet', 'rows-zstd.parquet']) {
      const { rows, places } = await rowsOf(path(name))
      expect(
        rows.map((row) => ({ ...row, glucose: row.glucose ?? undefined })),
        name,
      ).toEqual(expected)
      expect(places[999]).toBe('row 1000')
    }
  })

  it('reads named columns only', async () => {
    const { rows } = await rowsOf(path('rows-zstd.parquet'), { columns: ['visits', 'city'] })
    expect(rows.length).toBe(1000)
    expect(Object.keys(rows[700]!)).toEqual(['visits', 'city'])
    expect(await failure(path('rows.parquet'), { columns: ['gone'] })).toContain(
      'has no column "gone"; its columns are glucose, offset',
    )
  })

  it('names a file that is no Parquet file, or a damaged one', async () => {
    expect(await failure(await file('garbage.parquet', 'not a parquet file at all'))).toMatch(
      /^\/garbage\.parquet: not a readable Parquet file \(/,
    )
    expect(await failure(await file('short.parquet', 'PAR1'))).toMatch(
      /^\/short\.parquet: not a readable Parquet file \(/,
    )
    expect(await failure(await file('empty.parquet', ''))).toBe('/empty.parquet: the file is empty')
    const whole = await readFile(path('rows.parquet'))
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, 4, 5000)
    expect(await failure(await file('damaged.parquet', damaged))).toMatch(
      /^\/damaged\.parquet, row group 0: not a readable Parquet file \(/,
    )
  })

  it('throws nothing else, whatever bytes are flipped', async () => {
    const whole = await readFile(path('rows.parquet'))
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, byte) => {
        const damaged = Buffer.from(whole)
        damaged[at] = byte
        await rowsOf(await file('flipped.parquet', damaged)).catch((error: unknown) => {
          if (!(error instanceof DataFileError)) throw error
        })
      }),
      { numRuns: 60 },
    )
  })
})

describe('JSON lines', () => {
  it('reads one object per line, with fields that come and go', async () => {
    const path = await file('rows.jsonl', '{"a":1,"b":"x"}\n\n{"a":null,"c":true}\r\n{"b":""}')
    const { rows, places } = await rowsOf(path)
    expect(rows).toEqual([
      { a: 1, b: 'x', c: undefined },
      { a: null, b: undefined, c: true },
      { a: undefined, b: '', c: undefined },
    ])
    expect(places).toEqual(['line 1', 'line 3', 'line 4'])
  })

  it('reads byte-order mark, gzip and named fields', async () => {
    expect((await rowsOf(await file('bom.ndjson', '\uFEFF{"a":1}\n'))).rows).toEqual([{ a: 1 }])
    const zipped = await file('rows.jsonl.gz', gzipSync('{"a":1,"b":2}\n'))
    expect((await rowsOf(zipped, { columns: ['b'] })).rows).toEqual([{ b: 2 }])
  })

  it('takes no field from the prototype', async () => {
    const path = await file('proto.jsonl', '{"__proto__":{"a":1},"constructor":2}\n')
    expect((await rowsOf(path, { columns: ['a', 'toString', 'constructor'] })).rows).toEqual([{ constructor: 2 }])
  })

  it('names file and line of what is wrong', async () => {
    expect(await failure(await file('bad.jsonl', '{"a":1}\n{"a":}\n'))).toMatch(/^\/bad\.jsonl, line 2: not JSON \(/)
    expect(await failure(await file('list.jsonl', '{"a":1}\n\n[1]\n'))).toBe(
      '/list.jsonl, line 3: expected one JSON object per line',
    )
    expect(await failure(await file('empty.jsonl', ''))).toBe('/empty.jsonl: the file is empty')
  })
})
