import type { MetricName } from '../evaluate/metric-values.ts'
import type { PresetName } from '../evaluate/presets/preset-names.ts'
import type { BudgetRule, Correction, Severity, ThresholdRule } from './rule.ts'
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
  /** Absent: none. */
  readonly season?: 'hour-of-week' | 'hour-of-day'
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

export type LoadedRule =
  | LoadedBudgetRule
  | LoadedThresholdRule
  | LoadedPresetRule
  | LoadedPerformanceRule
  | LoadedAttributionRule

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
  readonly signal: BudgetRule['signal']
}

export interface LoadedThresholdRule extends LoadedCommon {
  readonly kind: 'threshold'
  readonly signal: ThresholdRule['signal']
  readonly test: string
  readonly measure: MeasureKind
  readonly threshold: number
  readonly minimumRows: number
  /** `none` for anything but p-values. */
  readonly correction: Correction
}

export interface LoadedPresetRule extends LoadedCommon {
  readonly kind: 'preset'
  readonly signal: Exclude<LoadedBudgetRule['signal'], 'multivariate-drift'>
  readonly preset: PresetName
  /** null: one flagged thing is enough. */
  readonly share: number | null
  readonly minimumRows: number
}

export interface LoadedPerformanceRule extends LoadedCommon {
  readonly kind: 'performance'
  readonly signal: 'performance' | 'estimated-performance'
  readonly metric: MetricName
  readonly direction: 'below' | 'above'
  /** A value of the metric, or a multiple of what it is relative to. */
  readonly limit: number
  readonly relativeTo: 'offline' | 'baseline' | null
  readonly minimumRows: number
}

export interface LoadedAttributionRule extends LoadedCommon {
  readonly kind: 'attribution'
  readonly signal: 'attribution'
  readonly top: number
  readonly minimumRows: number
}
