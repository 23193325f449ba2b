/** A protobuf message without its schema: for each field number the values in order. */
export type Fields = Map<number, (bigint | Buffer)[]>

/** Reads the wire format: whole numbers and 64-bit values as bigint, everything with a length as bytes. */
export function readFields(bytes: Buffer): Fields {
  const fields: Fields = new Map()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    let value: bigint | Buffer
    if ((tag & 7) === 0) value = varint()
    else if ((tag & 7) === 1) {
      value = bytes.readBigUInt64LE(at)
      at += 8
    } else if ((tag & 7) === 2) {
      const length = Number(varint())
      value = bytes.subarray(at, at + length)
      at += length
    } else throw new Error(`wire type ${tag & 7} at ${at}`)
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

/** The messages under a path of field numbers. */
export function messages(bytes: Buffer, ...path: number[]): Buffer[] {
  return path.reduce<Buffer[]>(
    (found, field) => found.flatMap((message) => (readFields(message).get(field) ?? []) as Buffer[]),
    [bytes],
  )
}

export interface ReceivedHistogram {
  readonly count: number
  readonly counts: number[]
  readonly bounds: number[]
  readonly hasSum: boolean
}

/** What the tests look at in an ExportMetricsServiceRequest: texts of scope attributes, metric names, explicit histograms by feature. */
export function readMetricsRequest(body: Buffer): {
  scopeAttributes: Record<string, string>
  names: string[]
  histograms: Record<string, ReceivedHistogram>
  metrics: Buffer[]
} {
  const scopes = messages(body, 1, 2)
  const own = scopes.filter((scope) =>
    messages(scope, 1, 1).some((name) => name.toString() === '@driftline/instrumentation'),
  )
  const metrics = own.flatMap((scope) => messages(scope, 2))
  const histograms: Record<string, ReceivedHistogram> = {}
  for (const metric of metrics) {
    if (messages(metric, 1)[0]!.toString() !== 'ml.feature.value') continue
    for (const point of messages(metric, 9, 1)) {
      const fields = readFields(point)
      const numbers = (field: number) => (fields.get(field)?.[0] as Buffer | undefined) ?? Buffer.alloc(0)
      const packed = numbers(6)
      const bounds = numbers(7)
      histograms[texts(messages(point, 9))['ml.feature.name']!] = {
        count: Number(fields.get(4)![0]),
        counts: Array.from({ length: packed.length / 8 }, (_, i) => Number(packed.readBigUInt64LE(i * 8))),
        bounds: Array.from({ length: bounds.length / 8 }, (_, i) => bounds.readDoubleLE(i * 8)),
        hasSum: fields.has(5),
      }
    }
  }
  return {
    scopeAttributes: texts(own.flatMap((scope) => messages(scope, 1, 3))),
    names: metrics.map((metric) => messages(metric, 1)[0]!.toString()),
    histograms,
    metrics,
  }
}

/** Attributes whose value is a text. */
function texts(attributes: readonly Buffer[]): Record<string, string> {
  return Object.fromEntries(
    attributes.map((attribute) => [
      messages(attribute, 1)[0]!.toString(),
      messages(attribute, 2, 1)[0]?.toString() ?? '',
    ]),
  )
}
