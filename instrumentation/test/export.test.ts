import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ExportResult, MetricExporter, MonitorOptions, ResourceMetrics } from '../src/index.ts'
import { maxPendingIntervals, maxPendingPoints } from '../src/export.ts'
import { startMonitor } from '../src/monitor.ts'
import { ManualClock, settle } from './manual-clock.ts'
import { histogram, seriesOf } from './series.ts'
import { smallBaseline } from './small-baseline.ts'

const ok: ExportResult = { code: 0 }
const failed: ExportResult = { code: 1, error: new Error('down') }

/** Keeps what it is given and answers as told; without an answer it never calls back. */
class FakeExporter implements MetricExporter {
  readonly attempts: ResourceMetrics[] = []
  readonly delivered: ResourceMetrics[] = []
  answer: ExportResult | null = ok
  shutdowns = 0
  readonly callbacks: ((result: ExportResult) => void)[] = []

  export(metrics: ResourceMetrics, callback: (result: ExportResult) => void): void {
    this.attempts.push(metrics)
    this.callbacks.push(callback)
    if (this.answer === null) return
    if (this.answer.code === 0) this.delivered.push(metrics)
    callback(this.answer)
  }

  shutdown(): Promise<void> {
    this.shutdowns++
    return Promise.resolve()
  }
}

const monitors: { shutdown(): Promise<void> }[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await Promise.all(monitors.splice(0).map((monitor) => monitor.shutdown()))
})

const startTime = Date.UTC(2026, 0, 1, 12, 0, 3, 250)

function started(options: Partial<MonitorOptions> = {}) {
  const clock = new ManualClock(startTime)
  const exporter = new FakeExporter()
  const monitor = startMonitor(
    { baseline: smallBaseline(), exporter, instance: 'i', exportIntervalMillis: 10_000, ...options },
    clock,
  )
  monitors.push({
    shutdown: () => {
      exporter.answer = ok
      for (const callback of exporter.callbacks) callback(ok)
      return monitor.shutdown()
    },
  })
  return { clock, exporter, monitor }
}

/** Start and end of an export in seconds after noon, and the rows it holds. */
function summary(metrics: ResourceMetrics): { from: number; to: number; rows: number } {
  const { startTime: start, endTime: end } = metrics.scopeMetrics[0]!.metrics[0]!.dataPoints[0]!
  const noon = Date.UTC(2026, 0, 1, 12) / 1000
  const seconds = ([whole, nanoseconds]: [number, number]) => whole - noon + nanoseconds / 1e9
  return {
    from: seconds(start),
    to: seconds(end),
    rows: histogram(seriesOf(metrics.scopeMetrics), 'ml.feature.value age').count,
  }
}

describe('export', () => {
  it('happens at multiples of the interval on the wall clock, whenever the monitor was started', async () => {
    const { clock, exporter, monitor } = started()
    for (let i = 0; i < 3; i++) {
      monitor.record([i])
      await clock.fireNext()
    }
    expect(exporter.delivered.map(summary)).toEqual([
      { from: 3.25, to: 10, rows: 1 },
      { from: 10, to: 20, rows: 1 },
      { from: 20, to: 30, rows: 1 },
    ])
    expect(monitor.statistics().exports).toEqual({ exported: 3, failed: 0, pending: 0 })
  })

  it('ends at the boundary though the timer fires a moment early, and does not come twice for one boundary', async () => {
    const { clock, exporter, monitor } = started()
    monitor.record([1])
    await clock.fireNext(2)
    monitor.record([1])
    await clock.fireNext()
    expect(exporter.delivered.map(summary)).toEqual([
      { from: 3.25, to: 10, rows: 1 },
      { from: 10, to: 20, rows: 1 },
    ])
  })

  it('goes on with growing times when the clock is set back', async () => {
    const { clock, exporter, monitor } = started()
    monitor.record([1])
    await clock.fireNext()
    clock.set(startTime - 60_000)
    monitor.record([2])
    await monitor.flush()
    const [first, second] = exporter.delivered.map(summary)
    expect(second!.from).toBe(first!.to)
    expect(second!.to).toBeGreaterThan(second!.from)
  })

  it('sends nothing when nothing was recorded', async () => {
    const { clock, exporter } = started()
    await clock.fireNext()
    await clock.fireNext()
    expect(exporter.attempts).toEqual([])
  })

  it('says who exports, from options over the environment', async () => {
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'service.name=other,deployment.environment.name=test%20ing,team=ml')
    vi.stubEnv('OTEL_SERVICE_NAME', 'from-env')
    const { exporter, monitor } = started()
    monitor.record([1])
    await monitor.flush()
    expect(exporter.delivered[0]!.resource.attributes).toEqual({
      'service.name': 'from-env',
      'service.instance.id': 'i',
      'deployment.environment.name': 'test ing',
      team: 'ml',
    })
    const named = started({ serviceName: 'mine', environment: 'production', instance: undefined })
    named.monitor.record([1])
    await named.monitor.flush()
    expect(named.exporter.delivered[0]!.resource.attributes).toMatchObject({
      'service.name': 'mine',
      'deployment.environment.name': 'production',
    })
    expect(named.exporter.delivered[0]!.resource.attributes['service.instance.id']).toContain(String(process.pid))
  })

  it('is off when OTEL_SDK_DISABLED is true', async () => {
    vi.stubEnv('OTEL_SDK_DISABLED', 'true')
    const { clock, exporter, monitor } = started()
    monitor.record([1])
    await monitor.flush()
    expect(exporter.attempts).toEqual([])
    expect(clock.due).toEqual([])
  })
})

