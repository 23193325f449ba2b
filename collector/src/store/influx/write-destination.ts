import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { HttpError, InfluxDB, type WriteApi } from '@influxdata/influxdb-client'
import type { Batch, Destination, Line, RefusedLine, SendOutcome } from '../../journal/destination.ts'
import type { JournalRecord } from '../../journal/journal.ts'
import type { BlockIndex } from './block-index.ts'
import { decodeBlockRecord, decodeLinesRecord, recordKinds } from './block-record.ts'
import { LineEncoder } from './encode-lines.ts'
import { InfluxError, messageOf, type InfluxServer } from './influx-server.ts'
import { retentionPolicies } from './influx-settings.ts'

/** What all versions recommend, and far below the limits of all of them: 25 MB on 1.x, 10 MiB on 3.x. */
const maximumLines = 5_000
const maximumBytes = 5_000_000

export interface WriteDestinationOptions {
  readonly server: InfluxServer
  readonly index: BlockIndex
  /** Makes databases and buckets that are missing, before the first batch and when the server says that one is. */
  readonly prepare: () => Promise<void>
}

/** The journal's way into InfluxDB. Targets are retention policies. */
export interface WriteDestination extends Destination {
  close(): void
}

export function createWriteDestination(options: WriteDestinationOptions): WriteDestination {
  return new InfluxDestination(options)
}

class InfluxDestination implements WriteDestination {
  readonly limits = { maximumLines, maximumBytes }
  readonly #server: InfluxServer
  readonly #index: BlockIndex
  readonly #prepare: () => Promise<void>
  readonly #encoder = new LineEncoder()
  readonly #agent: HttpAgent
  readonly #writers = new Map<string, WriteApi>()
  #prepared = false

