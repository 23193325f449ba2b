import type { Severity } from './rule.ts'
import type { MeasureKind } from './measures.ts'

/** A rule file after parsing: checked, with defaults filled in and every duration in milliseconds. */
export interface LoadedRules {
  /** Model name, or '*'. */
  readonly model: string
  /** null: every version. */
  readonly version: string | null
  readonly window: LoadedWindow
  readonly budget: FalseAlarmBudget
  /** The evidence that raises an alarm: budget period / (every x count), STATISTICS section 6.1. */
  readonly alarmThreshold: number
  readonly rules: readonly LoadedRule[]
  /** Digest of all of the above, without the source: two files that mean the same have the same digest. */
  readonly digest: string
  /** Path of the file, or `defaults`. */
  readonly source: string
}

export interface LoadedWindow {
  readonly sizeMs: number
  readonly everyMs: number
  readonly graceMs: number
}

export interface FalseAlarmBudget {
  /** False alarms allowed ... */
  readonly count: number
  /** ... in this time. */
  readonly periodMs: number
}

export type LoadedRule = LoadedBudgetRule | LoadedThresholdRule

interface LoadedCommon {
  readonly name: string
  readonly severity: Severity
  /** null: all. */
  readonly features: readonly string[] | null
  /** null: the whole model and every segment. */
  readonly segment: string | null
  readonly forMs: number
  readonly keepFiringForMs: number
  /** null: all notifiers. */
  readonly notify: readonly string[] | null
}

export interface LoadedBudgetRule extends LoadedCommon {
  readonly kind: 'budget'
  readonly signal: 'feature-drift' | 'prediction-drift' | 'confidence-drift' | 'any-drift'
}

export interface LoadedThresholdRule extends LoadedCommon {
  readonly kind: 'threshold'
  readonly signal: 'feature-drift' | 'prediction-drift' | 'confidence-drift' | 'data-health'
  readonly test: string
  readonly measure: MeasureKind
  readonly threshold: number
  readonly minimumRows: number
}
