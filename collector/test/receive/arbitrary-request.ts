import fc from 'fast-check'
import type { Init } from './oracle.ts'

/** Arbitrary well-formed export requests, as protobuf-es takes them. Numbers and texts go to the edges of their types. */
const text = fc.oneof(
  fc.constantFrom('', 'ml.feature.name', 'ml.feature.value', 'gold', '_OTHER'),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const fixed64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 300n }),
  fc.bigInt({ min: 2n ** 53n - 2n, max: 2n ** 53n + 2n }),
)
const int64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -3n, max: 300n }))
const int32 = fc.oneof(fc.integer(), fc.integer({ min: -20, max: 20 }))
/** NaN has many encodings, and -0 is written or not: neither says anything about reading. */
const double = fc.double({ noNaN: true }).map((value) => (value === 0 ? 0 : value))
/** Up to the year 2255, as far as microseconds are exact. */
const nanos = fc.bigInt({ min: 0n, max: 9_007_199_254_740_991_999n })

const { anyValue } = fc.letrec<{ anyValue: Init; keyValue: Init }>((tie) => ({
  keyValue: fc.record({ key: text, value: tie('anyValue') }, { requiredKeys: ['key'] }),
  anyValue: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constant({}),
    text.map((value) => ({ value: { case: 'stringValue', value } })),
    fc.boolean().map((value) => ({ value: { case: 'boolValue', value } })),
    int64.map((value) => ({ value: { case: 'intValue', value } })),
    double.map((value) => ({ value: { case: 'doubleValue', value } })),
    fc.uint8Array({ maxLength: 8 }).map((value) => ({ value: { case: 'bytesValue', value } })),
    fc.array(tie('anyValue'), { maxLength: 3 }).map((values) => ({ value: { case: 'arrayValue', value: { values } } })),
    fc
      .array(tie('keyValue'), { maxLength: 3 })
      .map((values) => ({ value: { case: 'kvlistValue', value: { values } } })),
  ),
}))
const attributes = fc.array(fc.record({ key: text, value: anyValue }, { requiredKeys: ['key'] }), { maxLength: 3 })

const common = { startTimeUnixNano: nanos, timeUnixNano: nanos, attributes, flags: fc.nat() }
const summary = { count: fixed64, sum: double, min: double, max: double }
const optional = { requiredKeys: [] }
const numberPoint = fc.record(
  {
    ...common,
    value: fc.oneof(
      double.map((value) => ({ case: 'asDouble', value })),
      int64.map((value) => ({ case: 'asInt', value })),
    ),
  },
  optional,
)
const histogramPoint = fc.record(
  {
    ...common,
    ...summary,
    bucketCounts: fc.array(fixed64, { maxLength: 6 }),
    explicitBounds: fc.array(double, { maxLength: 6 }),
  },
  optional,
)
const buckets = fc.record({ offset: int32, bucketCounts: fc.array(fixed64, { maxLength: 6 }) }, optional)
const exponentialPoint = fc.record(
  {
    ...common,
    ...summary,
    scale: int32,
    zeroCount: fixed64,
    zeroThreshold: double,
    positive: buckets,
    negative: buckets,
  },
  optional,
)
const temporality = fc.constantFrom(0, 1, 2)
const points = <P>(point: fc.Arbitrary<P>) => fc.array(point, { maxLength: 3 })
const data = fc.oneof(
  fc.record({ dataPoints: points(numberPoint) }).map((value) => ({ case: 'gauge', value })),
  fc
    .record({ dataPoints: points(numberPoint), aggregationTemporality: temporality, isMonotonic: fc.boolean() })
    .map((value) => ({ case: 'sum', value })),
  fc
    .record({ dataPoints: points(histogramPoint), aggregationTemporality: temporality })
    .map((value) => ({ case: 'histogram', value })),
  fc
    .record({ dataPoints: points(exponentialPoint), aggregationTemporality: temporality })
    .map((value) => ({ case: 'exponentialHistogram', value })),
  fc.record({ dataPoints: points(fc.record({ count: fixed64 })) }).map((value) => ({ case: 'summary', value })),
)
const metric = fc.record({ name: text, description: text, unit: text, data }, optional)
const scopeMetrics = fc.record(
  {
    scope: fc.record({ name: text, version: text, attributes }, optional),
    metrics: fc.array(metric, { maxLength: 3 }),
    schemaUrl: text,
  },
  optional,
)
const resourceMetrics = fc.record(
  { resource: fc.record({ attributes }), scopeMetrics: fc.array(scopeMetrics, { maxLength: 2 }), schemaUrl: text },
  optional,
)

export const arbitraryRequest: fc.Arbitrary<Init> = fc.record({
  resourceMetrics: fc.array(resourceMetrics, { maxLength: 2 }),
})

/** The request in OTLP's JSON. 64-bit integers are texts, or numbers when `numbers` says so and a double holds them. */
export function toOtlpJson(value: unknown, numbers = false): unknown {
  if (typeof value === 'bigint') return numbers && Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map((item) => toOtlpJson(item, numbers))
  if (typeof value !== 'object' || value === null) return value
  const result: Record<string, unknown> = {}
  for (const [key, content] of Object.entries(value)) {
    const oneof = content as { case?: unknown; value?: unknown } | null
    // A oneof of protobuf-es is { case, value }; JSON has the case as the key.
    if (typeof oneof === 'object' && typeof oneof?.case === 'string')
      result[oneof.case] = toOtlpJson(oneof.value, numbers)
    else result[key] = toOtlpJson(content, numbers)
  }
  return result
}
