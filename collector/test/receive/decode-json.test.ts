import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OtlpDecodeError } from '../../src/receive/decode-error.ts'
import { createJsonDecoder } from '../../src/receive/decode-json.ts'
import { createProtobufDecoder } from '../../src/receive/decode-protobuf.ts'
import type { ExponentialHistogramData, HistogramData, SumData } from '../../src/receive/otlp-tree.ts'
import { defaultLimits } from '../../src/receive/receive-limits.ts'
import { arbitraryRequest, toOtlpJson } from './arbitrary-request.ts'
import { encodeRequest } from './oracle.ts'

const fuzzCases = Number(process.env['FUZZ_CASES'] ?? 20_000)

function bytesOf(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

function metricOf(metric: unknown): unknown {
  return { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] }
}

function dataOf(metric: unknown): unknown {
  return createJsonDecoder()(bytesOf(metricOf(metric))).resources[0]!.scopes[0]!.metrics[0]!.data
}

describe('createJsonDecoder', () => {
  it('reads integers as numbers and as texts, and times exactly', () => {
    const data = dataOf({
      histogram: {
        aggregationTemporality: 1,
        dataPoints: [
          {
            startTimeUnixNano: '1790000000123456789',
            timeUnixNano: 1790000010000000000,
            count: '6',
            bucketCounts: [1, '2', 3],
            explicitBounds: [0, 1.5],
            min: null,
            attributes: [
              { key: 'n', value: { intValue: '2' } },
              { key: 'm', value: { intValue: 2 } },
            ],
          },
        ],
      },
    }) as HistogramData
    expect(data.points).toEqual([
      {
        startMicros: 1_790_000_000_123_456,
        timeMicros: 1_790_000_010_000_000,
        flags: 0,
        count: 6,
        sum: undefined,
        min: undefined,
        max: undefined,
        bucketCounts: [1, 2, 3],
        explicitBounds: [0, 1.5],
        attributes: [
          { key: 'n', value: 2 },
          { key: 'm', value: 2 },
        ],
      },
    ])
  })

  it('reads the texts for numbers that are not finite, and null as absent', () => {
    const { points } = dataOf({
      sum: {
        dataPoints: [
          { asDouble: 'NaN' },
          { asDouble: 'Infinity' },
          { asDouble: '-Infinity' },
          { asDouble: null },
          { asInt: '-7' },
        ],
      },
    }) as SumData
    expect(points.map((point) => point.value)).toEqual([NaN, Infinity, -Infinity, undefined, -7])
  })

  it('ignores unknown keys and snake_case, as OTLP asks', () => {
    const data = dataOf({
      newField: [1],
      exponentialHistogram: { dataPoints: [{ zero_count: 5, zeroCount: 3, colour: 'red' }] },
    })
    expect((data as ExponentialHistogramData).points[0]!.zeroCount).toBe(3)
    expect(createJsonDecoder()(bytesOf({ resource_metrics: [{}] }))).toEqual({ resources: [], pointsOverLimit: 0 })
  })

  it('reads the same tree from JSON as from protobuf', () => {
    const [json, protobuf] = [createJsonDecoder(), createProtobufDecoder()]
    fc.assert(
      fc.property(arbitraryRequest, fc.boolean(), (init, numbers) => {
        expect(json(bytesOf(toOtlpJson(init, numbers)))).toEqual(protobuf(encodeRequest(init)))
      }),
      { numRuns: Math.ceil(fuzzCases / 20) },
    )
  })

  const point = 'resourceMetrics[0].scopeMetrics[0].metrics[0]'
  it.each<[string, unknown, string, RegExp]>([
    [
      'an enum as its name',
      metricOf({ sum: { aggregationTemporality: 'AGGREGATION_TEMPORALITY_DELTA' } }),
      `${point}.sum.aggregationTemporality`,
      /an integer/,
    ],
    [
      'a count as a fraction',
      metricOf({ histogram: { dataPoints: [{ count: 1.5 }] } }),
      `${point}.histogram.dataPoints[0].count`,
      /an integer, and is 1.5/,
    ],
    [
      'a negative bucket count',
      metricOf({ histogram: { dataPoints: [{}, { bucketCounts: [0, -1] }] } }),
      `${point}.histogram.dataPoints[1].bucketCounts[1]`,
      /from 0, and is -1/,
    ],
    [
      'a bound that is an object',
      metricOf({ histogram: { dataPoints: [{ explicitBounds: [{}] }] } }),
      `${point}.histogram.dataPoints[0].explicitBounds[0]`,
      /a number, and is an object/,
    ],
    ['points that are no list', metricOf({ gauge: { dataPoints: {} } }), `${point}.gauge.dataPoints`, /a list/],
    ['two kinds of data', metricOf({ gauge: {}, sum: {} }), point, /gauge and sum/],
    [
      'two values',
      metricOf({ gauge: { dataPoints: [{ asInt: 1, asDouble: 1 }] } }),
      `${point}.gauge.dataPoints[0]`,
      /asInt and asDouble/,
    ],
    ['a name that is a number', metricOf({ name: 5 }), `${point}.name`, /a text, and is 5/],
    ['a resource that is a text', { resourceMetrics: [{ resource: 'x' }] }, 'resourceMetrics[0].resource', /an object/],
    ['a list at the top', [], '', /an object, and is a list/],
    ['null at the top', 'null', '', /an object/],
    ['broken JSON', '{"resourceMetrics":[', '', /not JSON/],
    ['nothing', '', '', /not JSON/],
  ])('refuses %s', (_name, value, path, message) => {
    const decode = createJsonDecoder()
    expect(() => decode(bytesOf(value))).toThrow(message)
    try {
      decode(bytesOf(value))
    } catch (error) {
      expect(error).toBeInstanceOf(OtlpDecodeError)
      expect((error as OtlpDecodeError).path).toBe(path)
    }
  })

  it('refuses values nested too deeply, and survives a million brackets', () => {
    const decode = createJsonDecoder()
    const nested = (depth: number) => `${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`
    const request = (depth: number) =>
      `{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":${nested(depth)}}]}}]}`
    expect(() => decode(bytesOf(request(16)))).not.toThrow()
    expect(() => decode(bytesOf(request(17)))).toThrow(/nested more than 16 deep/)
    expect(() => decode(bytesOf(request(20_000)))).toThrow(OtlpDecodeError)
    expect(() => decode(bytesOf(`{"resourceMetrics":${'['.repeat(1e6)}${']'.repeat(1e6)}}`))).toThrow(OtlpDecodeError)
    expect(() => decode(bytesOf('['.repeat(1e6)))).toThrow(OtlpDecodeError)
  })

  it('refuses a body that would grow out of proportion when parsed, without parsing it', () => {
    const decode = createJsonDecoder({ ...defaultLimits, elements: 100_000 })
    const body = bytesOf(`{"resourceMetrics":[${'{},'.repeat(400_000)}{}]}`)
    expect(() => decode(body)).toThrow(/more than 200000 objects and lists/)
    // Brackets inside of a text are none.
    expect(() => decode(bytesOf({ note: '{"[\\'.repeat(400_000) }))).not.toThrow()
  })

  it('counts points above the limit and leaves them out', () => {
    const tree = createJsonDecoder({ ...defaultLimits, points: 2 })(
      bytesOf(metricOf({ gauge: { dataPoints: [{}, {}, {}, 'unread'] } })),
    )
    expect(tree.pointsOverLimit).toBe(2)
  })

  it('survives random and damaged JSON: a tree or an OtlpDecodeError', () => {
    const decode = createJsonDecoder()
    const replaced = fc
      .tuple(
        arbitraryRequest,
        fc.nat(),
        fc.constantFrom<unknown>(null, -1, 0.5, 'x', [], {}, true, [[]], '12', Number.MAX_VALUE),
      )
      .map(([init, place, value]) => {
        let left = place % 40
        const replace = (node: unknown): unknown => {
          if (left-- === 0) return value
          if (Array.isArray(node)) return node.map(replace)
          if (typeof node !== 'object' || node === null) return node
          return Object.fromEntries(Object.entries(node).map(([key, content]) => [key, replace(content)]))
        }
        return JSON.stringify(replace(toOtlpJson(init)))
      })
    const cut = fc.tuple(arbitraryRequest, fc.nat()).map(([init, place]) => {
      const whole = JSON.stringify(toOtlpJson(init))
      return whole.slice(0, place % (whole.length + 1))
    })
    let refused = 0
    fc.assert(
      fc.property(fc.oneof(replaced, cut, fc.json(), fc.string({ unit: 'binary' })), (json) => {
        try {
          expect(decode(bytesOf(json)).pointsOverLimit).toBe(0)
        } catch (error) {
          refused++
          expect(error).toBeInstanceOf(OtlpDecodeError)
        }
      }),
      { numRuns: Math.ceil(fuzzCases / 4) },
    )
    expect(refused).toBeGreaterThan(fuzzCases / 100)
  }, 600_000)
})