  constructor({ server, index, prepare }: WriteDestinationOptions) {
    this.#server = server
    this.#index = index
    this.#prepare = prepare
    const Agent = server.settings.url.startsWith('https:') ? HttpsAgent : HttpAgent
    // One batch is under way at a time.
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 })
  }

  *encode(record: JournalRecord): Generator<Line, void, void> {
    if (record.kind === recordKinds.lines) {
      const { retentionPolicy, lines } = decodeLinesRecord(record.payload)
      for (const text of lines) if (text !== '') yield { target: retentionPolicy, text }
      return
    }
    if (record.kind !== recordKinds.block) throw new RangeError(`a record of the unknown kind ${record.kind}`)
    const { record: block, data } = decodeBlockRecord(record.payload)
    const scope = this.#index.scopeById(block.scopeId)
    const decoder = this.#index.decoder(block.shapeId)
    if (scope === null || decoder === null) {
      throw new RangeError(`the block index knows no scope ${block.scopeId} or no shape ${block.shapeId}`)
    }
    const { shape, values } = decoder.decode(data, (width) => new Float64Array(width))
    const { startMicros, turn } = block
    const { sequence } = record
    for (const text of this.#encoder.encode(scope, shape, values, { startMicros, turn, sequence })) {
      yield { target: retentionPolicies.raw, text }
    }
  }

  async send(batch: Batch): Promise<SendOutcome> {
    try {
      await this.#server.detect()
      if (!this.#prepared) await this.#prepare()
      this.#prepared = true
    } catch (error) {
      return this.#outcomeOfError(error)
    }
    try {
      const writer = this.#writer(batch.target)
      writer.writeRecords(batch.lines as string[])
      await writer.flush()
      return { kind: 'accepted' }
    } catch (error) {
      if (error instanceof HttpError) return this.#outcomeOfAnswer(error, batch)
      // Another server may answer next time.
      this.#server.forgetVersion()
      return { kind: 'try-later', reason: this.#server.redact(`InfluxDB cannot be reached: ${reasonOf(error)}`) }
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  /** Only the encoder and transport of the client are used; batching and retrying are the sender's. */
  #writer(target: string): WriteApi {
    // The form of authorization and its place depend on the version, which may change while a collector runs.
    const authorization = this.#server.authorization() ?? ''
    const key = `${target} ${authorization}`
    let writer = this.#writers.get(key)
    if (writer === undefined) {
      const { url, timeoutMs, org } = this.#server.settings
      const client = new InfluxDB({
        url: url.replace(/\/+$/, ''),
        timeout: timeoutMs,
        transportOptions: { agent: this.#agent },
        ...(authorization === '' ? {} : { headers: { authorization } }),
      })
      writer = client.getWriteApi(org ?? '', target, 'ns', {
        batchSize: maximumLines + 1,
        flushInterval: 0,
        maxRetries: 0,
        // On loopback, compressing costs more than the bytes it saves.
        gzipThreshold: isLoopback(url) ? Number.MAX_SAFE_INTEGER : 1_000,
        // Taking the failure over keeps the client from writing it to the console.
        writeFailed: async (error) => {
          throw error
        },
      })
      writer.path = this.#server.writePath(target)
      this.#writers.set(key, writer)
    }
    return writer
  }

  #outcomeOfError(error: unknown): SendOutcome {
    if (!(error instanceof InfluxError)) return { kind: 'try-later', reason: this.#server.redact(reasonOf(error)) }
    return { kind: error.kind === 'unreachable' ? 'try-later' : 'hold', reason: error.message }
  }

  #outcomeOfAnswer(error: HttpError, batch: Batch): SendOutcome {
    const { statusCode: status } = error
    // The client takes a plain 200 or 202, as proxies give, for a failure.
    if (status >= 200 && status < 300) return { kind: 'accepted' }
    const body = error.body ?? ''
    const { message } = this.#server.errorOf(status, body)
    if (status === 413) return { kind: 'too-large', reason: message }
    if (status === 429 || status === 408 || (status >= 500 && !isMissingPolicy(body))) {
      return { kind: 'try-later', reason: message, retryAfterMs: Math.max(0, error.retryAfter()) }
    }
    if (status === 400 || status === 422) {
      const lines = this.#server.version === null ? null : refusedLines(this.#server.version.major, body, batch.lines)
      return { kind: 'refused', reason: this.#server.redact(messageOf(body)), lines }
    }
    // The database may have been dropped: looked at again before the next attempt.
    this.#prepared = false
    return { kind: 'hold', reason: message }
  }
}

/**
 * Which lines of a batch were refused, where the answer says so and all others are stored; null when it does not.
 *
 * @param body - of the answer 400 or 422.
 */
export function refusedLines(major: 1 | 2 | 3, body: string, lines: readonly string[]): RefusedLine[] | null {
  if (major === 1) return refusedByVersion1(messageTextOf(body), lines)
  return major === 3 ? refusedByVersion3(body, lines) : null
}

/** 1.x stores what it can, and quotes the lines that it cannot read: `partial write: unable to parse '…': reason dropped=0`. */
function refusedByVersion1(message: string, lines: readonly string[]): RefusedLine[] | null {
  const dropped = /dropped=(\d+)\s*$/.exec(message)
  // Then it does not matter which.
  if (dropped !== null && Number(dropped[1]) === lines.length)
    return lines.map((_, index) => ({ index, reason: message }))
  const quoted = message.split("unable to parse '").slice(1)
  if (quoted.length === 0) return null
  const found: RefusedLine[] = []
  lines.forEach((line, index) => {
    const part = quoted.find((text) => text.startsWith(`${line}':`))
    if (part !== undefined) found.push({ index, reason: `unable to parse: ${part.slice(line.length + 2).trim()}` })
  })
  // Lines that were left out for another reason as well are not named.
  const others = dropped !== null && Number(dropped[1]) > 0
  return found.length === quoted.length && !others ? found : null
}

/** 3.x: `{"error":…,"data":[{"line_number":1,"original_line":…,"error_message":…}]}`; the good lines are stored. */
function refusedByVersion3(body: string, lines: readonly string[]): RefusedLine[] | null {
  let data: unknown
  try {
    data = (JSON.parse(body) as { data?: unknown }).data
  } catch {
    return null
  }
  if (!Array.isArray(data) || data.length === 0) return null
  const found: RefusedLine[] = []
  for (const one of data as { line_number?: unknown; error_message?: unknown }[]) {
    const index = Number(one.line_number) - 1
    if (!Number.isInteger(index) || index < 0 || index >= lines.length) return null
    found.push({ index, reason: typeof one.error_message === 'string' ? one.error_message : 'without a reason' })
  }
  return found
}

function messageTextOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown }
    return typeof error === 'string' ? error : body
  } catch {
    return body
  }
}

/** 1.x answers 500 where the retention policy does not exist. */
function isMissingPolicy(body: string): boolean {
  return /retention policy not found/i.test(body)
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
