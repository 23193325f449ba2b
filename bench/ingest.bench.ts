import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { attributes, metrics } from '@driftline/instrumentation/contract'
import { makeShape, type Block, type Scope } from '../collector/src/observation/block.ts'
import { openSqliteStore } from '../collector/src/store/sqlite/sqlite-store.ts'
import { encodeRequest, text } from '../collector/test/receive/oracle.ts'
import type { BenchResult } from './result.ts'

const pointsPerRequest = 1000
const boundCount = 20
const connections = 8
/** Requests before the measurement: code gets compiled, shapes get known. */
const warmUpRequests = 160
const measuredRequests = 1000
const intervalSeconds = 10

/**
 * From protobuf with gzip over HTTP to the commit: the collector in a process of its own, 8 connections that each send the
 * next request when the last was answered. Then the store alone, and how fast it sums.
 */
export async function run(): Promise<BenchResult[]> {
  return [...(await overHttp()), ...(await storeAlone())]
}

async function overHttp(): Promise<BenchResult[]> {
  const bodies = makeBodies(warmUpRequests + measuredRequests)
  const directory = await mkdtemp(join(tmpdir(), 'driftline-bench-'))
  const collector = fork(new URL('./fixtures/ingest-collector.ts', import.meta.url), [directory], {
    execArgv: ['-C', '@driftline/source'],
  })
  try {
    const { port } = await reply(collector)
    const agent = new Agent({ keepAlive: true, maxSockets: connections })
    await sendAll(port!, agent, bodies.splice(0, warmUpRequests))

    const cpuBefore = await ask(collector, 'cpu')
    const start = performance.now()
    const latencies = await sendAll(port!, agent, bodies)
    const seconds = (performance.now() - start) / 1000
    const cpuSeconds = ((await ask(collector, 'cpu')).cpuMicros! - cpuBefore.cpuMicros!) / 1e6
    agent.destroy()
    const { blocks, bytes, accepted } = await ask(collector, 'stop')
    const sent = warmUpRequests + measuredRequests
    if (blocks !== sent || accepted !== sent * pointsPerRequest) {
      throw new Error(`${sent} requests of ${pointsPerRequest} points made ${blocks} blocks of ${accepted} points`)
    }
    const thousands = (measuredRequests * pointsPerRequest) / 1000
    latencies.sort((a, b) => a - b)
    return [
      { name: 'over HTTP into SQLite, durable', value: thousands / seconds, unit: 'k points/s', goal: '>= 150' },
      {
        name: 'the same per CPU second, all threads',
        value: thousands / cpuSeconds,
        unit: 'k points/s',
        goal: '>= 150',
      },
      { name: 'cores used by the collector', value: cpuSeconds / seconds, unit: 'cores' },
      { name: 'median answer', value: latencies[latencies.length >> 1]!, unit: 'ms' },
      { name: '99th percentile answer', value: latencies[Math.floor(latencies.length * 0.99)]!, unit: 'ms' },
      { name: 'stored size of a point', value: bytes! / (sent * pointsPerRequest), unit: 'B' },
    ]
  } finally {
    if (collector.exitCode === null) {
      collector.kill('SIGKILL')
      await once(collector, 'exit')
    }
    await rm(directory, { recursive: true })
  }
}

interface CollectorSays {
  readonly port?: number
  readonly cpuMicros?: number
  readonly blocks?: number
  readonly bytes?: number
  readonly accepted?: number
}

async function ask(collector: ChildProcess, question: 'cpu' | 'stop'): Promise<CollectorSays> {
  const answer = reply(collector)
  collector.send(question)
  return answer
}

async function reply(collector: ChildProcess): Promise<CollectorSays> {
  const ended = new AbortController()
  try {
    const died = once(collector, 'exit', { signal: ended.signal }).then(() => {
      throw new Error('the collector ended early')
    })
    const [says] = (await Promise.race([once(collector, 'message', { signal: ended.signal }), died])) as [CollectorSays]
    return says
  } finally {
    ended.abort()
  }
}

/** Sends each body once, `connections` at a time; returns milliseconds until each answer. */
async function sendAll(port: number, agent: Agent, bodies: readonly Buffer[]): Promise<number[]> {
  const latencies: number[] = []
  let next = 0
  const sendNext = async (): Promise<void> => {
    while (next < bodies.length) {
      const body = bodies[next++]!
      const start = performance.now()
      await post(port, agent, body)
      latencies.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: connections }, sendNext))
  return latencies
}

