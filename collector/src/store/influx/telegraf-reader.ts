import { attributes as names, metrics, type MetricDefinition } from '@driftline/instrumentation/contract'
import type { Clock } from '../../clock.ts'
import {
  histogramHeader,
  makeShape,
  type AttributeValue,
  type Block,
  type Scope,
  type Series,
} from '../../observation/block.ts'
import { repeat } from '../../repeat.ts'
import { queryInflux, type QuerySeries } from './influx-query.ts'
import type { InfluxServer } from './influx-server.ts'

/** A database that Telegraf or the OpenTelemetry Collector writes Driftline's metrics to. */
export interface TelegrafSource {
  readonly layout: 'telegraf-prometheus-v1'
  readonly database: string
  /** Default: that of the database. */
  readonly retentionPolicy?: string
  /** How far back each reading starts before the end of the last one, for what came late; at least three export intervals. Default: 10 minutes. */
  readonly overlapMs?: number
  /** Default: 10 s. */
  readonly everyMs?: number
}

export interface TelegrafReaderOptions {
  readonly server: InfluxServer
  readonly source: TelegrafSource
  readonly clock: Clock
  /** Stores blocks once, however often they come: the store's `append`. */
  readonly sink: (blocks: readonly Block[]) => Promise<unknown>
  readonly log: (line: string) => void
}

export interface TelegrafCounts {
  /** Points that became series of blocks. */
  points: number
  /** Points that could not be used, by reason. */
  readonly skipped: Record<SkipReason, number>
}

export type SkipReason =
  /** Neither model nor version stands in its tags, or a required attribute is missing. */
  | 'identity'
  /** Nothing says since when it counts. */
  | 'no-start'
  /** The first reading of a running total is where counting starts. */
  | 'first-total'
  /** Fields that are no histogram, running totals that fall, or a value that is none. */
  | 'malformed'

export interface TelegrafReader {
  /** Reads points with a time in [fromMs, toMs), and hands what they hold to the sink. */
  read(fromMs: number, toMs: number): Promise<TelegrafCounts>
  /** Reads again and again from here on, until stopped. */
  start(): { stop(): Promise<void> }
}

const defaultOverlapMs = 10 * 60_000
const defaultEveryMs = 10_000
/** What a new reader looks back for, and the most that one reading takes: an hour of a large model is some 100 MB. */
const longestReadMs = 3_600_000
/** SDKs start a delta where the one before ended; clocks and doubles of nanoseconds are that far off. */
const toleranceMicros = 1_000
/** Fields that are no bounds. otel2influx writes the first seven, Prometheus inputs may add the others. */
const otherFields = new Set([
  'time',
  'count',
  'sum',
  'min',
  'max',
  'start_time_unix_nano',
  'flags',
  'counter',
  'gauge',
  'metadata',
])
/** Attributes that were numbers before they became tags. */
const numericAttributes = new Set([names.momentOrder.name, names.momentOrigin.name])

