import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  nextDown,
  type Baseline,
  type NumericFeatureBaseline,
  type NumericSummary,
} from '@driftline/instrumentation/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildBaseline } from '../../src/baseline/build-baseline.ts'
import type { BuildBaselineOptions } from '../../src/baseline/build-options.ts'
import { DataFileError } from '../../src/rows/data-file-error.ts'
import reference from '../../../test/fixtures/reference/baseline/baseline.json' with { type: 'json' }

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../test/fixtures/reference/baseline/${name}`, import.meta.url))

let directory: string
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'driftline-baseline-'))))
afterAll(() => rm(directory, { recursive: true }))

async function build(
  file: string,
  options: Partial<BuildBaselineOptions> = {},
): Promise<{ baseline: Baseline; notes: readonly string[] }> {
  return buildBaseline({ file, model: { name: 'm', version: '1' }, createdAt: '2026-01-01T00:00:00.000Z', ...options })
}

/** Builds from CSV lines. */
async function fromLines(
  lines: readonly string[],
  options: Partial<BuildBaselineOptions> = {},
): Promise<{ baseline: Baseline; notes: readonly string[] }> {
  const file = join(directory, 'lines.csv')
  await writeFile(file, `${lines.join('\n')}\n`)
  return build(file, options)
}

async function failure(run: Promise<unknown>): Promise<string> {
  const error: unknown = await run.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DataFileError)
  return (error as Error).message.replace(`${directory}/`, '')
}

function feature(
  baseline: Pick<Baseline, 'features'>,
  name: string,
): NumericFeatureBaseline & { categories: string[] } {
  return baseline.features.find((one) => one.name === name) as NumericFeatureBaseline & { categories: string[] }
}

function expectSummary(actual: NumericSummary, expected: Omit<NumericSummary, 'chunks'>): void {
  const { bounds, counts, values, min, max } = actual
  expect({ bounds, counts, values, min, max }).toEqual({
    bounds: expected.bounds,
    counts: expected.counts,
    values: expected.values,
    min: expected.min,
    max: expected.max,
  })
  expect(Math.abs(actual.mean / expected.mean - 1)).toBeLessThan(1e-14)
  expect(Math.abs(actual.variance / expected.variance - 1)).toBeLessThan(1e-11)
}

const columns = { target: 'label', prediction: 'predicted', score: 'score', time: 'time', segment: 'city' }
const features = ['glucose', 'offset', 'visits', 'city', 'smoker']
const ranges = new Map([['glucose', { min: 60, max: 200 }]])

describe.each(['rows.csv', 'rows.parquet', 'rows-zstd.parquet'])('buildBaseline of %s', (name) => {
  const built = build(fixture(name), { columns, features, ranges, chunks: 20 })

  it('has the bounds, counts and moments that numpy finds', async () => {
    const { baseline } = await built
    expect(baseline.rows).toBe(reference.rows)
    expectSummary(feature(baseline, 'glucose'), reference.glucose)
    expectSummary(feature(baseline, 'offset'), reference.offset)
    expectSummary(feature(baseline, 'visits'), reference.visits)
    expect(feature(baseline, 'glucose').missing).toBe(reference.missing)
    expect(feature(baseline, 'glucose').outOfRange).toBe(reference.outOfRange)
    expect(baseline.source.boundsRankError).toBe(0)
  })

  it('counts categories and booleans', async () => {
    const { baseline } = await built
    const city = feature(baseline, 'city')
    expect(city.categories).toEqual(Object.keys(reference.city))
    expect(city.counts).toEqual([...Object.values(reference.city), 0])
    expect(feature(baseline, 'smoker')).toMatchObject({ kind: 'boolean', counts: [...reference.smoker, 0] })
  })

  it('counts scores with a bound at the decision, and by label', async () => {
    const { predictions, labels } = (await built).baseline
    expectSummary(predictions.score!, reference.score)
    expect(predictions.decision).toEqual({ threshold: 0.5, rule: '>=', positiveClass: '1', negativeClass: '0' })
    expect(predictions.scoreByLabel!['1']).toEqual(reference.scoreOfPositives)
    expect(labels).toMatchObject({ categories: ['0', '1'], counts: [...reference.labels, 0] })
    const cell = predictions.score!.bounds.indexOf(nextDown(0.5)) + 1
    const positives = predictions.score!.counts.slice(cell).reduce((sum, count) => sum + count, 0)
    expect(predictions.classes!.counts).toEqual([reference.rows - positives, positives, 0])
  })

  it('cuts unsorted rows into chunks by their time', async () => {
    const { chunking, features: built20 } = (await built).baseline
    expect(chunking).toEqual({ column: 'time', rows: Array.from({ length: 20 }, () => 50) })
    expect(feature({ features: built20 }, 'visits').chunks).toEqual(reference.visitChunks)
  })

  it('counts segments of at least 200 rows in the same cells', async () => {
    const { baseline, notes } = await built
    const wien = baseline.segments!.values.Wien!
    expect(Object.keys(baseline.segments!.values)).toEqual(['Bern', 'Wien'])
    expect(wien.rows).toBe(reference.wien.rows)
    expectSummary(feature(wien, 'visits'), reference.wien.visits)
    expect(notes).toContain('2 of 4 segments have fewer than 200 rows and are left out')
  })

  it('carries the digest of the file', async () => {
    const { source } = (await built).baseline
    const digest = createHash('sha256')
      .update(await readFile(fixture(name)))
      .digest('hex')
    expect(source).toMatchObject({ name, digest: `sha256:${digest}` })
  })
})

describe('kinds of columns', () => {
  it('are told by the values', async () => {
    const { baseline } = await fromLines([
      'number,digits,flag,text,empty,odd',
      '1.5,0,true,a,,NaN',
      '-2e3,1,FALSE,b,,1',
      ',1,,,,inf',
    ])
    expect(baseline.features.map(({ name, kind }) => [name, kind])).toEqual([
      ['number', 'numeric'],
      ['digits', 'numeric'],
      ['flag', 'boolean'],
      ['text', 'categorical'],
      ['empty', 'numeric'],
      ['odd', 'numeric'],
    ])
    expect(feature(baseline, 'odd')).toMatchObject({ values: 1, missing: 0, invalid: { nan: 1, infinite: 1 } })
    expect(feature(baseline, 'empty')).toMatchObject({
      values: 0,
      missing: 3,
      bounds: [],
      counts: [0],
      mean: 0,
      min: 0,
      max: 0,
    })
    expect(feature(baseline, 'flag')).toMatchObject({ counts: [1, 1, 0], missing: 1 })
  })

  it('turn categorical at a text however late it comes, and every value counts', async () => {
    const lines = ['code', ...Array.from({ length: 20_000 }, (_, i) => String(i % 3)), 'NA']
    const { baseline, notes } = await fromLines(lines)
    expect(feature(baseline, 'code')).toMatchObject({
      kind: 'categorical',
      categories: ['0', '1', '2', 'NA'],
      counts: [6667, 6667, 6666, 1, 0],
    })
    expect(notes.join()).toContain(
      'column code is taken as categorical: 20000 values are numbers, but 1 are not, the first at line 20002: "NA"',
    )
  })

  it('can be declared: texts of a numeric column are of the wrong type, digits of a categorical one are categories', async () => {
    const types = new Map([
      ['a', 'numeric'],
      ['b', 'categorical'],
      ['c', 'boolean'],
      ['d', 'ignore'],
    ] as const)
    const { baseline } = await fromLines(['a,b,c,d', '1,1,1,x', 'NA,2,0,x', '3,1,maybe,x'], { types })
    expect(baseline.features.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(feature(baseline, 'a')).toMatchObject({ values: 2, invalid: { wrong_type: 1 }, mean: 2 })
    expect(feature(baseline, 'b')).toMatchObject({ categories: ['1', '2'], counts: [2, 1, 0] })
    expect(feature(baseline, 'c')).toMatchObject({ counts: [1, 1, 0], invalid: { wrong_type: 1 } })
  })

  it('come from JSON as they are, and what no feature is made of is left out with a note', async () => {
    const file = join(directory, 'rows.jsonl')
    await writeFile(file, '{"n":1,"t":"1","f":true,"o":{"x":1}}\n{"n":2,"t":"","late":5}\n')
    const { baseline, notes } = await build(file)
    expect(baseline.features.map(({ name, kind }) => [name, kind])).toEqual([
      ['n', 'numeric'],
      ['t', 'categorical'],
      ['f', 'boolean'],
      ['late', 'numeric'],
    ])
    expect(feature(baseline, 't').categories).toEqual(['', '1'])
    expect(feature(baseline, 'late')).toMatchObject({ missing: 1, values: 1 })
    expect(notes).toContain('column o holds lists or objects and is left out')
  })
})

describe('categories', () => {
  it('keep the most frequent, count the others as _OTHER, in code-point order', async () => {
    const lines = ['c', ...Array.from({ length: 60 }, (_, i) => (i < 30 ? 'z' : i < 50 ? 'a' : `rare${i}`))]
    const { baseline } = await fromLines(lines, { maxCategories: 2 })
    expect(feature(baseline, 'c')).toMatchObject({ categories: ['a', 'z'], counts: [20, 30, 10] })
  })

  it('count a category that is called _OTHER as such', async () => {
    const { baseline } = await fromLines(['c', 'a', '_OTHER', 'a'])
    expect(feature(baseline, 'c')).toMatchObject({ categories: ['a'], counts: [2, 1] })
  })
})

describe('scores', () => {
  it('outside 0 to 1 get quantile bounds, and a bound at a threshold that is given', async () => {
    const lines = ['x,s,y', ...Array.from({ length: 100 }, (_, i) => `1,${i - 50},${i % 2}`)]
    const scored = { target: 'y', score: 's' }
    const { baseline } = await fromLines(lines, { columns: scored, threshold: 7.25, decisionRule: '>' })
    expect(baseline.predictions.score!.bounds).toContain(7.25)
    expect(baseline.predictions.decision).toEqual({
      threshold: 7.25,
      rule: '>',
      positiveClass: '1',
      negativeClass: '0',
    })
    const without = await fromLines(lines, { columns: scored })
    expect(without.baseline.predictions.decision).toBeUndefined()
    expect(without.notes.join()).toContain('the score is not between 0 and 1')
  })

  it('say so when predicted classes do not follow from them', async () => {
    const lines = ['x,s,p', '1,0.5,1', '1,0.4,1', '1,0.2,0', '1,0.9,0']
    const { notes } = await fromLines(lines, { columns: { prediction: 'p', score: 's' } })
    expect(notes.join()).toContain('in 2 rows the predicted class is not what score >= 0.5 says')
  })

  it('need to know which class is positive when a threshold is given', async () => {
    const lines = ['x,s,p', '1,0.5,good', '1,0.4,bad']
    const options = { columns: { prediction: 'p', score: 's' }, threshold: 0.5 }
    expect(await failure(fromLines(lines, options))).toContain(
      'which class is positive is not told (classes: bad, good); say it with --positive-class',
    )
    expect(await failure(fromLines(lines, { ...options, positiveClass: 'best' }))).toContain('there is no class "best"')
    const { baseline } = await fromLines(lines, { ...options, positiveClass: 'good' })
    expect(baseline.predictions.decision).toMatchObject({ positiveClass: 'good', negativeClass: 'bad' })
  })

  it('that are all missing still have a bound at the decision', async () => {
    const { baseline } = await fromLines(['x,s,p', '1,,1', '1,,0'], {
      columns: { prediction: 'p', score: 's' },
      threshold: 0.5,
    })
    expect(baseline.predictions.score).toMatchObject({ bounds: [nextDown(0.5)], counts: [0, 0], values: 0 })
  })

  it('and confidences start at one over the number of classes', async () => {
    const lines = ['x,p,c', '1,0,0.5', '1,1,0.75', '1,1,1']
    const { baseline } = await fromLines(lines, { columns: { prediction: 'p', confidence: 'c' } })
    expect(baseline.predictions.confidence!.bounds[0]).toBe(nextDown(0.5))
    expect(baseline.predictions.confidence!.counts[0]).toBe(0)
  })
})

describe('chunks', () => {
  const hourly = [
    'x,t',
    ...Array.from(
      { length: 240 },
      (_, i) =>
        `${i},2026-01-0${1 + Math.floor(i / 96)}T${String(Math.floor((i % 96) / 4)).padStart(2, '0')}:${String((i % 4) * 15).padStart(2, '0')}`,
    ),
  ]

  it('are fewer than asked for by default, so that each has 50 rows, and equal to the row', async () => {
    const { baseline } = await fromLines(hourly, { columns: { time: 't' } })
    expect(baseline.chunking!.rows).toEqual([60, 60, 60, 60])
  })

  it('can have a duration, aligned to it', async () => {
    const { baseline } = await fromLines(hourly, { columns: { time: 't' }, chunkDurationMs: 86_400_000 })
    expect(baseline.chunking).toEqual({ column: 't', rows: [96, 96, 48], durationMs: 86_400_000 })
    expect(
      await failure(fromLines(hourly, { columns: { time: 'x' }, features: ['x'], chunkDurationMs: 1000 })),
    ).toContain('holds plain numbers up to 239')
    expect(await failure(fromLines(hourly, { columns: { time: 't' }, chunkDurationMs: 1 }))).toContain(
      'at most 10000 are kept',
    )
  })

  it('can follow the order of the file', async () => {
    const { baseline } = await fromLines(['x', '1', '2', '3', '4', '5'], { columns: { time: '@row' }, chunks: 2 })
    expect(baseline.chunking).toEqual({ column: '@row', rows: [3, 2] })
  })

  it('keep rows of one time together when the file is not sorted', async () => {
    const { baseline } = await fromLines(['x,t', '9,2', '9,1', '9,1', '9,2', '9,1', '9,3'], {
      columns: { time: 't' },
      chunks: 3,
    })
    expect(baseline.chunking!.rows.reduce((sum, rows) => sum + rows, 0)).toBe(6)
    expect(baseline.chunking!.rows).toEqual([3, 2, 1])
  })

  it('need a time in every row', async () => {
    expect(await failure(fromLines(['x,t', '1,2026-01-01', '2,soon'], { columns: { time: 't' } }))).toBe(
      'lines.csv, line 3: column "t" is no time: "soon"',
    )
    expect(await failure(fromLines(['x,t', '1,2026-01-01', '2,7'], { columns: { time: 't' } }))).toContain(
      'mixes dates and numbers',
    )
    expect(await failure(fromLines(['x,t', '1,', '2,7'], { columns: { time: 't' } }))).toContain(
      'line 2: column "t" is no time: the value is missing',
    )
  })
})

describe('a manifest', () => {
  const digest = `sha256:${'0'.repeat(64)}`
  const manifest = {
    schema: 'driftline.manifest/1',
    model: { name: 'm', version: '1', task: 'binary-classification' },
    createdAt: '2026-01-01T00:00:00Z',
    features: [
      { name: 'b', kind: 'categorical', categories: ['2', '1', '10'] },
      { name: 'a', kind: 'numeric', range: { min: 0, max: 2 } },
    ],
    output: { classes: ['no', 'yes'], positiveClass: 'no', decisionThreshold: 0.25, decisionRule: '>' },
    artefact: { name: 'model', digest },
  } as const

  it('gives features, their order, kinds, ranges, categories, classes and threshold', async () => {
    const { baseline } = await fromLines(['a,b,other,s,y', '1,1,9,0.1,no', '3,2,9,0.9,no', '2,5,9,0.2,no'], {
      manifest,
      columns: { score: 's', target: 'y' },
    })
    expect(baseline.features.map(({ name }) => name)).toEqual(['b', 'a'])
    expect(feature(baseline, 'b')).toMatchObject({ categories: ['1', '10', '2'], counts: [1, 0, 1, 1] })
    expect(feature(baseline, 'a')).toMatchObject({ range: { min: 0, max: 2 }, outOfRange: 1 })
    expect(feature(baseline, 'a').bounds).toEqual([nextDown(0), nextDown(1), 1, 2, 3])
    expect(baseline.predictions.decision).toEqual({
      threshold: 0.25,
      rule: '>',
      positiveClass: 'no',
      negativeClass: 'yes',
    })
    expect(baseline.labels).toMatchObject({ categories: ['no', 'yes'], counts: [3, 0, 0] })
  })

  it('whose feature the data lacks is an error', async () => {
    expect(await failure(fromLines(['a', '1'], { manifest }))).toContain('has no column "b"')
  })
})

describe('what is wrong', () => {
  it('is named with file, column and line', async () => {
    expect(await failure(fromLines(['a,b']))).toBe('lines.csv: has no rows')
    expect(await failure(fromLines(['a,b', '1,2'], { columns: { target: 'y' } }))).toBe(
      'lines.csv: has no column "y" (--target); its columns are a, b',
    )
    expect(await failure(fromLines(['a,b', '1,2'], { types: new Map([['c', 'numeric']]) }))).toContain(
      'has no column "c" (--type)',
    )
    expect(
      await failure(fromLines(['a,b', '1,2'], { features: ['a'], ranges: new Map([['b', { min: 1 }]]) })),
    ).toContain('--range names "b", which is not one of the features: a')
    expect(await failure(fromLines(['a', '1'], { exclude: ['a'] }))).toBe(
      'lines.csv: no column is left to be a feature',
    )
    for (const large of ['1e308', '1e160']) {
      const message = `values between -${Number(large)} and ${Number(large)} are too far apart`
      expect(await failure(fromLines(['a', large, `-${large}`, large]))).toContain(`lines.csv: column "a": ${message}`)
    }
  })
})

it('stays right when quantiles come from a sketch: counts are exact, ranks within the error that is stated', async () => {
  const n = 300_000
  const file = join(directory, 'many.csv')
  let state = 1
  const lines = ['u']
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    lines.push(String(state))
  }
  await writeFile(file, lines.join('\n'))
  const { baseline } = await build(file)
  const { bounds, counts, values } = feature(baseline, 'u')
  const error = baseline.source.boundsRankError
  expect(error).toBeGreaterThan(0)
  expect(error).toBeLessThanOrEqual(0.002)
  expect(values).toBe(n)
  const sorted = Float64Array.from(lines.slice(1), Number).sort()
  const below = (bound: number) => sorted.filter((value) => value <= bound).length
  const percentages = [1, ...Array.from({ length: 19 }, (_, i) => (i + 1) * 5), 99]
  let total = 0
  bounds.slice(0, -1).forEach((bound, i) => {
    total += counts[i]!
    expect(total).toBe(below(bound))
    if (i > 0) expect(Math.abs(total / n - percentages[i - 1]! / 100)).toBeLessThanOrEqual(error + 1 / n)
  })
})
