import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { DeadLetter, DeadLetters } from './dead-letters.ts'
import type { Batch, BatchLimits, Destination, Line, SendOutcome } from './destination.ts'
import type { Journal } from './journal.ts'
import type { JournalRecord } from './record-format.ts'

/** First wait after a failure; doubles each time. */
export const firstRetryMs = 250
/** Longest wait of our own, so that a destination that is back is noticed soon. */
export const maximumRetryMs = 30_000
/** Longest wait that a destination may ask for: a wrong header must not stop sending for a day. */
export const maximumRetryAfterMs: number = 5 * 60_000
/** One trouble is told again at this interval while it lasts; so are lines that were refused for good, with their number. */
export const complaintIntervalMs = 60_000
/** Below it, a destination that calls batches too large is not given smaller ones before it says so. */
const minimumBatchBytes: number = 16 * 1024

export interface SenderOptions {
  readonly journal: Journal
  readonly destination: Destination
  readonly deadLetters: DeadLetters
  readonly clock: Clock
  readonly log: (line: string) => void
  /** From 0 up to 1, for jitter. Default: Math.random. */
  readonly random?: () => number
  /** Awaited before records up to the sequence are committed, which lets the journal delete them; a rejection is tried again. */
  readonly beforeCommit?: (throughSequence: number) => Promise<void>
}

export interface SenderStatistics {
  /** Everything up to it is stored at the destination, or among the dead letters. */
  readonly settledSequence: number
  /** All counts since start. */
  readonly sentBatches: number
  readonly sentLines: number
  readonly sentBytes: number
  /** Sendings that did not end a batch: put off, held, or split. */
  readonly retries: number
  readonly splits: number
  readonly deadLetters: number
  /** What a person has to put right before anything is sent again; null when there is nothing of this kind. */
  readonly held: string | null
  /** Why nothing gets through at the moment, `held` included; null while it does. */
  readonly failing: string | null
  readonly failingSinceMs: number | null
  /** When the destination last took something; null before. */
  readonly lastAcceptedAtMs: number | null
}

/**
 * Brings the journal's records to a destination, in order, one request at a time, without end: nothing is given up but what the
 * destination refuses for good, and that is kept as a dead letter. The next batch is encoded while one is under way.
 */
export interface Sender {
  /**
   * Whether everything up to a sequence is settled, waiting for it for as long as said. False after the time, and when the sender
   * is closed meanwhile.
   */
  drained(throughSequence: number, timeoutMs: number): Promise<boolean>
  statistics(): SenderStatistics
  /** Waits for the request under way, and starts no other. What is not settled is sent after the next start. */
  close(): Promise<void>
}

export function startSender(options: SenderOptions): Sender {
  return new JournalSender(options)
}

interface PendingLine {
  readonly sequence: number
  readonly text: string
  readonly bytes: number
}

/** Lines on their way, by target. */
class Load {
  readonly targets: Map<string, { lines: PendingLine[]; bytes: number }> = new Map()
  /** Records up to it are in this load or an earlier one, with all their lines. */
  throughSequence: number
  /** Records that could not be encoded. */
  readonly deadLetters: DeadLetter[] = []

  constructor(throughSequence: number) {
    this.throughSequence = throughSequence
  }

  /** False, and nothing is done, when there is no room for the line; one line always has room. */
  add(sequence: number, { target, text }: Line, limits: BatchLimits): boolean {
    const bytes = Buffer.byteLength(text) + 1
    let entry = this.targets.get(target)
    if (entry === undefined) {
      entry = { lines: [], bytes: 0 }
      this.targets.set(target, entry)
    }
    const isFull = entry.lines.length >= limits.maximumLines || entry.bytes + bytes > limits.maximumBytes
    if (isFull && entry.lines.length > 0) return false
    entry.lines.push({ sequence, text, bytes })
    entry.bytes += bytes
    return true
  }
}

/** A record whose lines are being taken into loads. */
interface OpenRecord {
  readonly record: JournalRecord
  readonly lines: Iterator<Line>
  /** Did not fit into the last load. */
  waiting: Line | null
}

