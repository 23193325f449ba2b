import { OtlpDecodeError } from './decode-error.ts'
import type { DecodeLimits } from './decode-protobuf.ts'
import { GenerationCache } from './generation-cache.ts'
import type {
  AnyValue,
  ExponentialBuckets,
  ExponentialHistogramPoint,
  HistogramPoint,
  KeyValue,
  Metric,
  MetricData,
  MetricsRequest,
  NumberPoint,
  ResourceMetrics,
  ScopeMetrics,
} from './otlp-tree.ts'
import { defaultLimits } from './receive-limits.ts'
import { shown } from './rejections.ts'

/** Text of attribute and bounds lists that are remembered, in UTF-16 units. */
const listCapacity = 8_000_000
/** Above this size a body is looked through before it is parsed. */
const smallBody = 2 ** 20

/**
 * Makes a decoder of ExportMetricsServiceRequest in OTLP's JSON: keys in lowerCamelCase only, enums as integers only, 64-bit integers
 * as number or text, doubles also as "NaN", "Infinity" and "-Infinity", null for absent, unknown keys ignored.
 *
 * @throws OtlpDecodeError (the decoder) for text that is no JSON, and for values of a wrong type, with their path.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function createJsonDecoder(limits: DecodeLimits = defaultLimits): (bytes: Uint8Array) => MetricsRequest {
  const lists: Lists = { attributes: new GenerationCache(listCapacity), bounds: new GenerationCache(listCapacity) }
  return (bytes) => {
    if (bytes.length > smallBody) refuseInflatingText(bytes, limits)
    let value: unknown
    try {
      value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
    } catch (error) {
      throw new OtlpDecodeError(`not JSON: ${error instanceof Error ? error.message : String(error)}`, '')
    }
    try {
      return new JsonDecoder(limits, lists, noPath).request(value)
    } catch (error) {
      if (!(error instanceof OtlpDecodeError)) throw error
      // Writing down where one is takes longer than decoding, so it is done only once something is known to be wrong.
      return new JsonDecoder(limits, lists, join).request(value)
    }
  }
}

/** How a decoder writes down where it is: the path of a member, or of a list's element. */
type PathWriter = (path: string, key: string, index?: number) => string

const noPath: PathWriter = () => ''
const join: PathWriter = (path, key, index) => {
  const name = index === undefined ? key : `${key}[${index}]`
  return path === '' ? name : `${path}.${name}`
}

/**
 * Bounds what parsing would build: `[[],[],…` takes 3 bytes an element as text and about 50 in memory. Counts brackets and
 * commas outside of texts.
 */
function refuseInflatingText(bytes: Uint8Array, limits: DecodeLimits): void {
  let containers = 0
  let commas = 0
  let inText = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (inText) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inText = false
    } else if (byte === 0x22) inText = true
    else if (byte === 0x7b || byte === 0x5b) containers++
    else if (byte === 0x2c) commas++
  }
  // An attribute is two objects; a point has some eight lists and objects besides.
  const allowed = 2 * limits.elements
  if (containers > allowed) throw new OtlpDecodeError(`more than ${allowed} objects and lists in one request`, '')
  if (commas > limits.cells) throw new OtlpDecodeError(`more than ${limits.cells} values in one request`, '')
}

interface Lists {
  readonly attributes: GenerationCache<string, readonly KeyValue[]>
  readonly bounds: GenerationCache<string, readonly number[]>
}

type JsonObject = Readonly<Record<string, unknown>>

const noAttributes: readonly KeyValue[] = []
const noNumbers: readonly number[] = []
const noObject: JsonObject = Object.freeze({})
const int32Limit = 2 ** 31

class JsonDecoder {
  readonly #limits: DecodeLimits
  readonly #lists: Lists
  readonly #at: PathWriter
  #points = 0
  #pointsOverLimit = 0

  constructor(limits: DecodeLimits, lists: Lists, at: PathWriter) {
    this.#limits = limits
    this.#lists = lists
    this.#at = at
  }

