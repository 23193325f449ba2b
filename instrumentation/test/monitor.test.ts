import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { createMonitor, type Monitor, type MonitorOptions } from '../src/index.ts'
import {
  digestJson,
  metrics,
  nextDown,
  type Baseline,
  type Json,
  type Manifest,
  type SegmentBaseline,
} from '../src/contract/index.ts'
import { version } from '../src/version.ts'
import { numericFeature, numericSummary, smallBaseline } from './small-baseline.ts'
import { collect, exponential, histogram, type Series } from './series.ts'

function monitored(options: Partial<MonitorOptions> = {}): Monitor {
  return createMonitor({ baseline: smallBaseline(), export: false, ...options })
}

function counters(series: Series): Record<string, number> {
  return Object.fromEntries(
    [...series].filter((entry): entry is [string, number] => typeof entry[1] === 'number' && !isMoment(entry[0])),
  )
}

function isMoment(key: string): boolean {
  return key.startsWith('ml.feature.moment') || key.startsWith('ml.prediction.moment')
}

describe('rows', () => {
  describe('with features named like the members of any object', () => {
    const names = ['toString', 'hasOwnProperty', 'constructor', '__proto__']
    const baseline = () => smallBaseline({ features: names.map((name) => numericFeature(name, [-1, 50], 5)) })
    const missing = (absent: readonly string[], rows: number) =>
      Object.fromEntries(absent.map((name) => [`ml.feature.invalid_values ${name} missing`, rows]))

    it('lack a feature that is absent, and do not read it from Object.prototype', async () => {
      const monitor = monitored({ baseline: baseline() })
      monitor.record({ constructor: 40 })
      monitor.record(Object.assign(Object.create(null), { constructor: 41 }))
      const series = await collect(monitor.metricProducer)
      expect(histogram(series, 'ml.feature.value constructor')).toMatchObject({ count: 2, max: 41 })
      expect(counters(series)).toEqual(missing(['toString', 'hasOwnProperty', '__proto__'], 2))
    })

    it('lack it too when read by name, because their keys ever change or a getter throws', async () => {
      const monitor = monitored({ baseline: baseline() })
      monitor.record({
        get toString(): never {
          throw new Error('getter')
        },
      })
      for (let i = 0; i < 20; i++) monitor.record({ [`id${i}`]: i, toString: i })
      const series = await collect(monitor.metricProducer)
      expect(histogram(series, 'ml.feature.value toString').count).toBe(20)
      expect(counters(series)).toEqual({
        'ml.feature.invalid_values toString wrong_type': 1,
        ...missing(['hasOwnProperty', 'constructor', '__proto__'], 21),
      })
    })

    it('have it when it is their own or a getter of their class, but not when it is a method', async () => {
      class Row {
        get hasOwnProperty(): never {
          return 3 as never
        }
        toString(): string {
          return 'row'
        }
      }
      const monitor = monitored({ baseline: baseline() })
      monitor.record(new Row() as never)
      monitor.record(JSON.parse('{"__proto__": 1, "toString": 2, "hasOwnProperty": 3, "constructor": 4}'))
      const series = await collect(monitor.metricProducer)
      expect(names.map((name) => histogram(series, `ml.feature.value ${name}`).count)).toEqual([1, 2, 1, 1])
      expect(counters(series)).toEqual(missing(['toString', 'constructor', '__proto__'], 1))
    })
  })

  it('are counted from objects in any key order, with other keys between, and from arrays', async () => {
    const monitor = monitored()
    monitor.record({ age: 5, sector: 'private', member: true })
    monitor.record({ id: 'x', member: 0, age: 10, when: new Date(), sector: 'public' })
    monitor.record([20.5, 'public', 'false'])
    monitor.record(Object.create({ age: 5, sector: 'private', member: true }) as Record<string, unknown>)
    const series = await collect(monitor.metricProducer)
    expect(histogram(series, 'ml.feature.value age')).toEqual({
      count: 4,
      min: 5,
      max: 20.5,
      sum: 40.5,
      buckets: { boundaries: [-1, 10, 20], counts: [0, 3, 0, 1] },
    })
    expect(counters(series)).toEqual({
      'ml.feature.observations sector private': 2,
      'ml.feature.observations sector public': 2,
      'ml.feature.observations member true': 2,
      'ml.feature.observations member false': 2,
    })
    expect(series.get('ml.feature.moment age 1')).toBe(20.5)
    expect(series.get('ml.feature.moment age 2')).toBe(5 ** 2 + 15.5 ** 2)
    expect(monitor.statistics()).toMatchObject({ rows: 4, dropped: {} })
  })

  it('are read right when every row has another key order', async () => {
    const names = ['a', 'b', 'c', 'd']
    const monitor = createMonitor({
      model: { name: 'm', version: '1' },
      features: names.map((name) => ({ name, kind: 'numeric' })),
      export: false,
    })
    const orders = fc.sample(fc.shuffledSubarray(names), 100)
    for (const order of orders)
      monitor.record(Object.fromEntries(order.map((name) => [name, 10 ** names.indexOf(name)])))
    const series = await collect(monitor.metricProducer)
    names.forEach((name, i) => {
      const present = orders.filter((order) => order.includes(name)).length
      expect(exponential(series, `ml.feature.value ${name}`)).toMatchObject({
        count: present,
        ...(present > 0 ? { min: 10 ** i, max: 10 ** i } : {}),
      })
      expect(series.get(`ml.feature.invalid_values ${name} missing`) ?? 0).toBe(100 - present)
    })
  })

  it('have every missing and invalid value counted by reason; what is finite but out of range, or unknown, stays in the distribution', async () => {
    const monitor = monitored()
    const ages = [null, undefined, Number.NaN, Infinity, '5', true, {}, 150, -0.5, 5n]
    for (const age of ages) monitor.record({ age, sector: 'other', member: 'maybe' })
    monitor.record({})
    const series = await collect(monitor.metricProducer)
    expect(histogram(series, 'ml.feature.value age').buckets.counts).toEqual([0, 2, 0, 1])
    expect(counters(series)).toEqual({
      'ml.feature.invalid_values age missing': 3,
      'ml.feature.invalid_values age nan': 1,
      'ml.feature.invalid_values age infinite': 1,
      'ml.feature.invalid_values age wrong_type': 3,
      'ml.feature.invalid_values age out_of_range': 2,
      'ml.feature.observations sector _OTHER': 10,
      'ml.feature.invalid_values sector unknown_category': 10,
      'ml.feature.invalid_values sector missing': 1,
      'ml.feature.invalid_values member wrong_type': 10,
      'ml.feature.invalid_values member missing': 1,
    })
  })

  it('stay visible when all values of a feature are missing', async () => {
    const monitor = monitored()
    monitor.record({ sector: 'private', member: true })
    const series = await collect(monitor.metricProducer)
    expect(histogram(series, 'ml.feature.value age')).toMatchObject({ count: 0, buckets: { counts: [0, 0, 0, 0] } })
    expect(series.get('ml.feature.invalid_values age missing')).toBe(1)
  })

  it('that are no rows are dropped and counted, arrays with too many values among them', async () => {
    const monitor = monitored()
    for (const row of [
      null,
      undefined,
      5,
      'row',
      Symbol('row'),
      () => 1,
      [1, 'private', true, 4],
      new Float32Array(60),
    ])
      monitor.record(row as never)
    monitor.record([1])
    expect(monitor.statistics()).toMatchObject({ rows: 1, dropped: { malformed_row: 8 } })
    const series = await collect(monitor.metricProducer)
    expect(series.get('ml.monitor.dropped_rows malformed_row')).toBe(8)
    expect(series.get('ml.feature.invalid_values sector missing')).toBe(1)
  })
})