describe('OTEL_METRICS_EXPORTER=none', () => {
  it('was not heeded', async () => {
    vi.stubEnv('OTEL_METRICS_EXPORTER', 'none')
    const clock = new ManualClock(startTime)
    const monitor = startMonitor({ baseline: smallBaseline(), instance: 'i' }, clock)
    monitor.record([1])
    await monitor.flush()
    expect(clock.due).toEqual([])
    expect(monitor.statistics().exports).toEqual({ exported: 0, failed: 0, pending: 0 })
    await monitor.shutdown()
  })

  it('does not turn off an exporter that the program gives', async () => {
    vi.stubEnv('OTEL_METRICS_EXPORTER', 'none')
    const { exporter, monitor } = started()
    monitor.record([1])
    await monitor.flush()
    expect(exporter.delivered).toHaveLength(1)
  })
})

describe('an interval whose export failed', () => {
  it('is sent again exactly once, before later ones, with its own start and end', async () => {
    const { clock, exporter, monitor } = started({ onError: () => {} })
    exporter.answer = failed
    for (let rows = 1; rows <= 3; rows++) {
      for (let i = 0; i < rows; i++) monitor.record([i])
      await clock.fireNext()
    }
    // Each attempt stops at the oldest: what is down stays down.
    expect(exporter.attempts.map((metrics) => summary(metrics).to)).toEqual([10, 10, 10])
    expect(monitor.statistics().exports).toEqual({ exported: 0, failed: 3, pending: 3 })
    exporter.answer = ok
    monitor.record([1])
    await clock.fireNext()
    await clock.fireNext()
    expect(exporter.delivered.map(summary)).toEqual([
      { from: 3.25, to: 10, rows: 1 },
      { from: 10, to: 20, rows: 2 },
      { from: 20, to: 30, rows: 3 },
      { from: 30, to: 40, rows: 1 },
    ])
    expect(monitor.statistics().exports).toEqual({ exported: 4, failed: 3, pending: 0 })
  })

  it('is kept up to a number of intervals; the rows of those given up are counted and sent', async () => {
    const { clock, exporter, monitor } = started({ onError: () => {} })
    exporter.answer = failed
    for (let i = 0; i < maxPendingIntervals + 3; i++) {
      monitor.record([1])
      monitor.record([2])
      await clock.fireNext()
    }
    expect(monitor.statistics()).toMatchObject({
      exports: { pending: maxPendingIntervals },
      dropped: { export_backlog: 6 },
    })
    exporter.answer = ok
    await monitor.flush()
    expect(exporter.delivered).toHaveLength(maxPendingIntervals)
    const dropped = exporter.delivered.reduce(
      (sum, { scopeMetrics }) =>
        sum + ((seriesOf(scopeMetrics).get('ml.monitor.dropped_rows export_backlog') as number | undefined) ?? 0),
      0,
    )
    expect(dropped).toBe(6)
  })

  it('is kept up to a number of points, when intervals are large', async () => {
    const features = Array.from({ length: 2000 }, (_, i) => ({ name: `f${i}`, kind: 'numeric' as const }))
    const { clock, exporter, monitor } = started({
      baseline: undefined,
      model: { name: 'large', version: '1' },
      features,
      onError: () => {},
    })
    exporter.answer = failed
    const pointsPerInterval = 2000 * 4
    for (let i = 0; i < 12; i++) {
      monitor.record(features.map(() => 1))
      await clock.fireNext()
    }
    expect(monitor.statistics().exports.pending).toBe(Math.floor(maxPendingPoints / pointsPerInterval))
  })

  it.each([400, 413, 415])(
    'is not sent again when the receiver answered %s, and its rows are counted as dropped',
    async (code) => {
      const { clock, exporter, monitor } = started({ onError: () => {} })
      exporter.answer = { code: 1, error: Object.assign(new Error('refused'), { code }) }
      monitor.record([1])
      await clock.fireNext()
      expect(monitor.statistics()).toMatchObject({ exports: { pending: 0 }, dropped: { export_rejected: 1 } })
      exporter.answer = ok
      await clock.fireNext()
      expect(seriesOf(exporter.delivered[0]!.scopeMetrics).get('ml.monitor.dropped_rows export_rejected')).toBe(1)
    },
  )

  it.each([
    [401, /answers 401: is the token right.*OTEL_EXPORTER_OTLP_HEADERS/],
    [403, /answers 403: is the token right/],
    [404, /answers 404: is the endpoint right/],
  ])('was lost when the receiver answered %s, as it does while a token is being changed', async (code, reason) => {
    const errors: Error[] = []
    const { clock, exporter, monitor } = started({ onError: (error) => errors.push(error) })
    const refusal = Object.assign(new Error('refused'), { code })
    exporter.answer = { code: 1, error: refusal }
    for (let i = 0; i < 3; i++) {
      monitor.record([i])
      await clock.fireNext()
    }
    expect(monitor.statistics()).toMatchObject({ exports: { pending: 3, failed: 3 }, dropped: {} })
    expect(errors[0]!.message).toMatch(reason)
    expect(errors[0]!.cause).toBe(refusal)
    exporter.answer = ok
    await clock.fireNext()
    expect(exporter.delivered.map((metrics) => summary(metrics).rows)).toEqual([1, 1, 1])
    expect(monitor.statistics().dropped).toEqual({})
  })

  it.each([408, 429, 500, 503])('is sent again when the receiver answered %s', async (code) => {
    const { clock, exporter, monitor } = started({ onError: () => {} })
    exporter.answer = { code: 1, error: Object.assign(new Error('later'), { code }) }
    monitor.record([1])
    await clock.fireNext()
    exporter.answer = ok
    await clock.fireNext()
    expect(exporter.delivered.map(summary)).toEqual([{ from: 3.25, to: 10, rows: 1 }])
  })

  it('is kept when the exporter throws or has no reason to give', async () => {
    const errors: string[] = []
    const { clock, exporter, monitor } = started({ onError: (error) => void errors.push(error.message) })
    exporter.answer = { code: 1 }
    monitor.record([1])
    await clock.fireNext()
    vi.spyOn(exporter, 'export').mockImplementationOnce(() => {
      throw new Error('thrown')
    })
    await clock.fireNext()
    exporter.answer = ok
    await clock.fireNext()
    expect(exporter.delivered.map(summary)).toEqual([{ from: 3.25, to: 10, rows: 1 }])
    expect(errors).toEqual(['the exporter gave no reason', 'thrown'])
    expect(monitor.statistics().failures).toEqual({ count: 2, last: 'thrown' })
  })

  it('because the exporter never answered is sent again; unless the answer comes late and is a success', async () => {
    const { clock, exporter, monitor } = started({ onError: () => {} })
    exporter.answer = null
    monitor.record([1])
    await clock.fireNext()
    monitor.record([2])
    await clock.fireNext()
    await clock.fireNext()
    // 30 s have passed: the first was given up, and is tried again.
    await clock.fireNext()
    await clock.fireNext()
    expect(exporter.attempts.map((metrics) => summary(metrics).to)).toEqual([10, 10])
    expect(monitor.statistics().exports.failed).toBe(1)
    exporter.answer = ok
    exporter.callbacks[0]!(ok)
    exporter.callbacks[1]!(ok)
    await settle()
    expect(exporter.delivered.map((metrics) => summary(metrics).to)).toEqual([20])
    expect(monitor.statistics().exports).toMatchObject({ exported: 2, pending: 0 })
  })

  it('does not disturb the host when the handler of failures throws too', async () => {
    const { clock, exporter, monitor } = started({
      onError: () => {
        throw new Error('handler')
      },
    })
    exporter.answer = failed
    monitor.record([1])
    await clock.fireNext()
    expect(monitor.statistics().exports.pending).toBe(1)
  })
})

