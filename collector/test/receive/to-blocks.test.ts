import { describe, expect, it } from 'vitest'
import { histogramHeader, slot, type Block } from '../../src/observation/block.ts'
import type {
  ExponentialHistogramPoint,
  HistogramPoint,
  KeyValue,
  Metric,
  MetricsRequest,
  NumberPoint,
} from '../../src/receive/otlp-tree.ts'
import { createReceiveCounters } from '../../src/receive/receive-counters.ts'
import { defaultLimits, type ReceiveLimits } from '../../src/receive/receive-limits.ts'
import { createBlockBuilder } from '../../src/receive/to-blocks.ts'

const nowMs = Date.parse('2026-11-23T12:00:00Z')
const endMicros = nowMs * 1000
const startMicros = endMicros - 10_000_000
const dayMicros = 86_400_000_000
const [delta, cumulative] = [1, 2]

function setUp(limits: Partial<ReceiveLimits> = {}) {
  const clock = { time: nowMs, now: () => clock.time, after: () => () => {} }
  const counters = createReceiveCounters()
  const build = createBlockBuilder({ clock, limits: { ...defaultLimits, ...limits }, counters })
  return { build, clock, counters }
}

function attributes(values: Record<string, unknown>): KeyValue[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: value as KeyValue['value'] }))
}

function histogramPoint(values: Partial<HistogramPoint> = {}): HistogramPoint {
  return {
    attributes: attributes({ 'ml.feature.name': 'age' }),
    startMicros,
    timeMicros: endMicros,
    flags: 0,
    count: 6,
    sum: 90,
    min: 1,
    max: 40,
    bucketCounts: [1, 2, 3],
    explicitBounds: [10, 20],
    ...values,
  }
}

function numberPoint(category: string, value: number | undefined, values: Partial<NumberPoint> = {}): NumberPoint {
  return {
    attributes: attributes({ 'ml.feature.name': 'job', 'ml.feature.category': category }),
    startMicros,
    timeMicros: endMicros,
    flags: 0,
    value,
    ...values,
  }
}

function exponentialPoint(values: Partial<ExponentialHistogramPoint> = {}): ExponentialHistogramPoint {
  return {
    attributes: attributes({ 'ml.feature.name': 'age' }),
    startMicros,
    timeMicros: endMicros,
    flags: 0,
    count: 6,
    sum: undefined,
    min: undefined,
    max: undefined,
    scale: 3,
    zeroCount: 1,
    zeroThreshold: 0,
    positive: { offset: 0, bucketCounts: [2, 0, 1] },
    negative: { offset: 40, bucketCounts: [2] },
    ...values,
  }
}

function histogram(...points: HistogramPoint[]): Metric {
  return { name: 'ml.feature.value', unit: '1', data: { kind: 'histogram', temporality: delta, points } }
}

function counter(...points: NumberPoint[]): Metric {
  return {
    name: 'ml.feature.observations',
    unit: '{observation}',
    data: { kind: 'sum', temporality: delta, monotonic: true, points },
  }
}

function exponential(...points: ExponentialHistogramPoint[]): Metric {
  return { name: 'ml.feature.value', unit: '1', data: { kind: 'exponential', temporality: delta, points } }
}

const model = { 'ml.model.name': 'employment', 'ml.model.version': '3' }

function request(
  metrics: readonly Metric[],
  scope: Record<string, unknown> = model,
  resource: Record<string, unknown> = {},
): MetricsRequest {
  return {
    resources: [
      {
        attributes: attributes(resource),
        schemaUrl: '',
        scopes: [{ name: '', version: '', attributes: attributes(scope), schemaUrl: '', metrics }],
      },
    ],
    pointsOverLimit: 0,
  }
}

/** Series of a block with their slots, as text and numbers. */
function seriesOf({ shape, values }: Block): Record<string, number[]> {
  const entries = shape.series.map((series, i) => {
    const name = [series.metric, ...Object.entries(series.attributes).map(([key, value]) => `${key}=${value}`)].join(
      ' ',
    )
    return [name, [...values.subarray(shape.offsets[i], shape.offsets[i + 1] ?? shape.width)]]
  })
  return Object.fromEntries(entries)
}

