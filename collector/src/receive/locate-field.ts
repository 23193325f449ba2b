import { ProtobufReader, wire } from './protobuf-reader.ts'

interface MessageFields {
  readonly [fieldNumber: number]: readonly [name: string, message?: () => MessageFields]
}

/**
 * The path of the innermost known field that holds a byte of an export request, as in
 * `resource_metrics[0].scope_metrics[2].metrics[1].sum.data_points[7]`.
 *
 * Decoding itself keeps no path, which would cost time on every message; it is found again here, once a body has turned
 * out to be broken.
 */
export function locateField(bytes: Uint8Array, offset: number): string {
  const reader = new ProtobufReader(bytes)
  const path: string[] = []
  let fields: MessageFields | undefined = request
  let end = bytes.length
  try {
    while (fields !== undefined && path.length < deepestPath) {
      const found = fieldAt(reader, end, offset, fields)
      if (found === null) break
      path.push(found.text)
      fields = found.fields
      end = found.end
    }
  } catch {
    // The walk ended where decoding did.
  }
  return path.join('.')
}

/** A list in a list in a list is cut off in the text; it is deep enough to be found. */
const deepestPath = 24

function fieldAt(
  reader: ProtobufReader,
  end: number,
  offset: number,
  fields: MessageFields,
): { text: string; fields: MessageFields | undefined; end: number } | null {
  const seen = new Map<string, number>()
  while (reader.position < end) {
    const tag = reader.tag(end)
    const known = fields[tag >>> 3]
    const index = known === undefined ? 0 : (seen.get(known[0]) ?? 0)
    if (known !== undefined) seen.set(known[0], index + 1)
    const text = known === undefined ? `field ${tag >>> 3}` : known[0].replace('[]', `[${index}]`)
    if ((tag & 7) !== wire.lengthDelimited) {
      const broken = stepOver(reader, tag, end)
      if (broken || reader.position > offset) return { text, fields: undefined, end }
      continue
    }
    let fieldEnd: number
    try {
      fieldEnd = reader.fieldEnd(end)
    } catch {
      return { text, fields: undefined, end }
    }
    if (offset < fieldEnd || (offset === fieldEnd && fieldEnd === end))
      return { text, fields: known?.[1]?.(), end: fieldEnd }
    reader.position = fieldEnd
  }
  return null
}

function stepOver(reader: ProtobufReader, tag: number, end: number): boolean {
  try {
    reader.skip(tag, end)
    return false
  } catch {
    return true
  }
}

const anyValue: MessageFields = {
  1: ['string_value'],
  2: ['bool_value'],
  3: ['int_value'],
  4: ['double_value'],
  5: ['array_value', () => ({ 1: ['values[]', () => anyValue] })],
  6: ['kvlist_value', () => ({ 1: ['values[]', () => keyValue] })],
  7: ['bytes_value'],
}
const keyValue: MessageFields = { 1: ['key'], 2: ['value', () => anyValue] }
const buckets: MessageFields = { 1: ['offset'], 2: ['bucket_counts'] }
const numberPoint: MessageFields = {
  2: ['start_time_unix_nano'],
  3: ['time_unix_nano'],
  4: ['as_double'],
  6: ['as_int'],
  7: ['attributes[]', () => keyValue],
  8: ['flags'],
}
const histogramPoint: MessageFields = {
  2: ['start_time_unix_nano'],
  3: ['time_unix_nano'],
  4: ['count'],
  5: ['sum'],
  6: ['bucket_counts'],
  7: ['explicit_bounds'],
  9: ['attributes[]', () => keyValue],
  10: ['flags'],
  11: ['min'],
  12: ['max'],
}
const exponentialPoint: MessageFields = {
  1: ['attributes[]', () => keyValue],
  2: ['start_time_unix_nano'],
  3: ['time_unix_nano'],
  4: ['count'],
  5: ['sum'],
  6: ['scale'],
  7: ['zero_count'],
  8: ['positive', () => buckets],
  9: ['negative', () => buckets],
  10: ['flags'],
  12: ['min'],
  13: ['max'],
  14: ['zero_threshold'],
}
const data = (point: MessageFields): MessageFields => ({
  1: ['data_points[]', () => point],
  2: ['aggregation_temporality'],
  3: ['is_monotonic'],
})
const metric: MessageFields = {
  1: ['name'],
  2: ['description'],
  3: ['unit'],
  5: ['gauge', () => data(numberPoint)],
  7: ['sum', () => data(numberPoint)],
  9: ['histogram', () => data(histogramPoint)],
  10: ['exponential_histogram', () => data(exponentialPoint)],
  11: ['summary', () => ({ 1: ['data_points[]'] })],
}
const scope: MessageFields = { 1: ['name'], 2: ['version'], 3: ['attributes[]', () => keyValue] }
const scopeMetrics: MessageFields = { 1: ['scope', () => scope], 2: ['metrics[]', () => metric], 3: ['schema_url'] }
const resource: MessageFields = { 1: ['attributes[]', () => keyValue] }
const resourceMetrics: MessageFields = {
  1: ['resource', () => resource],
  2: ['scope_metrics[]', () => scopeMetrics],
  3: ['schema_url'],
}
const request: MessageFields = { 1: ['resource_metrics[]', () => resourceMetrics] }
