import { ByteTable } from './byte-table.ts'
import { OtlpDecodeError } from './decode-error.ts'
import { locateField } from './locate-field.ts'
import type {
  AnyValue,
  ExponentialBuckets,
  ExponentialHistogramPoint,
  HistogramPoint,
  KeyValue,
  KeyValueList,
  Metric,
  MetricData,
  MetricsRequest,
  NumberPoint,
  ResourceMetrics,
  ScopeMetrics,
} from './otlp-tree.ts'
import { ProtobufReader } from './protobuf-reader.ts'
import { defaultLimits, type ReceiveLimits } from './receive-limits.ts'

export type DecodeLimits = Pick<ReceiveLimits, 'points' | 'elements' | 'cells' | 'valueDepth' | 'buckets'>

/**
 * Makes a decoder of ExportMetricsServiceRequest. Written by hand for the one message, with tables of the texts, attributes
 * and bounds that every export repeats; a decoder is therefore kept, not made per request.
 *
 * As protobuf asks: unknown fields are skipped, the last of a repeated scalar wins, repeated messages in a singular field are merged,
 * packed and unpacked numbers are both read. Text that is not UTF-8 is read with replacement characters.
 *
 * @throws OtlpDecodeError (the decoder) for anything that is not such a message: truncated, a wrong wire type, a number or length
 * that does not fit, groups, values nested too deeply, more elements than the limits allow.
 */
export function createProtobufDecoder(limits: DecodeLimits = defaultLimits): (bytes: Uint8Array) => MetricsRequest {
  const tables: Tables = {
    texts: new ByteTable(4096, 256),
    attributes: new ByteTable(16_384, 1024),
    bounds: new ByteTable(4096, 2048),
  }
  return (bytes) => {
    const decoder = new Decoder(bytes, limits, tables)
    try {
      return decoder.request()
    } catch (error) {
      if (!(error instanceof OtlpDecodeError) || error.offset === undefined) throw error
      throw new OtlpDecodeError(error.problem, locateField(bytes, error.offset), error.offset)
    }
  }
}

interface Tables {
  readonly texts: ByteTable<string>
  /** Runs of attributes as they stand on the wire, tags between them included. */
  readonly attributes: ByteTable<readonly KeyValue[]>
  readonly bounds: ByteTable<readonly number[]>
}

/**
 * The fields of each message, as bits. A field listed here that arrives with another wire type than its schema's is an
 * error; any other field is skipped.
 */
