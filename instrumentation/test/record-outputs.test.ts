import { describe, expect, it } from 'vitest'
import { startMonitor } from '../src/monitor.ts'
import type { MonitorOptions } from '../src/options.ts'
import { ManualClock } from './manual-clock.ts'
import { collect, type Series } from './series.ts'
import { smallBaseline } from './small-baseline.ts'

const started = (options: Partial<MonitorOptions> = {}) =>
  startMonitor({ baseline: smallBaseline(), export: false, ...options }, new ManualClock(0))

/** What differs only by the order in which floating-point numbers were added is left out. */
const withoutMoments = (series: Series): object =>
  Object.fromEntries([...series].filter(([key]) => !key.includes('moment')).toSorted(([a], [b]) => (a < b ? -1 : 1)))

describe('answers that come after the rows', () => {
  it('count as they do with the rows, for one row and for more than a chunk', async () => {
    for (const rows of [1, 3, 1000]) {
      const data = Float64Array.from({ length: rows }, (_, i) => i % 50)
      const output = { scores: Array.from(data, (x) => x / 50), ids: Array.from(data, (_, i) => i) }
      const together = started()
      together.recordBatch({ age: data }, output)
      const apart = started()
      apart.recordBatch({ age: data })
      apart.recordOutputs(rows, output)
      for (const monitor of [together, apart]) monitor.outcome(0, 'yes')
      expect(apart.statistics()).toEqual(together.statistics())
      expect(withoutMoments(await collect(apart.metricProducer))).toEqual(
        withoutMoments(await collect(together.metricProducer)),
      )
    }
  })

  it('are not lost when the rows were exported before they came, and count no rows', async () => {
    const monitor = started()
    monitor.recordBatch({ age: [1, 2] })
    await collect(monitor.metricProducer)
    monitor.recordOutputs(2, { scores: [0.1, 0.9] })
    const series = await collect(monitor.metricProducer)
    expect(series.get('ml.prediction.score')).toMatchObject({ count: 2 })
    expect([...series.keys()].filter((key) => key.startsWith('ml.feature.value'))).toEqual([])
    expect(monitor.statistics().rows).toBe(2)
  })

  it('never throw, and count no more than there are', async () => {
    const monitor = started({ onError: () => {} })
    monitor.recordOutputs(1e12, { scores: [0.5] })
    monitor.recordOutputs(-1, { scores: [0.5] })
    monitor.recordOutputs(Number.NaN, { scores: [0.5] })
    monitor.recordOutputs(1, null as never)
    monitor.recordOutputs(1, {
      get scores(): never {
        throw new Error('no')
      },
    })
    expect(await collect(monitor.metricProducer).then((series) => series.get('ml.prediction.score'))).toMatchObject({
      count: 1,
    })
    expect(monitor.statistics().dropped).toMatchObject({ malformed_batch: 3, internal_error: 1 })
    await monitor.shutdown()
    monitor.recordOutputs(1, { scores: [0.5] })
    expect(monitor.statistics().dropped).toMatchObject({ shut_down: 1 })
  })
})

describe('rows that come as 32-bit floats', () => {
  it('count as any others, however few at a time and whatever comes between', async () => {
    const value = (row: number): number => Math.fround(row % 11 === 0 ? Number.NaN : (row * 7.3) % 90)
    const features = [
      { name: 'age', kind: 'numeric' },
      { name: 'hours', kind: 'numeric' },
    ] as const
    const options: MonitorOptions = { model: { name: 'm', version: '1' }, features, export: false }
    const [one, mixed] = [startMonitor(options, new ManualClock(0)), startMonitor(options, new ManualClock(0))]
    let next = 0
    for (const rows of [1, 1, 3, 32, 32, 31, 40, 1, 200, 7]) {
      const data = Float32Array.from({ length: 2 * rows }, (_, i) => value(next + i))
      for (let row = 0; row < rows; row++) one.record({ age: value(next + 2 * row), hours: value(next + 2 * row + 1) })
      if (rows === 1) mixed.record(data)
      else mixed.recordBatch({ data, rows })
      mixed.record({ age: next, hours: null })
      one.record({ age: next, hours: null })
      next += 2 * rows
    }
    expect(mixed.statistics()).toMatchObject({ rows: one.statistics().rows, dropped: {} })
    expect(withoutMoments(await collect(mixed.metricProducer))).toEqual(
      withoutMoments(await collect(one.metricProducer)),
    )
  })
})
