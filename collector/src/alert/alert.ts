import type { Diagnosis } from '../diagnose/diagnosis.ts'
import type { Severity } from '../rules/rule.ts'

export type AlertState = 'inactive' | 'pending' | 'firing' | 'resolved'

/** One alert: a rule that is, or was, broken for one model version and segment. */
export interface AlertRecord {
  /** Digest of rule, model, version, segment and the time it became active; stable over restarts. */
  readonly id: string
  readonly rule: string
  readonly model: string
  readonly version: string
  readonly segment: string
  readonly severity: Severity
  readonly state: AlertState
  /** Event time at which the condition first held, and at which the state changes happened. */
  readonly activeSinceMs: number
  readonly firedAtMs: number | null
  readonly resolvedAtMs: number | null
  /** End of the last slice in which the condition held. */
  readonly lastTrueMs: number
  readonly explanation: Explanation
}

/** What moved, by how much, since when, how sure, compared with what, and where to look first. */
export interface Explanation {
  /** One line for a pager. */
  readonly summary: string
  /** The things that moved, the strongest first. */
  readonly moved: readonly Moved[]
  readonly onsetMs: number
  /** In words: the false-alarm budget and the evidence, or the threshold that was crossed. */
  readonly confidence: string
  readonly evidence: number | null
  readonly threshold: number | null
  readonly comparedWith: ComparedWith
  readonly window: { readonly startMs: number; readonly endMs: number; readonly rows: number }
  readonly diagnosis: readonly Diagnosis[]
  readonly lookFirst: string
}

export interface Moved {
  readonly signal: string
  readonly feature: string
  /** In words, with numbers and units. */
  readonly change: string
  readonly effect: number | null
  readonly log10Evidence: number | null
}

export interface ComparedWith {
  readonly baselineDigest: string
  readonly manifestDigest: string | null
  readonly baselineRows: number
  readonly rulesDigest: string
  readonly detectorId: string
}

/** A change of state, to be told to people. */
export interface AlertEvent {
  readonly alertId: string
  readonly atMs: number
  readonly kind: 'pending' | 'firing' | 'resolved' | 'notified' | 'notify-failed'
  readonly detail: string
}
