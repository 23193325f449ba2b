import { createRequire } from 'node:module'
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMonitor, type Monitor } from '../src/index.ts'
import { CaptureServer } from './capture-server.ts'
import { messages, readMetricsRequest } from './protobuf-fields.ts'
import { smallBaseline } from './small-baseline.ts'

/** SDK 2.8.0 with its exporter, installed beside 3.x for this test; see test/sdk2. */
const sdk2Require = createRequire(new URL('../../test/sdk2/package.json', import.meta.url))

let server: CaptureServer
let monitor: Monitor
beforeEach(async () => {
  server = await CaptureServer.start()
  monitor = createMonitor({ baseline: smallBaseline(), export: false })
  monitor.record({ age: 15, sector: 'private', member: true }, { score: 0.7 })
  monitor.recordBatch({ age: [-1, 10, 21] })
  monitor.recordDuration(0.001, { runtime: 'onnxruntime' })
})
afterEach(async () => {
  await monitor.shutdown()
  await server.stop()
})

const expectedNames = [
  'ml.feature.value',
  'ml.feature.moment',
  'ml.feature.observations',
  'ml.feature.invalid_values',
  'ml.predictions',
  'ml.prediction.score',
  'ml.prediction.confidence',
  'ml.prediction.moment',
  'ml.inference.duration',
]

function expectOurMetrics(body: Buffer): void {
  const received = readMetricsRequest(body)
  expect(received.scopeAttributes).toMatchObject({ 'ml.model.name': 'small', 'ml.model.version': '1' })
  expect(received.names.toSorted()).toEqual(expectedNames.toSorted())
  // -1 and 10 are bounds, and lie in the cells below them.
  expect(received.histograms).toEqual({ age: { count: 4, counts: [1, 1, 1, 1], bounds: [-1, 10, 20], hasSum: false } })
  const [moment] = received.metrics.filter((metric) => messages(metric, 1)[0]!.toString() === 'ml.feature.moment')
  expect(messages(moment!, 7, 1)).toHaveLength(2)
}

/** The two lines have the same classes; only what is used here is typed. */
interface Sdk {
  MeterProvider: new (options: { readers: object[] }) => { forceFlush(): Promise<void>; shutdown(): Promise<void> }
  PeriodicExportingMetricReader: new (options: { exporter: object; metricProducers: object[] }) => object
}

describe.each([
  [
    '3.x',
    '0.301.',
    (): Sdk & { OTLPMetricExporter: new (options: { url: string }) => object } =>
      ({ MeterProvider, PeriodicExportingMetricReader, OTLPMetricExporter }) as never,
  ],
  [
    '2.x',
    '0.219.',
    () => ({
      ...(sdk2Require('@opentelemetry/sdk-metrics') as Sdk),
      ...(sdk2Require('@opentelemetry/exporter-metrics-otlp-proto') as {
        OTLPMetricExporter: new (options: { url: string }) => object
      }),
    }),
  ],
])("a user's own reader of SDK %s", (_, exporterVersion, load) => {
  it('sends what the producer collects', async () => {
    const sdk = load()
    const exporter = new sdk.OTLPMetricExporter({ url: `${server.url}/v1/metrics` })
    const provider = new sdk.MeterProvider({
      readers: [new sdk.PeriodicExportingMetricReader({ exporter, metricProducers: [monitor.metricProducer] })],
    })
    await provider.forceFlush()
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]!.headers['user-agent']).toContain(`OTel-OTLP-Exporter-JavaScript/${exporterVersion}`)
    expectOurMetrics(server.requests[0]!.body)
    // Delta: what was sent is not sent again.
    await provider.forceFlush()
    expect(server.requests).toHaveLength(1)
    monitor.record({ age: 5 })
    await provider.shutdown()
    expect(readMetricsRequest(server.requests[1]!.body).histograms.age!.counts).toEqual([0, 1, 0, 0])
  })
})

describe('SDK 3.x', () => {
  it('takes the producer by type, in its readers and in NodeSDK, and sends it with its own resource', async () => {
    const reader = new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter({ url: `${server.url}/v1/metrics` }),
      metricProducers: [monitor.metricProducer],
    })
    const sdk = new NodeSDK({
      metricReaders: [reader],
      serviceName: 'host',
      spanProcessors: [],
      logRecordProcessors: [],
    })
    sdk.start()
    await sdk.shutdown()
    expectOurMetrics(server.requests[0]!.body)
    expect(server.requests[0]!.body.includes('host')).toBe(true)
  })

  it('writes the same as JSON', async () => {
    const reader = new PeriodicExportingMetricReader({
      exporter: new JsonExporter({ url: `${server.url}/v1/metrics` }),
      metricProducers: [monitor.metricProducer],
    })
    const provider = new MeterProvider({ readers: [reader] })
    await provider.shutdown()
    const { resourceMetrics } = JSON.parse(server.requests[0]!.body.toString()) as {
      resourceMetrics: { scopeMetrics: { scope: object; schemaUrl: string; metrics: object[] }[] }[]
    }
    const [scope] = resourceMetrics[0]!.scopeMetrics
    expect(scope!.schemaUrl).toBe('https://driftline.dev/schemas/ml/1')
    expect(scope!.metrics).toHaveLength(expectedNames.length)
    expect(scope!.metrics[0]).toMatchObject({
      name: 'ml.feature.value',
      histogram: {
        aggregationTemporality: 1,
        dataPoints: [{ bucketCounts: [1, 1, 1, 1], explicitBounds: [-1, 10, 20], count: 4 }],
      },
    })
  })

  it('has exporters that a monitor takes as its own', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA)
    const own = createMonitor({ baseline: smallBaseline(), exporter })
    own.record({ age: 1 })
    await own.flush()
    expect(exporter.getMetrics()).toHaveLength(1)
    await own.shutdown()
  })
})
