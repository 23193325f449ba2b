import type { FileHandle } from 'node:fs/promises'
import { decodeRecord, recordHeaderBytes, recordMagic, type JournalRecord } from './record-format.ts'

/** What is read at once. Records longer than it are read whole. */
const chunkBytes: number = 1024 * 1024

export interface ReadRecord extends JournalRecord {
  /** Places in the file: of its first byte, and behind its last. */
  readonly offset: number
  readonly end: number
}

/** Bytes in which no whole record was found, up to the next whole one or the end. */
export interface DamagedRange {
  readonly from: number
  readonly to: number
  /** Sequence before and behind it; null at the beginning and at the end of what was read. */
  readonly before: number | null
  readonly behind: number | null
}

export interface ReadRangeOptions {
  readonly from: number
  /** Nothing behind it is looked at. */
  readonly to: number
  /** Records outside these bounds are no records of this segment, but bytes that look like one: a payload may quote a journal. */
  readonly aboveSequence: number
  readonly belowSequence: number
  readonly onDamage: (range: DamagedRange) => void
}

/**
 * The records between two places of a segment, some at a time. Damage is stepped over: behind it the search goes on byte by byte for
 * the next record whose checksum is right. Memory: one chunk, or one record if that is longer.
 *
 * @throws the file system's own error when reading fails
 */
export async function* readRange(
  file: FileHandle,
  options: ReadRangeOptions,
): AsyncGenerator<ReadRecord[], void, void> {
  const { to, belowSequence, onDamage } = options
  let lastSequence = options.aboveSequence
  let before: number | null = null
  let damagedFrom: number | null = null
  let base = options.from
  let bytes: Buffer = Buffer.alloc(0)
  while (base < to) {
    const wanted = Math.min(to - base, chunkBytes)
    bytes = await readAt(file, base, wanted)
    if (bytes.length === 0) break
    const found: ReadRecord[] = []
    let at = 0
    while (at < bytes.length) {
      let decoded = decodeRecord(bytes, at)
      if (decoded.state === 'short') {
        if (base + at + decoded.bytes > to) decoded = { state: 'broken' }
        else if (at > 0) break
        else {
          // Alone longer than a chunk.
          const needed: number = Math.max(decoded.bytes, chunkBytes)
          const longer = await readAt(file, base, Math.min(to - base, needed))
          if (longer.length > bytes.length) bytes = longer
          decoded = decodeRecord(bytes, 0)
          if (decoded.state === 'short') {
            if (decoded.bytes > needed) continue
            decoded = { state: 'broken' }
          }
        }
      }
      if (decoded.state === 'whole') {
        const { record } = decoded
        if (record.sequence > lastSequence && record.sequence < belowSequence) {
          const offset = base + at
          if (damagedFrom !== null) onDamage({ from: damagedFrom, to: offset, before, behind: record.sequence })
          damagedFrom = null
          at += decoded.bytes
          found.push({ ...record, offset, end: base + at })
          lastSequence = record.sequence
          before = record.sequence
          continue
        }
      }
      damagedFrom ??= base + at
      at = nextMagic(bytes, at + 1, base + bytes.length >= to)
    }
    if (found.length > 0) yield found
    base += at
  }
  if (damagedFrom !== null) onDamage({ from: damagedFrom, to, before, behind: null })
}

/** Where the next record may begin. A magic may be cut by the end of the chunk: then the last bytes are looked at again with the next one. */
function nextMagic(bytes: Buffer, from: number, isLast: boolean): number {
  const at = bytes.indexOf(recordMagic, from)
  if (at !== -1) return at
  return isLast ? bytes.length : Math.max(from, bytes.length - recordMagic.length + 1)
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(Math.max(length, recordHeaderBytes))
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}
