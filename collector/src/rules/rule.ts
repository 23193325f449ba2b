export type Severity = 'info' | 'warning' | 'critical'

/**
 * What driftline.rules.ts exports: the alert rules of one model.
 *
 * Durations are texts of whole numbers with a unit, `500ms`, `30s`, `5m`, `1h`, `7d`, `2w`, or several of them from large to
 * small: `1h30m`.
 */
export interface RuleFile {
  /** Model name, or '*' for every model without a file of its own. */
  readonly model: string
  /** Default: every version. */
  readonly version?: string
  readonly window: WindowOptions
  /** How many false alarms the model may raise per time, over all its features, tests and segments: `1 per 30d`, `2 per week`. */
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
  /** Only this segment, '' being the whole model; default: the whole model and every segment, each with alerts of its own. */
  readonly segment?: string
  /**
   * The alert fires at the end of the first slice in which the condition holds and that ends at least this long, in event time,
   * after the end of the slice in which it first held. Default: at once.
   */
  readonly for?: string
  /** The alert is resolved no sooner than this long, in event time, after the condition last held. Default: at once. */
  readonly keepFiringFor?: string
  /** Names of notifiers in the configuration; default: all of them. */
  readonly notify?: readonly string[]
}

export interface BudgetRule extends RuleCommon {
  readonly signal: 'feature-drift' | 'prediction-drift' | 'confidence-drift' | 'any-drift'
}

export interface ThresholdRule extends RuleCommon {
  readonly signal: 'feature-drift' | 'prediction-drift' | 'confidence-drift' | 'data-health'
  /** A distance (`psi`), a test whose p-value is compared (`ks`), or, of `data-health`, a rate (`missing`, `invalid`, ...). */
  readonly test: string
  /** Fires at or above this value; for p-values, at or below. */
  readonly threshold: number
  /** Windows with fewer values (for rates: rows) are not judged; default 20, below which distances mean little. */
  readonly minimumRows?: number
}
