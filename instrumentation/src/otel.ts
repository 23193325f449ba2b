/**
 * The shapes of the OpenTelemetry SDK that the recorder hands out and calls, written down here so that the recorder has no
 * import of the SDK, not even of its types: lines 2.x and 3.x exclude each other, and both accept these.
 */

/** Seconds and nanoseconds since the Unix epoch. */
export type HrTime = [number, number]

export type AttributeValue = string | number | boolean
export type Attributes = Record<string, AttributeValue>

/** Something that a metric reader collects from, beside the SDK's own instruments. */
export interface MetricProducer {
  /** Never rejects: one rejection would lose the whole export of the reader. Troubles are in `errors`. */
  collect(options?: { timeoutMillis?: number }): Promise<CollectionResult>
}

export interface CollectionResult {
  resourceMetrics: ResourceMetrics
  errors: unknown[]
}

export interface ResourceMetrics {
  /** Readers put their own resource in its place. Its class differs between the lines of the SDK, so it has no type here. */
  // oxlint-disable-next-line typescript/no-explicit-any
  resource: any
  scopeMetrics: ScopeMetrics[]
}

export interface ScopeMetrics {
  scope: Scope
  metrics: MetricData[]
}

/** `attributes` is not in the SDK's type, though its exporters write them (from 0.219.0 on). */
export interface Scope {
  name: string
  version: string
  schemaUrl: string
  attributes: Attributes
}

/** The numbers of the SDK's enums, which are the same in 2.x and 3.x. */
export const valueType = { int: 0, double: 1 } as const
export const dataPointType = { histogram: 0, exponentialHistogram: 1, sum: 3 } as const
export const deltaTemporality = 0

export interface MetricDescriptor {
  name: string
  description: string
  unit: string
  valueType: 0 | 1
}

export type MetricData = SumData | HistogramData | ExponentialHistogramData

export interface SumData {
  descriptor: MetricDescriptor
  aggregationTemporality: typeof deltaTemporality
  dataPointType: typeof dataPointType.sum
  isMonotonic: boolean
  dataPoints: DataPoint<number>[]
}

export interface HistogramData {
  descriptor: MetricDescriptor
  aggregationTemporality: typeof deltaTemporality
  dataPointType: typeof dataPointType.histogram
  dataPoints: DataPoint<HistogramValue>[]
}

export interface ExponentialHistogramData {
  descriptor: MetricDescriptor
  aggregationTemporality: typeof deltaTemporality
  dataPointType: typeof dataPointType.exponentialHistogram
  dataPoints: DataPoint<ExponentialHistogramValue>[]
}

export interface DataPoint<Value> {
  startTime: HrTime
  endTime: HrTime
  attributes: Attributes
  value: Value
}

/** Bounds and counts are plain arrays: the JSON exporter writes typed arrays as objects. */
export interface HistogramValue {
  buckets: { boundaries: number[]; counts: number[] }
  count: number
  sum?: number
  min?: number
  max?: number
}

export interface ExponentialHistogramValue {
  count: number
  sum?: number
  min?: number
  max?: number
  scale: number
  zeroCount: number
  positive: { offset: number; bucketCounts: number[] }
  negative: { offset: number; bucketCounts: number[] }
}

/** What an exporter of the SDK does with metrics; both OTLP exporters and the in-memory one are of this shape. */
export interface MetricExporter {
  // oxlint-disable-next-line typescript/no-explicit-any
  export(metrics: any, resultCallback: (result: ExportResult) => void): void
  shutdown(): Promise<void>
}

export interface ExportResult {
  /** 0 is success. */
  code: number
  error?: Error
}