/** Any JavaScript value, and things that throw when they are looked at. */
const garbage: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    withBoxedValues: true,
  }),
  fc.double(),
  fc.constantFrom<unknown>('private', 'public', true, 1, Symbol('s'), () => 1, null, undefined),
  fc.constant({
    toString: () => {
      throw new Error('toString')
    },
    valueOf: () => {
      throw new Error('valueOf')
    },
  }),
)

const garbageRow: fc.Arbitrary<unknown> = fc.oneof(
  garbage,
  fc.record({ age: garbage, sector: garbage, member: garbage }, { requiredKeys: [] }),
  fc.array(garbage, { maxLength: 5 }),
  garbage.map((value) => ({
    age: value,
    get sector(): unknown {
      throw new Error('getter')
    },
    member: value,
  })),
  garbage.map(
    (value) =>
      new Proxy(
        { age: value },
        {
          get: (target, key) => {
            if (key === 'age') throw new Error('get')
            return Reflect.get(target, key)
          },
        },
      ),
  ),
  fc.constant(null).map(
    () =>
      new Proxy([], {
        get: () => {
          throw new Error('get')
        },
      }),
  ),
  fc.constant(null).map(
    () =>
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('ownKeys')
          },
        },
      ),
  ),
)

describe('whatever is recorded', () => {
  it('never throws, and values + missing + invalid = rows for each feature', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(garbageRow, garbageRow), { maxLength: 40 }), async (records) => {
        const monitor = monitored()
        for (const [row, output] of records) monitor.record(row as never, output as never)
        const series = await collect(monitor.metricProducer)
        const { rows, dropped, failures } = monitor.statistics()
        expect(failures).toEqual({ count: 0, last: null })
        expect(rows + (dropped.malformed_row ?? 0)).toBe(records.length)
        for (const name of ['age', 'sector', 'member']) expect(accountedFor(series, name)).toBe(rows)
      }),
      { numRuns: 400 },
    )
  })

  it('never throws in batches either, and accounts for each row', async () => {
    const batches = fc.oneof(
      garbage,
      fc.record({
        data: fc.oneof(fc.array(garbage, { maxLength: 12 }), fc.float32Array({ maxLength: 12 })),
        rows: fc.oneof(fc.nat(5), garbage),
        columns: fc.oneof(fc.constant(undefined), fc.nat(5), garbage),
      }),
      fc.record({
        age: fc.oneof(fc.array(garbage, { maxLength: 5 }), fc.float64Array({ maxLength: 5 }), garbage),
        sector: fc.array(garbage, { maxLength: 5 }),
      }),
    )
    const outputs = fc.oneof(
      garbage,
      fc.record(
        {
          classes: fc.array(garbage),
          scores: fc.oneof(fc.array(garbage), fc.float32Array()),
          confidences: fc.array(garbage),
          values: garbage,
          segments: garbage,
        },
        { requiredKeys: [] },
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(batches, outputs), { maxLength: 10 }), async (records) => {
        const monitor = monitored()
        for (const [batch, output] of records) monitor.recordBatch(batch as never, output as never)
        const series = await collect(monitor.metricProducer)
        for (const name of ['age', 'sector', 'member'])
          expect(accountedFor(series, name)).toBe(monitor.statistics().rows)
      }),
      { numRuns: 400 },
    )
  })

  it('from within a row that is being recorded is refused and counted', () => {
    const monitor = monitored()
    monitor.record({
      get age(): number {
        monitor.record({ age: 1 })
        return 2
      },
      sector: 'private',
      member: true,
    })
    expect(monitor.statistics()).toMatchObject({ rows: 1, dropped: { reentrant: 1 } })
  })
})

