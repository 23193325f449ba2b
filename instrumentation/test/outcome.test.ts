import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { startMonitor, type Monitor } from '../src/monitor.ts'
import { createMonitor, DriftlineConfigError, type MonitorOptions } from '../src/index.ts'
import { maxOutcomePairs } from '../src/recorder/outcome-counts.ts'
import { maxIdLength } from '../src/recorder/pending-predictions.ts'
import { ManualClock } from './manual-clock.ts'
import { numericSummary, smallBaseline } from './small-baseline.ts'
import { collect, exponential, histogram, type Series } from './series.ts'

const start = 1_800_000_000_000
const row = { age: 5, sector: 'private', member: true }

function monitored(options: Partial<MonitorOptions> = {}): { monitor: Monitor; clock: ManualClock } {
  const clock = new ManualClock(start)
  return { monitor: startMonitor({ baseline: smallBaseline(), export: false, ...options }, clock), clock }
}

function outcomes(series: Series): Record<string, number> {
  const found = [...series].filter(([name]) => name.startsWith('ml.outcomes '))
  return Object.fromEntries(found.map(([name, value]) => [name.slice('ml.outcomes '.length), value as number]))
}

describe('outcome()', () => {
  it('counts what was predicted against what came true, and the time between', async () => {
    const { monitor, clock } = monitored()
    monitor.record(row, { id: 'a', class: 'yes' })
    monitor.record(row, { id: 'b', score: 0.7 })
    monitor.record(row, { id: 'c', score: 0.2 })
    monitor.record(row, { class: 'no' })
    expect(monitor.statistics().outcomes).toEqual({ joined: 0, pending: 3 })
    clock.set(clock.now() + 45_000)
    monitor.outcome('a', 'yes')
    monitor.outcome('b', 'no')
    monitor.outcome('c', 'no')
    const series = await collect(monitor.metricProducer)
    expect(outcomes(series)).toEqual({ 'yes yes': 1, 'yes no': 1, 'no no': 1 })
    expect(histogram(series, 'ml.outcome.delay')).toMatchObject({ count: 3, sum: 135, min: 45, max: 45 })
    expect(monitor.statistics()).toMatchObject({ outcomes: { joined: 3, pending: 0 }, dropped: {} })
    clock.set(clock.now() + 1000)
    expect(outcomes(await collect(monitor.metricProducer))).toEqual({ 'yes yes': 0, 'yes no': 0, 'no no': 0 })
  })

  it('joins the rows of a batch, and ids that are numbers with their digits', async () => {
    const { monitor } = monitored()
    monitor.recordBatch(
      { age: [1, 2, 3, 4], sector: ['private', 'private', 'public', 'public'], member: [true, true, false, false] },
      { scores: new Float32Array([0.9, 0.1, 0.8, 0.2]), ids: [1, 2n, undefined, 'x'] },
    )
    monitor.outcome('1', 'yes')
    monitor.outcome(2, 'yes')
    monitor.outcome('x', 'no')
    expect(outcomes(await collect(monitor.metricProducer))).toEqual({ 'yes yes': 1, 'no yes': 1, 'no no': 1 })
  })

  it('counts classes that the labels of the baseline do not have as _OTHER', async () => {
    const labels = { categories: ['kept', 'returned'], counts: [50, 50, 0], values: 100 }
    const { monitor } = monitored({ baseline: smallBaseline({ labels }) })
    for (const [id, actual] of [
      ['1', 'kept'],
      ['2', 'lost'],
      ['3', 'yes'],
    ] as const) {
      monitor.record(row, { id, class: 'yes' })
      monitor.outcome(id, actual)
    }
    expect(outcomes(await collect(monitor.metricProducer))).toEqual({ 'yes kept': 1, 'yes _OTHER': 2 })
  })

  it('counts the residual of a regression: prediction minus actual', async () => {
    const predictions = { value: numericSummary([-1, 10, 20], 5) }
    const { monitor } = monitored({ baseline: smallBaseline({ predictions }) })
    for (const [id, value, actual] of [
      ['1', 10, 8],
      ['2', 10, 13],
      ['3', 5, 5],
    ] as const) {
      monitor.record(row, { id, value })
      monitor.outcome(id, actual)
    }
    monitor.record(row, { id: '4', value: 1 })
    monitor.outcome('4', 'much')
    monitor.outcome('4', Number.NaN)
    const series = await collect(monitor.metricProducer)
    expect(exponential(series, 'ml.outcome.error')).toMatchObject({ count: 3, min: -3, max: 2, zeroCount: 1 })
    expect(monitor.statistics()).toMatchObject({ dropped: { outcome_invalid: 2 }, outcomes: { joined: 3, pending: 1 } })
  })

  it('keeps outcomes of segments apart, also when the segment got no rows in the interval', async () => {
    const { features, predictions } = smallBaseline()
    const segments = { column: 'region', values: { north: { rows: 100, features, predictions } } }
    const { monitor } = monitored({ baseline: smallBaseline({ segments }) })
    monitor.record(row, { id: 'n', class: 'yes', segment: 'north' })
    monitor.record(row, { id: 's', class: 'no', segment: 'south' })
    await collect(monitor.metricProducer)
    monitor.outcome('n', 'yes')
    monitor.outcome('s', 'yes')
    monitor.recordOutcome('no', 'no', { segment: 'north' })
    const { scopeMetrics } = (await monitor.metricProducer.collect()).resourceMetrics
    const bySegment = Object.fromEntries(
      scopeMetrics.map(({ scope, metrics }) => [
        scope.attributes['ml.segment'],
        metrics
          .filter(({ descriptor }) => descriptor.name === 'ml.outcomes')
          .flatMap(({ dataPoints }) => dataPoints.map(({ attributes }) => Object.values(attributes).join(' '))),
      ]),
    )
    expect(bySegment).toEqual({ north: ['yes yes', 'no no'], _OTHER: ['no yes'] })
  })

  it('says by reason which outcomes and predictions found nothing', async () => {
    const { monitor, clock } = monitored({ maxPendingOutcomes: 2, outcomeTtlMillis: 60_000 })
    monitor.outcome('never recorded', 'yes')
    monitor.record(row, { id: 'twice', class: 'yes' })
    monitor.record(row, { id: 'twice', class: 'no' })
    monitor.outcome('twice', 'yes')
    monitor.outcome('twice', 'yes')
    monitor.record(row, { id: 'no prediction' })
    monitor.record(row, { id: 'x'.repeat(maxIdLength + 1), class: 'yes' })
    monitor.record(row, { id: '', class: 'yes' })
    for (const id of ['1', '2', '3']) monitor.record(row, { id, class: 'yes' })
    monitor.outcome('3', undefined as never)
    clock.set(clock.now() + 60_000)
    monitor.outcome('3', 'yes')
    expect(monitor.statistics()).toMatchObject({
      outcomes: { joined: 1, pending: 0 },
      dropped: {
        outcome_unmatched: 3,
        outcome_replaced: 1,
        outcome_without_prediction: 1,
        outcome_invalid_id: 2,
        outcome_evicted: 1,
        outcome_invalid: 1,
        outcome_expired: 2,
      },
    })
    const series = await collect(monitor.metricProducer)
    expect(series.get('ml.monitor.dropped_rows outcome_expired')).toBe(2)
    expect(outcomes(series)).toEqual({ 'no yes': 1 })
  })

  it('forgets at an export what has waited too long, although nobody asks any more', async () => {
    const { monitor, clock } = monitored({ outcomeTtlMillis: 60_000 })
    monitor.record(row, { id: 'a', class: 'yes' })
    clock.set(clock.now() + 60_000)
    await collect(monitor.metricProducer)
    expect(monitor.statistics()).toMatchObject({ outcomes: { pending: 0 }, dropped: { outcome_expired: 1 } })
  })

  it('lets the actual classes stay exact when there are too many pairs', async () => {
    const classes = Array.from({ length: 101 }, (_, i) => `c${String(i).padStart(3, '0')}`)
    const labels = { categories: classes, counts: [100, ...classes.map(() => 0)], values: 100 }
    const predictions = { classes: { categories: classes, counts: [100, ...classes.map(() => 0)], values: 100 } }
    const { monitor } = monitored({ baseline: smallBaseline({ labels, predictions }) })
    for (const predicted of classes) for (const actual of classes) monitor.recordOutcome(predicted, actual)
    const counted = Object.entries(outcomes(await collect(monitor.metricProducer)))
    expect(counted.length).toBeLessThanOrEqual(maxOutcomePairs + classes.length)
    const byActual = Map.groupBy(counted, ([pair]) => pair.split(' ')[1])
    for (const actual of classes) {
      expect(byActual.get(actual)!.reduce((sum, [, count]) => sum + count, 0)).toBe(classes.length)
    }
  })

  it('never throws, stays within its bound, and loses nothing uncounted', async () => {
    const id = fc.oneof(
      fc.integer({ min: 0, max: 30 }).map(String),
      fc.integer({ min: 0, max: 30 }),
      fc.constantFrom('', 'x'.repeat(500), Number.NaN, Symbol('id'), {}, null, 10n ** 400n),
    )
    const actual = fc.oneof(
      fc.constantFrom('yes', 'no', 'maybe', true, 0),
      fc.constantFrom(null, undefined, {}, Number.NaN),
    )
    const prediction = fc.oneof(
      fc.record({ class: fc.constantFrom('yes', 'no', 'odd') }),
      fc.record({ score: fc.constantFrom(0, 0.5, 0.9, Number.NaN) }),
      fc.constant({}),
    )
    const action = fc.oneof(
      fc.record({ kind: fc.constant('record' as const), id, prediction }),
      fc.record({ kind: fc.constant('outcome' as const), id, actual }),
      fc.record({ kind: fc.constant('wait' as const), millis: fc.integer({ min: 0, max: 40_000 }) }),
      fc.record({ kind: fc.constant('export' as const) }),
    )
    const capacity = 8
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 200 }), async (actions) => {
        const { monitor, clock } = monitored({ maxPendingOutcomes: capacity, outcomeTtlMillis: 100_000 })
        let recorded = 0
        let told = 0
        let exported = 0
        const take = async () => {
          for (const count of Object.values(outcomes(await collect(monitor.metricProducer)))) exported += count
        }
        for (const one of actions) {
          if (one.kind === 'record') {
            if (one.id !== null) recorded++
            monitor.record(row, { ...one.prediction, id: one.id as never })
          } else if (one.kind === 'outcome') {
            told++
            monitor.outcome(one.id as never, one.actual as never)
          } else if (one.kind === 'wait') {
            clock.set(clock.now() + one.millis)
          } else {
            await take()
          }
          expect(monitor.statistics().outcomes.pending).toBeLessThanOrEqual(capacity)
        }
        await take()
        const { dropped, outcomes: joined, failures, rows } = monitor.statistics()
        const of = (reason: keyof typeof dropped) => dropped[reason] ?? 0
        expect(failures.count).toBe(0)
        expect(rows).toBe(actions.filter(({ kind }) => kind === 'record').length)
        expect(exported).toBe(joined.joined)
        const lost = of('outcome_expired') + of('outcome_evicted') + of('outcome_replaced')
        // An id that is none is refused on either side.
        expect(recorded + told).toBe(
          2 * joined.joined +
            joined.pending +
            lost +
            of('outcome_without_prediction') +
            of('outcome_unmatched') +
            of('outcome_invalid') +
            of('outcome_invalid_id'),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('keeps no more than the bound over many predictions, and finds those that are left', async () => {
    const { monitor } = monitored({ maxPendingOutcomes: 1000 })
    for (let i = 0; i < 10_000; i++) {
      monitor.record(row, { id: i, class: i % 2 === 0 ? 'yes' : 'no' })
      // Every third is joined at once and leaves its place to another.
      if (i % 3 === 0) monitor.outcome(i, 'yes')
    }
    expect(monitor.statistics()).toMatchObject({
      outcomes: { joined: 3334, pending: 999 },
      dropped: { outcome_evicted: 5667 },
    })
    for (let i = 9999; monitor.statistics().outcomes.pending > 0; i--) if (i % 3 !== 0) monitor.outcome(i, 'no')
    expect(monitor.statistics().dropped).toEqual({ outcome_evicted: 5667 })
    const counts = Object.values(outcomes(await collect(monitor.metricProducer)))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(4333)
  })

  it('does not keep the texts alive that ids were cut out of', async () => {
    const { monitor } = monitored()
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const bytes = () => {
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const before = bytes()
    for (let i = 0; i < 200; i++) {
      const body = `${String(i).padStart(20, '0')}${'x'.repeat(200_000)}`.replaceAll('x', i % 2 === 0 ? 'y' : 'z')
      monitor.record(row, { id: body.slice(0, 20), class: 'yes' })
    }
    monitor.record(row, { id: '\ud800 lone surrogate', class: 'yes' })
    expect(monitor.statistics().outcomes.pending).toBe(201)
    // The texts have 40 MB together.
    expect(bytes() - before).toBeLessThan(10e6)
    monitor.outcome('\ud800 lone surrogate', 'yes')
    monitor.outcome(String(7).padStart(20, '0'), 'yes')
    expect(monitor.statistics().outcomes).toEqual({ joined: 2, pending: 199 })
  })

  it('counts nothing after shutdown', async () => {
    const { monitor } = monitored()
    monitor.record(row, { id: 'a', class: 'yes' })
    await monitor.shutdown()
    monitor.outcome('a', 'yes')
    monitor.recordOutcome('yes', 'yes')
    expect(monitor.statistics()).toMatchObject({ outcomes: { joined: 0 }, dropped: { shut_down: 2 } })
  })
})

describe('recordOutcome()', () => {
  it('counts pairs that were joined elsewhere, with their delay', async () => {
    const { monitor } = monitored()
    monitor.recordOutcome('yes', 'no', { delaySeconds: 7200 })
    monitor.recordOutcome('yes', 'no', { delaySeconds: Number.NaN })
    monitor.recordOutcome('yes', {} as never)
    monitor.recordOutcome(null as never, 'no')
    const hostile = Object.defineProperty({}, 'segment', {
      get() {
        throw new Error('hostile')
      },
    })
    monitor.recordOutcome('yes', 'no', hostile)
    const series = await collect(monitor.metricProducer)
    expect(outcomes(series)).toEqual({ 'yes no': 2 })
    expect(histogram(series, 'ml.outcome.delay')).toMatchObject({ count: 1, sum: 7200 })
    expect(monitor.statistics()).toMatchObject({ dropped: { outcome_invalid: 2 }, failures: { count: 1 } })
  })
})

describe('options', () => {
  it('refuses bounds that are none', () => {
    const make = () =>
      createMonitor({ baseline: smallBaseline(), export: false, maxPendingOutcomes: 0, outcomeTtlMillis: 1.5 })
    expect(make).toThrow(DriftlineConfigError)
    expect(make).toThrow(/maxPendingOutcomes: a whole number from 1 to 1000000 .*not '0'\n.*outcomeTtlMillis/)
  })
})
