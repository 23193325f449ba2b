import { crc32 } from 'node:zlib'

/*
 * A segment is a header and records, all numbers little-endian.
 *
 * header   8 magic | 4 version | 4 crc of all else | 8 first sequence | 8 number and 8 length of the segment before
 * record   4 magic | 4 crc of what follows | 4 payload length | 1 kind | 6 sequence | 6 time | payload
 *
 * The magic of a record is what the search for the next whole record looks for behind a damaged one, and the sequence stands in every
 * record because after such a search nobody could count how many were lost.
 */

/** Readers refuse segments of a later version. */
export const formatVersion = 1
export const segmentHeaderBytes = 40
export const recordHeaderBytes = 25

/** Bytes of one payload. The largest block that receiving lets through is far below it; a longer length in a file is damage, not data. */
export const maximumRecordBytes: number = 32 * 1024 * 1024

const segmentMagic = Buffer.from('DRIFTJNL', 'latin1')
/** Not text and not a small number, so that it is rare in payloads. */
export const recordMagic: Buffer = Buffer.from([0xd7, 0x1f, 0xa5, 0xe3])

/** A record as read back. */
export interface JournalRecord {
  /** Ascending from 1. Sequences of appends that failed are left out. */
  readonly sequence: number
  /** What the writer said it is; a number from 0 to 255. */
  readonly kind: number
  readonly payload: Uint8Array
  /** When it was appended, in milliseconds since the Unix epoch. */
  readonly appendedAtMs: number
}

export interface SegmentHeader {
  readonly version: number
  readonly firstSequence: number
  /** Number of the segment written before; 0 when there is none. */
  readonly previousNumber: number
  /** How much of it counts, in bytes. What stands behind is left over from a write that failed and was never acknowledged. */
  readonly previousLength: number
}

export function encodeSegmentHeader(header: Omit<SegmentHeader, 'version'>): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes)
  segmentMagic.copy(bytes)
  bytes.writeUInt32LE(formatVersion, 8)
  bytes.writeBigUInt64LE(BigInt(header.firstSequence), 16)
  bytes.writeBigUInt64LE(BigInt(header.previousNumber), 24)
  bytes.writeBigUInt64LE(BigInt(header.previousLength), 32)
  bytes.writeUInt32LE(segmentHeaderCrc(bytes), 12)
  return bytes
}

/** Null when it is not a whole header. The version of a header that is whole may still be one that cannot be read. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | null {
  if (bytes.length < segmentHeaderBytes || !bytes.subarray(0, segmentMagic.length).equals(segmentMagic)) return null
  if (bytes.readUInt32LE(12) !== segmentHeaderCrc(bytes)) return null
  return {
    version: bytes.readUInt32LE(8),
    firstSequence: Number(bytes.readBigUInt64LE(16)),
    previousNumber: Number(bytes.readBigUInt64LE(24)),
    previousLength: Number(bytes.readBigUInt64LE(32)),
  }
}

function segmentHeaderCrc(bytes: Buffer): number {
  return crc32(bytes.subarray(16, segmentHeaderBytes), crc32(bytes.subarray(0, 12)))
}

/** The bytes that stand before a payload. */
export function encodeRecordHeader({ sequence, kind, payload, appendedAtMs }: JournalRecord): Buffer {
  const bytes = Buffer.allocUnsafe(recordHeaderBytes)
  recordMagic.copy(bytes)
  bytes.writeUInt32LE(payload.length, 8)
  bytes.writeUInt8(kind, 12)
  bytes.writeUIntLE(sequence, 13, 6)
  bytes.writeUIntLE(Math.max(0, Math.floor(appendedAtMs)), 19, 6)
  bytes.writeUInt32LE(crc32(payload, crc32(bytes.subarray(8))), 4)
  return bytes
}

/** What stands at a place: a whole record, the beginning of one that needs `bytes` in all, or none. */
export type DecodedRecord =
  | { readonly state: 'whole'; readonly record: JournalRecord; readonly bytes: number }
  | { readonly state: 'short'; readonly bytes: number }
  | { readonly state: 'broken' }

/** The payload is a view of `bytes`. */
export function decodeRecord(bytes: Buffer, at: number): DecodedRecord {
  const present = bytes.length - at
  if (present < recordHeaderBytes) return { state: 'short', bytes: recordHeaderBytes }
  if (recordMagic.compare(bytes, at, at + recordMagic.length) !== 0) return { state: 'broken' }
  const length = bytes.readUInt32LE(at + 8)
  if (length > maximumRecordBytes) return { state: 'broken' }
  const end = at + recordHeaderBytes + length
  if (end > bytes.length) return { state: 'short', bytes: recordHeaderBytes + length }
  if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32LE(at + 4)) return { state: 'broken' }
  const record = {
    sequence: bytes.readUIntLE(at + 13, 6),
    kind: bytes.readUInt8(at + 12),
    payload: bytes.subarray(at + recordHeaderBytes, end),
    appendedAtMs: bytes.readUIntLE(at + 19, 6),
  }
  return { state: 'whole', record, bytes: end - at }
}
