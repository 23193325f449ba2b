import { describe, expect, it } from 'vitest'
import { startMonitor } from '../../src/monitor.ts'
import { AttributionRecorder, maxAttributionMethods } from '../../src/recorder/attribution-recorder.ts'
import { ManualClock } from '../manual-clock.ts'
import { collect, exponential, histogram } from '../series.ts'
import { smallBaseline } from '../small-baseline.ts'

const summary = (recorder: AttributionRecorder) =>
  recorder.take().map(({ method, values }) => [method, ...values.map(({ count, first }) => [count, first])])
const rows = (...numbers: number[]) => Int32Array.from(numbers)

describe('AttributionRecorder', () => {
  it('counts signed values by name and in order, each method by itself, and starts anew when taken', () => {
    const recorder = new AttributionRecorder(['age', 'sector'])
    expect(recorder.record({ sector: -0.5, age: 2 }, 'shap')).toBe(true)
    expect(recorder.record([1, 0.25], 'shap')).toBe(true)
    expect(recorder.record(new Float32Array([-4, 0]), undefined)).toBe(true)
    expect(summary(recorder)).toEqual([
      ['shap', [2, 3], [2, -0.25]],
      ['unknown', [1, -4], [1, 0]],
    ])
    expect(summary(recorder)).toEqual([
      ['shap', [0, 0], [0, 0]],
      ['unknown', [0, 0], [0, 0]],
    ])
  })

  it('leaves out features that were not named, and refuses a row as a whole', () => {
    const recorder = new AttributionRecorder(['age', 'sector'])
    expect(recorder.record({ age: 1, other: 5 }, 'shap')).toBe(true)
    for (const wrong of [
      { age: 1, sector: Number.NaN },
      { age: 1, sector: '2' },
      { other: 1 },
      {},
      [1],
      [1, 2, 3],
      [1, Infinity],
      7,
      null,
      new Proxy(
        { age: 1 },
        {
          getOwnPropertyDescriptor: () => {
            throw new Error('no')
          },
        },
      ),
    ])
      expect(recorder.record(wrong, 'shap')).toBe(false)
    expect(summary(recorder)).toEqual([['shap', [1, 1], [0, 0]]])
  })

  it('counts the rows of a batch, row-major or by column', () => {
    const recorder = new AttributionRecorder(['age', 'sector'])
    expect(recorder.recordRows(new Float64Array([1, 2, 3, 4, 5, 6]), 'shap', rows(0, 2), 2)).toBe(0)
    expect(summary(recorder)).toEqual([['shap', [2, 6], [2, 8]]])
    expect(recorder.recordRows({ age: [1, 2, 3], sector: [1, Number.NaN] }, 'shap', rows(0, 1, 2, 3), 4)).toBe(2)
    expect(summary(recorder)).toEqual([['shap', [2, 4], [1, 1]]])
    expect(recorder.recordRows([1, 2, 3], 'shap', rows(0, 1), 2)).toBe(1)
    expect(recorder.recordRows('shap', 'shap', rows(0, 1), 2)).toBe(2)
  })

  it('keeps few methods apart and cuts their names', () => {
    const recorder = new AttributionRecorder(['age'])
    for (let i = 0; i < 10; i++) recorder.record([1], `method ${i}`)
    recorder.record([1], 'x'.repeat(1000))
    const methods = summary(recorder).map(([method]) => method)
    expect(methods).toHaveLength(maxAttributionMethods + 1)
    expect(methods.at(-1)).toBe('_OTHER')
  })
})

describe('attributions of a monitor', () => {
  const start = 1_800_000_000_000
  const row = { age: 5, sector: 'private', member: true }
  const monitored = () => startMonitor({ baseline: smallBaseline(), export: false }, new ManualClock(start))

  it('are sent as histograms by feature and method, of single rows and of batches', async () => {
    const monitor = monitored()
    monitor.record(row, { score: 0.7, attributions: { age: 0.5, sector: -0.25 }, attributionMethod: 'shap' })
    monitor.recordBatch(
      { age: [1, 2], sector: ['private', 'public'], member: [true, false] },
      { scores: [0.1, 0.9], attributions: [1, 0, 0, -1, 0, 0], attributionMethod: 'shap' },
    )
    const series = await collect(monitor.metricProducer)
    expect(exponential(series, 'ml.attribution.value age shap')).toMatchObject({ count: 3, min: -1, max: 1 })
    expect(exponential(series, 'ml.attribution.value sector shap')).toMatchObject({ count: 3, min: -0.25, max: 0 })
    expect(exponential(series, 'ml.attribution.value member shap')).toMatchObject({ count: 2 })
    expect(exponential(series, 'ml.attribution.value age shap').sum).toBeUndefined()
    expect(monitor.statistics().dropped).toEqual({})
  })

  it('that are wrong leave the row and its answer counted', async () => {
    const monitor = monitored()
    monitor.record(row, { score: 0.7, attributions: [Number.NaN, 1, 1] })
    const series = await collect(monitor.metricProducer)
    expect(histogram(series, 'ml.prediction.score')).toMatchObject({ count: 1 })
    expect([...series.keys()].filter((name) => name.startsWith('ml.attribution'))).toEqual([])
    expect(monitor.statistics().dropped).toEqual({ invalid_output: 1 })
  })
})

describe('scores of predictions with an outcome', () => {
  it('are sent by the actual class, in the cells of the score', async () => {
    const monitor = startMonitor({ baseline: smallBaseline(), export: false }, new ManualClock(1_800_000_000_000))
    const row = { age: 5, sector: 'private', member: true }
    for (const [id, score, actual] of [
      ['a', 0.9, 'yes'],
      ['b', 0.8, 'no'],
      ['c', 0.7, 'yes'],
    ] as const) {
      monitor.record(row, { id, score })
      monitor.outcome(id, actual)
    }
    monitor.record(row, { id: 'd', class: 'yes' })
    monitor.outcome('d', 'yes')
    const series = await collect(monitor.metricProducer)
    expect(histogram(series, 'ml.outcome.score yes')).toMatchObject({ count: 2, min: 0.7, max: 0.9 })
    expect(histogram(series, 'ml.outcome.score no')).toMatchObject({ count: 1, min: 0.8 })
    expect(histogram(series, 'ml.outcome.score yes').buckets.boundaries).toEqual(
      smallBaseline().predictions.score!.bounds,
    )
  })
})