describe('createBlockBuilder', () => {
  it('makes one block per scope and interval, with histograms and sums', () => {
    const { build } = setUp()
    const { blocks, points, rejections } = build(
      request(
        [histogram(histogramPoint()), counter(numberPoint('clerk', 4), numberPoint('cook', 5))],
        {
          ...model,
          'ml.segment': 'north',
          'ml.baseline.digest': 'sha256:b',
          'ml.manifest.digest': 'sha256:m',
        },
        { 'service.name': 'scoring', 'service.instance.id': 'a', 'deployment.environment.name': 'production' },
      ),
    )
    expect(rejections.message()).toBe('')
    expect(points).toBe(3)
    expect(blocks).toHaveLength(1)
    expect(blocks[0]).toMatchObject({
      scope: {
        model: 'employment',
        version: '3',
        segment: 'north',
        instance: 'a',
        service: 'scoring',
        environment: 'production',
        manifestDigest: 'sha256:m',
        baselineDigest: 'sha256:b',
      },
      startMicros,
      endMicros,
    })
    expect(seriesOf(blocks[0]!)).toEqual({
      'ml.feature.value ml.feature.name=age': [6, 90, 1, 40, 1, 2, 3],
      'ml.feature.observations ml.feature.category=clerk ml.feature.name=job': [4],
      'ml.feature.observations ml.feature.category=cook ml.feature.name=job': [5],
    })
  })

  it('keeps apart what differs in instance, segment or time', () => {
    const { build } = setUp()
    const one = request([
      histogram(histogramPoint(), histogramPoint({ startMicros: startMicros - 10_000_000, timeMicros: startMicros })),
    ])
    const other = request([histogram(histogramPoint())], model, { 'service.instance.id': 'b' })
    const { blocks } = build({ resources: [...one.resources, ...other.resources], pointsOverLimit: 0 })
    expect(blocks.map((block) => [block.scope.instance, block.startMicros])).toEqual([
      ['', startMicros],
      ['', startMicros - 10_000_000],
      ['b', startMicros],
    ])
  })

  it('gives equal exports the same shape object, and does not mix up a series whose bounds changed', () => {
    const { build } = setUp()
    const first = build(request([histogram(histogramPoint())])).blocks[0]!
    const second = build(request([histogram(histogramPoint({ count: 3, bucketCounts: [3, 0, 0] }))])).blocks[0]!
    const third = build(request([histogram(histogramPoint({ count: 5, bucketCounts: [5, 0], explicitBounds: [10] }))]))
      .blocks[0]!
    expect(second.shape).toBe(first.shape)
    expect(third.shape.key).not.toBe(first.shape.key)
    expect([...third.values]).toEqual([5, 90, 1, 40, 5, 0])
  })

  it('knows a series by its attributes whatever their order', () => {
    const { build } = setUp()
    const [a, b] = [
      { x: 1, 'ml.feature.name': 'age' },
      { 'ml.feature.name': 'age', x: 1 },
    ].map(
      (values) => build(request([histogram(histogramPoint({ attributes: attributes(values) }))])).blocks[0]!.shape.key,
    )
    expect(a).toBe(b)
  })

  it('writes what was not sent as NaN, and the extremes of an empty histogram too', () => {
    const { build } = setUp()
    const { blocks } = build(
      request([
        histogram(
          histogramPoint({ sum: undefined, min: undefined, max: undefined, bucketCounts: [], explicitBounds: [] }),
          histogramPoint({
            attributes: attributes({ 'ml.feature.name': 'empty' }),
            count: 0,
            sum: 0,
            min: 0,
            max: 0,
            bucketCounts: [0, 0, 0],
          }),
        ),
      ]),
    )
    expect(seriesOf(blocks[0]!)).toEqual({
      'ml.feature.value ml.feature.name=age': [6, NaN, NaN, NaN, 6],
      'ml.feature.value ml.feature.name=empty': [0, 0, NaN, NaN, 0, 0, 0],
    })
  })

  it('takes the identity from points when the scope lost it, and the scope first when it has one', () => {
    const { build } = setUp()
    const point = histogramPoint({
      attributes: attributes({
        'ml.feature.name': 'age',
        'ml.model.name': 'm',
        'ml.model.version': 7,
        'ml.segment': 's',
      }),
    })
    const lost = build(request([histogram(point)], {})).blocks[0]!
    expect(lost.scope).toMatchObject({ model: 'm', version: '7', segment: 's' })
    expect(seriesOf(lost)).toHaveProperty(['ml.feature.value ml.feature.name=age'])
    expect(build(request([histogram(point)])).blocks[0]!.scope).toMatchObject({
      model: 'employment',
      version: '3',
      segment: 's',
    })
  })

  it('makes an interval of no length one microsecond long', () => {
    const { blocks } = setUp().build(request([histogram(histogramPoint({ startMicros: endMicros }))]))
    expect(blocks[0]).toMatchObject({ startMicros: endMicros, endMicros: endMicros + 1 })
  })

  it('passes over points without a recorded value', () => {
    const { build, counters } = setUp()
    const { blocks, rejections } = build(
      request([counter(numberPoint('clerk', undefined, { flags: 1 }), numberPoint('cook', 1))]),
    )
    expect(blocks[0]!.shape.series).toHaveLength(1)
    expect(rejections.total).toBe(0)
    expect(counters.skipped).toBe(1)
  })

  it('brings exponential histograms to a log-linear layout', () => {
    const { blocks } = setUp().build(request([exponential(exponentialPoint())]))
    const { layout } = blocks[0]!.shape.series[0]!
    expect(layout).toEqual({
      kind: 'log-linear',
      scale: 3,
      zeroThreshold: 0,
      negative: { offset: 32, length: 32 },
      positive: { offset: 0, length: 32 },
    })
    const { values } = blocks[0]!
    const cells = values.subarray(histogramHeader)
    expect([values[slot.count], cells[32 - 1 - 8], cells[32], cells[33], cells[35]]).toEqual([6, 2, 1, 2, 1])
    expect(cells.reduce((sum, cell) => sum + cell, 0)).toBe(6)
  })

  const good = histogramPoint({ attributes: attributes({ 'ml.feature.name': 'good' }) })
  const long = 'x'.repeat(600)
  it.each<[string, string, Metric, RegExp]>([
    [
      'a metric of somebody else',
      'unknown_metric',
      { ...histogram(good), name: 'http.server.request.duration' },
      /"http.server.request.duration": is not a metric of Driftline/,
    ],
    [
      'a gauge',
      'wrong_type',
      { name: 'ml.predictions', unit: '', data: { kind: 'gauge', points: [numberPoint('a', 1)] } },
      /is a gauge, and must be a sum/,
    ],
    [
      'a summary',
      'wrong_type',
      { name: 'ml.feature.value', unit: '1', data: { kind: 'summary', pointCount: 1 } },
      /is a summary, and must be a histogram/,
    ],
    [
      'a sum where a histogram belongs',
      'wrong_type',
      { ...counter(numberPoint('a', 1)), name: 'ml.feature.value' },
      /is a sum/,
    ],
    [
      'another unit',
      'wrong_unit',
      { ...histogram(histogramPoint()), name: 'ml.inference.duration', unit: 'ms' },
      /has the unit "ms", and must have 's'/,
    ],
    [
      'no temporality',
      'wrong_temporality',
      { ...histogram(), data: { kind: 'histogram', temporality: 0, points: [histogramPoint()] } },
      /temporality 0/,
    ],
    [
      'a cumulative counter that may fall',
      'wrong_temporality',
      { ...counter(), data: { kind: 'sum', temporality: cumulative, monotonic: false, points: [numberPoint('a', 1)] } },
      /not monotonic/,
    ],
    [
      'a missing attribute',
      'missing_attribute',
      histogram(histogramPoint({ attributes: [] })),
      /has no attribute ml.feature.name/,
    ],
    [
      'an attribute twice',
      'bad_attributes',
      histogram(histogramPoint({ attributes: [...good.attributes, ...good.attributes] })),
      /twice/,
    ],
    [
      'an attribute that is a list',
      'bad_attributes',
      histogram(histogramPoint({ attributes: attributes({ 'ml.feature.name': ['a'] }) })),
      /no plain text/,
    ],
    [
      'an attribute that is NaN',
      'bad_attributes',
      histogram(histogramPoint({ attributes: attributes({ 'ml.feature.name': NaN }) })),
      /no plain text/,
    ],
    [
      'an attribute that forges a key',
      'bad_attributes',
      histogram(histogramPoint({ attributes: attributes({ 'ml.feature.name': 'a\u0001b\u0002c' }) })),
      /no plain text/,
    ],
    [
      'half a surrogate pair',
      'bad_attributes',
      histogram(histogramPoint({ attributes: attributes({ 'ml.feature.name': 'a\ud800' }) })),
      /no plain text/,
    ],
    [
      'too many attributes',
      'bad_attributes',
      histogram(histogramPoint({ attributes: Array.from({ length: 33 }, (_, i) => ({ key: `k${i}`, value: 1 })) })),
      /more than 32 attributes/,
    ],
    [
      'a long attribute',
      'text_too_long',
      histogram(histogramPoint({ attributes: attributes({ 'ml.feature.name': long }) })),
      /more than 512 characters/,
    ],
    ['a fraction in a counter', 'bad_value', counter(numberPoint('a', 1.5)), /has the value 1.5/],
    ['a negative counter', 'bad_value', counter(numberPoint('a', -1)), /has the value -1/],
    ['a counter beyond 2^53', 'bad_value', counter(numberPoint('a', 2 ** 53)), /2\^53 - 1/],
    ['NaN in a counter', 'bad_value', counter(numberPoint('a', NaN)), /NaN/],
    ['no value', 'bad_value', counter(numberPoint('a', undefined)), /has no value/],
    ['an infinite sum', 'bad_value', histogram(histogramPoint({ sum: Infinity })), /the sum Infinity/],
    ['a NaN minimum', 'bad_value', histogram(histogramPoint({ min: NaN })), /the minimum NaN/],
    [
      'a minimum above the maximum',
      'bad_value',
      histogram(histogramPoint({ min: 2, max: 1 })),
      /minimum 2 above its maximum 1/,
    ],
    [
      'counts beyond 2^53',
      'bad_value',
      histogram(histogramPoint({ count: 2 ** 60, bucketCounts: [2 ** 60, 0, 0] })),
      /bucket count/,
    ],
    [
      'a count beyond 2^53',
      'bad_value',
      histogram(histogramPoint({ count: 2 ** 60, bucketCounts: [], explicitBounds: [] })),
      /the count 1152921504606847000/,
    ],
    [
      'too few buckets',
      'bad_buckets',
      histogram(histogramPoint({ bucketCounts: [3, 3] })),
      /2 bucket counts for 2 bounds/,
    ],
    [
      'buckets without bounds',
      'bad_buckets',
      histogram(histogramPoint({ explicitBounds: [] })),
      /3 bucket counts for 0 bounds/,
    ],
    [
      'bounds without buckets',
      'bad_buckets',
      histogram(histogramPoint({ bucketCounts: [] })),
      /0 bucket counts for 2 bounds/,
    ],
    [
      'bounds that fall',
      'bad_bounds',
      histogram(histogramPoint({ explicitBounds: [20, 10] })),
      /do not increase: 20 and then 10 at place 1/,
    ],
    ['bounds that stay', 'bad_bounds', histogram(histogramPoint({ explicitBounds: [10, 10] })), /do not increase/],
    [
      'an infinite bound',
      'bad_bounds',
      histogram(histogramPoint({ explicitBounds: [10, Infinity] })),
      /the bound Infinity at place 1/,
    ],
    ['a NaN bound', 'bad_bounds', histogram(histogramPoint({ explicitBounds: [NaN, 10] })), /the bound NaN at place 0/],
    [
      'too many bounds',
      'too_many_buckets',
      histogram(histogramPoint({ explicitBounds: Array.from({ length: 2048 }, (_, i) => i) })),
      /more than 2048 buckets/,
    ],
    [
      'counts that do not add up',
      'count_mismatch',
      histogram(histogramPoint({ count: 7 })),
      /the count 7 and buckets that add up to 6/,
    ],
    ['a delta without start', 'no_start_time', histogram(histogramPoint({ startMicros: 0 })), /no start time/],
    [
      'an end before the start',
      'end_before_start',
      histogram(histogramPoint({ startMicros: endMicros + 5 })),
      /ends 5 µs before/,
    ],
    [
      'a time in the future',
      'in_future',
      histogram(histogramPoint({ timeMicros: endMicros + 601_000_000 })),
      /in the future: ends 2026-11-23T12:10:01/,
    ],
    ['a time beyond all dates', 'in_future', histogram(histogramPoint({ timeMicros: 1.8e16 })), /in the future/],
    [
      'a time long past',
      'too_old',
      histogram(histogramPoint({ startMicros: endMicros - 401 * dayMicros })),
      /too old: starts 2025-10-18/,
    ],
    ['a scale out of range', 'bad_buckets', exponential(exponentialPoint({ scale: 21 })), /the scale 21/],
    [
      'a negative zero threshold',
      'bad_buckets',
      exponential(exponentialPoint({ zeroThreshold: -1 })),
      /zero threshold -1/,
    ],
    [
      'exponential counts that do not add up',
      'count_mismatch',
      exponential(exponentialPoint({ count: 7 })),
      /add up to 6/,
    ],
    [
      'exponential buckets beyond the doubles',
      'bad_buckets',
      exponential(exponentialPoint({ positive: { offset: 2 ** 31 - 3, bucketCounts: [2, 0, 1] } })),
      /beyond the finite doubles/,
    ],
    [
      'too many exponential buckets',
      'too_many_buckets',
      exponential(exponentialPoint({ positive: { offset: 0, bucketCounts: Array.from({ length: 2049 }, () => 0) } })),
      /of one sign/,
    ],
  ])('refuses %s as %s, and takes its neighbours', (_name, reason, metric, message) => {
    const { build } = setUp()
    const neighbour = counter(numberPoint('neighbour', 1))
    const { blocks, rejections } = build(request([neighbour, metric, histogram(good)]))
    expect(rejections.message()).toMatch(message)
    expect([...rejections.counts]).toEqual([[reason, 1]])
    expect(blocks).toHaveLength(1)
    expect(Object.keys(seriesOf(blocks[0]!))).toEqual([
      'ml.feature.observations ml.feature.category=neighbour ml.feature.name=job',
      'ml.feature.value ml.feature.name=good',
    ])
  })

  it('refuses points without a model, or with one whose name can not be kept', () => {
    const { build } = setUp()
    const reasons = [{}, { 'ml.model.name': '' }, { 'ml.model.name': long }, { 'ml.model.name': 'a\u0000' }].map(
      (scope) => {
        const { blocks, rejections } = build(request([histogram(histogramPoint())], scope))
        expect(blocks).toEqual([])
        return [...rejections.counts.keys()].join()
      },
    )
    expect(reasons).toEqual(['no_model', 'no_model', 'text_too_long', 'bad_attributes'])
  })

  it('took a model without a version, which no baseline can be made for', () => {
    const { build } = setUp()
    for (const scope of [{ 'ml.model.name': 'a' }, { 'ml.model.name': 'a', 'ml.model.version': '' }]) {
      const { blocks, rejections } = build(request([histogram(histogramPoint())], scope))
      expect(blocks).toEqual([])
      expect([...rejections.counts]).toEqual([['no_model', 1]])
      expect(rejections.message()).toContain('has no attribute ml.model.version')
    }
  })

  it('took a feature without a name, and no model was learned any more', () => {
    const { build } = setUp()
    const unnamed = histogramPoint({ attributes: attributes({ 'ml.feature.name': '' }) })
    const { blocks, points, rejections } = build(
      request([histogram(unnamed, histogramPoint()), counter(numberPoint('', 1))]),
    )
    expect([...rejections.counts]).toEqual([['bad_attributes', 1]])
    expect(rejections.message()).toContain('has an empty ml.feature.name')
    // An empty category is a value like others.
    expect(points).toBe(2)
    expect(Object.keys(seriesOf(blocks[0]!))).toEqual([
      'ml.feature.value ml.feature.name=age',
      'ml.feature.observations ml.feature.category= ml.feature.name=job',
    ])
  })

  it('names a few of many refusals and counts all', () => {
    const { build } = setUp()
    const metrics = Array.from({ length: 30 }, (_, i) => ({
      ...counter(numberPoint('a', 1)),
      name: `other.metric.${i}`,
    }))
    const { rejections } = build(request(metrics))
    expect(rejections.total).toBe(30)
    expect(rejections.message()).toBe(
      'rejected 30 data points (unknown_metric 30), for instance: ' +
        [0, 1, 2, 3, 4].map((i) => `"other.metric.${i}": is not a metric of Driftline`).join('; '),
    )
  })

  it('takes one of two points of the same series and interval', () => {
    const { build } = setUp()
    for (let round = 0; round < 2; round++) {
      const { blocks, rejections } = build(request([counter(numberPoint('a', 1), numberPoint('a', 2))]))
      expect([...blocks[0]!.values]).toEqual([1])
      expect([...rejections.counts]).toEqual([['duplicate_series', 1]])
    }
  })

  it('answers 100,000 series with a limit per model, in bounded memory, and lets other models and known series be', () => {
    const { build, clock } = setUp({ seriesPerModel: 1000 })
    const attack = request([counter(...Array.from({ length: 100_000 }, (_, i) => numberPoint(`c${i}`, 1)))])
    build(request([histogram(good)]))
    for (let round = 0; round < 2; round++) {
      const { blocks, rejections } = build(attack)
      expect(blocks[0]!.shape.series).toHaveLength(999)
      expect([...rejections.counts]).toEqual([['too_many_series', 99_001]])
      expect(rejections.message()).toMatch(/model "employment" "3" has more than 1000 series/)
      expect(build(request([histogram(good)])).rejections.total).toBe(0)
      expect(
        build(request([counter(numberPoint('new', 1))], { ...model, 'ml.model.version': '4' })).rejections.total,
      ).toBe(0)
    }
    expect(build(request([counter(numberPoint('new', 1))])).rejections.total).toBe(1)
    // What was not seen for two periods makes room.
    clock.time += 3 * 3_600_000
    expect(build(request([counter(numberPoint('new', 1))])).rejections.total).toBe(0)
  })

  it('took 30,000 bogus model names; now it stops at a limit, and models that are known go on', () => {
    const { build, clock } = setUp({ models: 100 })
    const send = (name: string, version = '1') =>
      build(request([histogram(good)], { ...model, 'ml.model.name': name, 'ml.model.version': version }))
    expect(send('real').points).toBe(1)
    let rejected = 0
    for (let i = 0; i < 3000; i++) rejected += send(`bogus ${i}`).rejections.counts.get('too_many_models') ?? 0
    expect(rejected).toBe(3000 - 99)
    expect(send('real').points).toBe(1)
    const refused = send('real', '2')
    expect(refused.points).toBe(0)
    expect(refused.rejections.message()).toContain('model "real" "2" is new, and 100 model versions are known already')
    // What was not seen for a day makes room; what was goes on.
    for (let hours = 0; hours < 26; hours++) {
      clock.time += 3_600_000
      send('real')
    }
    expect(send('real', '2').points).toBe(1)
  })

  it('limits the series of all models together', () => {
    const { build } = setUp({ series: 10 })
    const rejected = Array.from(
      { length: 12 },
      (_, i) => build(request([histogram(good)], { ...model, 'ml.model.version': `${i}` })).rejections.total,
    )
    expect(rejected).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
  })

  it('reports points that the decoder left out', () => {
    const { rejections } = setUp().build({ resources: [], pointsOverLimit: 12 })
    expect(rejections.message()).toMatch(
      /rejected 12 data points \(too_many_points 12\), for instance: the request holds more than 250000 points/,
    )
  })

  describe('with cumulative data', () => {
    const processStart = endMicros + 1_000_000
    const at = (seconds: number) => processStart + seconds * 1_000_000
    function cumulativeRequest(seconds: number, value: number, category = 'a'): MetricsRequest {
      const point = numberPoint(category, value, { startMicros: processStart, timeMicros: at(seconds) })
      return request([
        { ...counter(), data: { kind: 'sum', temporality: cumulative, monotonic: true, points: [point] } },
      ])
    }

    it('turns it into deltas between exports', () => {
      const { build } = setUp()
      const blocks = [cumulativeRequest(10, 5), cumulativeRequest(20, 12), cumulativeRequest(30, 12)].flatMap(
        (one) => build(one).blocks,
      )
      expect(blocks.map((block) => [block.startMicros, block.endMicros, block.values[0]])).toEqual([
        [processStart, at(10), 5],
        [at(10), at(20), 7],
        [at(20), at(30), 0],
      ])
    })

    it('brings forth the same blocks again when they were not stored', () => {
      const { build } = setUp()
      build(cumulativeRequest(10, 5))
      const failed = build(cumulativeRequest(20, 12))
      failed.rollBack()
      const again = build(cumulativeRequest(20, 12))
      expect(again.blocks).toEqual(failed.blocks)
      expect(again.blocks[0]!.values[0]).toBe(7)
    })

    it('counts a resend as a duplicate and refuses what is out of order', () => {
      const { build, counters } = setUp()
      build(cumulativeRequest(20, 12))
      expect(build(cumulativeRequest(20, 12))).toMatchObject({ blocks: [], rejections: { total: 0 } })
      expect(counters.duplicates).toBe(1)
      expect([...build(cumulativeRequest(15, 11)).rejections.counts]).toEqual([['out_of_order', 1]])
    })

    it('takes histograms, explicit and exponential, cell by cell', () => {
      const { build, counters } = setUp()
      const times = (seconds: number) => ({ startMicros: processStart, timeMicros: at(seconds) })
      const explicitAt = (seconds: number, bucketCounts: number[]) =>
        histogramPoint({
          ...times(seconds),
          bucketCounts,
          count: bucketCounts.reduce((a, b) => a + b),
          sum: 10 * seconds,
        })
      const send = (metric: Metric) =>
        build(request([{ ...metric, data: { ...metric.data!, temporality: cumulative } as Metric['data'] }]))
      send(histogram(explicitAt(10, [1, 2, 3])))
      const explicit = send(histogram(explicitAt(20, [1, 5, 4])))
      expect([...explicit.blocks[0]!.values]).toEqual([4, 100, NaN, NaN, 0, 3, 1])

      const name = { attributes: attributes({ 'ml.feature.name': 'wide' }) }
      send(exponential(exponentialPoint({ ...name, ...times(10), scale: 5 })))
      // At scale 3 four buckets are one: 3 in positive bucket 0, 2 in negative bucket 10. Three more came since.
      const coarser = {
        count: 9,
        positive: { offset: 0, bucketCounts: [3, 3] },
        negative: { offset: 10, bucketCounts: [2] },
      }
      const wider = send(exponential(exponentialPoint({ ...name, ...times(20), ...coarser })))
      expect(wider.rejections.message()).toBe('')
      expect(wider.blocks[0]!.values[slot.count]).toBe(3)
      expect(wider.blocks[0]!.values.subarray(histogramHeader).reduce((sum, cell) => sum + cell, 0)).toBe(3)
      expect(counters.resets).toBe(0)
    })
  })
})