/** Values, missing and invalid values of one feature; out of range and unknown ones are values. */
function accountedFor(series: Series, name: string): number {
  let sum = 0
  for (const [key, value] of series) {
    const [metric, feature, detail] = key.split(' ')
    if (feature !== name) continue
    if (metric === metrics.featureValue.name) sum += (value as { count: number }).count
    else if (metric === metrics.featureObservations.name) sum += value as number
    else if (metric === metrics.featureInvalidValues.name && detail !== 'out_of_range' && detail !== 'unknown_category')
      sum += value as number
  }
  return sum
}

describe('batches', () => {
  const columns = {
    age: fc.oneof(fc.double(), fc.constantFrom(10, 20, Number.NaN)),
    sector: fc.constantFrom('private', 'public', 'x'),
    member: fc.boolean(),
  }
  const rowsOfAnyNumber = fc.array(fc.record({ ...columns, score: fc.double({ min: 0, max: 1, noNaN: true }) }), {
    minLength: 1,
    maxLength: 300,
  })

  it('of tensors and of arrays per feature count as their rows would one by one', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOfAnyNumber, async (rows) => {
        const [single, tensor, byFeature] = [monitored(), monitored(), monitored()]
        for (const { score, ...row } of rows) single.record(row, { score })
        const scores = rows.map(({ score }) => score)
        tensor.recordBatch(
          {
            data: rows.flatMap(({ age, sector, member }) => [age, sector, member, 'padding']),
            rows: rows.length,
            columns: 4,
          },
          { scores },
        )
        byFeature.recordBatch(
          {
            age: Float64Array.from(rows, ({ age }) => age),
            sector: rows.map(({ sector }) => sector),
            member: rows.map(({ member }) => member),
          },
          { scores: Float64Array.from(scores) },
        )
        const expected = withoutMoments(await collect(single.metricProducer))
        expect(withoutMoments(await collect(tensor.metricProducer))).toEqual(expected)
        expect(withoutMoments(await collect(byFeature.metricProducer))).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  it('of 32-bit floats and of integers are read as numbers, NaN as nan', async () => {
    const monitor = createMonitor({
      model: { name: 'm', version: '1' },
      features: [
        { name: 'a', kind: 'numeric' },
        { name: 'b', kind: 'numeric' },
      ],
      export: false,
    })
    monitor.recordBatch({ data: Float32Array.of(1, 2, Number.NaN, 4), rows: 2 })
    monitor.recordBatch({ data: BigInt64Array.of(1n, 2n), rows: 1 })
    monitor.recordBatch({ data: Int8Array.of(1, 2), rows: 1 })
    monitor.record(Float32Array.of(1, 2))
    monitor.record(Float32Array.of(1))
    const series = await collect(monitor.metricProducer)
    expect(exponential(series, 'ml.feature.value a')).toMatchObject({ count: 5, min: 1, max: 1 })
    expect(exponential(series, 'ml.feature.value b')).toMatchObject({ count: 5, min: 2, max: 4 })
    expect(counters(series)).toEqual({ 'ml.feature.invalid_values a nan': 1, 'ml.feature.invalid_values b missing': 1 })
  })

  it('whose size does not fit are dropped with as many rows as they said and could hold', () => {
    const monitor = monitored()
    monitor.recordBatch({ data: [1, 2, 3], rows: 2 })
    monitor.recordBatch({ data: [1, 2, 3], rows: 1, columns: 2 })
    monitor.recordBatch({ data: [1, 2, 3], rows: 1.5 })
    monitor.recordBatch({ other: [1, 2] })
    monitor.recordBatch({ data: [], rows: 0 })
    expect(monitor.statistics()).toMatchObject({ rows: 0, dropped: { malformed_batch: 4 } })
  })

  it('of a few values that say they have a billion rows do not count as a billion dropped rows', () => {
    const monitor = monitored()
    monitor.recordBatch({ data: new Float32Array(7), rows: 1e9 })
    expect(monitor.statistics().dropped).toEqual({ malformed_batch: 3 })
    monitor.recordBatch({ data: [], rows: 1e9 })
    monitor.recordBatch({ data: 'none', rows: 1e9 })
    expect(monitor.statistics().dropped).toEqual({ malformed_batch: 5 })
  })
})

/** Sums of floating-point numbers depend on their order in the last digits. */
function withoutMoments(series: Series): Series {
  const result: Series = new Map()
  for (const [key, value] of [...series].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (isMoment(key)) continue
    result.set(key, typeof value === 'object' ? { ...value, sum: 0 } : value)
  }
  return result
}

describe('answers of the model', () => {
  it('have moments about the mean of the baseline, as features have', async () => {
    const monitor = monitored()
    for (const score of [0.25, 0.75, 1]) monitor.record([1], { score, value: 7 })
    const { scopeMetrics } = (await monitor.metricProducer.collect()).resourceMetrics
    const { dataPoints, ...moments } = scopeMetrics[0]!.metrics.find(
      ({ descriptor }) => descriptor.name === metrics.predictionMoment.name,
    )!
    expect(moments).toMatchObject({ isMonotonic: false, descriptor: { unit: '1' } })
    const points = dataPoints.map(({ attributes, value }) => [...Object.values(attributes), value])
    expect(points).toEqual([
      ['score', 1, 0.5, 0.5],
      ['score', 2, 0.5, 0.375],
      ['confidence', 1, 0, 2.5],
      ['confidence', 2, 0, 2.125],
      // The baseline knows no values, so the origin is the first one, and how many were summed about it is told.
      ['value', 0, 7, 3],
      ['value', 1, 7, 0],
      ['value', 2, 7, 0],
    ])
  })

  it('have no sum below zero when all were zero', async () => {
    const score = { ...smallBaseline().predictions.score!, mean: 0.3, min: 0 }
    const monitor = monitored({ baseline: smallBaseline({ predictions: { score } }) })
    for (let i = 0; i < 1000; i++) monitor.record([1], { score: 0 })
    const { sum } = histogram(await collect(monitor.metricProducer), 'ml.prediction.score')
    expect(sum).toBeGreaterThanOrEqual(0)
    expect(sum).toBeLessThan(1e-9)
  })

  it('have their class and confidence derived from the score by the decision of the baseline', async () => {
    const monitor = monitored()
    for (const score of [0.2, 0.5, 0.9]) monitor.record([1], { score })
    monitor.record([1], { score: 0.9, class: 'no', confidence: 0.3 })
    const series = await collect(monitor.metricProducer)
    expect(series.get('ml.predictions no')).toBe(3)
    expect(series.get('ml.predictions yes')).toBe(1)
    expect(histogram(series, 'ml.prediction.score')).toMatchObject({ count: 4, buckets: { counts: [0, 1, 1, 0, 2] } })
    expect(histogram(series, 'ml.prediction.confidence')).toMatchObject({ count: 4, min: 0.3, max: 0.9 })
  })

  it('put a score equal to the threshold where the rule says', async () => {
    const { classes, score } = smallBaseline().predictions
    const atLeast = {
      classes: classes!,
      score: { ...score!, bounds: [-0.1, 0.25, nextDown(0.5), 0.75] },
      decision: { threshold: 0.5, rule: '>=', positiveClass: 'yes', negativeClass: 'no' } as const,
    }
    const monitor = monitored({ baseline: smallBaseline({ predictions: atLeast }) })
    monitor.record([1], { score: 0.5 })
    monitor.recordBatch({ age: [1, 2] }, { scores: [0.5, 0.49] })
    const series = await collect(monitor.metricProducer)
    expect([series.get('ml.predictions yes'), series.get('ml.predictions no')]).toEqual([2, 1])
  })

  it('that can not be counted do not stop their row, and are told', async () => {
    const monitor = monitored()
    monitor.record([1], { score: Number.NaN })
    monitor.record([1], { score: '0.5' as never, class: {} as never })
    monitor.record([1], {
      get score(): number {
        throw new Error('getter')
      },
    })
    monitor.recordBatch({ age: [1, 2, 3] }, { scores: [Infinity, null, 'x'], classes: ['yes', undefined, []] })
    const series = await collect(monitor.metricProducer)
    expect(monitor.statistics()).toMatchObject({ rows: 6, dropped: { invalid_output: 7 } })
    expect(series.get('ml.monitor.dropped_rows invalid_output')).toBe(7)
    expect(series.get('ml.predictions yes')).toBe(1)
    expect(series.has('ml.prediction.score')).toBe(false)
  })

  it('of a regression are a histogram without a sum when they may be negative', async () => {
    const monitor = monitored({ baseline: smallBaseline({ predictions: { value: numericSummary([-10, 0, 10], 1) } }) })
    monitor.record([1], { value: 5 })
    monitor.recordBatch({ age: [1] }, { values: [7] })
    const value = histogram(await collect(monitor.metricProducer), 'ml.prediction.value')
    expect(value).toEqual({ count: 2, min: 5, max: 7, buckets: { boundaries: [-10, 0, 10], counts: [0, 0, 2, 0] } })
  })
})

describe('the sum of a feature', () => {
  it('is left out when the baseline has negative values, or when a negative one comes', async () => {
    const monitor = monitored({
      baseline: smallBaseline({
        features: [numericFeature('signed', [-9, 0], -3), numericFeature('age', [-1, 10], 5)],
      }),
    })
    monitor.record({ signed: 1, age: 1 })
    const first = await collect(monitor.metricProducer)
    expect(histogram(first, 'ml.feature.value signed')).not.toHaveProperty('sum')
    expect(histogram(first, 'ml.feature.value age').sum).toBe(1)
    monitor.record({ signed: 1, age: -1 })
    expect(histogram(await collect(monitor.metricProducer), 'ml.feature.value age')).not.toHaveProperty('sum')
  })
})

function segmented(): Baseline {
  const { rows, features, predictions } = smallBaseline()
  const empty = { values: 0, mean: 0, variance: 0, min: 0, max: 0 }
  const none = {
    rows: 0,
    features: features.map((feature) => ({
      ...feature,
      ...(feature.kind === 'numeric' ? empty : { values: 0 }),
      counts: feature.counts.map(() => 0),
    })),
    predictions: {},
  } as SegmentBaseline
  return smallBaseline({ segments: { column: 'state', values: { MA: { rows, features, predictions }, NY: none } } })
}

describe('segments', () => {
  it('are scopes of their own; what is not declared shares _OTHER', async () => {
    const monitor = monitored({ baseline: segmented() })
    monitor.record({ age: 40 }, { segment: 'MA' })
    monitor.record({ age: 40 }, { segment: 'TX' })
    monitor.record({ age: 40 })
    monitor.recordBatch(
      { age: [1, 2, 3, 4, 5] },
      { segments: ['MA', 'NY', 'MA', 'TX', null], scores: [0.1, 0.9, 0.1, 0.1, 0.1] },
    )
    monitor.recordDuration(0.001)
    const { scopeMetrics } = (await monitor.metricProducer.collect()).resourceMetrics
    const segments = scopeMetrics.map(({ scope }) => scope.attributes['ml.segment'])
    expect(new Set(segments)).toEqual(new Set(['MA', 'NY', '_OTHER', undefined]))
    const ages = Object.fromEntries(
      scopeMetrics.flatMap(({ scope, metrics: own }) =>
        own
          .filter(({ descriptor }) => descriptor.name === 'ml.feature.value')
          .map(({ dataPoints }) => [scope.attributes['ml.segment'], dataPoints[0]!.value]),
      ),
    )
    expect(ages.MA).toMatchObject({ count: 3, buckets: { boundaries: [-1, 10, 20], counts: [0, 2, 0, 1] } })
    expect(ages.NY).toMatchObject({ count: 1, min: 2 })
    expect(ages._OTHER).toMatchObject({ count: 4, buckets: { boundaries: [-1, 10, 20], counts: [0, 2, 0, 2] } })
  })
})

describe('what is collected', () => {
  it('names model, version and digests on the scope, and on points when asked to', async () => {
    const baseline = smallBaseline()
    const manifest: Manifest = {
      schema: 'driftline.manifest/1',
      model: { name: 'small', version: '1', task: 'binary-classification' },
      createdAt: '2026-01-01T00:00:00Z',
      features: baseline.features.map(({ name, kind }) => ({ name, kind })),
      baselineDigest: digestJson(baseline as unknown as Json),
    }
    const expected = {
      'ml.model.name': 'small',
      'ml.model.version': '1',
      'ml.manifest.digest': digestJson(manifest as unknown as Json),
      'ml.baseline.digest': digestJson(baseline as unknown as Json),
    }
    const [onScope, onPoints] = [monitored({ manifest }), monitored({ manifest, modelAttributesOn: 'points' })]
    for (const monitor of [onScope, onPoints]) monitor.record({ age: 1 })
    const scope = (await onScope.metricProducer.collect()).resourceMetrics.scopeMetrics[0]!.scope
    expect(scope).toEqual({
      name: '@driftline/instrumentation',
      version,
      schemaUrl: 'https://driftline.dev/schemas/ml/1',
      attributes: expected,
    })
    const points = (await onPoints.metricProducer.collect()).resourceMetrics.scopeMetrics[0]!
    expect(points.scope.attributes).toEqual({})
    for (const { dataPoints } of points.metrics)
      for (const { attributes } of dataPoints) expect(attributes).toMatchObject(expected)
  })

  it('has the names, units and types of the contract, delta, and plain arrays', async () => {
    const monitor = monitored()
    monitor.record({ age: 1, sector: 'private' }, { score: 0.3, value: 3 })
    monitor.recordDuration(0.001, { rows: 1 })
    const all = (await monitor.metricProducer.collect()).resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    const defined = new Map(Object.values(metrics).map((metric) => [metric.name, metric]))
    expect(all.length).toBeGreaterThan(7)
    for (const { descriptor, aggregationTemporality, dataPointType, dataPoints } of all) {
      const { unit, instrument, required, optional } = defined.get(descriptor.name)!
      expect(descriptor.unit).toBe(unit)
      expect(aggregationTemporality).toBe(0)
      expect(dataPointType === 3).toBe(instrument !== 'histogram')
      for (const { attributes, value } of dataPoints) {
        expect(Object.keys(attributes)).toEqual(expect.arrayContaining([...required]))
        expect([...required, ...(optional ?? [])]).toEqual(expect.arrayContaining(Object.keys(attributes)))
        if (typeof value === 'object' && 'buckets' in value)
          expect([value.buckets.boundaries, value.buckets.counts].every(Array.isArray)).toBe(true)
      }
    }
  })

  it('starts at zero each time; a series that was sent once is sent again as zero while there are rows', async () => {
    const monitor = monitored()
    monitor.record({ age: Number.NaN, sector: 'private' })
    await collect(monitor.metricProducer)
    expect((await monitor.metricProducer.collect()).resourceMetrics.scopeMetrics).toEqual([])
    monitor.record({ age: 1, sector: 'public' })
    const series = await collect(monitor.metricProducer)
    expect(histogram(series, 'ml.feature.value age').count).toBe(1)
    expect(series.get('ml.feature.invalid_values age nan')).toBe(0)
    expect(series.get('ml.feature.observations sector private')).toBe(0)
  })

  it('covers intervals without gap or overlap that never are empty, however fast they follow each other', async () => {
    const monitor = monitored()
    const ends: bigint[] = []
    let previousEnd: bigint | null = null
    for (let i = 0; i < 50; i++) {
      monitor.record([1])
      const { startTime, endTime } = (await monitor.metricProducer.collect()).resourceMetrics.scopeMetrics[0]!
        .metrics[0]!.dataPoints[0]!
      const [start, end] = [startTime, endTime].map(
        ([seconds, nanoseconds]) => BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds),
      )
      expect(end! > start!).toBe(true)
      if (previousEnd !== null) expect(start).toBe(previousEnd)
      previousEnd = end!
      ends.push(end!)
    }
    expect(new Set(ends).size).toBe(50)
  })

  it('sends the origin of moments as a text when exporters would garble it as a 64-bit integer', async () => {
    const origins: unknown[] = []
    for (const mean of [5, 0.5, 2 ** 53 - 1, 2 ** 53, -9.01e15, 1e300]) {
      const monitor = monitored({ baseline: smallBaseline({ features: [numericFeature('age', [-1e301, 10], mean)] }) })
      monitor.record({ age: mean })
      const { scopeMetrics } = (await monitor.metricProducer.collect()).resourceMetrics
      const moments = scopeMetrics[0]!.metrics.find(({ descriptor }) => descriptor.name === metrics.featureMoment.name)!
      expect(moments.dataPoints.map(({ value }) => value)).toEqual([0, 0])
      origins.push(moments.dataPoints[0]!.attributes['ml.feature.moment.origin'])
    }
    expect(origins).toEqual([5, 0.5, 2 ** 53 - 1, '9007199254740992', '-9010000000000000', '1e+300'])
  })

  it('has no moments when one is too large for a number: the sum alone was once taken for one without spread', async () => {
    const monitor = monitored()
    monitor.record({ age: 1e200 })
    const series = await collect(monitor.metricProducer)
    expect(series.has('ml.feature.moment age 1')).toBe(false)
    expect(series.has('ml.feature.moment age 2')).toBe(false)
  })
})

describe('without a baseline', () => {
  it('numbers are log-linear about the first value, categories are learned, declared ranges hold', async () => {
    const monitor = createMonitor({
      model: { name: 'm', version: '1' },
      features: [
        { name: 'amount', kind: 'numeric', range: { min: 0 } },
        { name: 'colour', kind: 'categorical' },
        { name: 'size', kind: 'categorical', categories: ['s', 'm'] },
      ],
      export: false,
    })
    monitor.record({ amount: 4, colour: 'red', size: 'l' }, { class: 'a', score: 3 })
    monitor.record({ amount: -4, colour: 'blue', size: 's' }, { class: 'b', confidence: 0.995 })
    const series = await collect(monitor.metricProducer)
    expect(exponential(series, 'ml.feature.value amount')).toEqual({
      count: 2,
      min: -4,
      max: 4,
      scale: 20,
      zeroCount: 0,
      positive: { offset: 2 * 2 ** 20 - 1, bucketCounts: [1] },
      negative: { offset: 2 * 2 ** 20 - 1, bucketCounts: [1] },
    })
    expect(series.get('ml.feature.moment amount 1')).toBe(-8)
    expect(series.get('ml.feature.moment amount 2')).toBe(64)
    expect(exponential(series, 'ml.prediction.score').count).toBe(1)
    expect(histogram(series, 'ml.prediction.confidence').buckets.counts.at(-1)).toBe(1)
    expect(counters(series)).toEqual({
      'ml.feature.invalid_values amount out_of_range': 1,
      'ml.feature.observations colour red': 1,
      'ml.feature.observations colour blue': 1,
      'ml.feature.observations size s': 1,
      'ml.feature.observations size _OTHER': 1,
      'ml.feature.invalid_values size unknown_category': 1,
      'ml.predictions a': 1,
      'ml.predictions b': 1,
    })
  })
})

describe('observe', () => {
  it('returns what the call returns and times it, at once or when its promise settles', async () => {
    const monitor = monitored()
    expect(monitor.observe(() => 7, { rows: 3, runtime: 'tfjs' })).toBe(7)
    expect(await monitor.observe(async () => 8, { rows: 5, runtime: 'tfjs' })).toBe(8)
    const series = await collect(monitor.metricProducer)
    expect(histogram(series, 'ml.inference.duration tfjs')).toMatchObject({ count: 2 })
    expect(histogram(series, 'ml.inference.rows')).toMatchObject({ count: 2, sum: 8 })
  })

  it('hands on the very error of the call and records its class', async () => {
    const monitor = monitored()
    const [first, second] = [new RangeError('sync'), new TypeError('async')]
    expect(() =>
      monitor.observe(() => {
        throw first
      }),
    ).toThrow(first)
    await expect(monitor.observe(() => Promise.reject(second), { runtime: 'ort' })).rejects.toBe(second)
    await expect(monitor.observe(() => Promise.reject(undefined))).rejects.toBeUndefined()
    const series = await collect(monitor.metricProducer)
    expect([...series.keys()].toSorted()).toEqual([
      'ml.inference.duration ort TypeError',
      'ml.inference.duration unknown RangeError',
      'ml.inference.duration unknown _OTHER',
    ])
  })

  it("returns another library's promise itself, with all its methods", async () => {
    const monitor = monitored()
    // oxlint-disable-next-line unicorn/no-thenable -- another library's promise
    const own = { then: (resolve: (value: number) => void) => resolve(3), cancel: vi.fn() }
    const result = monitor.observe(() => own)
    expect(result).toBe(own)
    expect(histogram(await collect(monitor.metricProducer), 'ml.inference.duration unknown').count).toBe(1)
  })

  it('keeps a bounded number of series', async () => {
    const monitor = monitored()
    for (let i = 0; i < 1000; i++) monitor.recordDuration(0.001, { runtime: `r${i}`, error: `E${i}` })
    monitor.recordDuration(Number.NaN)
    const series = await collect(monitor.metricProducer)
    expect(series.size).toBe(65)
    expect([...series.values()].reduce<number>((sum, value) => sum + (value as { count: number }).count, 0)).toBe(1000)
  })
})
