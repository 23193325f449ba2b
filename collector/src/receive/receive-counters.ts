import { rejectionReasons, type RejectionReason } from './rejections.ts'

/** What the receiver counted since it started. The object lives on; read it whenever the numbers are wanted. */
export interface ReceiveCounters {
  /** Answers by HTTP status code. */
  readonly requests: Record<string, number>
  /** Bytes of bodies after inflation. */
  bytes: number
  /** Points handed to the sink and stored. */
  accepted: number
  /** Series that the sink had already, and cumulative points that came again. */
  duplicates: number
  /** Points refused, by reason. */
  readonly rejected: Record<RejectionReason, number>
  /** Points whose flags say that there is no recorded value. */
  skipped: number
  /** First points of cumulative series that served as reference only. */
  references: number
  /** Cumulative series that fell without a new start time. */
  resets: number
  /** Errors that are faults of this program; each was answered with 503. */
  unexpectedErrors: number
}

export function createReceiveCounters(): ReceiveCounters {
  const rejected = Object.fromEntries(rejectionReasons.map((reason) => [reason, 0])) as Record<RejectionReason, number>
  return {
    requests: {},
    bytes: 0,
    accepted: 0,
    duplicates: 0,
    rejected,
    skipped: 0,
    references: 0,
    resets: 0,
    unexpectedErrors: 0,
  }
}
