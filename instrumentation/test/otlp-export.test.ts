import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMonitor, type Monitor, type MonitorOptions } from '../src/index.ts'
import { digestJson, type Json } from '../src/contract/index.ts'
import { CaptureServer } from './capture-server.ts'
import { readMetricsRequest } from './protobuf-fields.ts'
import { smallBaseline } from './small-baseline.ts'

let server: CaptureServer
let monitor: Monitor | undefined
beforeEach(async () => {
  server = await CaptureServer.start()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  server.status = 200
  await monitor?.shutdown()
  monitor = undefined
  await server.stop()
})

function start(options: Partial<MonitorOptions> = {}): Monitor {
  // One export in an hour: all that arrives was flushed.
  monitor = createMonitor({
    baseline: smallBaseline(),
    endpoint: server.url,
    exportIntervalMillis: 3_600_000,
    onError: () => {},
    ...options,
  })
  return monitor
}

const bounds = [-1, 10, 20]

describe('over HTTP', () => {
  it('protobuf arrives with bounds, counts, and the model on the scope', async () => {
    start().record({ age: 15, sector: 'private', member: true }, { score: 0.7 })
    await monitor!.flush()
    const { path, headers, body } = server.requests[0]!
    expect([path, headers['content-type']]).toEqual(['/v1/metrics', 'application/x-protobuf'])
    const received = readMetricsRequest(body)
    expect(received.scopeAttributes).toEqual({
      'ml.model.name': 'small',
      'ml.model.version': '1',
      'ml.baseline.digest': digestJson(smallBaseline() as unknown as Json),
    })
    expect(received.histograms).toEqual({ age: { count: 1, counts: [0, 0, 1, 0], bounds, hasSum: true } })
  })

  it('JSON arrives with arrays, not objects, and the headers that were given', async () => {
    start({
      protocol: 'http/json',
      endpoint: `${server.url}/otlp/`,
      headers: { 'x-token': 'abc' },
      serviceName: 'svc',
    }).record({ age: 15 })
    await monitor!.flush()
    const { path, headers, body } = server.requests[0]!
    expect([path, headers['content-type'], headers['x-token']]).toEqual(['/otlp/v1/metrics', 'application/json', 'abc'])
    const { resourceMetrics } = JSON.parse(body.toString()) as {
      resourceMetrics: {
        resource: { attributes: unknown[] }
        scopeMetrics: {
          metrics: { name: string; histogram?: { aggregationTemporality: number; dataPoints: object[] } }[]
        }[]
      }[]
    }
    const value = resourceMetrics[0]!.scopeMetrics[0]!.metrics.find(({ name }) => name === 'ml.feature.value')!
    expect(value.histogram!.aggregationTemporality).toBe(1)
    expect(value.histogram!.dataPoints[0]).toMatchObject({ bucketCounts: [0, 0, 1, 0], explicitBounds: bounds })
    expect(resourceMetrics[0]!.resource.attributes).toContainEqual({
      key: 'service.name',
      value: { stringValue: 'svc' },
    })
  })

  it('endpoint, protocol and compression come from the environment', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', server.url)
    vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json')
    vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', 'gzip')
    start({ endpoint: undefined }).record({ age: 15 })
    await monitor!.flush()
    expect(server.requests[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    })
  })

  it('an interval that met a 503 is sent again as it was, not by the exporter but at the next export', async () => {
    server.status = 503
    start().record({ age: 1 })
    await monitor!.flush()
    expect(server.requests).toHaveLength(1)
    server.status = 200
    monitor!.record({ age: 2 })
    await monitor!.flush()
    expect(server.requests).toHaveLength(3)
    expect(server.requests[1]!.body).toEqual(server.requests[0]!.body)
    expect(monitor!.statistics().exports).toEqual({ exported: 2, failed: 1, pending: 0 })
  })

  it('a receiver that asks to wait is left alone until then, but not at shutdown', async () => {
    server.status = 429
    server.responseHeaders = { 'retry-after': '30' }
    start().record({ age: 1 })
    await monitor!.flush()
    await monitor!.flush()
    expect(server.requests).toHaveLength(1)
    server.status = 200
    await monitor!.shutdown()
    expect(server.requests).toHaveLength(2)
    expect(monitor!.statistics().exports.pending).toBe(0)
  })

  it('an interval that met a 401 was not sent again once the token was right', async () => {
    server.status = 401
    const errors: Error[] = []
    start({ onError: (error) => errors.push(error) }).record({ age: 1 })
    await monitor!.flush()
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('OTEL_EXPORTER_OTLP_HEADERS')])
    server.status = 200
    await monitor!.flush()
    expect(server.requests[1]!.body).toEqual(server.requests[0]!.body)
    expect(monitor!.statistics()).toMatchObject({ exports: { exported: 1, failed: 1, pending: 0 }, dropped: {} })
  })

  it('an interval that met a 400 is not sent again', async () => {
    server.status = 400
    start().record({ age: 1 })
    await monitor!.flush()
    expect(monitor!.statistics()).toMatchObject({ exports: { pending: 0 }, dropped: { export_rejected: 1 } })
  })

  it('a partial success is a success', async () => {
    server.responseHeaders = { 'content-type': 'application/json' }
    server.responseBody = JSON.stringify({ partialSuccess: { rejectedDataPoints: 3, errorMessage: 'not these' } })
    start({ protocol: 'http/json' }).record({ age: 1 })
    await monitor!.flush()
    await monitor!.flush()
    expect(server.requests).toHaveLength(1)
    expect(monitor!.statistics().exports).toEqual({ exported: 1, failed: 0, pending: 0 })
  })

  it('an interval is kept while nobody listens, without retries of the exporter', async () => {
    const { url } = server
    await server.stop()
    start({ endpoint: url }).record({ age: 1 })
    const before = performance.now()
    await monitor!.flush()
    expect(performance.now() - before).toBeLessThan(900)
    expect(monitor!.statistics().exports).toEqual({ exported: 0, failed: 1, pending: 1 })
    expect(monitor!.statistics().failures.last).toContain('ECONNREFUSED')
  })
})