describe('flush and shutdown', () => {
  it('wait for an answer, but not longer than their deadline, and hold the process only so long', async () => {
    const { clock, exporter, monitor } = started({ onError: () => {} })
    exporter.answer = null
    monitor.record([1])
    let done = false
    const flushed = (async () => {
      await monitor.flush()
      done = true
    })()
    await settle()
    expect([done, clock.held]).toEqual([false, 1])
    await clock.fireNext()
    await flushed
    expect(clock.held).toBe(0)
  })

  it('shutdown sends what there is once, however often it is called, and stops the timers', async () => {
    const { clock, exporter, monitor } = started()
    const listeners = process.listenerCount('beforeExit')
    monitor.record([1])
    const first = monitor.shutdown()
    expect(monitor.shutdown()).toBe(first)
    await first
    await monitor.shutdown()
    await monitor.flush()
    expect([exporter.delivered.length, exporter.shutdowns, clock.due.length]).toEqual([1, 1, 0])
    expect(process.listenerCount('beforeExit')).toBe(listeners - 1)
    monitor.record([1])
    monitor.recordBatch({ age: [1] })
    expect(monitor.statistics()).toMatchObject({ rows: 1, dropped: { shut_down: 2 } })
    await monitor.shutdown()
    expect(exporter.delivered).toHaveLength(1)
  })
})

describe('a producer that is collected although the monitor exports by itself', () => {
  it('is a failure that is told', async () => {
    const errors: string[] = []
    const { monitor } = started({ onError: (error) => void errors.push(error.message) })
    await monitor.metricProducer.collect()
    expect(errors[0]).toContain('export: false')
  })
})