const schemaFields = {
  request: fieldBits(1),
  resourceMetrics: fieldBits(1, 2, 3),
  resource: fieldBits(1, 2, 3),
  scopeMetrics: fieldBits(1, 2, 3),
  scope: fieldBits(1, 2, 3, 4),
  metric: fieldBits(1, 2, 3, 5, 7, 9, 10, 11, 12),
  gauge: fieldBits(1),
  sum: fieldBits(1, 2, 3),
  histogram: fieldBits(1, 2),
  summary: fieldBits(1),
  numberPoint: fieldBits(2, 3, 4, 5, 6, 7, 8),
  histogramPoint: fieldBits(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
  exponentialPoint: fieldBits(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14),
  buckets: fieldBits(1, 2),
  keyValue: fieldBits(1, 2, 3),
  anyValue: fieldBits(1, 2, 3, 4, 5, 6, 7, 8),
  list: fieldBits(1),
}

function fieldBits(...fields: number[]): number {
  return fields.reduce((bits, field) => bits | (1 << field), 0)
}

/** A tree under construction: what the interfaces of the tree show as readonly. */
type Building<T> = { -readonly [K in keyof T]: T[K] }

const noAttributes: readonly KeyValue[] = []
const noNumbers: readonly number[] = []
const noBuckets: ExponentialBuckets = { offset: 0, bucketCounts: noNumbers }

class Decoder {
  readonly #reader: ProtobufReader
  readonly #text: Buffer
  readonly #limits: DecodeLimits
  readonly #tables: Tables
  #points = 0
  #pointsOverLimit = 0
  #elements = 0
  #cells = 0

  constructor(bytes: Uint8Array, limits: DecodeLimits, tables: Tables) {
    this.#reader = new ProtobufReader(bytes)
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#limits = limits
    this.#tables = tables
  }

  request(): MetricsRequest {
    const reader = this.#reader
    const end = reader.bytes.length
    const resources: ResourceMetrics[] = []
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) resources.push(this.#resourceMetrics(reader.fieldEnd(end)))
      else this.#skip(tag, end, schemaFields.request)
    }
    return { resources, pointsOverLimit: this.#pointsOverLimit }
  }

  #resourceMetrics(end: number): ResourceMetrics {
    this.#countElement()
    const reader = this.#reader
    const scopes: ScopeMetrics[] = []
    const result: Building<ResourceMetrics> = { attributes: noAttributes, schemaUrl: '', scopes }
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) this.#resource(reader.fieldEnd(end), result)
      else if (tag === 18) scopes.push(this.#scopeMetrics(reader.fieldEnd(end)))
      else if (tag === 26) result.schemaUrl = this.#string(end)
      else this.#skip(tag, end, schemaFields.resourceMetrics)
    }
    return result
  }

  #resource(end: number, result: Building<ResourceMetrics>): void {
    const reader = this.#reader
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) result.attributes = this.#attributes(10, end, result.attributes)
      // dropped_attributes_count, entity_refs
      else if (tag === 16 || tag === 26) reader.skip(tag, end)
      else this.#skip(tag, end, schemaFields.resource)
    }
  }

  #scopeMetrics(end: number): ScopeMetrics {
    this.#countElement()
    const reader = this.#reader
    const metrics: Metric[] = []
    const result: Building<ScopeMetrics> = { name: '', version: '', attributes: noAttributes, schemaUrl: '', metrics }
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) this.#scope(reader.fieldEnd(end), result)
      else if (tag === 18) metrics.push(this.#metric(reader.fieldEnd(end)))
      else if (tag === 26) result.schemaUrl = this.#string(end)
      else this.#skip(tag, end, schemaFields.scopeMetrics)
    }
    return result
  }

  #scope(end: number, result: Building<ScopeMetrics>): void {
    const reader = this.#reader
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) result.name = this.#string(end)
      else if (tag === 18) result.version = this.#string(end)
      else if (tag === 26) result.attributes = this.#attributes(26, end, result.attributes)
      // dropped_attributes_count
      else if (tag === 32) reader.skip(tag, end)
      else this.#skip(tag, end, schemaFields.scope)
    }
  }

  #metric(end: number): Metric {
    this.#countElement()
    const reader = this.#reader
    const result: Building<Metric> = { name: '', unit: '', data: null }
    while (reader.position < end) {
      const tag = reader.tag(end)
      switch (tag) {
        case 10:
          result.name = this.#string(end)
          break
        case 26:
          result.unit = this.#string(end)
          break
        case 42:
          result.data = this.#gauge(reader.fieldEnd(end), result.data)
          break
        case 58:
          result.data = this.#sum(reader.fieldEnd(end), result.data)
          break
        case 74:
          result.data = this.#histogram(reader.fieldEnd(end), result.data)
          break
        case 82:
          result.data = this.#exponentialHistogram(reader.fieldEnd(end), result.data)
          break
        case 90:
          result.data = this.#summary(reader.fieldEnd(end), result.data)
          break
        case 18:
        case 98:
          // description, metadata
          reader.skip(tag, end)
          break
        default:
          this.#skip(tag, end, schemaFields.metric)
      }
    }
    return result
  }

  #gauge(end: number, before: MetricData | null): MetricData {
    const reader = this.#reader
    const points = before?.kind === 'gauge' ? pointsOf(before) : []
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) this.#addPoint(reader.fieldEnd(end), points, this.#numberPoint)
      else this.#skip(tag, end, schemaFields.gauge)
    }
    return { kind: 'gauge', points }
  }

  #sum(end: number, before: MetricData | null): MetricData {
    const reader = this.#reader
    const points = before?.kind === 'sum' ? pointsOf(before) : []
    let temporality = before?.kind === 'sum' ? before.temporality : 0
    let monotonic = before?.kind === 'sum' && before.monotonic
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) this.#addPoint(reader.fieldEnd(end), points, this.#numberPoint)
      else if (tag === 16) temporality = reader.varint32(end) | 0
      else if (tag === 24) monotonic = reader.bool(end)
      else this.#skip(tag, end, schemaFields.sum)
    }
    return { kind: 'sum', temporality, monotonic, points }
  }

  #histogram(end: number, before: MetricData | null): MetricData {
    const reader = this.#reader
    const points = before?.kind === 'histogram' ? pointsOf(before) : []
    let temporality = before?.kind === 'histogram' ? before.temporality : 0
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) this.#addPoint(reader.fieldEnd(end), points, this.#histogramPoint)
      else if (tag === 16) temporality = reader.varint32(end) | 0
      else this.#skip(tag, end, schemaFields.histogram)
    }
    return { kind: 'histogram', temporality, points }
  }

  #exponentialHistogram(end: number, before: MetricData | null): MetricData {
    const reader = this.#reader
    const points = before?.kind === 'exponential' ? pointsOf(before) : []
    let temporality = before?.kind === 'exponential' ? before.temporality : 0
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) this.#addPoint(reader.fieldEnd(end), points, this.#exponentialPoint)
      else if (tag === 16) temporality = reader.varint32(end) | 0
      else this.#skip(tag, end, schemaFields.histogram)
    }
    return { kind: 'exponential', temporality, points }
  }

  #summary(end: number, before: MetricData | null): MetricData {
    const reader = this.#reader
    let pointCount = before?.kind === 'summary' ? before.pointCount : 0
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) {
        reader.position = reader.fieldEnd(end)
        pointCount++
      } else this.#skip(tag, end, schemaFields.summary)
    }
    return { kind: 'summary', pointCount }
  }

  #addPoint<P>(end: number, points: P[], decode: (end: number) => P): void {
    if (this.#points >= this.#limits.points) {
      this.#pointsOverLimit++
      this.#reader.position = end
      return
    }
    this.#points++
    points.push(decode.call(this, end))
  }

  #numberPoint(end: number): NumberPoint {
    const reader = this.#reader
    let attributes = noAttributes
    let startMicros = 0
    let timeMicros = 0
    let flags = 0
    let value: number | undefined
    while (reader.position < end) {
      const tag = reader.tag(end)
      switch (tag) {
        case 17:
          startMicros = reader.micros(end)
          break
        case 25:
          timeMicros = reader.micros(end)
          break
        case 33:
          value = reader.double(end)
          break
        case 49:
          value = reader.sfixed64(end)
          break
        case 58:
          attributes = this.#attributes(58, end, attributes)
          break
        case 64:
          flags = reader.varint32(end)
          break
        case 42:
          // exemplars
          reader.skip(tag, end)
          break
        default:
          this.#skip(tag, end, schemaFields.numberPoint)
      }
    }
    return { attributes, startMicros, timeMicros, flags, value }
  }

  #histogramPoint(end: number): HistogramPoint {
    const reader = this.#reader
    let attributes = noAttributes
    let startMicros = 0
    let timeMicros = 0
    let flags = 0
    let count = 0
    let sum: number | undefined
    let min: number | undefined
    let max: number | undefined
    let bucketCounts = noNumbers
    let explicitBounds = noNumbers
    while (reader.position < end) {
      const tag = reader.tag(end)
      switch (tag) {
        case 17:
          startMicros = reader.micros(end)
          break
        case 25:
          timeMicros = reader.micros(end)
          break
        case 33:
          count = reader.fixed64(end)
          break
        case 41:
          sum = reader.double(end)
          break
        case 50:
          bucketCounts = this.#packedFixed64(reader.fieldEnd(end), bucketCounts)
          break
        case 49:
          bucketCounts = this.#append(bucketCounts, reader.fixed64(end))
          break
        case 58:
          explicitBounds = this.#packedDoubles(reader.fieldEnd(end), explicitBounds)
          break
        case 57:
          explicitBounds = this.#append(explicitBounds, reader.double(end))
          break
        case 74:
          attributes = this.#attributes(74, end, attributes)
          break
        case 80:
          flags = reader.varint32(end)
          break
        case 89:
          min = reader.double(end)
          break
        case 97:
          max = reader.double(end)
          break
        case 66:
          // exemplars
          reader.skip(tag, end)
          break
        default:
          this.#skip(tag, end, schemaFields.histogramPoint)
      }
    }
    return { attributes, startMicros, timeMicros, flags, count, sum, min, max, bucketCounts, explicitBounds }
  }

  #exponentialPoint(end: number): ExponentialHistogramPoint {
    const reader = this.#reader
    const point: Building<ExponentialHistogramPoint> = {
      attributes: noAttributes,
      startMicros: 0,
      timeMicros: 0,
      flags: 0,
      count: 0,
      sum: undefined,
      min: undefined,
      max: undefined,
      scale: 0,
      zeroCount: 0,
      zeroThreshold: 0,
      positive: noBuckets,
      negative: noBuckets,
    }
    while (reader.position < end) {
      const tag = reader.tag(end)
      switch (tag) {
        case 10:
          point.attributes = this.#attributes(10, end, point.attributes)
          break
        case 17:
          point.startMicros = reader.micros(end)
          break
        case 25:
          point.timeMicros = reader.micros(end)
          break
        case 33:
          point.count = reader.fixed64(end)
          break
        case 41:
          point.sum = reader.double(end)
          break
        case 48:
          point.scale = reader.sint32(end)
          break
        case 57:
          point.zeroCount = reader.fixed64(end)
          break
        case 66:
          point.positive = this.#buckets(reader.fieldEnd(end), point.positive)
          break
        case 74:
          point.negative = this.#buckets(reader.fieldEnd(end), point.negative)
          break
        case 80:
          point.flags = reader.varint32(end)
          break
        case 97:
          point.min = reader.double(end)
          break
        case 105:
          point.max = reader.double(end)
          break
        case 113:
          point.zeroThreshold = reader.double(end)
          break
        case 90:
          // exemplars
          reader.skip(tag, end)
          break
        default:
          this.#skip(tag, end, schemaFields.exponentialPoint)
      }
    }
    return point
  }

  #buckets(end: number, before: ExponentialBuckets): ExponentialBuckets {
    const reader = this.#reader
    let { offset } = before
    let bucketCounts = before.bucketCounts
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 8) offset = reader.sint32(end)
      else if (tag === 18) bucketCounts = this.#packedVarints(reader.fieldEnd(end), bucketCounts)
      else if (tag === 16) bucketCounts = this.#append(bucketCounts, reader.varint64(end))
      else this.#skip(tag, end, schemaFields.buckets)
    }
    return { offset, bucketCounts }
  }

  #packedFixed64(end: number, before: readonly number[]): readonly number[] {
    const reader = this.#reader
    const start = reader.position
    const length = this.#packedLength(start, end)
    reader.position = end
    if (before.length > 0) return this.#appendAll(before, length, (index) => fixed64At(reader.view, start + 8 * index))
    const kept = Math.min(length, this.#limits.buckets + 1)
    this.#countCells(kept)
    const { view } = reader
    // Made at its full length: growing by push copies it twice on the way to 21 counts.
    const numbers = new Array<number>(kept)
    for (let i = 0, at = start; i < kept; i++, at += 8) {
      const high = view.getUint32(at + 4, true)
      const low = view.getUint32(at, true)
      numbers[i] = high === 0 ? low : high * 4294967296 + low
    }
    return numbers
  }

  #packedDoubles(end: number, before: readonly number[]): readonly number[] {
    const reader = this.#reader
    const start = reader.position
    const length = this.#packedLength(start, end)
    reader.position = end
    const { view } = reader
    if (before.length > 0) return this.#appendAll(before, length, (index) => view.getFloat64(start + 8 * index, true))
    if (length === 0) return noNumbers
    const known = this.#tables.bounds.find(view, start, end)
    if (known !== undefined) return known
    const kept = Math.min(length, this.#limits.buckets + 1)
    this.#countCells(kept)
    const numbers: number[] = []
    for (let i = 0, at = start; i < kept; i++, at += 8) numbers.push(view.getFloat64(at, true))
    return this.#tables.bounds.keep(view, start, end, numbers)
  }

  #packedVarints(end: number, before: readonly number[]): readonly number[] {
    const reader = this.#reader
    const limit = this.#limits.buckets + 1
    const numbers = this.#own(before)
    while (reader.position < end) {
      const number = reader.varint64(end)
      if (numbers.length < limit) {
        this.#countCells(1)
        numbers.push(number)
      }
    }
    return numbers
  }

  #packedLength(start: number, end: number): number {
    const length = end - start
    if (length % 8 !== 0) throw this.#reader.error(`${length} bytes of packed 8-byte numbers`, start)
    return length / 8
  }

  #appendAll(before: readonly number[], length: number, at: (index: number) => number): readonly number[] {
    const kept = Math.min(length, this.#limits.buckets + 1 - before.length)
    this.#countCells(kept)
    const numbers = this.#own(before)
    for (let i = 0; i < kept; i++) numbers.push(at(i))
    return numbers
  }

  #append(before: readonly number[], number: number): readonly number[] {
    if (before.length > this.#limits.buckets) return before
    this.#countCells(1)
    const numbers = this.#own(before)
    numbers.push(number)
    return numbers
  }

  /**
   * A list that may be added to: the given one if this decoder already made it for this purpose, else a copy. Without
   * this, a message that spreads a list over many fields would cost the square of its length.
   */
  #own<T>(list: readonly T[]): T[] {
    if (this.#owned.has(list)) return list as T[]
    const copy = list.slice()
    this.#owned.add(copy)
    return copy
  }

  readonly #owned = new Set<readonly unknown[]>()

  /** Reads the run of attributes that starts after a tag, and adds it to those before. */
  #attributes(tag: number, end: number, before: readonly KeyValue[]): readonly KeyValue[] {
    const reader = this.#reader
    const { bytes } = reader
    const start = reader.position
    reader.position = reader.fieldEnd(end)
    while (reader.position < end && bytes[reader.position] === tag) {
      reader.position++
      reader.position = reader.fieldEnd(end)
    }
    const runEnd = reader.position
    const table = this.#tables.attributes
    let attributes = table.find(reader.view, start, runEnd)
    if (attributes === undefined) {
      attributes = this.#attributeRun(start, runEnd)
      table.keep(reader.view, start, runEnd, attributes)
      reader.position = runEnd
    }
    if (before.length === 0) return attributes
    const all = this.#own(before)
    for (const attribute of attributes) {
      this.#countElement()
      all.push(attribute)
    }
    return all
  }

  #attributeRun(start: number, end: number): readonly KeyValue[] {
    const reader = this.#reader
    const attributes: KeyValue[] = []
    reader.position = start
    for (;;) {
      attributes.push(this.#keyValue(reader.fieldEnd(end), 0))
      if (reader.position >= end) return attributes
      reader.position++
    }
  }

  #keyValue(end: number, depth: number): KeyValue {
    this.#countElement()
    const reader = this.#reader
    let key = ''
    let value: AnyValue = null
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) key = this.#string(end)
      else if (tag === 18) value = this.#anyValue(reader.fieldEnd(end), depth, value)
      // key_strindex, which only profiles use
      else if (tag === 24) reader.skip(tag, end)
      else this.#skip(tag, end, schemaFields.keyValue)
    }
    return { key, value }
  }

  #anyValue(end: number, depth: number, before: AnyValue): AnyValue {
    this.#countElement()
    const reader = this.#reader
    let value = before
    while (reader.position < end) {
      const tag = reader.tag(end)
      switch (tag) {
        case 10:
          value = this.#string(end)
          break
        case 16:
          value = reader.bool(end)
          break
        case 24:
          value = reader.signedVarint64(end)
          break
        case 33:
          value = reader.double(end)
          break
        case 42: {
          value = this.#arrayValue(
            reader.fieldEnd(end),
            this.#deeper(depth),
            Array.isArray(value) ? (value as AnyValue[]) : [],
          )
          break
        }
        case 50: {
          const entries = isKeyValueList(value) ? (value.entries as KeyValue[]) : []
          value = { entries: this.#keyValueList(reader.fieldEnd(end), this.#deeper(depth), entries) }
          break
        }
        case 58: {
          const valueEnd = reader.fieldEnd(end)
          // A copy: a Buffer's own slice would keep the whole body in memory.
          value = new Uint8Array(reader.bytes.subarray(reader.position, valueEnd))
          reader.position = valueEnd
          break
        }
        case 64:
          // string_value_strindex, an index into a table that only profiles have
          reader.skip(tag, end)
          value = null
          break
        default:
          this.#skip(tag, end, schemaFields.anyValue)
      }
    }
    return value
  }

  #arrayValue(end: number, depth: number, values: AnyValue[]): AnyValue[] {
    const reader = this.#reader
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) values.push(this.#anyValue(reader.fieldEnd(end), depth, null))
      else this.#skip(tag, end, schemaFields.list)
    }
    return values
  }

  #keyValueList(end: number, depth: number, entries: KeyValue[]): KeyValue[] {
    const reader = this.#reader
    while (reader.position < end) {
      const tag = reader.tag(end)
      if (tag === 10) entries.push(this.#keyValue(reader.fieldEnd(end), depth))
      else this.#skip(tag, end, schemaFields.list)
    }
    return entries
  }

  #deeper(depth: number): number {
    if (depth >= this.#limits.valueDepth)
      throw this.#reader.error(`values nested more than ${this.#limits.valueDepth} deep`)
    return depth + 1
  }

  #string(end: number): string {
    const reader = this.#reader
    const stringEnd = reader.fieldEnd(end)
    const start = reader.position
    reader.position = stringEnd
    if (start === stringEnd) return ''
    const known = this.#tables.texts.find(reader.view, start, stringEnd)
    if (known !== undefined) return known
    return this.#tables.texts.keep(reader.view, start, stringEnd, this.#text.toString('utf8', start, stringEnd))
  }

  #skip(tag: number, end: number, fields: number): void {
    const field = tag >>> 3
    if (field < 32 && ((fields >>> field) & 1) === 1) {
      throw this.#reader.error(`field ${field} with wire type ${tag & 7}`, this.#reader.position - 1)
    }
    this.#reader.skip(tag, end)
  }

  #countElement(): void {
    if (++this.#elements > this.#limits.elements) {
      throw this.#reader.error(
        `more than ${this.#limits.elements} resources, scopes, metrics and attributes in one request`,
      )
    }
  }

  #countCells(count: number): void {
    this.#cells += count
    if (this.#cells > this.#limits.cells)
      throw this.#reader.error(`more than ${this.#limits.cells} bucket counts and bounds in one request`)
  }
}

function fixed64At(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true)
}

/** The points of data that this decoder is still building, to add to. */
function pointsOf<P>(data: { readonly points: readonly P[] }): P[] {
  return data.points as P[]
}

function isKeyValueList(value: AnyValue): value is KeyValueList {
  return (
    value !== null &&
    typeof value === 'object' &&
    'entries' in value &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  )
}
