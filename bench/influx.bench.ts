import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attributes, metrics } from '@driftline/instrumentation/contract'
import { systemClock } from '../collector/src/clock.ts'
import { openJournal } from '../collector/src/journal/journal.ts'
import { makeShape, type Block, type BlockShape, type Scope } from '../collector/src/observation/block.ts'
import { encodeBlockRecord, recordKinds } from '../collector/src/store/influx/block-record.ts'
import { defaultInfluxSettings } from '../collector/src/store/influx/influx-settings.ts'
import { openInfluxStore, type InfluxStore } from '../collector/src/store/influx/influx-store.ts'
import { startInfluxd } from '../collector/test/support/influxd.ts'
import type { BenchResult } from './result.ts'

const features = 200
const buckets = 20
const intervalMicros = 10e6
/** Blocks of 200 points in the journal's part: 1.6 million points. */
const journalBlocks = 8_000
/** Requests that are answered at the same time. */
const concurrent = 16
const singleAppends = 200
/** Different contents, so that nothing is measured on one block in a cache. */
const contents = 16

/** Blocks before the measurement of sending: the server makes its series, code gets compiled. */
const warmUpBlocks = 100
/** Blocks that are sent: 200,000 points. */
const sentBlocks = 1_000
/** Readings of one hour, each of another one, so that no cache is measured. */
const hourReadings = 9
const hourMs = 3_600_000
/** Longer than any machine of interest takes. */
const drainTimeoutMs = 300_000

/** The journal alone; then from the store's `append` until a real InfluxDB 1.x on this machine has every point, and reading them. */
export async function run(): Promise<BenchResult[]> {
  return [...(await journalAlone()), ...(await intoInfluxDb())]
}

async function journalAlone(): Promise<BenchResult[]> {
  const directory = await mkdtemp(join(tmpdir(), 'driftline-bench-'))
  const open = () =>
    openJournal({
      directory,
      clock: systemClock,
      log: (line) => {
        throw new Error(line)
      },
    })
  let journal = await open()
  try {
    const shape = benchShape()
    const values = benchValues(shape)
    const record = (i: number) => {
      const startMicros = (i + 1) * intervalMicros
      const place = { scopeId: 1, shapeId: 1, startMicros, endMicros: startMicros + intervalMicros, part: 0, turn: 0 }
      return encodeBlockRecord(place, shape, values[i % contents]!)
    }
    // Code gets compiled, the file gets made.
    for (let i = 0; i < 100; i++) await journal.append([record(i)], recordKinds.block)

    const latencies: number[] = []
    for (let i = 0; i < singleAppends; i++) {
      const payload = record(i)
      const start = performance.now()
      await journal.append([payload], recordKinds.block)
      latencies.push(performance.now() - start)
    }
    latencies.sort((a, b) => a - b)

    let next = 0
    const appendNext = async (): Promise<void> => {
      while (next < journalBlocks) await journal.append([record(next++)], recordKinds.block)
    }
    const heldUp = watchEventLoop()
    const cpuBefore = process.cpuUsage()
    const start = performance.now()
    await Promise.all(Array.from({ length: concurrent }, appendNext))
    const seconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(cpuBefore)
    const longestMs = heldUp.stop()
    const thousands = (journalBlocks * features) / 1000
    const { bytes, appendedRecords } = journal.statistics()
    await journal.close()

    const recoveryStart = performance.now()
    journal = await open()
    const recoverySeconds = (performance.now() - recoveryStart) / 1000
    if (journal.statistics().queuedRecords !== appendedRecords) throw new Error('the journal lost records')

    let read = 0
    const readStart = performance.now()
    for await (const { payload } of journal.read(0)) if (payload.length > 0) read++
    const readSeconds = (performance.now() - readStart) / 1000
    if (read !== appendedRecords) throw new Error(`${read} of ${appendedRecords} records were read`)
    const gigabytes = bytes / 1e9
    return [
      {
        name: `journal append, encoding included, ${concurrent} calls at a time`,
        value: thousands / seconds,
        unit: 'k points/s',
        goal: '>= 200',
      },
      { name: 'the same per CPU second, all threads', value: thousands / ((user + system) / 1e6), unit: 'k points/s' },
      { name: 'longest hold-up of the event loop meanwhile', value: longestMs, unit: 'ms' },
      { name: 'one append with its flush, median', value: latencies[latencies.length >> 1]!, unit: 'ms' },
      { name: 'the same, 99th percentile', value: latencies[Math.floor(latencies.length * 0.99)]!, unit: 'ms' },
      { name: 'size of a point in the journal', value: bytes / (appendedRecords * features), unit: 'B' },
      { name: 'recovery of a journal, per GB', value: recoverySeconds / gigabytes, unit: 's' },
      { name: 'reading it, per GB', value: readSeconds / gigabytes, unit: 's' },
    ]
  } finally {
    await journal.close()
    await rm(directory, { recursive: true })
  }
}

