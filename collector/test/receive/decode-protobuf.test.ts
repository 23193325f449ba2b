import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OtlpDecodeError } from '../../src/receive/decode-error.ts'
import { createProtobufDecoder } from '../../src/receive/decode-protobuf.ts'
import { defaultLimits } from '../../src/receive/receive-limits.ts'
import type { HistogramData, SumData } from '../../src/receive/otlp-tree.ts'
import { arbitraryRequest } from './arbitrary-request.ts'
import { decodeRequest, encodeRequest, int, text, treeOf, type Init } from './oracle.ts'

/** Cases of the fuzz tests together. */
const fuzzCases = Number(process.env['FUZZ_CASES'] ?? 20_000)

const nanos = 1_790_000_000_123_456_789n

function histogramRequest(point: Init = {}): Uint8Array {
  return requestOf({
    case: 'histogram',
    value: {
      aggregationTemporality: 1,
      dataPoints: [
        {
          startTimeUnixNano: nanos,
          timeUnixNano: nanos + 10_000_000_000n,
          count: 6n,
          sum: 1.5,
          bucketCounts: [1n, 2n, 3n],
          explicitBounds: [0, 1.5],
          attributes: [text('ml.feature.name', 'age')],
          ...point,
        },
      ],
    },
  })
}

function requestOf(data: Init): Uint8Array {
  return encodeRequest({
    resourceMetrics: [
      {
        resource: { attributes: [text('service.name', 's')] },
        scopeMetrics: [{ metrics: [{ name: 'ml.feature.value', unit: '1', data }] }],
      },
    ],
  })
}

/** Wraps the bytes of a message into field 1 of an outer one, `depth` times. */
function wrap(bytes: Uint8Array, ...fields: number[]): Uint8Array {
  let result = bytes
  for (const field of fields.toReversed())
    result = Buffer.concat([Buffer.from([(field << 3) | 2]), varint(result.length), result])
  return result
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}

function errorOf(run: () => unknown): OtlpDecodeError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(OtlpDecodeError)
    return error as OtlpDecodeError
  }
  throw new Error('nothing was thrown')
}

