/**
 * The format of baseline.json: what the model was trained on, as histograms.
 *
 * Counts are whole numbers. Every `counts` array has one cell more than its bounds. Chunks are time-ordered slices of the
 * baseline rows, from which natural variation is learned; `chunks[k]` are the counts of slice k, in the cells of `counts`.
 */
export interface Baseline {
  readonly schema: typeof baselineSchema
  readonly model: { readonly name: string; readonly version: string }
  /** ISO 8601 time of the build. */
  readonly createdAt: string
  readonly source: BaselineSource
  /** How it came about, when it was not built from a file of rows. */
  readonly origin?: BaselineOrigin
  /** Rows read; per feature, `values + missing + invalid` add up to it. */
  readonly rows: number
  /** In the order in which a row given as an array or tensor holds them. */
  readonly features: readonly FeatureBaseline[]
  readonly predictions: PredictionBaseline
  /** Actual labels of the baseline rows, when a target column was given. */
  readonly labels?: CategoricalSummary
  /** The detector of changes between numeric features; absent when fewer than two vary. */
  readonly multivariate?: MultivariateBaseline
  /** How much each feature moved the predictions of the baseline rows; absent when they have no attributions. */
  readonly attributions?: AttributionBaseline
  /** How the rows were cut into time-ordered chunks; absent when the data has no time column. */
  readonly chunking?: Chunking
  /** The same features and predictions, per declared segment value. */
  readonly segments?: SegmentBaselines
}

/** The one multivariate detector that there is, by the name that its metric carries. */
export const multivariateDetector = 'pca'

export const baselineSchema = 'driftline.baseline/1'

export interface BaselineSource {
  /** Where the rows came from: a file name without its directory, or 'production' for a frozen baseline. */
  readonly name: string
  /** Digest of the file's bytes. */
  readonly digest?: string
  /** How quantile bounds were found: exactly, or by a sketch with this error of the rank, as a share of the rows. */
  readonly boundsRankError: number
}

/** A baseline that was learned from what a model was asked in production: it says what was usual then, not what is right. */
export interface BaselineOrigin {
  readonly kind: 'frozen'
  /** The time that was learned from, in milliseconds since the Unix epoch; the end is exclusive. */
  readonly fromMs: number
  readonly toMs: number
  readonly rows: number
}

export interface Chunking {
  readonly column: string
  /** Rows of each chunk, in time order. */
  readonly rows: readonly number[]
  /** Milliseconds of event time that each chunk spans; absent when the column only orders the rows. */
  readonly durationMs?: number
}

export type FeatureBaseline = NumericFeatureBaseline | CategoricalFeatureBaseline

interface FeatureCommon {
  readonly name: string
  /** Rows in which the value was absent or null. */
  readonly missing: number
  /** Rows with a value that does not enter the distribution, by reason; reasons with 0 may be left out. */
  readonly invalid: { readonly nan?: number; readonly infinite?: number; readonly wrong_type?: number }
  /** Missing and invalid rows per chunk. */
  readonly chunkMissing?: readonly number[]
  readonly chunkInvalid?: readonly number[]
}

export interface NumericFeatureBaseline extends FeatureCommon, NumericSummary {
  readonly kind: 'numeric'
  /** The range that the owner of the feature allows; both ends inclusive. */
  readonly range?: { readonly min?: number; readonly max?: number }
  /** Finite values outside the declared range. They stay in the distribution. */
  readonly outOfRange?: number
}

export interface CategoricalFeatureBaseline extends FeatureCommon, CategoricalSummary {
  /** A boolean feature is a categorical one with the categories `false` and `true`. */
  readonly kind: 'categorical' | 'boolean'
}

/** The distribution of a number. */
export interface NumericSummary {
  /** Strictly increasing; the first lies just below the smallest value, so that the first cell means "below anything seen". */
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  /** Finite values, the sum of `counts`. */
  readonly values: number
  /** Of the finite values; variance with divisor n; all 0 when there are none. */
  readonly mean: number
  readonly variance: number
  readonly min: number
  readonly max: number
  readonly chunks?: readonly (readonly number[])[]
}

/** The distribution of a category. */
export interface CategoricalSummary {
  /** In code-point order, without `_OTHER`. */
  readonly categories: readonly string[]
  /** One count per category, then one for `_OTHER`. */
  readonly counts: readonly number[]
  /** The sum of `counts`. */
  readonly values: number
  readonly chunks?: readonly (readonly number[])[]
}

export interface PredictionBaseline {
  readonly classes?: CategoricalSummary
  readonly score?: NumericSummary
  readonly confidence?: NumericSummary
  /** Output of a regression model. */
  readonly value?: NumericSummary
  /** Scores by actual class, in the cells of `score`: what calibration, AUC and estimated performance start from. */
  readonly scoreByLabel?: { readonly [label: string]: readonly number[] }
  readonly decision?: Decision
}

/** How a score becomes a class. */
export interface Decision {
  readonly threshold: number
  /** `>`: a score equal to the threshold is negative; `>=`: it is positive. */
  readonly rule: '>' | '>='
  readonly positiveClass: string
  readonly negativeClass: string
}

export interface SegmentBaselines {
  /** The column or request field that holds the segment. */
  readonly column: string
  readonly values: { readonly [segment: string]: SegmentBaseline }
}

export interface SegmentBaseline {
  readonly rows: number
  readonly features: readonly FeatureBaseline[]
  readonly predictions: PredictionBaseline
  /** Errors of the segment's rows, by the components of the whole. */
  readonly multivariate?: ReconstructionSummary
  readonly chunkRows?: readonly number[]
}

/**
 * How the numeric features of the baseline hang together: their principal components, and how far its rows lie from them. See
 * `ReconstructionErrors` for the error of a row.
 */
export interface MultivariateBaseline extends ReconstructionSummary {
  readonly kind: 'pca'
  /** Name of the detector, as the attribute of its metric has it. */
  readonly name: typeof multivariateDetector
  /** Numeric features that vary, in declared order. */
  readonly features: readonly string[]
  /** Per feature: what standardises it, and replaces missing and invalid values. */
  readonly means: readonly number[]
  readonly standardDeviations: readonly number[]
  /** Orthonormal rows over the standardised features, by falling variance; fewer than there are features. */
  readonly components: readonly (readonly number[])[]
  /** Share of the variance that the components explain, 0 to 1. */
  readonly explainedVariance: number
}

/** Reconstruction errors of the baseline rows; every row has one. */
export interface ReconstructionSummary {
  readonly error: NumericSummary
  /** Rows of which a value was missing or invalid, so that the mean stood in for it. */
  readonly imputed: number
}

/** Attributions of the baseline rows, whose sizes alone are compared. */
export interface AttributionBaseline {
  /** How they were computed, as recorders name it: attributions of two methods are not compared. */
  readonly method: string
  /** Rows with attributions. */
  readonly rows: number
  /** Names of features, in declared order. */
  readonly features: readonly string[]
  /** Per feature: mean of |attribution| over these rows. */
  readonly meanAbsolute: readonly number[]
  /** Per chunk of `chunking`: its rows with attributions, and per feature the sum of |attribution|. */
  readonly chunks?: readonly AttributionChunk[]
}

export interface AttributionChunk {
  readonly rows: number
  readonly absoluteSums: readonly number[]
}
