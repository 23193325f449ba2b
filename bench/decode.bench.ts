import { gunzipSync, gzipSync } from 'node:zlib'
import { attributes, metrics } from '@driftline/instrumentation/contract'
import { createJsonDecoder } from '../collector/src/receive/decode-json.ts'
import { createProtobufDecoder } from '../collector/src/receive/decode-protobuf.ts'
import { createReceiveCounters } from '../collector/src/receive/receive-counters.ts'
import { defaultLimits } from '../collector/src/receive/receive-limits.ts'
import { createBlockBuilder } from '../collector/src/receive/to-blocks.ts'
import { decodeRequest, encodeRequest, text } from '../collector/test/receive/oracle.ts'
import type { BenchResult } from './result.ts'

const pointCount = 1000
const boundCount = 20
/** Different exports of one recorder, so that neither counts nor times repeat from one call to the next. */
const exportCount = 16
const measureMs = 1200
const batchCalls = 20
const startSeconds = 1_790_000_000

/** Decoding 1,000 histogram points of 20 bounds and 3 text attributes, and what comes after it up to the blocks. */
export async function run(): Promise<BenchResult[]> {
  const inits = Array.from({ length: exportCount }, (_, index) => exportRequest(index))
  const bodies = inits.map(encodeRequest)
  const json = inits.map((init) => Buffer.from(JSON.stringify(jsonRequest(init))))
  const zipped = bodies.map((body) => gzipSync(body))
  const decode = createProtobufDecoder()
  const decodeJson = createJsonDecoder()
  const clock = { now: () => startSeconds * 1000, after: () => () => {} }
  const options = { clock, limits: defaultLimits, counters: createReceiveCounters() }
  const build = createBlockBuilder(options)
  const buildFromJson = createBlockBuilder(options)

  for (const built of [build(decode(bodies[0]!)), buildFromJson(decodeJson(json[0]!))]) {
    if (built.points !== pointCount)
      throw new Error(`the payload is not what it should be: ${built.rejections.message()}`)
  }

  const decodeCost = measure((i) => decode(bodies[i]!))
  const oracleCost = measure((i) => decodeRequest(bodies[i]!))
  const blocksCost = measure((i) => build(decode(bodies[i]!)))
  const jsonCost = measure((i) => decodeJson(json[i]!))
  const jsonParseCost = measure((i) => JSON.parse(json[i]!.toString()))
  const jsonBlocksCost = measure((i) => buildFromJson(decodeJson(json[i]!)))
  const gunzipCost = measure((i) => gunzipSync(zipped[i]!))
  return [
    { name: 'decode protobuf', value: 1 / decodeCost, unit: 'M points/s', goal: '>= 1.5' },
    { name: 'the same with @bufbuild/protobuf', value: 1 / oracleCost, unit: 'M points/s' },
    { name: 'decode protobuf and make blocks', value: blocksCost, unit: 'µs/point', goal: '<= 2.5' },
    { name: 'gunzip protobuf', value: gunzipCost, unit: 'µs/point' },
    { name: 'JSON.parse alone', value: 1 / jsonParseCost, unit: 'M points/s' },
    { name: 'decode JSON', value: 1 / jsonCost, unit: 'M points/s' },
    { name: 'decode JSON and make blocks', value: jsonBlocksCost, unit: 'µs/point' },
    { name: 'size of a point, protobuf', value: bodies[0]!.length / pointCount, unit: 'B' },
    { name: 'size of a point, JSON', value: json[0]!.length / pointCount, unit: 'B' },
  ]
}

/**
 * Microseconds per point: the lower quartile over batches of calls, after a warm-up. A batch is long enough to hold its share of garbage
 * collection; the quartile leaves out batches during which other processes had the core.
 */
function measure(call: (index: number) => unknown): number {
  const durations: number[] = []
  const warmUntil = performance.now() + measureMs / 3
  let index = 0
  while (performance.now() < warmUntil) call(index++ % exportCount)
  const until = performance.now() + measureMs
  while (performance.now() < until) {
    const start = performance.now()
    for (let i = 0; i < batchCalls; i++) call(index++ % exportCount)
    durations.push((performance.now() - start) / batchCalls)
  }
  durations.sort((a, b) => a - b)
  return (durations[durations.length >> 2]! * 1000) / pointCount
}

/** Every feature has bounds of its own, as in a real export. */
function exportRequest(index: number): Record<string, unknown> {
  const start = BigInt(startSeconds + 10 * index - 10 * exportCount) * 1_000_000_000n
  let seed = 12345 + index
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) / 0x80000000
  const dataPoints = Array.from({ length: pointCount }, (_, feature) => {
    const bucketCounts = Array.from({ length: boundCount + 1 }, () => BigInt(Math.floor(random() * 300)))
    return {
      startTimeUnixNano: start,
      timeUnixNano: start + 10_000_000_000n,
      count: bucketCounts.reduce((sum, count) => sum + count, 0n),
      sum: random() * 1e4,
      min: 0.25,
      max: 1e4,
      bucketCounts,
      explicitBounds: Array.from({ length: boundCount }, (_bound, i) => feature + i * 1.5),
      attributes: [
        text(attributes.featureName.name, `feature_${feature}`),
        text('region', `eu-west-${feature % 3}`),
        text('tier', 'gold'),
      ],
    }
  })
  return {
    resourceMetrics: [
      {
        resource: {
          attributes: [
            text(attributes.serviceName.name, 'scoring'),
            text(attributes.serviceInstanceId.name, 'scoring-1'),
          ],
        },
        scopeMetrics: [
          {
            scope: {
              name: 'bench',
              attributes: [text(attributes.modelName.name, 'bench'), text(attributes.modelVersion.name, '1')],
            },
            metrics: [
              {
                name: metrics.featureValue.name,
                unit: '1',
                data: { case: 'histogram', value: { aggregationTemporality: 1, dataPoints } },
              },
            ],
          },
        ],
      },
    ],
  }
}

/** As the JavaScript exporters write JSON: counts as numbers, times as text, the data's kind as the key. */
function jsonRequest(init: unknown): unknown {
  if (typeof init === 'bigint') return init > BigInt(Number.MAX_SAFE_INTEGER) ? String(init) : Number(init)
  if (Array.isArray(init)) return init.map(jsonRequest)
  if (typeof init !== 'object' || init === null) return init
  const entries = Object.entries(init)
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const oneof = value as { case?: string; value?: unknown }
      if (typeof value === 'object' && value !== null && typeof oneof.case === 'string')
        return [oneof.case, jsonRequest(oneof.value)]
      const inner = (value as { value?: { case?: string; value?: unknown } } | null)?.value
      if (key === 'value' && typeof inner?.case === 'string') return [key, { [inner.case]: jsonRequest(inner.value) }]
      return [key, jsonRequest(value)]
    }),
  )
}
