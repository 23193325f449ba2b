import { readFileSync } from 'node:fs'
import { create, createFileRegistry, fromBinary, toBinary, type DescMessage, type Message } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'

/** @bufbuild/protobuf with the official descriptors: what the hand-written decoder is compared with. */
const descriptors = fromBinary(
  FileDescriptorSetSchema,
  Buffer.from(
    readFileSync(new URL('../../../test/fixtures/otlp/metrics.fds.base64', import.meta.url), 'latin1'),
    'base64',
  ),
)
const registry = createFileRegistry(descriptors)

function messageOf(name: string): DescMessage {
  const message = registry.getMessage(`opentelemetry.proto.${name}`)
  if (message === undefined) throw new Error(`no message ${name} in the descriptors`)
  return message
}

export const requestSchema = messageOf('collector.metrics.v1.ExportMetricsServiceRequest')
export const responseSchema = messageOf('collector.metrics.v1.ExportMetricsServiceResponse')

/** Messages as protobuf-es takes them: plain objects with camelCase names; nested messages need no `$typeName`. */
export type Init = Record<string, unknown>

/** The bytes of an ExportMetricsServiceRequest. */
export function encodeRequest(init: Init): Uint8Array {
  return toBinary(requestSchema, create(requestSchema, init as never))
}

/** The message that bytes hold, as protobuf-es sees it. */
export function decodeRequest(bytes: Uint8Array): Message & Record<string, unknown> {
  return fromBinary(requestSchema, bytes) as Message & Record<string, unknown>
}

export function decodeResponse(bytes: Uint8Array): {
  partialSuccess?: { rejectedDataPoints: bigint; errorMessage: string }
} {
  return fromBinary(responseSchema, bytes) as never
}

export function text(key: string, value: string): Init {
  return { key, value: { value: { case: 'stringValue', value } } }
}

export function int(key: string, value: bigint): Init {
  return { key, value: { value: { case: 'intValue', value } } }
}

/** The oracle's message in the form of the receiver's tree, field by field. */
export function treeOf(message: Record<string, unknown>): unknown {
  return { resources: all(message['resourceMetrics']).map(resourceTree), pointsOverLimit: 0 }
}

function resourceTree(message: Init): unknown {
  const resource = message['resource'] as Init | undefined
  return {
    attributes: all(resource?.['attributes']).map(keyValueTree),
    schemaUrl: message['schemaUrl'],
    scopes: all(message['scopeMetrics']).map(scopeTree),
  }
}

function scopeTree(message: Init): unknown {
  const scope = message['scope'] as Init | undefined
  return {
    name: scope?.['name'] ?? '',
    version: scope?.['version'] ?? '',
    attributes: all(scope?.['attributes']).map(keyValueTree),
    schemaUrl: message['schemaUrl'],
    metrics: all(message['metrics']).map((metric) => ({
      name: metric['name'],
      unit: metric['unit'],
      data: dataTree(metric['data'] as { case?: string; value?: Init }),
    })),
  }
}

function dataTree(data: { case?: string; value?: Init }): unknown {
  const { value } = data
  if (value === undefined) return null
  const points = all(value['dataPoints'])
  const temporality = value['aggregationTemporality']
  switch (data.case) {
    case 'gauge':
      return { kind: 'gauge', points: points.map(numberTree) }
    case 'sum':
      return { kind: 'sum', temporality, monotonic: value['isMonotonic'], points: points.map(numberTree) }
    case 'histogram':
      return { kind: 'histogram', temporality, points: points.map(histogramTree) }
    case 'exponentialHistogram':
      return { kind: 'exponential', temporality, points: points.map(exponentialTree) }
    case 'summary':
    case undefined:
    default:
      return { kind: 'summary', pointCount: points.length }
  }
}

function commonTree(point: Init) {
  return {
    attributes: all(point['attributes']).map(keyValueTree),
    startMicros: microsOf(point['startTimeUnixNano'] as bigint),
    timeMicros: microsOf(point['timeUnixNano'] as bigint),
    flags: point['flags'],
  }
}

/** Beyond the year 2255 microseconds are no safe integers; there it only matters that both sides round alike. */
function microsOf(nanos: bigint): number {
  const micros = nanos / 1000n
  if (micros <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(micros)
  const [high, low] = [Number(nanos >> 32n), Number(nanos & 0xffffffffn)]
  return high * 4294967 + Math.floor((high * 296 + low) / 1000)
}

function numberTree(point: Init): unknown {
  const { value } = point['value'] as { value?: number | bigint }
  return { ...commonTree(point), value: value === undefined ? undefined : Number(value) }
}

function summaryTree(point: Init) {
  return {
    ...commonTree(point),
    count: Number(point['count']),
    sum: point['sum'],
    min: point['min'],
    max: point['max'],
  }
}

function histogramTree(point: Init): unknown {
  return {
    ...summaryTree(point),
    bucketCounts: numbers(point['bucketCounts']),
    explicitBounds: numbers(point['explicitBounds']),
  }
}

function exponentialTree(point: Init): unknown {
  const side = (buckets: Init | undefined) => ({
    offset: buckets?.['offset'] ?? 0,
    bucketCounts: numbers(buckets?.['bucketCounts']),
  })
  return {
    ...summaryTree(point),
    scale: point['scale'],
    zeroCount: Number(point['zeroCount']),
    zeroThreshold: point['zeroThreshold'],
    positive: side(point['positive'] as Init | undefined),
    negative: side(point['negative'] as Init | undefined),
  }
}

function keyValueTree(keyValue: Init): unknown {
  return { key: keyValue['key'], value: valueTree(keyValue['value'] as Init | undefined) }
}

function valueTree(any: Init | undefined): unknown {
  const content = any?.['value'] as { case?: string; value?: unknown } | undefined
  switch (content?.case) {
    case 'stringValue':
    case 'boolValue':
    case 'doubleValue':
      return content.value
    case 'bytesValue':
      return new Uint8Array(content.value as Uint8Array)
    case 'intValue': {
      const value = content.value as bigint
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    }
    case 'arrayValue':
      return all((content.value as Init)['values']).map(valueTree)
    case 'kvlistValue':
      return { entries: all((content.value as Init)['values']).map(keyValueTree) }
    case undefined:
    default:
      return null
  }
}

function all(list: unknown): Init[] {
  return (list ?? []) as Init[]
}

function numbers(list: unknown): number[] {
  return ((list ?? []) as (number | bigint)[]).map(Number)
}