describe('createProtobufDecoder', () => {
  it('reads a histogram point, with times in microseconds and absent fields as undefined', () => {
    const { resources } = createProtobufDecoder()(histogramRequest())
    const metric = resources[0]!.scopes[0]!.metrics[0]!
    expect(metric.name).toBe('ml.feature.value')
    expect((metric.data as HistogramData).points).toEqual([
      {
        attributes: [{ key: 'ml.feature.name', value: 'age' }],
        startMicros: 1_790_000_000_123_456,
        timeMicros: 1_790_000_010_123_456,
        flags: 0,
        count: 6,
        sum: 1.5,
        min: undefined,
        max: undefined,
        bucketCounts: [1, 2, 3],
        explicitBounds: [0, 1.5],
      },
    ])
  })

  it('reads an empty request', () => {
    expect(createProtobufDecoder()(new Uint8Array(0))).toEqual({ resources: [], pointsOverLimit: 0 })
  })

  it('turns nanoseconds into whole microseconds exactly', () => {
    const decode = createProtobufDecoder()
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 9_007_199_254_740_991_999n }), (time) => {
        const { data } = decode(histogramRequest({ timeUnixNano: time })).resources[0]!.scopes[0]!.metrics[0]!
        expect((data as HistogramData).points[0]!.timeMicros).toBe(Number(time / 1000n))
      }),
      { numRuns: 500 },
    )
  })

  it('hands out one array for equal attributes and equal bounds, over requests', () => {
    const decode = createProtobufDecoder()
    const points = [histogramRequest(), histogramRequest({ count: 0n, bucketCounts: [0n, 0n, 0n] })].map(
      (bytes) => (decode(bytes).resources[0]!.scopes[0]!.metrics[0]!.data as HistogramData).points[0]!,
    )
    expect(points[0]!.attributes).toBe(points[1]!.attributes)
    expect(points[0]!.explicitBounds).toBe(points[1]!.explicitBounds)
    expect(points[0]!.bucketCounts).not.toBe(points[1]!.bucketCounts)
  })

  it('reads an unsafe integer as a bigint', () => {
    const bytes = requestOf({
      case: 'sum',
      value: { dataPoints: [{ attributes: [int('id', 2n ** 62n + 1n), int('n', -5n)] }] },
    })
    const { points } = createProtobufDecoder()(bytes).resources[0]!.scopes[0]!.metrics[0]!.data as SumData
    expect(points[0]!.attributes).toEqual([
      { key: 'id', value: 2n ** 62n + 1n },
      { key: 'n', value: -5 },
    ])
  })

  it('reads what protobuf-es reads, message for message', () => {
    const decode = createProtobufDecoder()
    fc.assert(
      fc.property(arbitraryRequest, (init) => {
        const bytes = encodeRequest(init)
        expect(decode(bytes)).toEqual(treeOf(decodeRequest(bytes)))
      }),
      { numRuns: Math.ceil(fuzzCases / 20) },
    )
  })

  it('reads repeated fields as protobuf-es does: scalars overwrite, messages merge, lists go on', () => {
    const decode = createProtobufDecoder()
    fc.assert(
      fc.property(arbitraryRequest, arbitraryRequest, (first, second) => {
        // Two messages put one after the other are one message; the same inside of fields 1.1, 1.2 and 1.2.2.
        const joined = Buffer.concat([encodeRequest(first), encodeRequest(second)])
        expect(decode(joined)).toEqual(treeOf(decodeRequest(joined)))
        const [a, b] = [first, second].map((init) => fieldsOf(encodeRequest(init), [1, 2, 2]))
        const merged = wrap(Buffer.concat([...a!, ...b!]), 1, 2, 2)
        expect(decode(merged)).toEqual(treeOf(decodeRequest(merged)))
        const resources = wrap(Buffer.concat([first, second].flatMap((init) => fieldsOf(encodeRequest(init), [1]))), 1)
        expect(decode(resources)).toEqual(treeOf(decodeRequest(resources)))
      }),
      { numRuns: Math.ceil(fuzzCases / 40) },
    )
  })

  it('reads packed and unpacked numbers, mixed', () => {
    const count = (value: number) => Buffer.from([0x31, value, 0, 0, 0, 0, 0, 0, 0])
    const packed = Buffer.concat([Buffer.from([0x32, 16]), count(7).subarray(1), count(8).subarray(1)])
    const bytes = wrap(Buffer.concat([count(1), count(2), packed, count(9)]), 1, 2, 2, 9, 1)
    const { points } = createProtobufDecoder()(bytes).resources[0]!.scopes[0]!.metrics[0]!.data as HistogramData
    expect(points[0]!.bucketCounts).toEqual([1, 2, 7, 8, 9])
    expect(createProtobufDecoder()(bytes)).toEqual(treeOf(decodeRequest(bytes)))
  })

  it('takes time in proportion to the length when a list is spread over many fields', () => {
    const attribute = Buffer.concat([Buffer.from([0x4a, 3, 0x0a, 1, 0x61]), Buffer.from([0x50, 0])])
    const run = Buffer.alloc(attribute.length * 300_000)
    for (let at = 0; at < run.length; at += attribute.length) attribute.copy(run, at)
    const started = performance.now()
    const { points } = createProtobufDecoder()(wrap(run, 1, 2, 2, 9, 1)).resources[0]!.scopes[0]!.metrics[0]!
      .data as HistogramData
    expect(points[0]!.attributes).toHaveLength(300_000)
    expect(performance.now() - started).toBeLessThan(2000)
  })

  it('keeps what fits of too many bucket counts, so that the point can be refused by itself', () => {
    const bytes = histogramRequest({ bucketCounts: Array.from({ length: 50 }, () => 1n) })
    const { points } = createProtobufDecoder({ ...defaultLimits, buckets: 10 })(bytes).resources[0]!.scopes[0]!
      .metrics[0]!.data as HistogramData
    expect(points[0]!.bucketCounts).toHaveLength(11)
  })

  it('counts points above the limit and leaves them out', () => {
    const bytes = requestOf({ case: 'sum', value: { dataPoints: Array.from({ length: 10 }, () => ({})) } })
    const tree = createProtobufDecoder({ ...defaultLimits, points: 4 })(bytes)
    expect((tree.resources[0]!.scopes[0]!.metrics[0]!.data as SumData).points).toHaveLength(4)
    expect(tree.pointsOverLimit).toBe(6)
  })

  describe('refuses', () => {
    const decode = createProtobufDecoder()
    const cases: [string, Uint8Array, string, RegExp][] = [
      [
        'a message cut off',
        histogramRequest().subarray(0, 40),
        'resource_metrics[0]',
        /length of \d+ bytes where \d+ are left/,
      ],
      [
        'a length of 2^60',
        Buffer.from([0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 1]),
        'resource_metrics[0]',
        /a length of 11529215046068\d+ bytes/,
      ],
      [
        'a number of 11 bytes',
        Buffer.from([0x20, ...Array.from({ length: 10 }, () => 0xff), 1]),
        'field 4',
        /more than 64 bits/,
      ],
      ['a tag of 6 bytes', Buffer.from([0x8a, 0x80, 0x80, 0x80, 0x80, 0x00]), '', /a tag of more than 5 bytes/],
      ['field number 0', Buffer.from([0x02, 0x00]), '', /field number 0/],
      ['a group', Buffer.from([0x0b, 0x0c]), 'resource_metrics[0]', /wire type 3/],
      ['an unknown group', Buffer.from([0x2b, 0x2c]), 'field 5', /wire type 3/],
      ['wire type 7', Buffer.from([0x0f]), 'resource_metrics[0]', /wire type 7/],
      [
        'a varint where a message belongs',
        Buffer.from([0x08, 0x01]),
        'resource_metrics[0]',
        /field 1 with wire type 0/,
      ],
      [
        '7 bytes of packed doubles',
        wrap(Buffer.from([0x3a, 7, 0, 0, 0, 0, 0, 0, 0]), 1, 2, 2, 9, 1),
        'resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0].explicit_bounds',
        /7 bytes of packed/,
      ],
      [
        'a point cut off inside its count',
        wrap(Buffer.from([0x21, 1, 2]), 1, 2, 2, 9, 1),
        'resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0].count',
        /inside a number of 8 bytes/,
      ],
    ]
    it.each(cases)('%s', (_name, bytes, path, message) => {
      const error = errorOf(() => decode(bytes))
      expect(error.message).toMatch(message)
      expect(error.path).toBe(path)
      expect(error.offset).toBeGreaterThanOrEqual(0)
      expect(error.offset).toBeLessThanOrEqual(bytes.length)
    })

    it('values nested too deeply, whatever the kind of list', () => {
      for (const fields of [
        [5, 1],
        [6, 1, 2],
      ]) {
        let value: Uint8Array = Buffer.from([0x10, 1])
        for (let depth = 0; depth < 1000; depth++) value = wrap(value, ...fields)
        const error = errorOf(() => decode(wrap(value, 1, 1, 1, 2)))
        expect(error.message).toMatch(/nested more than 16 deep/)
        expect(error.path).toMatch(/^resource_metrics\[0\]\.resource\.attributes\[0\]\.value/)
      }
    })

    it('more elements than the limit, made of empty messages', () => {
      const bytes = Buffer.alloc(2 * 300_000)
      for (let at = 0; at < bytes.length; at += 2) bytes[at] = 0x0a
      const limited = createProtobufDecoder({ ...defaultLimits, elements: 100_000 })
      expect(errorOf(() => limited(bytes)).message).toMatch(/more than 100000 resources/)
    })
  })

  it('accepts exactly the prefixes of a request that protobuf-es accepts', () => {
    const decode = createProtobufDecoder()
    const bytes = encodeRequest(
      fc
        .sample(arbitraryRequest, { numRuns: 24, seed: 7 })
        .reduce<Init>(
          (a, b) => ({ resourceMetrics: [...(a['resourceMetrics'] as Init[]), ...(b['resourceMetrics'] as Init[])] }),
          { resourceMetrics: [] },
        ),
    )
    expect(bytes.length).toBeGreaterThan(800)
    for (let length = 0; length <= bytes.length; length++) {
      const prefix = bytes.subarray(0, length)
      const expected = attempt(() => treeOf(decodeRequest(prefix)))
      const actual = attempt(() => decode(prefix))
      expect(actual.error === undefined).toBe(expected.error === undefined)
      if (actual.error !== undefined) expect(actual.error).toBeInstanceOf(OtlpDecodeError)
      else expect(actual.value).toEqual(expected.value)
    }
  })

  it('survives random bytes and damaged requests: an equal tree or an OtlpDecodeError, in bounded time', () => {
    const decode = createProtobufDecoder()
    const damaged = fc
      .tuple(
        arbitraryRequest,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.constantFrom('set', 'flip', 'insert', 'cut', 'repeat')), {
          minLength: 1,
          maxLength: 4,
        }),
      )
      .map(([init, damages]) => damages.reduce(damage, Buffer.from(encodeRequest(init))))
    let read = 0
    let refused = 0
    let slowest = 0
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
        const started = performance.now()
        const actual = attempt(() => decode(bytes))
        slowest = Math.max(slowest, performance.now() - started)
        if (actual.error === undefined) {
          read++
          const expected = attempt(() => treeOf(decodeRequest(bytes)))
          if (expected.error === undefined) expect(actual.value).toEqual(expected.value)
        } else {
          refused++
          expect(actual.error).toBeInstanceOf(OtlpDecodeError)
        }
      }),
      { numRuns: Math.ceil(fuzzCases * 0.4) },
    )
    expect(read).toBeGreaterThan(fuzzCases / 100)
    expect(refused).toBeGreaterThan(fuzzCases / 100)
    expect(slowest).toBeLessThan(1000)
  }, 600_000)
})

function attempt(run: () => unknown): { value?: unknown; error?: unknown } {
  try {
    return { value: run() }
  } catch (error) {
    return { error }
  }
}

function damage(bytes: Buffer, [position, value, kind]: [number, number, string]): Buffer {
  const at = bytes.length === 0 ? 0 : position % bytes.length
  const before = bytes.subarray(0, at)
  const after = bytes.subarray(at)
  if (kind === 'insert') return Buffer.concat([before, Buffer.from([value]), after])
  if (kind === 'cut') return Buffer.concat([before, after.subarray(value % 16)])
  if (kind === 'repeat') return Buffer.concat([before, after.subarray(0, value % 32), after])
  const copy = Buffer.from(bytes)
  if (copy.length > 0) copy[at] = kind === 'set' ? value : copy[at]! ^ (1 << (value & 7))
  return copy
}

/** The contents of the message fields at the given path of field numbers. */
function fieldsOf(bytes: Uint8Array, path: readonly number[]): Uint8Array[] {
  const [field, ...rest] = path
  if (field === undefined) return [bytes]
  const found: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++]!
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    if (tag === ((field << 3) | 2)) found.push(...fieldsOf(bytes.subarray(at, at + length), rest))
    at += length
  }
  return found
}
