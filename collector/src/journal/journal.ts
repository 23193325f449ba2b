import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { Checkpoint } from './checkpoint.ts'
import {
  encodeRecordHeader,
  encodeSegmentHeader,
  maximumRecordBytes,
  segmentHeaderBytes,
  type JournalRecord,
} from './record-format.ts'
import { recover, syncDirectory, type Recovered } from './recover.ts'
import { readRange } from './segment-reader.ts'
import { recordBytes, Segment, segmentName } from './segment.ts'

export type { JournalRecord } from './record-format.ts'
export { JournalFormatError } from './recover.ts'

export interface JournalLimits {
  /** A segment is closed when it has reached this size, or holds records for an eighth of the time. It is what is deleted at once. */
  readonly segmentBytes: number
  /** Oldest segments are dropped when all together are larger. */
  readonly maximumBytes: number
  /** Segments are dropped when their newest record is older. */
  readonly maximumAgeMs: number
}

/**
 * 64 MiB are some 1,000 blocks of 200 points: small enough to delete soon, large enough that starting a file costs nothing. 8 GiB and a
 * week outlast a long weekend without the destination, and fit on the disk of a small machine.
 */
export const defaultJournalLimits: JournalLimits = {
  segmentBytes: 64 * 1024 * 1024,
  maximumBytes: 8 * 1024 * 1024 * 1024,
  maximumAgeMs: 7 * 24 * 3_600_000,
}

/** Of all bytes, and of the time records are kept, one segment takes this part at most: dropping one must not drop nearly all, nor keep what is too old. */
const segmentsPerMaximum = 8
/** Written and flushed at once: bounds how long its checksums hold up other work (some 2 ms). */
const maximumGroupBytes: number = 4 * 1024 * 1024
/** Bytes that may wait for the disk; beyond it appending is refused, as memory is not endless. */
const maximumWaitingBytes: number = 128 * 1024 * 1024
/** How often ages are looked at when nothing is appended. */
const ageCheckMs = 60_000

export interface JournalOptions {
  /** Made when missing. That one process at a time uses it is the caller's care. */
  readonly directory: string
  readonly limits?: Partial<JournalLimits>
  readonly clock: Clock
  readonly log: (line: string) => void
  /** Records were given up unsent because of a limit. */
  readonly onDropped?: (dropped: DroppedRecords) => void
  /** Sequences start above it, for an owner that has notes of higher ones than the directory (which was emptied, say). Default: 0. */
  readonly sequenceFloor?: number
  /** Opens the segments that are written; tests hand in files that fail. */
  readonly openFile?: (path: string, flags: string) => Promise<FileHandle>
}

export interface DroppedRecords {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly records: number
  readonly reason: 'bytes' | 'age'
}

export interface AppendedRecords {
  readonly firstSequence: number
  readonly lastSequence: number
}

export interface JournalStatistics {
  /** Not committed yet; bytes up to 256 KiB too many, age up to 10 s too high. */
  readonly queuedBytes: number
  readonly queuedRecords: number
  /** 0 when nothing waits. */
  readonly oldestAgeMs: number
  readonly segments: number
  readonly bytes: number
  /** Since the journal was opened. */
  readonly appendedRecords: number
  readonly failedAppends: number
  readonly droppedRecords: number
  readonly truncatedTails: number
  readonly damagedRecords: number
}

/** The journal cannot take records now: the disk is full, or failed. Nothing of the call was acknowledged; trying again later may help. */
export class JournalUnavailableError extends Error {
  override name = 'JournalUnavailableError'
}

/**
 * Records in the order in which they came, in files that only grow, until they are committed.
 *
 * What `append` acknowledged survives the end of the process and of the machine. When a write fails, the file is cut back to what was
 * acknowledged and used on; when flushing fails, or cutting back does, it is never written again, because the system may have thrown
 * away pages and yet report success the next time: a new segment is started, and its header says how much of the old one counts.
 * The callers of such a group are told, and their sequences are not used again. A full disk refuses new records rather than
 * giving up acknowledged ones; only the limits do that.
 */
