import type { SendingStatistics } from '../influx-store.ts'
import { derivedPoint, type DerivedPoint } from './derived-point.ts'

/** What the parts of a collector say of themselves; counts are since the start. */
export interface CollectorFigures {
  readonly atMs: number
  /** Which collector it is, where several write to one database. */
  readonly collector: string
  readonly received: {
    readonly accepted: number
    readonly duplicates: number
    readonly rejected: Readonly<Record<string, number>>
  }
  readonly sending: Pick<SendingStatistics, 'journal' | 'sender'>
  readonly evaluator: { readonly slices: number; readonly failures: number; readonly lagMs: number }
  readonly firingAlerts: number
  readonly residentBytes: number
}

/** The collector itself, as one point. */
export function collectorPoints(figures: CollectorFigures): DerivedPoint[] {
  const { atMs, collector, received, sending, evaluator, firingAlerts, residentBytes } = figures
  const { journal, sender } = sending
  return [
    derivedPoint(
      'collector',
      atMs,
      { collector },
      {
        received_points: received.accepted,
        rejected_points: Object.values(received.rejected).reduce((sum, count) => sum + count, 0),
        duplicate_series: received.duplicates,
        journal_bytes: journal.queuedBytes,
        journal_age: journal.oldestAgeMs / 1000,
        sent_points: sender.sentLines,
        dead_lettered: sender.deadLetters,
        dropped_records: journal.droppedRecords,
        send_failures: sender.retries,
        evaluated_slices: evaluator.slices,
        evaluation_failures: evaluator.failures,
        evaluation_lag: evaluator.lagMs / 1000,
        firing_alerts: firingAlerts,
        resident_bytes: residentBytes,
      },
    ),
  ]
}
