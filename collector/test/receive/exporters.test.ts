import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { metrics } from '@driftline/instrumentation/contract'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { slot, type Block } from '../../src/observation/block.ts'
import { createReceiver, type Receiver } from '../../src/receive/otlp-route.ts'
import { StoreUnavailableError } from '../../src/store/store.ts'

/** The collector starts a second before the exporters do: within one millisecond nobody could tell which was first. */
const clock = { ...systemClock, now: () => systemClock.now() - 1000 }

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function start(fail = 0): Promise<{ receiver: Receiver; blocks: Block[]; url: string }> {
  const blocks: Block[] = []
  let failures = fail
  const receiver = createReceiver({
    clock,
    sink: async (received) => {
      if (failures-- > 0) throw new StoreUnavailableError('not now')
      blocks.push(...received)
      return { storedSeries: received.length, duplicateSeries: 0 }
    },
  })
  server = createServer(express().use(receiver.router))
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return { receiver, blocks, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics` }
}

/** Blocks' series by metric name and attribute values; counts of all blocks added up. */
function countsOf(blocks: readonly Block[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { shape, values } of blocks) {
    shape.series.forEach((series, i) => {
      const key = [series.metric, ...Object.values(series.attributes)].join(' ')
      counts[key] = (counts[key] ?? 0) + values[shape.offsets[i]! + slot.count]!
    })
  }
  return counts
}

describe.each([
  ['exporter-metrics-otlp-proto', ProtobufExporter],
  ['exporter-metrics-otlp-http', JsonExporter],
])('%s', (_name, Exporter) => {
  it.each([
    ['delta', AggregationTemporality.DELTA],
    ['cumulative', AggregationTemporality.CUMULATIVE],
  ])(
    'sends %s sums, histograms and exponential histograms that are taken whole',
    async (_temporality, temporalityPreference) => {
      const { receiver, blocks, url } = await start()
      const exporter = new Exporter({ url, temporalityPreference: temporalityPreference as never })
      const provider = new MeterProvider({
        readers: [
          new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000, exportTimeoutMillis: 5_000 }),
        ],
        views: [
          { instrumentName: metrics.inferenceRows.name, aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
        ],
      })
      const meter = provider.getMeter('test')
      const identity = { 'ml.model.name': 'employment', 'ml.model.version': '3' }
      const predictions = meter.createCounter(metrics.predictions.name, { unit: metrics.predictions.unit })
      const duration = meter.createHistogram(metrics.inferenceDuration.name, {
        unit: 's',
        advice: { explicitBucketBoundaries: [0.001, 0.01, 0.1] },
      })
      const rows = meter.createHistogram(metrics.inferenceRows.name, { unit: '{row}' })
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i <= round; i++) {
          predictions.add(2, { ...identity, 'ml.prediction.class': 'employed' })
          duration.record(0.02, { ...identity, 'ml.runtime.name': 'onnxruntime' })
          rows.record(16, identity)
        }
        await provider.forceFlush()
      }
      await provider.shutdown()
      expect(receiver.counters.rejected).toEqual(
        Object.fromEntries(Object.keys(receiver.counters.rejected).map((reason) => [reason, 0])),
      )
      expect(Object.keys(receiver.counters.requests)).toEqual(['200'])
      expect(blocks.every((block) => block.scope.model === 'employment' && block.startMicros < block.endMicros)).toBe(
        true,
      )
      expect(countsOf(blocks)).toEqual({
        'ml.predictions employed': 12,
        'ml.inference.duration onnxruntime': 6,
        'ml.inference.rows': 6,
      })
      const layouts = new Set(
        blocks.flatMap((block) =>
          block.shape.series.map((series) => `${series.metric} ${series.layout?.kind ?? 'sum'}`),
        ),
      )
      expect([...layouts].sort()).toEqual([
        'ml.inference.duration explicit',
        'ml.inference.rows log-linear',
        'ml.predictions sum',
      ])
    },
  )

  it('sends again after a 503, and nothing is lost or counted twice', async () => {
    const { receiver, blocks, url } = await start(1)
    const provider = new MeterProvider({
      readers: [
        new PeriodicExportingMetricReader({
          exporter: new Exporter({ url, temporalityPreference: AggregationTemporality.CUMULATIVE as never }),
          exportIntervalMillis: 3_600_000,
          exportTimeoutMillis: 10_000,
        }),
      ],
    })
    provider
      .getMeter('test')
      .createCounter(metrics.predictions.name)
      .add(5, { 'ml.model.name': 'm', 'ml.model.version': '1', 'ml.prediction.class': 'a' })
    await provider.forceFlush()
    expect(receiver.counters.requests).toEqual({ 200: 1, 503: 1 })
    expect(countsOf(blocks)).toEqual({ 'ml.predictions a': 5 })
    await provider.shutdown()
  })

  it('is told of metrics that are not ours, and sends on', async () => {
    const { receiver, blocks, url } = await start()
    const provider = new MeterProvider({
      readers: [
        new PeriodicExportingMetricReader({
          exporter: new Exporter({ url }),
          exportIntervalMillis: 3_600_000,
          exportTimeoutMillis: 5_000,
        }),
      ],
    })
    provider.getMeter('test').createCounter('http.requests').add(1)
    await provider.forceFlush()
    await provider.shutdown()
    expect(receiver.counters.rejected.unknown_metric).toBe(2)
    expect(receiver.counters.requests).toEqual({ 200: 2 })
    expect(blocks).toEqual([])
  })
})
