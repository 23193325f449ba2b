/** What a result is about. */
export type Signal =
  | 'feature-drift'
  | 'data-health'
  | 'prediction-drift'
  | 'confidence-drift'
  | 'label-drift'
  | 'multivariate-drift'
  | QualitySignal

/**
 * What is reported beside drift: quality of the answers, attributions and health of the calls. These results carry no evidence, spend
 * nothing of the false-alarm budget, and do not enter the status of the slice.
 */
export type QualitySignal = 'performance' | 'estimated-performance' | 'calibration' | 'attribution' | 'serving'

/** Signals whose results carry evidence. */
export const driftSignals: readonly Signal[] = [
  'feature-drift',
  'prediction-drift',
  'confidence-drift',
  'label-drift',
  'multivariate-drift',
]

/**
 * `ok` means that a shift as large as the user asked for would probably have been seen; `insufficient` that it would not;
 * `error` that the inputs contradict each other. There is no bare boolean.
 */
export type ResultStatus = 'ok' | 'drift' | 'insufficient' | 'error'

/** Of a whole slice: the worst of its results, or `no-baseline` when there is nothing to compare with. */
export type SliceStatus = ResultStatus | 'no-baseline'

/** One verdict on one thing in one window, with everything needed to check it. Serialised as it is. */
export interface Result {
  readonly model: string
  readonly version: string
  /** Empty for the whole model. */
  readonly segment: string
  readonly signal: Signal
  /**
   * Feature name, or the output for predictions (`class`, `score`, `confidence`, `value`), `label`, or `pca` for multivariate
   * drift; the metric for performance; empty for the data health of the whole model, for attributions ranked together, and for the
   * calls of all runtimes.
   */
  readonly feature: string
  readonly startMs: number
  readonly endMs: number
  readonly revision: number
  readonly status: ResultStatus
  /** Why the status is not `ok`, as a word: `empty-window`, `feature-absent`, `layout-mismatch`, `open-incident`, ... */
  readonly reason: string | null
  readonly effect: Effect | null
  /** Bonferroni over the tests that have one; null when none has. Descriptive: alarms come from evidence. */
  readonly pValue: number | null
  readonly evidence: Evidence | null
  readonly distances: Readonly<Record<string, number | null>>
  readonly tests: Readonly<Record<string, TestResult>>
  readonly rates: Readonly<Record<string, RateResult>>
  /** What was seen and may matter, in words: `stuck-value`, `unit-change?`, `new-category`, ... */
  readonly findings: readonly Finding[]
  /** Smallest shift that would probably be found within the horizon, in the unit of the effect. */
  readonly smallestDetectable: number | null
  readonly sizes: Sizes
  /** What the verdict was computed from. */
  readonly baselineDigest: string
  readonly detectorId: string
  /** Numbers for a person: of the window and of the baseline. */
  readonly summary: ResultSummary | null
  /** What the evidence compares with, when the rules ask for a season; else it is the baseline. */
  readonly reference?: ResultReference
  /**
   * What rules of other tools would have said, by preset; only those that were asked for; of columns only, so
   * neither in data health nor for the reconstruction error.
   */
  readonly presets?: Readonly<Record<string, PresetVerdict>>
  /** Of the signals `performance`, `estimated-performance` and `calibration`. */
  readonly metric?: MetricNumbers
  /** Of the signal `attribution`, for a feature. */
  readonly attribution?: AttributionNumbers
  /** Of the signal `attribution`, for all features together. */
  readonly ranking?: AttributionRanking
  /** Of the signal `serving`. */
  readonly serving?: ServingNumbers
}

/** One metric of the quality of a model's answers. */
export interface MetricNumbers {
  /** Null where its denominator is 0. */
  readonly value: number | null
  /** 95 %; null where none is known. */
  readonly interval: readonly [number, number] | null
  /** Outcomes, or for estimates scored rows. */
  readonly rows: number
  /** The metric of the held-out set, as the manifest has it; null for segments and metrics that it does not name. */
  readonly offline: number | null
  /** The same metric of the baseline rows; null where it is not known. */
  readonly baseline: number | null
  /** `value` less `offline`, or less `baseline` for estimates; the interval takes these as exact. */
  readonly difference: number | null
  readonly differenceInterval: readonly [number, number] | null
  readonly better: 'higher' | 'lower' | 'nearer-zero'
  /** The loss that the status asks for, in the unit of the metric; null without something to compare with. */
  readonly statedLoss: number | null
  /** What to keep in mind. */
  readonly note?: string
}

/** How much one feature moved the predictions of a window. */
export interface AttributionNumbers {
  readonly method: string
  readonly rows: number
  readonly meanAbsolute: number
  /** Signed: which way it moved them. */
  readonly mean: number
  /** Of the sum of the means over features; null when all are 0. */
  readonly share: number | null
  /** 1 is the largest; ties keep the order of the features. */
  readonly rank: number
  readonly baselineMeanAbsolute: number | null
  readonly baselineShare: number | null
  readonly baselineRank: number | null
}

