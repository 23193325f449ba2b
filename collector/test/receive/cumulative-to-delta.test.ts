import { describe, expect, it } from 'vitest'
import { CumulativeToDelta, type CumulativeSample } from '../../src/receive/cumulative-to-delta.ts'

const startMs = 1_790_000_000_000
const collectorStart = startMs * 1000
const second = 1_000_000
const processStart = collectorStart + 100 * second

function setUp(limits = { cumulativeSeries: 100, cumulativeIdleMs: 3_600_000 }) {
  const converter = new CumulativeToDelta(startMs, limits)
  /** Sends a sum with the value at seconds after its start. */
  const send = (
    series: string,
    at: number,
    value: number,
    options: { start?: number; nowMs?: number; monotonic?: boolean; scope?: string } = {},
  ) => {
    const { start = processStart, nowMs = startMs, monotonic = true, scope = 'scope' } = options
    const sample = {
      layout: null,
      values: Float64Array.of(value),
      monotonic,
      startMicros: start,
      timeMicros: start + at * second,
    }
    return convert(scope, series, sample, nowMs)
  }
  const convert = (scope: string, series: string, sample: CumulativeSample, nowMs = startMs) => {
    converter.noteExport(scope, sample.startMicros, sample.timeMicros)
    const result = converter.convert(scope, series, sample, nowMs, [])
    if (result.kind !== 'delta') return result.kind
    const { startMicros, endMicros, values, reset } = result
    return {
      from: (startMicros - sample.startMicros) / second,
      to: (endMicros - sample.startMicros) / second,
      values: [...values],
      reset,
    }
  }
  return { converter, send, convert }
}

