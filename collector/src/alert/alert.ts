import type { Diagnosis } from '../diagnose/diagnosis.ts'
import type { Effect } from '../evaluate/result.ts'
import type { Severity } from '../rules/rule.ts'

/**
 * `pending`: the condition holds, but not yet for as long as the rule asks; `inactive`: it stopped before that, and nobody was
 * told. `inactive` and `resolved` are final: a new breach is a new alert.
 */
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
  /** End of the first slice in which the condition held; like all times here in event time. */
  readonly activeSinceMs: number
  /** End of the slice in which the alert fired. */
  readonly firedAtMs: number | null
  /** End of the slice in which the alert was resolved or, never having fired, became inactive. */
  readonly resolvedAtMs: number | null
  /** End of the last slice in which the condition held. */
  readonly lastTrueMs: number
  readonly explanation: Explanation
}

/** What moved, by how much, since when, how sure, compared with what, and where to look first. */
export interface Explanation {
  /** One line for a pager. */
  readonly summary: string
  /** The things that moved, the strongest first; bounded, see alert/explain.ts. */
  readonly moved: readonly Moved[]
  /** Estimated start of the change: the evidence step after the last calm one, or the start of the first slice that broke the rule. */
  readonly onsetMs: number
  /** In words: the false-alarm budget and the evidence, or the threshold that was crossed. */
  readonly confidence: string
  /** log10 of the model's mean evidence in its strongest slice; null for threshold rules. */
  readonly evidence: number | null
  /** log10 of the evidence that raises an alarm, for budget rules; the rule's threshold as it stands, for threshold rules. */
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
  /** Size of the move, in `effectUnit`; of missing or invalid values when they are what moved. */
  readonly effect: number | null
  /**
   * `sd`: standard deviations of normal scores, that is, of the baseline's ranks mapped to a normal distribution; not those of the
   * mean. `share`: difference of two shares, 0.1 for 10 points. Absent when there is no effect.
   */
  readonly effectUnit?: Effect['unit']
  readonly log10Evidence: number | null
}

export interface ComparedWith {
  readonly baselineDigest: string
  readonly manifestDigest: string | null
  readonly baselineRows: number
  readonly rulesDigest: string
  readonly detectorId: string
}

/**
 * A change of state, what became of telling people about it, or what they said.
 *
 * An alert that is firing gets another `firing` event when something that it did not yet name breaks the rule too.
 */
export interface AlertEvent {
  readonly alertId: string
  /** `pending`, `firing`, `resolved`: event time, the end of the slice. Of the others: when it happened. */
  readonly atMs: number
  readonly kind: 'pending' | 'firing' | 'resolved' | 'notified' | 'notify-failed' | 'acknowledged' | 'verdict'
  /**
   * In words; of `firing`, `resolved`, `notified` and `notify-failed` in the form that alert/notify/delivery.ts writes and reads; of `acknowledged` and
   * `verdict` the JSON of alert/verdict.ts.
   */
  readonly detail: string
}
