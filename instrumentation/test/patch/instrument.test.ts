import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { instrument, type InstrumentOptions } from '../../src/index.ts'
import { ModelAgent, type ModelStatistics } from '../../src/zero-code/agent.ts'
import { noConfig } from '../../src/zero-code/load-config.ts'
import { AnswerReader } from '../../src/patch/object-answers.ts'
import { readRows } from '../../src/patch/object-rows.ts'
import { ManualClock } from '../manual-clock.ts'

const key = Symbol.for('driftline.agent')
let agent: ModelAgent
let lines: string[]
beforeEach(() => {
  lines = []
  agent = new ModelAgent({
    config: { ...noConfig, collector: false },
    environment: {},
    clock: new ManualClock(0),
    print: (line) => lines.push(line),
  })
  const running = { version: '', agent, statistics: () => agent.statistics(), flush: () => agent.flush() }
  Object.defineProperty(globalThis, key, { value: running, configurable: true })
})
afterEach(() => {
  Reflect.deleteProperty(globalThis, key)
})

function model(): ModelStatistics {
  agent.settle()
  return agent.statistics().models[0]!
}

class Forest {
  readonly #threshold = 1
  predict(rows: number[][], _extra?: unknown): string[] {
    return rows.map(([first]) => (first! > this.#threshold ? 'a' : 'b'))
  }
  later(rows: number[][]): Promise<string[]> {
    return Promise.resolve(this.predict(rows))
  }
  fail(): never {
    throw new RangeError('no')
  }
  reject(): Promise<never> {
    return Promise.reject(new RangeError('no'))
  }
}

describe('instrument', () => {
  it('gives back the same object, whose method does what it did', () => {
    const forest = new Forest()
    expect(instrument(forest, { predict: 'predict' })).toBe(forest)
    expect(forest.predict([[1], [2]])).toEqual(['b', 'a'])
    expect([forest.predict.name, forest.predict.length, Object.keys(forest)]).toEqual(['predict', 2, []])
    expect(model()).toMatchObject({
      name: 'Forest',
      version: 'unversioned',
      calls: 1,
      rows: 2,
      monitor: { rows: 2, dropped: {} },
    })
  })

  it('hands on promises, errors and rejections', async () => {
    const forest = instrument(instrument(instrument(new Forest(), { predict: 'later' }), { predict: 'fail' }), {
      predict: 'reject',
    })
    expect(await forest.later([[1]])).toEqual(['b'])
    expect(() => forest.fail()).toThrow(new RangeError('no'))
    await expect(forest.reject()).rejects.toThrow(new RangeError('no'))
    expect(model()).toMatchObject({ calls: 3, rows: 1 })
  })

  it('wraps a method once, and counts a method that calls itself once', () => {
    const nested = {
      predict(rows: number[][] | number[]): unknown {
        return Array.isArray(rows[0]) ? (rows as number[][]).map((row) => this.predict(row)) : 1
      },
    }
    instrument(nested, { predict: 'predict', name: 'nested' })
    instrument(nested, { predict: 'predict', name: 'nested' })
    nested.predict([[1], [2], [3]])
    expect(model()).toMatchObject({ calls: 1, rows: 3 })
  })

  it('leaves frozen objects, absent methods and odd rows alone, with one warning each', () => {
    const frozen = Object.freeze({ predict: (rows: unknown) => rows })
    expect(instrument(frozen, { predict: 'predict', name: 'frozen' }).predict(5)).toBe(5)
    instrument({}, { predict: 'gone' as never, name: 'empty' })
    const odd = instrument({ predict: (rows: unknown) => rows }, { predict: 'predict', name: 'odd' })
    for (const rows of [5, 'text', null, undefined]) expect(odd.predict(rows)).toBe(rows)
    expect(lines).toEqual([
      'driftline: not-patchable: frozen: its method predict cannot be replaced: the object is frozen',
      'driftline: not-patchable: empty: it has no method gone',
      'driftline: unreadable-input: odd: rows are needed, not a value of type number',
    ])
    expect(model()).toMatchObject({ name: 'odd', rows: 0, dropped: { unexpected_type: 4 } })
  })

  it('takes a declaration of the features, or says what is wrong with a manifest', () => {
    const options: InstrumentOptions<Forest> = {
      predict: 'predict',
      features: [{ name: 'age', kind: 'numeric' }],
      version: '3',
    }
    instrument(new Forest(), options).predict([[1], [2]])
    expect(agent.statistics().models[0]).toMatchObject({ version: '3', monitor: { rows: 2 } })
    const other = instrument(new Forest(), { predict: 'predict', name: 'x', manifest: '/absent/manifest.json' })
    expect(other.predict([[1]])).toEqual(['b'])
    expect(lines.at(-1)).toMatch(/^driftline: configuration: x: manifest \/absent\/manifest.json: ENOENT/)
  })
})

describe('rows', () => {
  it.each([
    [
      'arrays',
      [
        [1, 2],
        [3, 4],
      ],
      null,
      null,
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['typed arrays', [Float32Array.of(1, 2)], null, null, [[1, 2]]],
    ['objects', [{ a: 1 }, { a: 2 }], null, null, [{ a: 1 }, { a: 2 }]],
    ['one object', { a: 1 }, null, null, [{ a: 1 }]],
    ['one flat row', [1, 'x'], null, null, [[1, 'x']]],
    [
      'a flat batch',
      Float64Array.of(1, 2, 3, 4),
      2,
      null,
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['a matrix', { to2DArray: () => [[1, 2]] }, null, null, [[1, 2]]],
    ['named', [[1, 2]], null, ['a', 'b'], [{ a: 1, b: 2 }]],
    ['none', [], null, null, []],
  ])('are read that are %s', (_, input, columns, names, rows) => {
    const reading = readRows(input, columns, names)
    expect('rows' in reading ? reading.rows.map((row) => (Array.isArray(row) ? row : { ...row })) : reading).toEqual(
      rows,
    )
  })

  it('are refused with a reason', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no')
        },
      },
    )
    expect(readRows([[1], 2], null, null)).toEqual({
      problem: 'row 1 is a value of type number, and not an array or object',
    })
    expect(readRows([1, 2, 3], 2, null)).toEqual({ problem: '3 values are no whole number of rows of 2' })
    expect(readRows(hostile, null, null)).toEqual({ problem: 'the rows throw when they are read' })
  })
})