describe('CumulativeToDelta', () => {
  it('counts the whole first value of a process that started after the collector, and differences from then on', () => {
    const { send } = setUp()
    expect(send('a', 10, 5)).toEqual({ from: 0, to: 10, values: [5], reset: false })
    expect(send('a', 20, 5)).toEqual({ from: 10, to: 20, values: [0], reset: false })
    expect(send('a', 30, 9)).toEqual({ from: 20, to: 30, values: [4], reset: false })
  })

  it('takes the first value of an older process as reference only: it may have been counted before a restart of the collector', () => {
    const { send } = setUp()
    const start = collectorStart - 1
    expect(send('a', 10, 500, { start })).toBe('reference')
    expect(send('a', 20, 502, { start })).toEqual({ from: 10, to: 20, values: [2], reset: false })
  })

  it('takes an unknown start time as that of an older process', () => {
    const { convert } = setUp()
    const sample = (at: number, value: number) => ({
      layout: null,
      values: Float64Array.of(value),
      monotonic: true,
      startMicros: 0,
      timeMicros: collectorStart + at * second,
    })
    expect(convert('scope', 'a', sample(10, 5))).toBe('reference')
    expect(convert('scope', 'a', sample(20, 6))).toMatchObject({ values: [1] })
  })

  it('counts the whole value after a restart with a new start time', () => {
    const { send } = setUp()
    send('a', 10, 5)
    expect(send('a', 10, 3, { start: processStart + 60 * second })).toEqual({
      from: 0,
      to: 10,
      values: [3],
      reset: false,
    })
  })

  it('counts two processes that share an identity, each by its own start time', () => {
    const { send } = setUp()
    const other = { start: processStart + second }
    send('a', 10, 5)
    send('a', 10, 100, other)
    expect(send('a', 20, 7)).toMatchObject({ values: [2] })
    expect(send('a', 20, 101, other)).toMatchObject({ values: [1] })
  })

  it('counts the whole value, since the export before, when a count falls without a new start time', () => {
    const { send } = setUp()
    send('a', 10, 5)
    expect(send('a', 20, 2)).toEqual({ from: 10, to: 20, values: [2], reset: true })
    expect(send('a', 30, 6)).toMatchObject({ values: [4], reset: false })
  })

  it('lets a sum that may fall do so', () => {
    const { send } = setUp()
    send('a', 10, -5, { monotonic: false })
    expect(send('a', 20, -7.5, { monotonic: false })).toEqual({ from: 10, to: 20, values: [-2.5], reset: false })
  })

  it('begins the interval of a series that appears late at the export before, where it was still absent', () => {
    const { send } = setUp()
    send('a', 10, 5)
    send('a', 20, 6)
    expect(send('late', 20, 3)).toEqual({ from: 10, to: 20, values: [3], reset: false })
    expect(send('elsewhere', 20, 3, { scope: 'other' })).toEqual({ from: 0, to: 20, values: [3], reset: false })
  })

  it('tells a point sent again from one out of order', () => {
    const { send } = setUp()
    send('a', 20, 5)
    expect(send('a', 20, 5)).toBe('duplicate')
    expect(send('a', 10, 4)).toBe('out-of-order')
    expect(send('a', 30, 6)).toMatchObject({ from: 20, values: [1] })
  })

  it('forgets the series idle for longest, and counts nothing of it twice when it comes back', () => {
    const { converter, send } = setUp({ cumulativeSeries: 3, cumulativeIdleMs: 3_600_000 })
    for (const series of ['a', 'b', 'c']) send(series, 10, 5)
    send('a', 20, 6)
    send('d', 20, 1)
    expect(converter.size).toBe(3)
    expect(send('a', 30, 7)).toMatchObject({ values: [1] })
    expect(send('b', 30, 9)).toBe('reference')
  })

  it('forgets what was not seen for the idle time', () => {
    const { converter, send } = setUp()
    send('a', 10, 5)
    send('b', 10, 5, { nowMs: startMs + 3_600_001 })
    expect(converter.size).toBe(1)
    expect(send('a', 20, 9, { nowMs: startMs + 3_600_001 })).toBe('reference')
  })

  it('stays within its bounds whatever start times a client makes up', () => {
    const { converter, send } = setUp()
    for (let i = 0; i < 1000; i++) send('a', 10, 1, { start: processStart + i * second })
    expect(converter.size).toBe(100)
  })

  it('compares histograms cell by cell, and refuses to when the bounds changed', () => {
    const { convert } = setUp()
    const layout = { kind: 'explicit', bounds: [1] } as const
    const sample = (
      at: number,
      values: number[],
      bounds: { kind: 'explicit'; bounds: number[] } | typeof layout = layout,
    ) => ({
      layout: bounds,
      values: Float64Array.from(values),
      monotonic: true,
      startMicros: processStart,
      timeMicros: processStart + at * second,
    })
    expect(convert('scope', 'h', sample(10, [3, 1.5, 0, 2, 1, 2]))).toMatchObject({ values: [3, 1.5, 0, 2, 1, 2] })
    expect(convert('scope', 'h', sample(20, [5, 2.5, 0, 2, 3, 2]))).toEqual({
      from: 10,
      to: 20,
      values: [2, 1, NaN, NaN, 2, 0],
      reset: false,
    })
    // The total grew but a cell fell: that can only be a reset.
    expect(convert('scope', 'h', sample(30, [6, 2, 0, 2, 6, 0]))).toMatchObject({
      values: [6, 2, 0, 2, 6, 0],
      reset: true,
    })
    expect(convert('scope', 'h', sample(40, [7, 2, 0, 2, 7, 0], { kind: 'explicit', bounds: [2] }))).toBe(
      'changed-layout',
    )
    expect(convert('scope', 'h', sample(50, [9, 3, 0, 2, 8, 1], { kind: 'explicit', bounds: [2] }))).toMatchObject({
      values: [2, 1, NaN, NaN, 1, 1],
    })
  })

  it('takes changes back, but not those of a stream that went on', () => {
    const { converter, send } = setUp()
    send('a', 10, 5)
    const changes: Parameters<CumulativeToDelta['rollBack']>[0] = []
    const sample = (at: number, value: number) => ({
      layout: null,
      values: Float64Array.of(value),
      monotonic: true,
      startMicros: processStart,
      timeMicros: processStart + at * second,
    })
    for (const series of ['a', 'b']) converter.convert('scope', series, sample(20, 8), startMs, changes)
    send('b', 30, 10)
    converter.rollBack(changes)
    expect(send('a', 30, 9)).toMatchObject({ from: 10, values: [4] })
    expect(send('b', 40, 11)).toMatchObject({ from: 30, values: [1] })
  })
})
