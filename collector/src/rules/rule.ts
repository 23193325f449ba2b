import type { PresetName } from '../evaluate/presets/preset-names.ts'

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
  /**
   * Compares each window with earlier ones of the same hour of the week or of the day (UTC), once some nine weeks are stored; until then,
   * and for what has too few rows, with the baseline. Default: 'none'.
   */
  readonly season?: 'hour-of-week' | 'hour-of-day' | 'none'
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
export type Rule = BudgetRule | ThresholdRule | PresetRule | PerformanceRule | AttributionRule

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
  /** `multivariate-drift`: numeric features changed in how they hang together, each by itself or not. */
  readonly signal:
    | 'feature-drift'
    | 'prediction-drift'
    | 'confidence-drift'
    | 'label-drift'
    | 'multivariate-drift'
    | 'any-drift'
}

export interface ThresholdRule extends RuleCommon {
  readonly signal:
    | 'feature-drift'
    | 'prediction-drift'
    | 'confidence-drift'
    | 'label-drift'
    | 'multivariate-drift'
    | 'data-health'
  /** A distance (`psi`), a test whose p-value is compared (`ks`), or, of `data-health`, a rate (`missing`, `invalid`, ...). */
  readonly test: string
  /** Fires at or above this value; for p-values, at or below. */
  readonly threshold: number
  /** Windows with fewer values (for rates: rows) are not judged; default 20, below which distances mean little. */
  readonly minimumRows?: number
  /**
   * Of p-values only: how the threshold allows for many being compared, over all features that the rule looks at in one window of one segment (the whole model counts as one).
   * `bonferroni`: a false alarm of any of them at most as often as the threshold says; `benjamini-hochberg`: of those reported,
   * at most that share false, for independent or positively dependent features. Neither allows for many windows. Default: none.
   */
  readonly correction?: Correction
}

export type Correction = 'none' | 'bonferroni' | 'benjamini-hochberg'

/**
 * Fires when the rule of another tool, computed from our histograms, would have. Such a rule is not covered by the false-alarm
 * budget, and most of them fire the more often the fewer rows a window has.
 */
export interface PresetRule extends RuleCommon {
  readonly preset: PresetName
  /** Default: `feature-drift`. */
  readonly signal?: Exclude<BudgetRule['signal'], 'multivariate-drift'>
  /** Fires when at least this share of what it looks at is flagged (Evidently's data set rule: 0.5); default: when anything is. */
  readonly share?: number
  /** Windows with fewer values are not judged; default 20. */
  readonly minimumRows?: number
}

/**
 * Fires when a metric of quality is too bad: when its whole 95 % interval lies beyond the limit, or, of metrics without an interval, the
 * value. A value beyond the limit whose interval reaches back across it neither fires nor resolves. Not covered by the false-alarm budget.
 */
export interface PerformanceRule extends Omit<RuleCommon, 'features'> {
  /** `performance`: of outcomes that became known; `estimated-performance`: without them, and blind to concept drift. */
  readonly signal: 'performance' | 'estimated-performance'
  /** `accuracy`, `f1`, `precision`, `recall`, `mae`, ... */
  readonly metric: string
  /** Fires below this; for metrics that are better when they are higher. */
  readonly below?: MetricLimit
  /** Fires above this; for errors. */
  readonly above?: MetricLimit
  /** Windows with fewer outcomes (for estimates: scored rows) are not judged; default 20. */
  readonly minimumRows?: number
}

/**
 * A value of the metric, or a multiple of what it was offline (in the manifest's held-out set, for the whole model only) or among the
 * rows of the baseline.
 */
export type MetricLimit = number | { readonly offline: number } | { readonly baseline: number }

/**
 * Fires when the features that move predictions most are others, or in another order, than in the baseline, by more than chance
 * explains in 999 of 1000 windows. Not covered by the false-alarm budget.
 */
export interface AttributionRule extends Omit<RuleCommon, 'features'> {
  readonly signal: 'attribution'
  /** How many features are looked at, from the largest on; default 5. */
  readonly top?: number
  /** Windows with fewer rows with attributions are not judged; default 20. */
  readonly minimumRows?: number
}