export interface Journal {
  /**
   * Resolves when the records are on disk; calls that come together share one write and one flush.
   *
   * @param kind a number from 0 to 255 that says what the records are; default: 0
   * @throws JournalUnavailableError, and RangeError for a record above 32 MiB
   */
  append(records: readonly Uint8Array[], kind?: number): Promise<AppendedRecords>
  /**
   * What is on disk above a sequence at the time of the call, in order, also what is committed but not deleted yet. Holds one MiB, or one record, in
   * memory. Records that were dropped or are damaged are left out.
   */
  read(afterSequence: number): AsyncIterable<JournalRecord>
  /** Resolves when there is a record above a sequence, or the journal is closed. */
  appended(afterSequence: number): Promise<void>
  /** Everything up to the sequence is settled: files that hold nothing else are deleted, and a restart goes on behind it. */
  commitThrough(sequence: number): Promise<void>
  /** Of the newest record on disk; 0 when there never was one. */
  readonly lastSequence: number
  readonly committedSequence: number
  statistics(): JournalStatistics
  /** Waits for appends under way. */
  close(): Promise<void>
}

/**
 * Opens a journal and repairs what a crash left.
 *
 * @throws JournalFormatError when a later version wrote it, JournalUnavailableError when it cannot be read or written
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { directory, log, sequenceFloor = 0 } = options
  try {
    await mkdir(directory, { recursive: true })
    const checkpoint = await Checkpoint.open(join(directory, 'checkpoint'))
    try {
      const recovered = await recover(directory, checkpoint.sequence, log)
      return new SegmentedJournal(options, checkpoint, recovered, sequenceFloor)
    } catch (error) {
      await checkpoint.close()
      throw error
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw new JournalUnavailableError(`the journal in ${directory} cannot be opened: ${error.message}`, {
      cause: error,
    })
  }
}

interface Waiting {
  readonly records: readonly Uint8Array[]
  readonly kind: number
  readonly bytes: number
  readonly resolve: (appended: AppendedRecords) => void
  readonly reject: (error: Error) => void
}

class SegmentedJournal implements Journal {
  readonly #directory: string
  readonly #limits: JournalLimits
  readonly #clock: Clock
  readonly #log: (line: string) => void
  readonly #onDropped: (dropped: DroppedRecords) => void
  readonly #openFile: (path: string, flags: string) => Promise<FileHandle>
  readonly #checkpoint: Checkpoint
  #segments: Segment[]
  /** The last of the segments, while it may be written. */
  #active: { readonly segment: Segment; readonly file: FileHandle } | null = null
  #lastNumber: number
  #nextSequence: number
  #lastSequence: number
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #flushIsDue = false
  /** Writing, rotating and dropping, one after the other. */
  #work: Promise<void> = Promise.resolve()
  #wakeups: { readonly afterSequence: number; readonly wake: () => void }[] = []
  #cancelAgeCheck: () => void = () => {}
  #closed = false
  #appendedRecords = 0
  #failedAppends = 0
  #droppedRecords = 0
  #truncatedTails: number
  #damagedRecords: number

  constructor(options: JournalOptions, checkpoint: Checkpoint, recovered: Recovered, sequenceFloor: number) {
    const limits = { ...defaultJournalLimits, ...options.limits }
    this.#directory = options.directory
    this.#limits = {
      ...limits,
      segmentBytes: Math.min(limits.segmentBytes, Math.ceil(limits.maximumBytes / segmentsPerMaximum)),
    }
    this.#clock = options.clock
    this.#log = options.log
    this.#onDropped = options.onDropped ?? (() => {})
    this.#openFile = options.openFile ?? open
    this.#checkpoint = checkpoint
    this.#segments = recovered.segments
    this.#lastNumber = recovered.lastNumber
    this.#lastSequence = Math.max(recovered.lastSequence, checkpoint.sequence, sequenceFloor)
    this.#nextSequence = this.#lastSequence + 1
    this.#truncatedTails = recovered.truncatedTails
    this.#damagedRecords = recovered.damagedRecords
    this.#checkAges()
  }

  get lastSequence(): number {
    return this.#lastSequence
  }

  get committedSequence(): number {
    return this.#checkpoint.sequence
  }

  append(records: readonly Uint8Array[], kind = 0): Promise<AppendedRecords> {
    let bytes = 0
    for (const record of records) {
      if (record.length > maximumRecordBytes) {
        return Promise.reject(
          new RangeError(`a record of ${record.length} bytes is above the journal's ${maximumRecordBytes}`),
        )
      }
      bytes += recordBytes(record)
    }
    if (this.#closed) return Promise.reject(new JournalUnavailableError('the journal is closed'))
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes > maximumWaitingBytes) {
      this.#failedAppends++
      return Promise.reject(new JournalUnavailableError('the disk does not keep up with what is appended'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, kind, bytes, resolve, reject })
      this.#waitingBytes += bytes
      if (this.#flushIsDue) return
      this.#flushIsDue = true
      void this.#next(() => this.#flush())
    })
  }

  async *read(afterSequence: number): AsyncGenerator<JournalRecord, void, void> {
    const through = this.#lastSequence
    let last = afterSequence
    while (last < through) {
      const segment = this.#segments.find(({ lastSequence }) => lastSequence > last)
      if (segment === undefined) return
      const { bytes: to, lastSequence } = segment
      const mark = segment.markAt(last + 1)
      const file = await openOrGone(segment.path)
      if (file === null) {
        if (this.#segments.includes(segment)) this.#tellDamage(segment, segmentHeaderBytes, segment.recordsAbove(last))
      } else {
        try {
          const ranges = readRange(file, {
            from: mark?.offset ?? segmentHeaderBytes,
            to,
            aboveSequence: (mark?.sequence ?? segment.firstSequence) - 1,
            belowSequence: lastSequence + 1,
            onDamage: ({ from, before, behind }) => {
              const lost = (behind ?? lastSequence + 1) - (before ?? last) - 1
              this.#tellDamage(segment, from, Math.max(1, lost))
            },
          })
          for await (const records of ranges) {
            for (const { sequence, kind, payload, appendedAtMs } of records) {
              if (sequence <= last) continue
              last = sequence
              yield { sequence, kind, payload, appendedAtMs }
            }
          }
        } finally {
          await file.close()
        }
      }
      last = Math.max(last, lastSequence)
    }
  }

  appended(afterSequence: number): Promise<void> {
    if (this.#closed || this.#lastSequence > afterSequence) return Promise.resolve()
    return new Promise((resolve) => this.#wakeups.push({ afterSequence, wake: resolve }))
  }

  async commitThrough(sequence: number): Promise<void> {
    try {
      const settled = this.#segments.slice(0, -1).filter((segment) => segment.lastSequence <= sequence)
      // Flushed before anything is deleted, or a machine that crashes would look for what is gone.
      await this.#checkpoint.move(sequence, { flush: settled.length > 0 })
      for (const segment of settled) await this.#remove(segment)
    } catch (error) {
      throw this.#unavailable(error)
    }
  }

  statistics(): JournalStatistics {
    const committed = this.#checkpoint.sequence
    const oldest = this.#segments.find(({ lastSequence }) => lastSequence > committed)
    const oldestAtMs = oldest?.markAt(committed + 1)?.appendedAtMs
    let queuedBytes = 0
    let queuedRecords = 0
    let bytes = 0
    for (const segment of this.#segments) {
      queuedBytes += segment.bytesAbove(committed)
      queuedRecords += segment.recordsAbove(committed)
      bytes += segment.bytes
    }
    return {
      queuedBytes,
      queuedRecords,
      oldestAgeMs: oldestAtMs === undefined ? 0 : Math.max(0, this.#clock.now() - oldestAtMs),
      segments: this.#segments.length,
      bytes,
      appendedRecords: this.#appendedRecords,
      failedAppends: this.#failedAppends,
      droppedRecords: this.#droppedRecords,
      truncatedTails: this.#truncatedTails,
      damagedRecords: this.#damagedRecords,
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return this.#work
    this.#closed = true
    this.#cancelAgeCheck()
    await this.#next(async () => {
      await this.#active?.file.close()
      this.#active = null
      await this.#checkpoint.close()
    })
    for (const { wake } of this.#wakeups.splice(0)) wake()
  }

  /** Runs when everything before has ended. */
  #next(run: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(run).catch((error: unknown) => this.#log(`journal: ${reason(error)}`))
    return this.#work
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group: Waiting[] = []
      let bytes = 0
      do {
        const one = this.#waiting[group.length]!
        if (group.length > 0 && bytes + one.bytes > maximumGroupBytes) break
        bytes += one.bytes
        group.push(one)
      } while (group.length < this.#waiting.length)
      this.#waiting = this.#waiting.slice(group.length)
      this.#waitingBytes -= bytes
      try {
        const receipts = await this.#write(group)
        for (const [i, { resolve }] of group.entries()) resolve(receipts[i]!)
      } catch (error) {
        this.#failedAppends += group.length
        const unavailable = this.#unavailable(error)
        for (const { reject } of group) reject(unavailable)
      }
      this.#wake()
      try {
        await this.#enforceLimits()
      } catch (error) {
        // Looked at again with the next group.
        this.#log(`journal: cannot drop what is above its limits: ${reason(error)}`)
      }
    }
    this.#flushIsDue = false
  }

  async #write(group: readonly Waiting[]): Promise<AppendedRecords[]> {
    const { segment, file } = await this.#writable()
    const appendedAtMs = this.#clock.now()
    const buffers: Uint8Array[] = []
    const places: { sequence: number; offset: number; end: number }[] = []
    const receipts: AppendedRecords[] = []
    let end = segment.bytes
    // Used up whatever comes of it: parts of a failed write may be on disk under these numbers.
    for (const { records, kind } of group) {
      const firstSequence = this.#nextSequence
      for (const payload of records) {
        const sequence = this.#nextSequence++
        const offset = end
        end += recordBytes(payload)
        buffers.push(encodeRecordHeader({ sequence, kind, payload, appendedAtMs }), payload)
        places.push({ sequence, offset, end })
      }
      receipts.push({ firstSequence, lastSequence: this.#nextSequence - 1 })
    }
    if (places.length === 0) return receipts
    let isWritten = false
    try {
      await writeAll(file, buffers, segment.bytes)
      isWritten = true
      await file.datasync()
    } catch (error) {
      await this.#takeBack(segment, file, isWritten)
      throw error
    }
    for (const { sequence, offset, end: recordEnd } of places) segment.add(sequence, offset, recordEnd, appendedAtMs)
    this.#lastSequence = this.#nextSequence - 1
    this.#appendedRecords += places.length
    return receipts
  }

  /** After a write that failed, or a flush. */
  async #takeBack(segment: Segment, file: FileHandle, flushFailed: boolean): Promise<void> {
    try {
      await file.truncate(segment.bytes)
      if (!flushFailed) return
    } catch {
      // Then the next segment's header is what says how much of this one counts.
    }
    this.#active = null
    await file.close().catch(() => {})
    if (segment.records === 0) await this.#remove(segment)
  }

  async #writable(): Promise<{ readonly segment: Segment; readonly file: FileHandle }> {
    if (this.#active === null) return this.#startSegment()
    const { bytes, firstAppendedAtMs } = this.#active.segment
    const ageMs = this.#clock.now() - (firstAppendedAtMs ?? this.#clock.now())
    const isFull = bytes >= this.#limits.segmentBytes || ageMs >= this.#limits.maximumAgeMs / segmentsPerMaximum
    return isFull ? this.#startSegment() : this.#active
  }

  async #startSegment(): Promise<{ readonly segment: Segment; readonly file: FileHandle }> {
    const number = ++this.#lastNumber
    const path = join(this.#directory, segmentName(number))
    const before = this.#segments.at(-1)
    const file = await this.#openFile(path, 'wx')
    try {
      const header = {
        firstSequence: this.#nextSequence,
        previousNumber: before?.number ?? 0,
        previousLength: before?.bytes ?? 0,
      }
      await writeAll(file, [encodeSegmentHeader(header)], 0)
      await file.datasync()
      await syncDirectory(this.#directory)
    } catch (error) {
      await file.close().catch(() => {})
      await unlink(path).catch(() => {})
      throw error
    }
    const previous = this.#active
    this.#active = { segment: new Segment(number, path, this.#nextSequence), file }
    this.#segments.push(this.#active.segment)
    await previous?.file.close()
    return this.#active
  }

  async #enforceLimits(): Promise<void> {
    const oldestAllowedMs = this.#clock.now() - this.#limits.maximumAgeMs
    let bytes = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
    for (const segment of this.#segments.slice()) {
      const isTooMuch = bytes > this.#limits.maximumBytes
      const isTooOld = segment.lastAppendedAtMs < oldestAllowedMs
      if (segment.records === 0 || (!isTooMuch && !isTooOld)) break
      // The last one stays while it is the last: its header keeps the count of sequences.
      if (segment === this.#segments.at(-1)) {
        if (!isTooOld || segment.recordsAbove(this.#checkpoint.sequence) === 0) break
        await this.#startSegment()
      }
      bytes -= segment.bytes
      await this.#drop(segment, isTooOld ? 'age' : 'bytes')
    }
  }

  async #drop(segment: Segment, why: 'bytes' | 'age'): Promise<void> {
    const committed = this.#checkpoint.sequence
    const records = segment.recordsAbove(committed)
    await this.#checkpoint.move(segment.lastSequence, { flush: true })
    await this.#remove(segment)
    if (records === 0) return
    this.#droppedRecords += records
    const dropped: DroppedRecords = {
      firstSequence: Math.max(committed + 1, segment.firstSequence),
      lastSequence: segment.lastSequence,
      records,
      reason: why,
    }
    const limit = why === 'age' ? 'they are too old' : 'the journal is full'
    this.#log(
      `journal: gave up ${records} unsent records (${dropped.firstSequence} to ${dropped.lastSequence}): ${limit}`,
    )
    this.#onDropped(dropped)
  }

  async #remove(segment: Segment): Promise<void> {
    if (!this.#segments.includes(segment)) return
    this.#segments = this.#segments.filter((other) => other !== segment)
    await unlink(segment.path)
  }

  #checkAges(): void {
    this.#cancelAgeCheck = this.#clock.after(ageCheckMs, () => {
      void this.#next(() => this.#enforceLimits()).then(() => {
        if (!this.#closed) this.#checkAges()
      })
    })
  }

  #wake(): void {
    const due = this.#wakeups.filter(({ afterSequence }) => afterSequence < this.#lastSequence)
    if (due.length === 0) return
    this.#wakeups = this.#wakeups.filter(({ afterSequence }) => afterSequence >= this.#lastSequence)
    for (const { wake } of due) wake()
  }

  #tellDamage(segment: Segment, at: number, records: number): void {
    if (segment.damagedAt.has(at)) return
    segment.damagedAt.add(at)
    this.#damagedRecords += records
    this.#log(`journal: ${records} damaged records in ${segment.path} were skipped`)
  }

  #unavailable(error: unknown): JournalUnavailableError {
    return new JournalUnavailableError(`the journal in ${this.#directory} cannot be written: ${reason(error)}`, {
      cause: error,
    })
  }
}

/** Writes everything; one call may stop short, on a disk that fills up for instance. */
async function writeAll(file: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
  let written = (await file.writev(buffers, position)).bytesWritten
  if (written === total) return
  const rest = Buffer.concat(buffers)
  while (written < total) {
    const { bytesWritten } = await file.write(rest, written, total - written, position + written)
    if (bytesWritten === 0) throw new Error('nothing more could be written')
    written += bytesWritten
  }
}

/** Null when the file was deleted since it was looked up. */
async function openOrGone(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