async function intoInfluxDb(): Promise<BenchResult[]> {
  const directory = await mkdtemp(join(tmpdir(), 'driftline-bench-'))
  const influxd = await startInfluxd()
  try {
    const store = await openInfluxStore({
      directory,
      influx: { ...defaultInfluxSettings, url: influxd.url },
      clock: systemClock,
      log: () => {},
    })
    try {
      const blocks = recentBlocks(warmUpBlocks + sentBlocks)
      await store.append(blocks.splice(0, warmUpBlocks))
      if (!(await store.drained(drainTimeoutMs))) throw new Error('InfluxDB did not take the first points')

      const before = store.sending().sender
      const cpuBefore = process.cpuUsage()
      const start = performance.now()
      let next = 0
      const appendNext = async (): Promise<void> => {
        while (next < blocks.length) await store.append([blocks[next++]!])
      }
      await Promise.all(Array.from({ length: concurrent }, appendNext))
      const acknowledgedSeconds = (performance.now() - start) / 1000
      if (!(await store.drained(drainTimeoutMs))) throw new Error('InfluxDB did not take all points')
      const seconds = (performance.now() - start) / 1000
      const { user, system } = process.cpuUsage(cpuBefore)
      const { sender } = store.sending()
      const points = sentBlocks * features
      const sent = sender.sentLines - before.sentLines
      if (sent !== points || sender.deadLetters > 0) throw new Error(`${sent} of ${points} points were sent`)
      const readings = await readHours(store)
      return [
        { name: 'from append until InfluxDB has it', value: points / seconds, unit: 'points/s', goal: '>= 25000' },
        { name: 'the same per CPU second of the collector', value: points / ((user + system) / 1e6), unit: 'points/s' },
        { name: 'acknowledged by the store meanwhile', value: points / 1000 / acknowledgedSeconds, unit: 'k points/s' },
        { name: 'size of a line', value: (sender.sentBytes - before.sentBytes) / sent, unit: 'B' },
        {
          name: `sums of one hour of ${features} features, median`,
          value: readings[readings.length >> 1]!,
          unit: 'ms',
          goal: '<= 500',
        },
        { name: 'the same, slowest', value: readings.at(-1)!, unit: 'ms' },
      ]
    } finally {
      await store.close()
    }
  } finally {
    await influxd.dispose()
    await rm(directory, { recursive: true })
  }
}

/** Times in ms of reading one hour, as an evaluation does, sorted. */
async function readHours(store: InfluxStore): Promise<number[]> {
  const last = Math.max(...(await store.modelVersions()).map(({ lastMs }) => lastMs ?? 0))
  const times: number[] = []
  for (let i = 0; i < hourReadings; i++) {
    const toMs = last - i * 600_000
    const start = performance.now()
    const [sums, ...others] = await store.totals('bench', '1', toMs - hourMs, toMs)
    times.push(performance.now() - start)
    const series = [...(sums?.totals.entries() ?? [])].length
    if (others.length > 0 || series !== features) throw new Error(`${series} of ${features} features were read`)
  }
  return times.sort((a, b) => a - b)
}

/** One instance's exports up to now, as old points would fall out of the retention policy. */
function recentBlocks(count: number): Block[] {
  const shape = benchShape()
  const values = benchValues(shape)
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
  const first = Math.floor((Date.now() * 1000) / intervalMicros - count) * intervalMicros
  return Array.from({ length: count }, (_, i) => {
    const startMicros = first + i * intervalMicros
    return { scope, startMicros, endMicros: startMicros + intervalMicros, shape, values: values[i % contents]! }
  })
}

/** Longest time between two turns of the event loop. */
function watchEventLoop(): { stop(): number } {
  let longest = 0
  let last = performance.now()
  let stopped = false
  const turn = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (!stopped) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    stop() {
      stopped = true
      return longest
    },
  }
}

function benchShape(): BlockShape {
  const bounds = Array.from({ length: buckets - 1 }, (_, i) => i)
  return makeShape(
    Array.from({ length: features }, (_, i) => ({
      metric: metrics.featureValue.name,
      attributes: { [attributes.featureName.name]: `feature_${i}` },
      layout: { kind: 'explicit' as const, bounds },
    })),
  )
}

function benchValues(shape: BlockShape): Float64Array[] {
  let state = 12_345
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
  return Array.from({ length: contents }, () =>
    Float64Array.from({ length: shape.width }, () => Math.floor(random() * 300)),
  )
}
