import { recordHeaderBytes, segmentHeaderBytes } from './record-format.ts'

/** A place to start reading from, so that no read begins at the start of a large file. */
interface Mark {
  readonly sequence: number
  readonly offset: number
  readonly appendedAtMs: number
}

/** A mark every so many bytes: reading from any record passes over at most this much. 8 GiB make 32,768 marks. */
const markBytes: number = 256 * 1024
/** And at least so often, so that the age of what waits is known to this precision. */
const markIntervalMs = 10_000

/** What is known of one segment file. Only what is durable is counted. */
export class Segment {
  readonly number: number
  readonly path: string
  readonly firstSequence: number
  #lastSequence: number
  #bytes: number = segmentHeaderBytes
  #records = 0
  #lastAppendedAtMs = 0
  readonly #marks: Mark[] = []
  /** Where damage was found, so that reading it again does not count it again. */
  readonly damagedAt: Set<number> = new Set<number>()

  constructor(number: number, path: string, firstSequence: number) {
    this.number = number
    this.path = path
    this.firstSequence = firstSequence
    this.#lastSequence = firstSequence - 1
  }

  /** One below the first when there is no record. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /** Length of the part that counts, header included. */
  get bytes(): number {
    return this.#bytes
  }

  get records(): number {
    return this.#records
  }

  /** When the oldest record was appended; null when there is none. */
  get firstAppendedAtMs(): number | null {
    return this.#marks[0]?.appendedAtMs ?? null
  }

  /** When the newest record was appended; 0 when there is none. */
  get lastAppendedAtMs(): number {
    return this.#lastAppendedAtMs
  }

  /** Takes note of a record that is on disk; ascending. */
  add(sequence: number, offset: number, end: number, appendedAtMs: number): void {
    const mark = this.#marks.at(-1)
    if (
      mark === undefined ||
      offset - mark.offset >= markBytes ||
      Math.abs(appendedAtMs - mark.appendedAtMs) >= markIntervalMs
    ) {
      this.#marks.push({ sequence, offset, appendedAtMs })
    }
    this.#lastSequence = sequence
    this.#bytes = end
    this.#records++
    this.#lastAppendedAtMs = appendedAtMs
  }

  /** Records above a sequence. Where sequences were left out, an upper bound. */
  recordsAbove(sequence: number): number {
    return Math.max(0, Math.min(this.#records, this.#lastSequence - sequence))
  }

  /** Bytes of the records above a sequence, up to one mark's too many. */
  bytesAbove(sequence: number): number {
    if (sequence >= this.#lastSequence) return 0
    const mark = this.markAt(sequence + 1)
    return this.#bytes - (mark?.offset ?? segmentHeaderBytes)
  }

  /** The last mark at or before a sequence. */
  markAt(sequence: number): Mark | undefined {
    let low = 0
    let high = this.#marks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#marks[middle]!.sequence <= sequence) low = middle + 1
      else high = middle
    }
    return this.#marks[low - 1] ?? this.#marks[0]
  }
}

/** What a payload takes in a segment. */
export function recordBytes(payload: Uint8Array): number {
  return recordHeaderBytes + payload.length
}

const namePattern = /^([0-9]{8,15})\.journal$/

export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.journal`
}

/** Null when the file is no segment. */
export function segmentNumber(name: string): number | null {
  const match = namePattern.exec(name)
  return match === null ? null : Number(match[1])
}
