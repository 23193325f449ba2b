import type { ExponentialHistogramValue, HistogramValue, MetricProducer, ScopeMetrics } from '../src/otel.ts'

/** A point's metric and the attributes that tell series apart, as one text: `ml.feature.value age`. */
export type Series = Map<string, number | HistogramValue | ExponentialHistogramValue>

/** All points of the scope with this segment (undefined: the scope without one), by `name value value ...`. */
export function seriesOf(scopes: readonly ScopeMetrics[], segment?: string): Series {
  const found: Series = new Map()
  for (const { scope, metrics } of scopes) {
    if (scope.attributes['ml.segment'] !== segment) continue
    for (const { descriptor, dataPoints } of metrics) {
      for (const { attributes, value } of dataPoints) {
        const { 'ml.feature.moment.origin': _, ...own } = attributes
        found.set([descriptor.name, ...Object.values(own)].join(' '), value)
      }
    }
  }
  return found
}

export async function collect(producer: MetricProducer, segment?: string): Promise<Series> {
  return seriesOf((await producer.collect()).resourceMetrics.scopeMetrics, segment)
}

export function histogram(series: Series, key: string): HistogramValue {
  const value = series.get(key)
  if (typeof value !== 'object' || !('buckets' in value))
    throw new Error(`there is no explicit histogram '${key}' in: ${[...series.keys()].join(', ')}`)
  return value
}

export function exponential(series: Series, key: string): ExponentialHistogramValue {
  const value = series.get(key)
  if (typeof value !== 'object' || !('scale' in value))
    throw new Error(`there is no exponential histogram '${key}' in: ${[...series.keys()].join(', ')}`)
  return value
}