export function createTelegrafReader(options: TelegrafReaderOptions): TelegrafReader {
  const { server, source, clock, sink, log } = options
  const overlapMs = source.overlapMs ?? defaultOverlapMs

  async function read(fromMs: number, toMs: number): Promise<TelegrafCounts> {
    const counts: TelegrafCounts = {
      points: 0,
      skipped: { identity: 0, 'no-start': 0, 'first-total': 0, malformed: 0 },
    }
    await server.detect()
    const collected = new BlockCollector()
    for (const definition of Object.values(metrics)) {
      const bySeries = new Map<string, { tags: QuerySeries['tags']; points: Point[] }>()
      await queryInflux(
        server,
        {
          // A name of the contract, not one of a sender.
          text: `SELECT * FROM "${definition.name}" WHERE time >= ${Math.floor(fromMs)}ms AND time < ${Math.floor(toMs)}ms GROUP BY *`,
          database: source.database,
          ...(source.retentionPolicy === undefined ? {} : { retentionPolicy: source.retentionPolicy }),
          epoch: 'u',
        },
        ({ tags, columns, values }) => {
          const key = JSON.stringify(Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1)))
          let known = bySeries.get(key)
          if (known === undefined) bySeries.set(key, (known = { tags, points: [] }))
          for (const row of values) known.points.push(pointOf(columns, row))
        },
      )
      for (const { tags, points } of bySeries.values()) {
        const identity = identityOf(definition, tags)
        if (identity === null) {
          counts.skipped.identity += points.length
          continue
        }
        points.sort((a, b) => a.timeMicros - b.timeMicros)
        points.forEach((point, i) => {
          const used = deltaOf(definition, point, points[i - 1], points[i + 1], fromMs * 1000)
          if (typeof used === 'string') counts.skipped[used]++
          else {
            counts.points++
            collected.add(
              identity.scope,
              { metric: definition.name, attributes: identity.attributes, layout: used.layout },
              used,
            )
          }
        })
      }
    }
    const blocks = collected.blocks()
    if (blocks.length > 0) await sink(blocks)
    return counts
  }

  return {
    read,
    start() {
      let readThroughMs = clock.now() - longestReadMs + overlapMs
      const tick = async (): Promise<void> => {
        for (;;) {
          const nowMs = clock.now()
          const fromMs = readThroughMs - overlapMs
          const toMs = Math.min(nowMs, fromMs + Math.max(longestReadMs, 2 * overlapMs))
          if (toMs <= fromMs) return
          await read(fromMs, toMs)
          readThroughMs = toMs
          if (toMs >= nowMs) return
        }
      }
      let failing = false
      const repeated = repeat(
        clock,
        source.everyMs ?? defaultEveryMs,
        async () => {
          await tick()
          if (failing) log(`reading ${source.database} goes on`)
          failing = false
        },
        (error) => {
          // Once, not every ten seconds.
          if (!failing)
            log(
              `reading ${source.database} failed and will be tried again: ${error instanceof Error ? error.message : String(error)}`,
            )
          failing = true
        },
      )
      void repeated.now()
      return { stop: () => repeated.stop() }
    },
  }
}

interface Point {
  readonly timeMicros: number
  /** Null when the SDK did not say. */
  readonly startMicros: number | null
  readonly fields: ReadonlyMap<string, number>
}

function pointOf(columns: readonly string[], row: QuerySeries['values'][number]): Point {
  const fields = new Map<string, number>()
  let timeMicros = 0
  let startMicros: number | null = null
  columns.forEach((column, i) => {
    const value = row[i]
    if (typeof value !== 'number') return
    if (column === 'time') timeMicros = value
    else if (column === 'start_time_unix_nano') startMicros = Math.round(value / 1000)
    else fields.set(column, value)
  })
  return { timeMicros, startMicros, fields }
}

interface Identity {
  readonly scope: Scope
  readonly attributes: Readonly<Record<string, AttributeValue>>
}

/** All attributes of resource, scope and point are tags side by side; the contract knows which are whose. */
function identityOf(definition: MetricDefinition, tags: QuerySeries['tags']): Identity | null {
  const tag = (name: string): string => tags[name] ?? ''
  const scope = {
    model: tag(names.modelName.name),
    version: tag(names.modelVersion.name),
    segment: tag(names.segment.name),
    instance: tag(names.serviceInstanceId.name),
    service: tag(names.serviceName.name),
    environment: tag(names.environment.name),
    manifestDigest: tag(names.manifestDigest.name),
    baselineDigest: tag(names.baselineDigest.name),
  }
  if (scope.model === '' || scope.version === '') return null
  const attributes: Record<string, AttributeValue> = {}
  for (const name of [...definition.required, ...(definition.optional ?? [])].toSorted()) {
    const text = tag(name)
    if (text !== '') attributes[name] = numericAttributes.has(name) ? numberOrText(text) : text
    else if (definition.required.includes(name)) return null
  }
  return { scope, attributes }
}

/** Whole numbers beyond 2^53 were sent as texts. */
function numberOrText(text: string): AttributeValue {
  const value = Number(text)
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? value : text
}

interface Delta {
  readonly startMicros: number
  readonly endMicros: number
  readonly layout: Series['layout']
  readonly slots: readonly number[]
}

/**
 * What one point adds. The layout does not say whether values are deltas or running totals, so times must: a start where the point before
 * ended is a delta, the same start as before is a running total, of which the difference counts; any other start is a new beginning, and
 * the whole value is new either way. The decision depends on neighbours only, so that reading again gives the same blocks.
 */
