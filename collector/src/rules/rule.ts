export type Severity = 'info' | 'warning' | 'critical'

/** What driftline.rules.ts exports: the alert rules of one model. */
export interface RuleFile {
  /** Model name, or '*' for every model without a file of its own. */
  readonly model: string
  /** Default: every version. */
  readonly version?: string
  readonly window: WindowOptions
  /** How many false alarms the model may raise per time, over all its features, tests and segments: `1 per 30d`. */
  readonly falseAlarmBudget: string
  readonly rules: readonly Rule[]
}

export interface WindowOptions {
  /** Length of the window that distances and tests are computed on: `1h`. */
  readonly size: string
  /** Evidence advances on disjoint slices of this length; default: size. Must divide size. */
  readonly every?: string
  /** How long after the end of a slice late data is waited for; default: a tenth of `every`, at least 2 s. */
  readonly grace?: string
}

/** A budget rule has no threshold: it fires when the evidence under the model's false-alarm budget reaches its threshold. */
export type Rule = BudgetRule | ThresholdRule

interface RuleCommon {
  readonly name: string
  readonly severity: Severity
  /** Only these features; default: all. */
  readonly features?: readonly string[]
  /** Only this segment; default: the whole model and every segment. */
  readonly segment?: string
  /** The condition must hold this long (in event time) before the alert fires. */
  readonly for?: string
  /** The alert stays this long after the condition last held. */
  readonly keepFiringFor?: string
  /** Names of notifiers in the configuration; default: all of them. */
  readonly notify?: readonly string[]
}

export interface BudgetRule extends RuleCommon {
  readonly signal: 'feature-drift' | 'prediction-drift' | 'confidence-drift' | 'any-drift'
}

export interface ThresholdRule extends RuleCommon {
  readonly signal: 'feature-drift' | 'prediction-drift' | 'confidence-drift' | 'data-health'
  /** A distance (`psi`), a test whose p-value is compared (`ks`), or a rate (`missing`, `invalid`, ...). */
  readonly test: string
  /** Fires at or above this value; for p-values, at or below. */
  readonly threshold: number
  /** Windows with fewer values are not judged. */
  readonly minimumRows?: number
}
