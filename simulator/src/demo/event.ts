import type { TrafficCounts } from '../traffic/client.ts'
import type { OutcomeCounts } from '../traffic/outcomes.ts'
import type { AlertRecord } from '@driftline/collector'
import type { CollectorView } from './collector-api.ts'

/** What happens in a demo, in the order in which it happens; `--json` prints these as they are. */
export type DemoEvent =
  | {
      readonly event: 'started'
      readonly api: string
      readonly server: string
      readonly dataDirectory: string
      readonly rate: number
      readonly drift: string
      readonly driftAfterSeconds: number
      readonly rowsPerPass: number
      readonly seed: number
    }
  | { readonly event: 'status'; readonly status: DemoStatus }
  | {
      readonly event: 'drift-planted'
      readonly elapsedSeconds: number
      readonly drift: string
      readonly description: string
    }
  | {
      readonly event: 'alarm'
      readonly elapsedSeconds: number
      /** Null when no drift was planted yet: then it is a false alarm. */
      readonly secondsSinceDrift: number | null
      readonly alert: AlertRecord
    }
  | { readonly event: 'resolved'; readonly elapsedSeconds: number; readonly rule: string; readonly id: string }
  | { readonly event: 'note'; readonly text: string }
  | { readonly event: 'stopping'; readonly reason: string }
  | {
      readonly event: 'stopped'
      readonly elapsedSeconds: number
      readonly sent: number
      readonly failed: number
      readonly alarms: number
      readonly dataDirectory: string
    }

/** How things stand. */
export interface DemoStatus {
  readonly elapsedSeconds: number
  readonly traffic: TrafficCounts
  readonly outcomes: OutcomeCounts
  readonly windows: number
  readonly evidence: CollectorView['evidence']
  readonly accuracy: CollectorView['accuracy']
  /** Alerts that fire now; `fromBefore` of them were raised by an earlier run on the same data. */
  readonly firing: number
  readonly fromBefore: number
  readonly drift: { readonly name: string; readonly planted: boolean; readonly inSeconds: number | null }
  readonly api: string
}
