import { open, readdir, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeSegmentHeader, formatVersion, segmentHeaderBytes, type SegmentHeader } from './record-format.ts'
import { readRange } from './segment-reader.ts'
import { Segment, segmentNumber } from './segment.ts'

/** The files were written by a later version of Driftline. */
export class JournalFormatError extends Error {
  override name = 'JournalFormatError'
}

export interface Recovered {
  /** In order. */
  readonly segments: Segment[]
  /** Of the last file, whether or not it could be used; 0 when there is none. */
  readonly lastNumber: number
  /** Highest sequence that the files tell of. */
  readonly lastSequence: number
  readonly truncatedTails: number
  readonly damagedRecords: number
}

interface Found {
  readonly number: number
  readonly path: string
  /** Null when it is damaged or cut off. */
  readonly header: SegmentHeader | null
  readonly size: number
}

/**
 * Reads all segments that hold something above the checkpoint and makes them fit for reading: a write that was cut off at the end of
 * the last one is removed, damage further in front is stepped over and counted, what was sent is deleted.
 *
 * The end of the last segment cannot be told from a write that was cut off: nothing that was acknowledged stands there unless the disk
 * itself spoiled it.
 *
 * @throws JournalFormatError, or the file system's own error
 */
export async function recover(directory: string, committed: number, log: (line: string) => void): Promise<Recovered> {
  const files = await list(directory)
  const segments: Segment[] = []
  let truncatedTails = 0
  let damagedRecords = 0
  let lastSequence = 0
  for (const [place, found] of files.entries()) {
    const isLast = place === files.length - 1
    const next = files.slice(place + 1).find(({ header }) => header !== null)?.header
    if (next !== undefined && next !== null && next.firstSequence - 1 <= committed) {
      await unlink(found.path)
      continue
    }
    if (found.header === null && isLast && found.size <= segmentHeaderBytes) {
      // The process ended while it made the file.
      log(`journal: removed ${found.path}, which was begun and never used`)
      truncatedTails++
      await unlink(found.path)
      continue
    }
    const first = Math.max(found.header?.firstSequence ?? 1, lastSequence + 1)
    const segment = new Segment(found.number, found.path, first)
    const file = await open(found.path, isLast ? 'r+' : 'r')
    try {
      const expectedEnd = next?.previousNumber === found.number ? next.previousLength : found.size
      const inside = await scan(file, segment, {
        to: expectedEnd,
        belowSequence: next?.firstSequence ?? Number.MAX_SAFE_INTEGER,
      })
      if (inside > 0) log(`journal: ${inside} damaged records in ${found.path} were skipped`)
      damagedRecords += inside
      if (found.header === null) log(`journal: the header of ${found.path} is damaged`)
      if (isLast) {
        if (found.size > segment.bytes) {
          await file.truncate(segment.bytes)
          truncatedTails++
          log(`journal: cut ${found.size - segment.bytes} bytes of an unfinished write off ${found.path}`)
        }
        // What a killed process wrote may still be in the system's cache only, and counts as durable from here on.
        await file.datasync()
      } else if (segment.bytes < expectedEnd) {
        const lost = Math.max(1, (next?.firstSequence ?? 0) - 1 - segment.lastSequence)
        segment.damagedAt.add(segment.bytes)
        damagedRecords += lost
        log(`journal: ${lost} damaged records at the end of ${found.path} were skipped`)
      }
    } finally {
      await file.close()
    }
    lastSequence = Math.max(lastSequence, segment.lastSequence)
    segments.push(segment)
  }
  await syncDirectory(directory)
  return { segments, lastNumber: files.at(-1)?.number ?? 0, lastSequence, truncatedTails, damagedRecords }
}

/** Makes file names durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function list(directory: string): Promise<Found[]> {
  const found: Found[] = []
  for (const name of await readdir(directory)) {
    const number = segmentNumber(name)
    if (number === null) continue
    const path = join(directory, name)
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const bytes = Buffer.alloc(segmentHeaderBytes)
      const { bytesRead } = await file.read(bytes, 0, segmentHeaderBytes, 0)
      const header = decodeSegmentHeader(bytes.subarray(0, bytesRead))
      if (header !== null && header.version > formatVersion) {
        throw new JournalFormatError(
          `${path} was written by a newer version of Driftline (format ${header.version}; this version knows up to ${formatVersion})`,
        )
      }
      found.push({ number, path, header, size })
    } finally {
      await file.close()
    }
  }
  return found.sort((a, b) => a.number - b.number)
}

/** Notes every whole record in `segment`; returns how many were lost in between. */
async function scan(
  file: FileHandle,
  segment: Segment,
  { to, belowSequence }: { readonly to: number; readonly belowSequence: number },
): Promise<number> {
  let lost = 0
  const ranges = readRange(file, {
    from: segmentHeaderBytes,
    to,
    aboveSequence: segment.firstSequence - 1,
    belowSequence,
    onDamage({ from, before, behind }) {
      if (behind === null) return
      segment.damagedAt.add(from)
      lost += Math.max(1, behind - (before ?? segment.firstSequence - 1) - 1)
    },
  })
  for await (const records of ranges) {
    for (const { sequence, offset, end, appendedAtMs } of records) segment.add(sequence, offset, end, appendedAtMs)
  }
  return lost
}
