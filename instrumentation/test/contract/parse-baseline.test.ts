import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError, nextDown, parseBaseline } from '../../src/contract/index.ts'
import { sampleBaseline } from './sample-baseline.ts'

type Path = readonly (string | number)[]

/** A copy of the sample with one place changed. */
function changed(path: Path, change: (value: unknown) => unknown): unknown {
  const copy = structuredClone(sampleBaseline()) as unknown
  let place = copy as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) place = place[key] as Record<string | number, unknown>
  const last = path.at(-1)!
  const value = change(place[last])
  if (value === undefined) Reflect.deleteProperty(place, last)
  else place[last] = value
  return copy
}

function problemsOf(value: unknown): readonly { path: string; message: string }[] {
  try {
    parseBaseline(value)
  } catch (error) {
    if (error instanceof FormatError) return error.problems
    throw error
  }
  return []
}

/** Every place of a document, leaves and branches. */
function places(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return [...(path.length > 0 ? [path] : []), ...entries.flatMap(([key, member]) => places(member, [...path, key]))]
}

describe('parseBaseline', () => {
  it('accepts a baseline with every part, and returns it as it is', () => {
    const baseline = sampleBaseline()
    expect(parseBaseline(baseline)).toBe(baseline)
    expect(parseBaseline(JSON.parse(JSON.stringify(baseline)))).toEqual(baseline)
  })

  it('lists every problem, one per line, each with its path', () => {
    const baseline = structuredClone(sampleBaseline()) as any
    baseline.features[0].counts[2] = -1
    baseline.rows = 'ten'
    baseline.predictions.score.bounds[1] = null
    const problems = problemsOf(baseline)
    expect(problems).toContainEqual({ path: 'rows', message: 'expected a whole number >= 0, got "ten"' })
    expect(problems).toContainEqual({ path: 'features[0].counts[2]', message: 'expected a whole number >= 0, got -1' })
    expect(problems).toContainEqual({
      path: 'predictions.score.bounds[1]',
      message: 'expected a finite number, got null',
    })
    const message = new FormatError(problems).message
    expect(message.split('\n')).toHaveLength(problems.length)
    expect(message).toContain('features[0].counts[2]: expected a whole number >= 0, got -1')
  })

  const wrong: [string, Path, (value: any) => unknown, string, string][] = [
    [
      'a misspelt field',
      ['features', 0],
      ({ missing, ...rest }) => ({ ...rest, mising: missing }),
      'features[0].mising',
      'unknown field',
    ],
    [
      'bounds that do not increase',
      ['features', 0, 'bounds', 1],
      () => -1,
      'features[0].bounds[1]',
      'bounds must increase',
    ],
    ['an infinite bound', ['features', 0, 'bounds', 2], () => Infinity, 'features[0].bounds[2]', 'finite'],
    [
      'counts of another length',
      ['features', 0, 'counts'],
      (counts) => [...counts, 0],
      'features[0].counts',
      'expected 4 cells for 3 bounds, got 5',
    ],
    [
      'values that are not the sum of counts',
      ['features', 0, 'values'],
      () => 8,
      'features[0].values',
      'counts add up to 7',
    ],
    [
      'rows that do not add up',
      ['features', 0, 'missing'],
      () => 2,
      'features[0]',
      'values 7 + missing 2 + invalid 2 = 11, but rows is 10',
    ],
    ['a half row', ['features', 0, 'missing'], () => 0.5, 'features[0].missing', 'whole number'],
    [
      'chunks that do not add up to counts',
      ['features', 0, 'chunks', 0, 1],
      () => 2,
      'features[0].chunks',
      'cell 1 adds up to 3 over the chunks',
    ],
    [
      'a chunk of another width',
      ['features', 0, 'chunks', 1],
      (chunk) => chunk.slice(1),
      'features[0].chunks[1]',
      'expected 4 counts',
    ],
    [
      'too few chunks',
      ['features', 1, 'chunks'],
      (chunks) => chunks.slice(1),
      'features[1].chunks',
      'expected 2 chunks',
    ],
    ['chunks without chunking', ['chunking'], () => undefined, 'features[0].chunks', 'given without chunking'],
    [
      'missing rows that do not add up over chunks',
      ['features', 0, 'chunkMissing'],
      () => [1, 1],
      'features[0].chunkMissing',
      'add up to 2',
    ],
    ['chunk rows that do not add up', ['chunking', 'rows'], () => [5, 4], 'chunking.rows', 'add up to 9'],
    [
      'a name used twice',
      ['features', 1, 'name'],
      () => 'age',
      'features[1].name',
      'is the name of features[0] already',
    ],
    ['a category twice', ['features', 1, 'categories', 1], () => 'Bern', 'features[1].categories[1]', 'listed already'],
    [
      '_OTHER among the categories',
      ['features', 1, 'categories', 1],
      () => '_OTHER',
      'features[1].categories[1]',
      '_OTHER stands for',
    ],
    [
      'categories out of order',
      ['features', 1, 'categories', 0],
      () => 'Zug',
      'features[1].categories[1]',
      'code-point order',
    ],
    [
      'a boolean with other categories',
      ['features', 2, 'categories', 0],
      () => 'FALSE',
      'features[2].categories',
      'boolean',
    ],
    ['a negative variance', ['features', 0, 'variance'], () => -1, 'features[0].variance', '>= 0'],
    ['a mean outside the values', ['features', 0, 'mean'], () => 131, 'features[0].mean', 'not between'],
    ['min above max', ['features', 0, 'min'], () => 131, 'features[0].min', 'above max'],
    [
      'moments of no values',
      ['predictions', 'confidence'],
      (c) => ({ ...c, counts: [0, 0, 0], values: 0 }),
      'predictions.confidence.mean',
      'no values',
    ],
    [
      'out of range without range',
      ['features', 0, 'range'],
      () => undefined,
      'features[0].outOfRange',
      'without a range',
    ],
    [
      'a threshold that is no bound',
      ['predictions', 'decision', 'threshold'],
      () => 0.6,
      'predictions.decision.threshold',
      'score.bounds must hold',
    ],
    [
      'the other decision rule',
      ['predictions', 'decision', 'rule'],
      () => '>',
      'predictions.decision.threshold',
      'the threshold itself',
    ],
    [
      'equal classes',
      ['predictions', 'decision', 'negativeClass'],
      () => '1',
      'predictions.decision.negativeClass',
      'like positiveClass',
    ],
    [
      'more labels than scores',
      ['predictions', 'scoreByLabel', '0', 1],
      () => 9,
      'predictions.scoreByLabel',
      'cell 1 adds up to 9',
    ],
    [
      'score cells of another width',
      ['predictions', 'scoreByLabel', '0'],
      () => [1],
      'predictions.scoreByLabel["0"]',
      'expected 5 counts',
    ],
    [
      'more predictions than rows',
      ['predictions', 'classes'],
      () => ({ categories: [], counts: [11], values: 11 }),
      'predictions.classes.values',
      'rows is 10',
    ],
    ['a digest of another kind', ['source', 'digest'], () => 'md5:00', 'source.digest', 'sha256'],
    ['a time that is none', ['createdAt'], () => 'yesterday', 'createdAt', 'ISO 8601'],
    ['another schema', ['schema'], () => 'driftline.baseline/2', 'schema', "'driftline.baseline/1'"],
    [
      'segment cells that differ',
      ['segments', 'values', 'true', 'features', 0, 'bounds', 2],
      () => 61,
      'segments.values.true.features[0].bounds',
      'same as features[0].bounds',
    ],
    [
      'segments larger than the whole',
      ['segments', 'values', 'true', 'rows'],
      () => 11,
      'segments.values',
      'rows is 10',
    ],
    [
      'a feature that a segment lacks',
      ['segments', 'values', 'true', 'features'],
      (f) => f.slice(1),
      'segments.values.true.features',
      'expected 3 features',
    ],
  ]
  it.each(wrong)('refuses %s', (_what, path, change, where, message) => {
    const problems = problemsOf(changed(path, change))
    expect(
      problems.filter((problem) => problem.path === where && problem.message.includes(message)),
      JSON.stringify(problems),
    ).not.toEqual([])
  })

  it('bounds what it takes in', () => {
    const cells = Array.from({ length: 1024 }, (_, i) => i)
    expect(problemsOf(changed(['features', 0, 'bounds'], () => cells))).toContainEqual({
      path: 'features[0].bounds',
      message: 'expected at most 1023 bounds, got 1024',
    })
    const features = Array.from({ length: 10_001 }, () => ({}))
    expect(problemsOf(changed(['features'], () => features))[0]!.message).toContain('at most 10000 features')
    const junk = Array.from({ length: 9_999 }, () => 7)
    expect(problemsOf(changed(['features'], () => junk)).length).toBe(1001)
  })

  it('accepts a baseline without any of the optional parts, and features without values', () => {
    const feature = {
      name: 'x',
      kind: 'numeric',
      missing: 3,
      invalid: {},
      bounds: [],
      counts: [0],
      values: 0,
      mean: 0,
      variance: 0,
      min: 0,
      max: 0,
    }
    const { schema, model, createdAt } = sampleBaseline()
    const source = { name: 'production', boundsRankError: 0.001 }
    expect(problemsOf({ schema, model, createdAt, source, rows: 3, features: [feature], predictions: {} })).toEqual([])
  })

  it('throws nothing but FormatError, whatever JSON it is given', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(problemsOf(value)).not.toEqual([])
      }),
      { numRuns: 1000 },
    )
  })

  it('throws nothing but FormatError when any place of a baseline holds any JSON', () => {
    const all = places(sampleBaseline())
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
        problemsOf(changed(path, () => value))
      }),
      { numRuns: 3000 },
    )
  })

  it('refuses a baseline in which any one place has a value of another type, and names it', () => {
    for (const path of places(sampleBaseline())) {
      const problems = problemsOf(changed(path, (value) => (typeof value === 'boolean' ? 'no' : true)))
      const place = path.reduce<string>((text, key) => {
        if (typeof key === 'number') return `${text}[${key}]`
        if (!/^[A-Za-z_]\w*$/.test(key)) return `${text}["${key}"]`
        return text === '' ? key : `${text}.${key}`
      }, '')
      expect(
        problems.map((problem) => problem.path),
        place,
      ).toContain(place)
    }
  })
})

describe('nextDown', () => {
  it('is the number just below', () => {
    expect(nextDown(1)).toBe(1 - Number.EPSILON / 2)
    expect(nextDown(0)).toBe(-Number.MIN_VALUE)
    expect(nextDown(-0)).toBe(-Number.MIN_VALUE)
    expect(nextDown(Number.MIN_VALUE)).toBe(0)
    expect(nextDown(-1)).toBe(-1 - Number.EPSILON)
  })

  it('leaves nothing between', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }), (value) => {
        const below = nextDown(value)
        const middle = below + (value - below) / 2
        expect(below < value && (middle === below || middle === value)).toBe(true)
      }),
    )
  })
})