  request(value: unknown): MetricsRequest {
    const resources = list(this.#at, objectAt(value, ''), 'resourceMetrics', '', (item, path) =>
      this.#resourceMetrics(item, path),
    )
    return { resources, pointsOverLimit: this.#pointsOverLimit }
  }

  #resourceMetrics(value: unknown, path: string): ResourceMetrics {
    const object = objectAt(value, path)
    const resource = member(object, 'resource', path)
    return {
      attributes: this.#attributes(resource, this.#at(path, 'resource')),
      schemaUrl: textAt(object, 'schemaUrl', path),
      scopes: list(this.#at, object, 'scopeMetrics', path, (item, itemPath) => this.#scopeMetrics(item, itemPath)),
    }
  }

  #scopeMetrics(value: unknown, path: string): ScopeMetrics {
    const object = objectAt(value, path)
    const scope = member(object, 'scope', path)
    return {
      name: textAt(scope, 'name', this.#at(path, 'scope')),
      version: textAt(scope, 'version', this.#at(path, 'scope')),
      attributes: this.#attributes(scope, this.#at(path, 'scope')),
      schemaUrl: textAt(object, 'schemaUrl', path),
      metrics: list(this.#at, object, 'metrics', path, (item, itemPath) => this.#metric(item, itemPath)),
    }
  }

  #metric(value: unknown, path: string): Metric {
    const object = objectAt(value, path)
    return { name: textAt(object, 'name', path), unit: textAt(object, 'unit', path), data: this.#data(object, path) }
  }

  #data(metric: JsonObject, path: string): MetricData | null {
    const kinds = dataKeys.filter((key) => metric[key] !== undefined && metric[key] !== null)
    const kind = kinds[0]
    if (kind === undefined) return null
    if (kinds.length > 1) throw new OtlpDecodeError(`has ${kinds.join(' and ')}, and may have only one of them`, path)
    const dataPath = this.#at(path, kind)
    const data = objectAt(metric[kind], dataPath)
    const points = <P>(decode: (point: JsonObject, path: string) => P) => this.#pointList(data, dataPath, decode)
    switch (kind) {
      case 'gauge':
        return { kind, points: points((point, at) => this.#numberPoint(point, at)) }
      case 'sum':
        return {
          kind,
          temporality: int32At(data, 'aggregationTemporality', dataPath),
          monotonic: booleanAt(data, 'isMonotonic', dataPath),
          points: points((point, at) => this.#numberPoint(point, at)),
        }
      case 'histogram':
        return {
          kind,
          temporality: int32At(data, 'aggregationTemporality', dataPath),
          points: points((point, at) => this.#histogramPoint(point, at)),
        }
      case 'exponentialHistogram':
        return {
          kind: 'exponential',
          temporality: int32At(data, 'aggregationTemporality', dataPath),
          points: points((point, at) => this.#exponentialPoint(point, at)),
        }
      case 'summary':
        return { kind, pointCount: list(this.#at, data, 'dataPoints', dataPath, () => null).length }
    }
  }

  #pointList<P>(data: JsonObject, path: string, decode: (point: JsonObject, path: string) => P): P[] {
    const items = listAt(data, 'dataPoints', path)
    const kept = Math.min(items.length, this.#limits.points - this.#points)
    this.#points += kept
    this.#pointsOverLimit += items.length - kept
    const points: P[] = []
    for (let i = 0; i < kept; i++) {
      const pointPath = this.#at(path, 'dataPoints', i)
      points.push(decode(objectAt(items[i], pointPath), pointPath))
    }
    return points
  }

  #numberPoint(point: JsonObject, path: string): NumberPoint {
    const asInt = point['asInt'] !== undefined && point['asInt'] !== null
    if (asInt && point['asDouble'] !== undefined && point['asDouble'] !== null) {
      throw new OtlpDecodeError('has asInt and asDouble, and may have only one of them', path)
    }
    return {
      ...this.#pointCommon(point, path),
      value: asInt ? Number(integer(point['asInt'], this.#at(path, 'asInt'))) : optionalDouble(point, 'asDouble', path),
    }
  }

  #histogramPoint(point: JsonObject, path: string): HistogramPoint {
    return {
      ...this.#pointCommon(point, path),
      count: countAt(point, 'count', path),
      sum: optionalDouble(point, 'sum', path),
      min: optionalDouble(point, 'min', path),
      max: optionalDouble(point, 'max', path),
      bucketCounts: this.#counts(point, path),
      explicitBounds: this.#bounds(point, path),
    }
  }

  #exponentialPoint(point: JsonObject, path: string): ExponentialHistogramPoint {
    return {
      ...this.#pointCommon(point, path),
      count: countAt(point, 'count', path),
      sum: optionalDouble(point, 'sum', path),
      min: optionalDouble(point, 'min', path),
      max: optionalDouble(point, 'max', path),
      scale: int32At(point, 'scale', path),
      zeroCount: countAt(point, 'zeroCount', path),
      zeroThreshold: optionalDouble(point, 'zeroThreshold', path) ?? 0,
      positive: this.#buckets(point, 'positive', path),
      negative: this.#buckets(point, 'negative', path),
    }
  }

  #buckets(point: JsonObject, key: string, path: string): ExponentialBuckets {
    const buckets = member(point, key, path)
    return {
      offset: int32At(buckets, 'offset', this.#at(path, key)),
      bucketCounts: this.#counts(buckets, this.#at(path, key)),
    }
  }

  #pointCommon(point: JsonObject, path: string) {
    return {
      attributes: this.#attributes(point, path),
      startMicros: microsAt(point, 'startTimeUnixNano', path),
      timeMicros: microsAt(point, 'timeUnixNano', path),
      flags: countAt(point, 'flags', path),
    }
  }

  #counts(object: JsonObject, path: string): readonly number[] {
    const items = listAt(object, 'bucketCounts', path)
    const kept = Math.min(items.length, this.#limits.buckets + 1)
    const counts: number[] = []
    for (let i = 0; i < kept; i++) {
      const item = items[i]
      counts.push(
        typeof item === 'number' && item >= 0 && Number.isInteger(item)
          ? item
          : count(item, this.#at(path, 'bucketCounts', i)),
      )
    }
    return counts
  }

  #bounds(object: JsonObject, path: string): readonly number[] {
    const items = listAt(object, 'explicitBounds', path)
    if (items.length === 0) return noNumbers
    const kept = Math.min(items.length, this.#limits.buckets + 1)
    const bounds: number[] = []
    for (let i = 0; i < kept; i++) bounds.push(double(items[i], this.#at(path, 'explicitBounds', i)))
    // Writing 20 numbers as text costs more than comparing them, so only three are the key.
    const key = `${kept},${bounds[0]},${bounds[kept >> 1]},${bounds[kept - 1]}`
    const known = this.#lists.bounds.get(key)
    if (known !== undefined && known.length === kept && known.every((bound, i) => Object.is(bound, bounds[i])))
      return known
    this.#lists.bounds.set(key, bounds, 8 * kept + key.length)
    return bounds
  }

  #attributes(object: JsonObject, path: string): readonly KeyValue[] {
    const items = listAt(object, 'attributes', path)
    if (items.length === 0) return noAttributes
    const attributes: KeyValue[] = []
    let key = ''
    for (let i = 0; i < items.length; i++) {
      const attribute = this.#keyValue(items[i], this.#at(path, 'attributes', i), 0)
      attributes.push(attribute)
      const { value } = attribute
      // Lists and objects are not remembered: nothing of Driftline's has them.
      key +=
        value !== null && typeof value === 'object'
          ? '\u0000'
          : `${attribute.key.length}:${attribute.key}${typeof value}${String(value).length}:${String(value)}`
    }
    if (key.includes('\u0000')) return attributes
    const known = this.#lists.attributes.get(key)
    if (known !== undefined) return known
    this.#lists.attributes.set(key, attributes, 2 * key.length + 100)
    return attributes
  }

  #keyValue(value: unknown, path: string, depth: number): KeyValue {
    const object = objectAt(value, path)
    return { key: textAt(object, 'key', path), value: this.#anyValue(object['value'], this.#at(path, 'value'), depth) }
  }

  #anyValue(value: unknown, path: string, depth: number): AnyValue {
    if (value === undefined || value === null) return null
    const object = objectAt(value, path)
    const keys = valueKeys.filter((name) => object[name] !== undefined && object[name] !== null)
    const key = keys[0]
    if (key === undefined) return null
    if (keys.length > 1) throw new OtlpDecodeError(`has ${keys.join(' and ')}, and may have only one of them`, path)
    const content = object[key]
    const at = this.#at(path, key)
    switch (key) {
      case 'stringValue':
        return textAt(object, key, path)
      case 'boolValue':
        return booleanAt(object, key, path)
      case 'intValue':
        return integer(content, at)
      case 'doubleValue':
        return double(content, at)
      case 'bytesValue':
        return new Uint8Array(Buffer.from(textAt(object, key, path), 'base64'))
      case 'arrayValue':
        return list(this.#at, objectAt(content, at), 'values', at, (item, itemPath) =>
          this.#anyValue(item, itemPath, this.#deeper(depth, at)),
        )
      case 'kvlistValue':
        return {
          entries: list(this.#at, objectAt(content, at), 'values', at, (item, itemPath) =>
            this.#keyValue(item, itemPath, this.#deeper(depth, at)),
          ),
        }
    }
  }

  #deeper(depth: number, path: string): number {
    if (depth >= this.#limits.valueDepth)
      throw new OtlpDecodeError(`values nested more than ${this.#limits.valueDepth} deep`, path)
    return depth + 1
  }
}

const dataKeys = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const
const valueKeys = [
  'stringValue',
  'boolValue',
  'intValue',
  'doubleValue',
  'arrayValue',
  'kvlistValue',
  'bytesValue',
] as const

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectAt(value: unknown, path: string): JsonObject {
  if (!isObject(value)) throw wrongType(value, 'an object', path)
  return value
}

/** A member that is an object; an empty one when it is absent. */
function member(object: JsonObject, key: string, path: string): JsonObject {
  const value = object[key]
  if (value === undefined || value === null) return noObject
  return isObject(value) ? value : objectAt(value, join(path, key))
}

function listAt(object: JsonObject, key: string, path: string): readonly unknown[] {
  const value = object[key]
  if (value === undefined || value === null) return noNumbers
  if (!Array.isArray(value)) throw wrongType(value, 'a list', join(path, key))
  return value as unknown[]
}

function list<T>(
  at: PathWriter,
  object: JsonObject,
  key: string,
  path: string,
  decode: (item: unknown, path: string) => T,
): T[] {
  return listAt(object, key, path).map((item, i) => decode(item, at(path, key, i)))
}

function textAt(object: JsonObject, key: string, path: string): string {
  const value = object[key]
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw wrongType(value, 'a text', join(path, key))
  return value
}

function booleanAt(object: JsonObject, key: string, path: string): boolean {
  const value = object[key]
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw wrongType(value, 'true or false', join(path, key))
  return value
}

/** A 32-bit integer, also an enum's: names are not allowed in OTLP's JSON. */
function int32At(object: JsonObject, key: string, path: string): number {
  const value = object[key]
  if (value === undefined || value === null) return 0
  const number = Number(integer(value, join(path, key)))
  if (number < -int32Limit || number >= int32Limit) throw wrongType(value, 'an integer of 32 bits', join(path, key))
  return number
}

/** A 64-bit integer as a number or decimal text; exact as a double, else a bigint for text. */
function integer(value: unknown, path: string): number | bigint {
  if (typeof value === 'number' && Number.isInteger(value)) return value
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : BigInt(value)
  }
  throw wrongType(value, 'an integer', path)
}

function count(value: unknown, path: string): number {
  const number = Number(integer(value, path))
  if (number < 0) throw wrongType(value, 'an integer from 0', path)
  return number
}

function countAt(object: JsonObject, key: string, path: string): number {
  const value = object[key]
  return value === undefined || value === null ? 0 : count(value, join(path, key))
}

/** Nanoseconds as whole microseconds, rounded down. As text they are exact, as a number within a quarter of a microsecond. */
function microsAt(object: JsonObject, key: string, path: string): number {
  const value = object[key]
  if (value === undefined || value === null) return 0
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return Number(value.slice(0, -3))
  return Math.floor(count(value, join(path, key)) / 1000)
}

function double(value: unknown, path: string): number {
  if (typeof value === 'number') return value
  if (value === 'NaN') return Number.NaN
  if (value === 'Infinity') return Number.POSITIVE_INFINITY
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY
  if (typeof value === 'string' && /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value)) return Number(value)
  throw wrongType(value, 'a number', path)
}

function optionalDouble(object: JsonObject, key: string, path: string): number | undefined {
  const value = object[key]
  return value === undefined || value === null ? undefined : double(value, join(path, key))
}

function wrongType(value: unknown, expected: string, path: string): OtlpDecodeError {
  return new OtlpDecodeError(`must be ${expected}, and is ${described(value)}`, path)
}

/** A value as an error names it. Lists and objects are not written out: they may be deep or long. */
function described(value: unknown): string {
  if (value === undefined) return 'absent'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'string' ? shown(value) : JSON.stringify(value)
}