class JournalSender implements Sender {
  readonly #journal: Journal
  readonly #destination: Destination
  readonly #deadLetters: DeadLetters
  readonly #clock: Clock
  readonly #log: (line: string) => void
  readonly #random: () => number
  readonly #beforeCommit: (throughSequence: number) => Promise<void>
  #records: AsyncIterator<JournalRecord> | null = null
  #recordsThrough = 0
  #open: OpenRecord | null = null
  /** Everything up to it was taken into a load. */
  #takenSequence: number
  #settledSequence: number
  #batchBytes: number
  readonly #loop: Promise<void>
  #closed = false
  #wakeFromClose: () => void = () => {}
  readonly #whenClosed: Promise<void>
  #waiters: { readonly throughSequence: number; readonly wake: () => void }[] = []
  #failures = 0
  #toldAtMs: number | null = null
  #held: string | null = null
  #failing: string | null = null
  #failingSinceMs: number | null = null
  #lastAcceptedAtMs: number | null = null
  #sentBatches = 0
  #sentLines = 0
  #sentBytes = 0
  #retries = 0
  #splits = 0
  #deadLetterCount = 0
  #untoldLetters = 0
  #lettersToldAtMs: number | null = null

  constructor(options: SenderOptions) {
    this.#journal = options.journal
    this.#destination = options.destination
    this.#deadLetters = options.deadLetters
    this.#clock = options.clock
    this.#log = options.log
    this.#random = options.random ?? Math.random
    this.#beforeCommit = options.beforeCommit ?? (() => Promise.resolve())
    this.#settledSequence = options.journal.committedSequence
    this.#takenSequence = this.#settledSequence
    this.#batchBytes = options.destination.limits.maximumBytes
    this.#whenClosed = new Promise((resolve) => {
      this.#wakeFromClose = resolve
    })
    this.#loop = this.#run()
  }

  async drained(throughSequence: number, timeoutMs: number): Promise<boolean> {
    if (this.#settledSequence >= throughSequence) return true
    if (this.#closed) return false
    let wake = () => {}
    const settled = new Promise<void>((resolve) => {
      wake = resolve
    })
    this.#waiters.push({ throughSequence, wake })
    const cancel = this.#clock.after(timeoutMs, wake)
    await settled
    cancel()
    this.#waiters = this.#waiters.filter((waiter) => waiter.wake !== wake)
    return this.#settledSequence >= throughSequence
  }

  statistics(): SenderStatistics {
    return {
      settledSequence: this.#settledSequence,
      sentBatches: this.#sentBatches,
      sentLines: this.#sentLines,
      sentBytes: this.#sentBytes,
      retries: this.#retries,
      splits: this.#splits,
      deadLetters: this.#deadLetterCount,
      held: this.#held,
      failing: this.#failing,
      failingSinceMs: this.#failingSinceMs,
      lastAcceptedAtMs: this.#lastAcceptedAtMs,
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wakeFromClose()
    await this.#loop
    for (const { wake } of this.#waiters.splice(0)) wake()
  }

  async #run(): Promise<void> {
    let load = new Load(this.#settledSequence)
    while (!this.#closed) {
      // Tops up what was prepared while the load before was on its way.
      const filling = load
      if (!(await this.#tryTo('read the journal', () => this.#fill(filling)))) break
      const next = new Load(load.throughSequence)
      const isOnItsWay = this.#deliver(load)
      // A reading that fails here fails again in the next round, where it is told.
      const isPrepared = this.#fill(next).catch(() => {})
      const delivered = await isOnItsWay
      await isPrepared
      if (!delivered) break
      await this.#settle(load.throughSequence)
      load = next
      if (load.targets.size === 0 && load.deadLetters.length === 0 && load.throughSequence === this.#settledSequence) {
        await Promise.race([this.#journal.appended(this.#takenSequence), this.#whenClosed])
      }
    }
    await this.#records?.return?.()
  }

  /** Takes lines until the load is full or the journal has no more for now. */
  async #fill(load: Load): Promise<void> {
    const limits = {
      maximumLines: this.#destination.limits.maximumLines,
      maximumBytes: Math.min(this.#batchBytes, this.#destination.limits.maximumBytes),
    }
    while (!this.#closed) {
      this.#open ??= await this.#nextRecord()
      if (this.#open === null) {
        load.throughSequence = Math.max(load.throughSequence, this.#takenSequence)
        return
      }
      if (!this.#take(this.#open, load, limits)) return
      load.throughSequence = this.#open.record.sequence
      this.#takenSequence = Math.max(this.#takenSequence, load.throughSequence)
      this.#open = null
      // Encoding thousands of lines takes long enough for requests to wait for it.
      await setImmediate()
    }
  }

  /** Whether all lines of the record are in the load now. */
  #take(open: OpenRecord, load: Load, limits: BatchLimits): boolean {
    const { record, lines } = open
    try {
      for (;;) {
        if (open.waiting === null) {
          const { value, done } = lines.next()
          if (done) return true
          open.waiting = value
        }
        if (!load.add(record.sequence, open.waiting, limits)) return false
        open.waiting = null
      }
    } catch (error) {
      const payload = Buffer.from(record.payload).toString('base64')
      load.deadLetters.push({
        sequence: record.sequence,
        reason: `cannot be encoded: ${reason(error)}`,
        target: '',
        payload,
      })
      return true
    }
  }

  async #nextRecord(): Promise<OpenRecord | null> {
    if (this.#records === null) {
      if (this.#journal.lastSequence <= this.#takenSequence) return null
      this.#recordsThrough = this.#journal.lastSequence
      this.#records = this.#journal.read(this.#takenSequence)[Symbol.asyncIterator]()
    }
    let result: IteratorResult<JournalRecord, unknown>
    try {
      result = await this.#records.next()
    } catch (error) {
      this.#records = null
      throw error
    }
    if (result.done) {
      this.#records = null
      // Sequences without a record were dropped, damaged or never used.
      this.#takenSequence = Math.max(this.#takenSequence, this.#recordsThrough)
      return this.#nextRecord()
    }
    const record = result.value
    return { record, lines: lazily(() => this.#destination.encode(record)), waiting: null }
  }

  /** Whether every line is stored or a dead letter; false when closed before. */
  async #deliver(load: Load): Promise<boolean> {
    if (!(await this.#bury(load.deadLetters))) return false
    for (const [target, { lines }] of load.targets) {
      const parts = [lines]
      for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
        const halves = await this.#sendPart(target, part)
        if (halves === null) return false
        // The first half is sent first: order matters where two lines set the same point.
        parts.push(...halves.toReversed())
      }
    }
    return true
  }

  /** Sends until there is a final answer. Returns the parts to be sent instead, which are none when it is settled; null when closed before. */
  async #sendPart(target: string, lines: PendingLine[]): Promise<PendingLine[][] | null> {
    const batch: Batch = {
      target,
      lines: lines.map(({ text }) => text),
      bytes: lines.reduce((sum, { bytes }) => sum + bytes, 0),
    }
    while (!this.#closed) {
      const outcome = await this.#send(batch)
      switch (outcome.kind) {
        case 'accepted':
          this.#works(lines.length, batch.bytes)
          this.#batchBytes = Math.min(this.#destination.limits.maximumBytes, Math.ceil(this.#batchBytes * 1.1))
          return []
        case 'try-later':
          await this.#putOff(outcome.reason, { hold: false, retryAfterMs: outcome.retryAfterMs ?? 0 })
          break
        case 'hold':
          await this.#putOff(outcome.reason, { hold: true, retryAfterMs: 0 })
          break
        case 'too-large':
          this.#batchBytes = Math.max(minimumBatchBytes, Math.min(this.#batchBytes, batch.bytes >> 1))
          if (lines.length > 1) return this.#halve(lines)
          return (await this.#refuse(target, lines, () => outcome.reason)) ? [] : null
        case 'refused': {
          if (outcome.lines === null) {
            if (lines.length > 1) return this.#halve(lines)
            return (await this.#refuse(target, lines, () => outcome.reason)) ? [] : null
          }
          const reasons = new Map(outcome.lines.map(({ index, reason: why }) => [index, why]))
          const refused = lines.filter((_, index) => reasons.has(index))
          const whys = lines.flatMap((_, index) => reasons.get(index) ?? [])
          if (!(await this.#refuse(target, refused, (i) => whys[i]!))) return null
          const stored = lines.length - refused.length
          if (stored > 0) {
            const bytes = batch.bytes - refused.reduce((sum, line) => sum + line.bytes, 0)
            this.#works(stored, bytes)
          }
          return []
        }
      }
    }
    return null
  }

  async #send(batch: Batch): Promise<SendOutcome> {
    try {
      return await this.#destination.send(batch)
    } catch (error) {
      return { kind: 'try-later', reason: reason(error) }
    }
  }

  #halve(lines: PendingLine[]): PendingLine[][] {
    this.#splits++
    this.#retries++
    const middle = lines.length >> 1
    return [lines.slice(0, middle), lines.slice(middle)]
  }

  /** The destination answered, so it is not failing: whatever it says of other lines, these are settled. */
  async #refuse(target: string, lines: readonly PendingLine[], why: (index: number) => string): Promise<boolean> {
    this.#recovered()
    return this.#bury(
      lines.map(({ sequence, text }, index) => ({ sequence, reason: why(index), target, payload: text })),
    )
  }

  /** Nothing is settled before its dead letter is on disk. */
  async #bury(letters: readonly DeadLetter[]): Promise<boolean> {
    if (letters.length === 0) return true
    const isWritten = await this.#tryTo('write dead letters', () => this.#deadLetters.append(letters))
    if (!isWritten) return false
    this.#deadLetterCount += letters.length
    this.#untoldLetters += letters.length
    const now = this.#clock.now()
    if (this.#lettersToldAtMs !== null && now - this.#lettersToldAtMs < complaintIntervalMs) return true
    this.#lettersToldAtMs = now
    const { sequence, reason: why } = letters[0]!
    const more = this.#untoldLetters > 1 ? ` and ${this.#untoldLetters - 1} more` : ''
    this.#untoldLetters = 0
    this.#log(`sender: refused for good: a line of record ${sequence} (${why})${more}; see dead-letters.jsonl`)
    return true
  }

  async #settle(throughSequence: number): Promise<void> {
    if (throughSequence > this.#journal.committedSequence) {
      const isCommitted = await this.#tryTo('note what was sent', async () => {
        await this.#beforeCommit(throughSequence)
        await this.#journal.commitThrough(throughSequence)
      })
      // It is stored, but will be sent again after the next start.
      if (!isCommitted) return
    }
    this.#settledSequence = Math.max(this.#settledSequence, throughSequence)
    const due = this.#waiters.filter((waiter) => waiter.throughSequence <= this.#settledSequence)
    this.#waiters = this.#waiters.filter((waiter) => waiter.throughSequence > this.#settledSequence)
    for (const { wake } of due) wake()
  }

  /** Whether it was done; after a failure it waits and tries again, until closed. */
  async #tryTo(what: string, run: () => Promise<void>): Promise<boolean> {
    while (!this.#closed) {
      try {
        await run()
        return true
      } catch (error) {
        await this.#putOff(`cannot ${what}: ${reason(error)}`, { hold: false, retryAfterMs: 0 })
      }
    }
    return false
  }

  async #putOff(why: string, { hold, retryAfterMs }: { readonly hold: boolean; readonly retryAfterMs: number }) {
    const now = this.#clock.now()
    const isNew = hold ? this.#held === null : this.#failing === null
    this.#retries++
    this.#held = hold ? why : null
    this.#failing = why
    this.#failingSinceMs ??= now
    if (isNew || this.#toldAtMs === null || now - this.#toldAtMs >= complaintIntervalMs) {
      this.#toldAtMs = now
      const { queuedRecords, queuedBytes } = this.#journal.statistics()
      const waits = `${queuedRecords} records (${Math.ceil(queuedBytes / 1024)} KiB) wait in the journal`
      this.#log(hold ? `sender: HELD until someone puts it right: ${why}; ${waits}` : `sender: ${why}; ${waits}`)
    }
    const ours = Math.min(maximumRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 20))
    this.#failures++
    // Half to whole: several collectors that lost one destination come back apart.
    const jittered = ours * (0.5 + this.#random() / 2)
    await this.#pause(Math.max(jittered, Math.min(retryAfterMs, maximumRetryAfterMs)))
  }

  async #pause(milliseconds: number): Promise<void> {
    if (this.#closed) return
    let cancel = () => {}
    const elapsed = new Promise<void>((resolve) => {
      cancel = this.#clock.after(milliseconds, resolve)
    })
    await Promise.race([elapsed, this.#whenClosed])
    cancel()
  }

  #works(lines: number, bytes: number): void {
    this.#sentBatches++
    this.#sentLines += lines
    this.#sentBytes += bytes
    this.#lastAcceptedAtMs = this.#clock.now()
    this.#recovered()
  }

  #recovered(): void {
    if (this.#failing !== null) this.#log('sender: sending again')
    this.#failures = 0
    this.#held = null
    this.#failing = null
    this.#failingSinceMs = null
    this.#toldAtMs = null
  }
}

/** `encode` itself may throw: also that shall come from `next`, where it is caught. */
function* lazily(encode: () => Iterable<Line>): Generator<Line, void, void> {
  yield* encode()
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
