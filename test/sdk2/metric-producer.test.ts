import { createMonitor, type MetricProducer } from '@driftline/instrumentation'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, it } from 'vitest'

it('a reader of SDK 2.x takes the producer by type and puts its own resource on what it collects', async () => {
  const monitor = createMonitor({
    model: { name: 'm', version: '1' },
    features: [{ name: 'age', kind: 'numeric' }],
    export: false,
  })
  const producer: MetricProducer = monitor.metricProducer
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA)
  const provider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter, metricProducers: [producer] })],
  })
  monitor.record({ age: 41 })
  await provider.forceFlush()
  const [exported] = exporter.getMetrics()
  expect(exported!.resource.attributes['service.name']).toBeDefined()
  expect(exported!.scopeMetrics[0]!.metrics.map(({ descriptor }) => descriptor.name)).toEqual([
    'ml.feature.value',
    'ml.feature.moment',
  ])
  await provider.shutdown()
})