function post(port: number, agent: Agent, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/x-protobuf',
      'Content-Encoding': 'gzip',
      'Content-Length': body.length,
    }
    const sent = request(
      { port, host: '127.0.0.1', path: '/v1/metrics', method: 'POST', agent, headers },
      (response) => {
        response.resume()
        response.on('end', () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Different contents, which the times of the interval are written into: making each anew would take longer than the measurement. */
const contents = 16

function makeBodies(count: number): Buffer[] {
  const firstStart = Math.floor(Date.now() / 1000 / intervalSeconds - count) * intervalSeconds
  const marks = { start: 0x1122334455667788n, end: 0x2233445566778899n }
  const templates = Array.from({ length: contents }, (_, seed) => {
    const bytes = Buffer.from(encodeRequest(exportRequest(seed, marks)))
    return { bytes, starts: placesOf(bytes, marks.start), ends: placesOf(bytes, marks.end) }
  })
  return Array.from({ length: count }, (_, i) => {
    const { bytes, starts, ends } = templates[i % contents]!
    const start = BigInt(firstStart + i * intervalSeconds) * 1_000_000_000n
    for (const place of starts) bytes.writeBigUInt64LE(start, place)
    for (const place of ends) bytes.writeBigUInt64LE(start + BigInt(intervalSeconds) * 1_000_000_000n, place)
    return gzipSync(bytes, { level: 1 })
  })
}

function placesOf(bytes: Buffer, mark: bigint): number[] {
  const wanted = Buffer.alloc(8)
  wanted.writeBigUInt64LE(mark)
  const places: number[] = []
  for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 8)) places.push(at)
  if (places.length !== pointsPerRequest) throw new Error(`the mark stands ${places.length} times`)
  return places
}

function exportRequest(seed: number, { start, end }: { start: bigint; end: bigint }): Record<string, unknown> {
  const random = randomNumbers(seed)
  const dataPoints = Array.from({ length: pointsPerRequest }, (_, feature) => {
    const bucketCounts = Array.from({ length: boundCount + 1 }, () => BigInt(Math.floor(random() * 300)))
    return {
      startTimeUnixNano: start,
      timeUnixNano: end,
      count: bucketCounts.reduce((sum, count) => sum + count, 0n),
      sum: random() * 1e4,
      min: feature + random(),
      max: feature + 30 + random(),
      bucketCounts,
      explicitBounds: Array.from({ length: boundCount }, (_bound, i) => feature + i * 1.5),
      attributes: [
        text(attributes.featureName.name, `feature_${feature}`),
        text('region', `eu-west-${feature % 3}`),
        text('tier', 'gold'),
      ],
    }
  })
  const scope = {
    name: 'bench',
    attributes: [text(attributes.modelName.name, 'bench'), text(attributes.modelVersion.name, '1')],
  }
  const data = { case: 'histogram', value: { aggregationTemporality: 1, dataPoints } }
  const resource = {
    attributes: [text(attributes.serviceName.name, 'scoring'), text(attributes.serviceInstanceId.name, 'scoring-1')],
  }
  const scopeMetrics = [{ scope, metrics: [{ name: metrics.featureValue.name, unit: '1', data }] }]
  return { resourceMetrics: [{ resource, scopeMetrics }] }
}

/** 2,000 blocks of 200 histograms of 20 buckets, stored and summed. */
async function storeAlone(): Promise<BenchResult[]> {
  const features = 200
  const blockCount = 2000
  const bounds = Array.from({ length: boundCount - 1 }, (_, i) => i)
  const shape = makeShape(
    Array.from({ length: features }, (_, i) => ({
      metric: metrics.featureValue.name,
      attributes: { [attributes.featureName.name]: `feature_${i}` },
      layout: { kind: 'explicit' as const, bounds },
    })),
  )
  const scope: Scope = {
    model: 'bench',
    version: '1',
    segment: '',
    instance: 'scoring-1',
    service: 'scoring',
    environment: '',
    manifestDigest: '',
    baselineDigest: '',
  }
  const random = randomNumbers(1)
  const values = Array.from({ length: contents }, () =>
    Float64Array.from({ length: shape.width }, () => Math.floor(random() * 300)),
  )
  const interval = intervalSeconds * 1e6
  const blocks = Array.from({ length: blockCount }, (_, i): Block => {
    const startMicros = (i + 1) * interval
    return { scope, startMicros, endMicros: startMicros + interval, shape, values: values[i % contents]! }
  })
  const directory = await mkdtemp(join(tmpdir(), 'driftline-bench-'))
  const store = await openSqliteStore({ directory })
  try {
    const cpuBefore = process.cpuUsage()
    const start = performance.now()
    let next = 0
    const appendNext = async (): Promise<void> => {
      while (next < blocks.length) await store.append([blocks[next++]!])
    }
    await Promise.all(Array.from({ length: connections }, appendNext))
    const seconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(cpuBefore)
    const thousands = (features * blockCount) / 1000

    const sums: number[] = []
    for (let i = 0; i < 7; i++) {
      const before = performance.now()
      await store.totals('bench', '1', 0, Number.MAX_SAFE_INTEGER / 1000)
      sums.push(performance.now() - before)
    }
    sums.sort((a, b) => a - b)
    return [
      { name: 'store alone, 200 points a call, 8 calls at a time', value: thousands / seconds, unit: 'k points/s' },
      { name: 'the same per CPU second, all threads', value: thousands / ((user + system) / 1e6), unit: 'k points/s' },
      { name: 'sum of 200 features over 2,000 blocks', value: sums[sums.length >> 1]!, unit: 'ms' },
    ]
  } finally {
    await store.close()
    await rm(directory, { recursive: true })
  }
}

/** A fixed sequence from 0 to 1; its quality does not matter here. */
function randomNumbers(seed: number): () => number {
  let state = 12345 + seed
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state / 0x80000000
  }
}