/** The order of features by their mean absolute attribution, the largest first; of large models the first of them. */
export interface AttributionRanking {
  readonly method: string
  readonly window: readonly string[]
  /** Null when the baseline has no attributions. */
  readonly baseline: readonly string[] | null
  /** Normalised discounted cumulative gain of the window's order; 1 when it is the baseline's. */
  readonly ndcg: number | null
  /** What chance leaves the gain above in all but 0.1 % of unchanged windows; null when the baseline has too few chunks. */
  readonly ndcgByChance: number | null
}

/** Health of the inference calls of a slice. Times in seconds, null without calls. */
export interface ServingNumbers {
  /** The library that ran the model; null for all of them. */
  readonly runtime: string | null
  readonly calls: number
  readonly errors: number
  readonly errorRate: number | null
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly mean: number | null
  readonly max: number | null
  /** Null when it is not known: it is sent for all runtimes together. */
  readonly rowsPerCall: number | null
  /** Rows that recorders did not count; null for one of several runtimes. */
  readonly droppedRows: number | null
  /** Rows, and outcomes (`outcome_...`), by the reason why they were not counted. */
  readonly dropped: Readonly<Record<string, number>>
}

/** What a window's evidence is compared with. */
export interface ResultReference {
  readonly kind: 'baseline' | 'season'
  /** The season that the rules ask for. */
  readonly season: 'hour-of-week' | 'hour-of-day'
  /** Values and earlier windows of the same phase in the reference; null under the baseline. */
  readonly values: number | null
  readonly windows: number | null
  /** Start of the oldest and the newest of them; null when there are none. */
  readonly oldestMs: number | null
  readonly newestMs: number | null
  /** Why it is not the season (yet): `learning, 3 of 8 weeks`, ... */
  readonly note: string | null
}

export interface Effect {
  readonly kind: 'location-shift' | 'rate-difference'
  /** `sd`: baseline standard deviations of the normal score; `share`: difference of two shares. */
  readonly unit: 'sd' | 'share'
  readonly value: number
  readonly interval: readonly [number, number] | null
  /** Which category or flag moved most, for rate differences. */
  readonly of: string | null
}

export interface Evidence {
  /** log10 of the feature's own mixture; alone it would need the number of monitors times the threshold. */
  readonly log10Feature: number
  /** log10 of the mean over all monitors: what is compared with the threshold. */
  readonly log10Model: number
  readonly threshold: number
  /** log10 of the e-value of this slice alone, for the leading row. */
  readonly log10Step: number
  readonly leadingGroup: string
  readonly leadingRow: string
  readonly alarm: boolean
  /** The open incident, if there is one. */
  readonly incident: { readonly sinceMs: number; readonly alarmedAtMs: number } | null
}

export interface TestResult {
  readonly statistic: number | null
  readonly pValue?: number | null
  readonly degreesOfFreedom?: number
  readonly interval?: readonly [number, number] | null
  /** Why the statistic is null, or what to keep in mind. */
  readonly note?: string
}

/** What the rule of another tool says of one window. It controls no error rate: see `nullExpectation`. */
export interface PresetVerdict {
  /** null: not judged, see `note`; never to be read as "no drift". */
  readonly drift: boolean | null
  /** What `value` is; empty when it was not computed at all. */
  readonly statistic: string
  readonly value: number | null
  /** Drift when `value` stands in this relation to `threshold`. */
  readonly relation: '>=' | '>' | '<=' | '<' | null
  readonly threshold: number | null
  /** Lowest and highest value that the raw rows could have given, where the cells only bound it. */
  readonly bound?: readonly [number, number]
  /** Values in the window. */
  readonly n: number
  /** About what `value` is without drift at this n; null where that is not known. */
  readonly nullExpectation: number | null
  /** The peer's own word where it has more than two. */
  readonly level?: string
  /** The same tool's rules on other numbers of the window; they do not enter `drift`. */
  readonly also?: readonly PresetCheck[]
  /** Why there is no verdict (`empty-window`, `no-chunks`, `not-comparable`, ...), or what to keep in mind. */
  readonly note?: string
}

export interface PresetCheck {
  readonly statistic: string
  readonly value: number | null
  readonly relation: '>=' | '>' | '<=' | '<'
  readonly threshold: number
  readonly drift: boolean | null
}

export interface RateResult {
  readonly count: number
  readonly rows: number
  readonly rate: number | null
  readonly interval: readonly [number, number] | null
  readonly baselineRate: number | null
  readonly difference: number | null
  readonly differenceInterval: readonly [number, number] | null
}

export interface Finding {
  readonly kind: string
  readonly detail: string
  readonly value?: number
}

export interface Sizes {
  /** Values in the window and in the baseline. */
  readonly window: number
  readonly baseline: number
  /** Rows of the window, with missing and invalid ones. */
  readonly windowRows: number
  /** Largest dispersion factor in use; 1 when none was learned. */
  readonly dispersion: number
  readonly zEta: number
}

export type ResultSummary =
  | {
      readonly kind: 'numeric'
      readonly bounds: readonly number[]
      readonly baselineCounts: readonly number[]
      readonly windowCounts: readonly number[]
      readonly baseline: Moments
      readonly window: Moments
    }
  | {
      readonly kind: 'categorical'
      readonly categories: readonly string[]
      readonly baselineCounts: readonly number[]
      readonly windowCounts: readonly number[]
    }

export interface Moments {
  readonly mean: number | null
  readonly standardDeviation: number | null
  readonly min: number | null
  readonly max: number | null
}