function deltaOf(
  definition: MetricDefinition,
  point: Point,
  before: Point | undefined,
  after: Point | undefined,
  readFromMicros: number,
): Delta | SkipReason {
  const now = valuesOf(definition, point)
  if (now === null) return 'malformed'
  const { startMicros: start, timeMicros: end } = point
  if (start === null) return 'no-start'
  const isSameStart = (other: Point | undefined): boolean =>
    other?.startMicros !== undefined &&
    other.startMicros !== null &&
    Math.abs(other.startMicros - start) <= toleranceMicros
  let total: Values | null = null
  let from = start
  if (before === undefined) {
    const isDelta =
      after?.startMicros !== undefined &&
      after.startMicros !== null &&
      Math.abs(after.startMicros - end) <= toleranceMicros
    // What started before the reading may have points there: this one is only what the next is compared with.
    if (start < readFromMicros && !isDelta) return 'first-total'
  } else if (isSameStart(before)) {
    total = valuesOf(definition, before)
    if (total === null) return 'malformed'
    from = before.timeMicros
  }
  if (from >= end) return 'malformed'
  const slots = total === null ? now.slots : difference(now, total)
  if (slots === null) return 'malformed'
  return { startMicros: from, endMicros: end, layout: now.layout, slots: toCells(slots, now.layout) }
}

interface Values {
  readonly layout: Series['layout']
  /** Of a histogram: header, then running totals over the bounds, the last of all values. */
  readonly slots: readonly number[]
}

function valuesOf(definition: MetricDefinition, { fields }: Point): Values | null {
  if (definition.instrument !== 'histogram') {
    // `counter` for cumulative monotonic sums, `gauge` for all others.
    const value = fields.get('counter') ?? fields.get('gauge')
    return value === undefined ? null : { layout: null, slots: [value] }
  }
  const count = fields.get('count')
  if (count === undefined) return null
  const totals: { bound: number; total: number }[] = []
  let overflow = count
  for (const [name, total] of fields) {
    if (otherFields.has(name)) continue
    const bound = boundOf(name)
    if (bound === null) return null
    if (bound === Number.POSITIVE_INFINITY) overflow = total
    else totals.push({ bound, total })
  }
  totals.sort((a, b) => a.bound - b.bound)
  const running = [...totals.map(({ total }) => total), overflow]
  if (running.some((total, i) => total < (running[i - 1] ?? 0)) || overflow !== count) return null
  const bounds = totals.map(({ bound }) => bound)
  if (bounds.some((bound, i) => i > 0 && bound === bounds[i - 1])) return null
  const header = [
    count,
    fields.get('sum') ?? Number.NaN,
    fields.get('min') ?? Number.NaN,
    fields.get('max') ?? Number.NaN,
  ]
  return { layout: { kind: 'explicit', bounds }, slots: [...header, ...running] }
}

/** Bounds are field names, spelled by Go without an exponent (100000…), by JavaScript with one (1e+21). */
function boundOf(name: string): number | null {
  if (/^\+?Inf(inity)?$/i.test(name)) return Number.POSITIVE_INFINITY
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(name) ? Number(name) : null
}

/** Null when the totals are not of one histogram. Smallest and largest of a time between two totals are not known. */
function difference(now: Values, before: Values): number[] | null {
  if (now.layout === null || before.layout === null) return [now.slots[0]! - before.slots[0]!]
  if (now.slots.length !== before.slots.length) return null
  const slots = now.slots.map((value, i) => (i === 2 || i === 3 ? Number.NaN : value - before.slots[i]!))
  return slots.some((value, i) => i !== 1 && value < 0) ? null : slots
}

function toCells(slots: readonly number[], layout: Series['layout']): readonly number[] {
  if (layout === null) return slots
  return slots.map((value, i) => (i <= histogramHeader ? value : value - slots[i - 1]!))
}

/** Puts series of one scope and interval together, as they were exported. */
class BlockCollector {
  readonly #groups = new Map<
    string,
    { scope: Scope; startMicros: number; endMicros: number; series: Series[]; slots: number[] }
  >()

  add(scope: Scope, series: Series, { startMicros, endMicros, slots }: Delta): void {
    const key = JSON.stringify([Object.values(scope), startMicros, endMicros])
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = { scope, startMicros, endMicros, series: [], slots: [] }
      this.#groups.set(key, group)
    }
    group.series.push(series)
    for (const value of slots) group.slots.push(value)
  }

  blocks(): Block[] {
    return [...this.#groups.values()].map(({ scope, startMicros, endMicros, series, slots }) => ({
      scope,
      startMicros,
      endMicros,
      shape: makeShape(series),
      values: Float64Array.from(slots),
    }))
  }
}
