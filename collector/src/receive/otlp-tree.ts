/**
 * A metrics export request as plain values, the same from protobuf and from JSON.
 *
 * Lists of attributes and bounds that are equal are usually the same array, because both decoders keep a bounded table
 * of those they have met. Whoever reads the tree may therefore remember what it learnt about a list, and must not change
 * one.
 *
 * @see opentelemetry-proto 1.11, collector/metrics/v1/metrics_service.proto and metrics/v1/metrics.proto.
 */
export interface MetricsRequest {
  readonly resources: readonly ResourceMetrics[]
  /** Points that were counted and left out, because the request holds more than the decoder's limit. */
  readonly pointsOverLimit: number
}

export interface ResourceMetrics {
  readonly attributes: readonly KeyValue[]
  readonly schemaUrl: string
  readonly scopes: readonly ScopeMetrics[]
}

export interface ScopeMetrics {
  readonly name: string
  readonly version: string
  readonly attributes: readonly KeyValue[]
  readonly schemaUrl: string
  readonly metrics: readonly Metric[]
}

export interface Metric {
  readonly name: string
  readonly unit: string
  /** Null when the metric came without data. */
  readonly data: MetricData | null
}

export type MetricData = GaugeData | SumData | HistogramData | ExponentialHistogramData | SummaryData

export interface GaugeData {
  readonly kind: 'gauge'
  readonly points: readonly NumberPoint[]
}

export interface SumData {
  readonly kind: 'sum'
  readonly temporality: number
  readonly monotonic: boolean
  readonly points: readonly NumberPoint[]
}

export interface HistogramData {
  readonly kind: 'histogram'
  readonly temporality: number
  readonly points: readonly HistogramPoint[]
}

export interface ExponentialHistogramData {
  readonly kind: 'exponential'
  readonly temporality: number
  readonly points: readonly ExponentialHistogramPoint[]
}

/** Recognised, so that its points can be counted as rejected. */
export interface SummaryData {
  readonly kind: 'summary'
  readonly pointCount: number
}

/** `AggregationTemporality` on the wire; 0 is unspecified. */
export const temporality = { delta: 1, cumulative: 2 } as const

interface PointCommon {
  readonly attributes: readonly KeyValue[]
  /** Microseconds since the Unix epoch, rounded down; 0 when unknown. */
  readonly startMicros: number
  readonly timeMicros: number
  /** Bit 0: no recorded value. */
  readonly flags: number
}

export const noRecordedValueFlag = 1

export interface NumberPoint extends PointCommon {
  /** Integers beyond 2^53 are rounded to the nearest double. */
  readonly value: number | undefined
}

export interface HistogramPoint extends PointCommon {
  /** Counts beyond 2^53 are rounded to the nearest double. */
  readonly count: number
  readonly sum: number | undefined
  readonly min: number | undefined
  readonly max: number | undefined
  /** At most one element more than the decoder's limit: enough to see that there are too many. */
  readonly bucketCounts: readonly number[]
  readonly explicitBounds: readonly number[]
}

export interface ExponentialHistogramPoint extends PointCommon {
  readonly count: number
  readonly sum: number | undefined
  readonly min: number | undefined
  readonly max: number | undefined
  readonly scale: number
  readonly zeroCount: number
  readonly zeroThreshold: number
  readonly positive: ExponentialBuckets
  readonly negative: ExponentialBuckets
}

export interface ExponentialBuckets {
  readonly offset: number
  readonly bucketCounts: readonly number[]
}

export interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

/** Integers that a double can not hold exactly are bigints. Null is an empty value. */
export type AnyValue = string | number | bigint | boolean | null | Uint8Array | readonly AnyValue[] | KeyValueList

export interface KeyValueList {
  readonly entries: readonly KeyValue[]
}
