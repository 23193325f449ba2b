import type { JournalRecord } from './record-format.ts'

/** Where the sender brings what stands in the journal. It knows the encoding and the meaning of answers; the sender knows what to do about them. */
export interface Destination {
  readonly limits: BatchLimits
  /**
   * The lines that a record becomes, made while they are asked for; the same each time, because a batch may be sent again. None: the
   * record needs no sending. One that throws is put among the dead letters whole.
   */
  encode(record: JournalRecord): Iterable<Line>
  /**
   * Sends lines of one target. A rejection counts as `try-later`. Sending lines again that were stored already must
   * change nothing.
   */
  send(batch: Batch): Promise<SendOutcome>
}

export interface BatchLimits {
  readonly maximumLines: number
  /** Of the text in UTF-8, with one byte more per line. */
  readonly maximumBytes: number
}

export interface Line {
  /** Lines of different targets do not travel together; their order is kept within each. A handful of names at most. */
  readonly target: string
  readonly text: string
}

export interface Batch {
  readonly target: string
  /** At least one. */
  readonly lines: readonly string[]
  readonly bytes: number
}

export type SendOutcome =
  | { readonly kind: 'accepted' }
  /** Nothing is known to be stored; the same batch is sent again, not before `retryAfterMs`. */
  | { readonly kind: 'try-later'; readonly reason: string; readonly retryAfterMs?: number }
  /** Someone has to do something: a token is wrong, or a database is missing. The same batch is sent again, and people are told. */
  | { readonly kind: 'hold'; readonly reason: string }
  /**
   * The batch is sent again in halves; one line alone becomes a dead letter. A connection that breaks is this only when the body is
   * large enough for a limit to be the cause: else an outage would make dead letters.
   */
  | { readonly kind: 'too-large'; readonly reason: string }
  /**
   * Lines that will never be taken. With `lines`, all others are stored. With null it is not known which, or the others are not stored:
   * the batch is sent again in halves, until the refused ones are alone.
   */
  | { readonly kind: 'refused'; readonly reason: string; readonly lines: readonly RefusedLine[] | null }

export interface RefusedLine {
  /** Place in `Batch.lines`. */
  readonly index: number
  readonly reason: string
}
