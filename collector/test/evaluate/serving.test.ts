import { attributes, durationBounds, metrics, rowsBounds } from '@driftline/instrumentation/contract'
import { describe, expect, it } from 'vitest'
import { servingOf } from '../../src/evaluate/serving.ts'
import { MadeTotals } from '../support/made-totals.ts'

const calls = (at: Record<number, number>) => durationBounds.concat(0).map((_, cell) => at[cell] ?? 0)
const sizes = (at: Record<number, number>) => rowsBounds.concat(0).map((_, cell) => at[cell] ?? 0)
const runtime = (name: string, error?: string) => ({
  [attributes.runtimeName.name]: name,
  ...(error === undefined ? {} : { [attributes.errorType.name]: error }),
})
// Cell 7 holds (1 ms, 2 ms], cell 8 (2 ms, 5 ms], cell 9 (5 ms, 10 ms].
const durations = () =>
  new MadeTotals().histogram(
    metrics.inferenceDuration,
    runtime('onnxruntime'),
    durationBounds,
    calls({ 7: 80, 8: 10 }),
    {
      sum: 0.15,
      min: 0.001,
      max: 0.004,
    },
  )

describe('servingOf', () => {
  it('tells how many calls failed, and how long calls took', () => {
    const totals = durations()
      .histogram(metrics.inferenceDuration, runtime('onnxruntime', 'RangeError'), durationBounds, calls({ 9: 10 }), {
        sum: 0.08,
        min: 0.006,
        max: 0.009,
      })
      .histogram(metrics.inferenceRows, {}, rowsBounds, sizes({ 2: 100 }), { sum: 350 }).totals
    const [all, onnx, ...more] = servingOf(totals)
    expect(more).toEqual([])
    expect(all).toMatchObject({
      runtime: null,
      calls: 100,
      errors: 10,
      errorRate: 0.1,
      rowsPerCall: 3.5,
      droppedRows: 0,
    })
    expect(onnx).toMatchObject({ runtime: 'onnxruntime', calls: 100, errors: 10, rowsPerCall: 3.5, droppedRows: null })
    expect(all!.p50).toBeCloseTo(0.001 + (0.001 * 50) / 80, 12)
    expect(all!.p90).toBeCloseTo(0.004, 12)
    expect(all!.p99).toBeCloseTo(0.006 + 0.003 * 0.9, 12)
    expect(all!.mean).toBeCloseTo(0.0023, 12)
    expect(all!.max).toBe(0.009)
  })

  it('keeps runtimes apart, of which the size of calls is then not known', () => {
    const totals = durations()
      .histogram(metrics.inferenceDuration, runtime('tfjs'), durationBounds, calls({ 9: 5 }), { sum: 0.04 })
      .histogram(metrics.inferenceRows, {}, rowsBounds, sizes({ 0: 95 }), { sum: 95 }).totals
    expect(servingOf(totals).map((one) => [one.runtime, one.calls, one.rowsPerCall])).toEqual([
      [null, 95, 1],
      ['onnxruntime', 90, null],
      ['tfjs', 5, null],
    ])
  })

  it('counts dropped rows apart from outcomes, and tells of them without any call', () => {
    const of = (reason: string) => ({ [attributes.dropReason.name]: reason })
    const totals = new MadeTotals()
      .sum(metrics.monitorDroppedRows, of('malformed_row'), 3)
      .sum(metrics.monitorDroppedRows, of('invalid_output'), 2)
      .sum(metrics.monitorDroppedRows, of('outcome_expired'), 7)
      .sum(metrics.monitorDroppedRows, of('reentrant'), 0).totals
    const [all, ...more] = servingOf(totals)
    expect(more).toEqual([])
    expect(all).toMatchObject({ calls: 0, errorRate: null, p50: null, mean: null, max: null, droppedRows: 5 })
    expect(all!.dropped).toEqual({ malformed_row: 3, invalid_output: 2, outcome_expired: 7 })
  })

  it('has no mean when a histogram came without its sum', () => {
    const totals = durations().histogram(
      metrics.inferenceDuration,
      runtime('other'),
      durationBounds,
      calls({ 3: 1 }),
    ).totals
    expect(servingOf(totals)[0]!.mean).toBeNull()
    expect(servingOf(totals)[0]!.p50).not.toBeNull()
  })

  it('is empty when nothing of calls was reported', () => {
    expect(servingOf(new MadeTotals().totals)).toEqual([])
  })
})