describe('answers', () => {
  const reader = (): AnswerReader => new AnswerReader(null, null, null)

  it.each([
    ['texts', ['a', 'b'], 2, { classes: ['a', 'b'] }],
    ['one text', 'a', 1, { classes: ['a'] }],
    ['truths', [true, false], 2, { classes: [true, false] }],
    ['whole numbers', Int32Array.of(0, 2), 2, { classes: [0, 2] }],
    ['numbers with a fraction', [0.5, 2], 2, { values: [0.5, 2] }],
    ['a column', [[0.5], [2]], 2, { values: [0.5, 2] }],
    ['probabilities', [[0.25, 0.75]], 1, { classes: [1], confidences: [0.75], scores: [0.75] }],
    ['one row of probabilities', [0.2, 0.5, 0.3], 1, { classes: [1], confidences: [0.5] }],
    [
      'flat probabilities',
      Float32Array.of(0.25, 0.75, 1, 0),
      2,
      { classes: [1, 0], confidences: [0.75, 1], scores: [0.75, 0] },
    ],
    ['objects', [{ label: 'a', score: 0.5 }], 1, { classes: ['a'], scores: [0.5] }],
  ])('are read that are %s', (_, result, rows, output) => {
    expect(reader().read(result, rows)).toEqual(output)
  })

  it('follow the task and the classes of a manifest, or what is asked for', () => {
    const declared = { features: [], positiveClass: 'no', classes: ['no', 'yes'], task: 'binary-classification' }
    expect(new AnswerReader(null, null, declared).read([[0.25, 0.75]], 1)).toEqual({
      classes: ['yes'],
      confidences: [0.75],
      scores: [0.25],
    })
    expect(new AnswerReader(null, null, { ...declared, task: 'regression' }).read([1, 2], 2)).toEqual({
      values: [1, 2],
    })
    expect(new AnswerReader('score', null, declared).read([0, 1], 2)).toEqual({ scores: [0, 1] })
    expect(new AnswerReader(null, ['x', 'y'], null).read([1, 0], 2)).toEqual({ classes: ['y', 'x'] })
  })

  it('are refused with a reason', () => {
    expect(reader().read(['a'], 2)).toBe('2 answers are expected, not 1')
    expect(reader().read(undefined, 2)).toBe('2 answers are expected, not undefined')
    expect(reader().read([{ other: 1 }], 1)).toContain('an answer has none of class, label')
  })
})
