import type { Decision, ReconstructionBasis } from './contract/index.ts'
import type { NumericColumn } from './recorder/numeric-block.ts'

/** What is to be recorded of one model: the outcome of reading manifest, baseline and options. */
export interface ModelPlan {
  readonly name: string
  readonly version: string
  readonly manifestDigest: string | null
  readonly baselineDigest: string | null
  /** In the order in which a row given as an array or tensor holds them. */
  readonly features: readonly FeaturePlan[]
  readonly predictions: PredictionPlan
  /** Actual classes, in whose cells outcomes are counted. Null: learned. */
  readonly outcomeClasses: readonly string[] | null
  /** Null when the baseline has none. */
  readonly detector: DetectorPlan | null
  /** Declared segment values; all are counted in the same cells. Null when the model has no segments. */
  readonly segments: ReadonlySet<string> | null
  /** How a missing class is derived from a score; null when it is not known. */
  readonly decision: Decision | null
  /** Whether a score is the probability of one of two classes, so that confidence follows from it. */
  readonly binary: boolean
}

export type FeaturePlan = NumericFeaturePlan | CategoricalFeaturePlan

export interface NumericFeaturePlan extends NumericColumn {
  readonly kind: 'numeric'
  readonly name: string
  /** Then no sum is sent: with negative values a sum is no total. */
  readonly mayBeNegative: boolean
}

export interface CategoricalFeaturePlan {
  readonly kind: 'categorical' | 'boolean'
  readonly name: string
  /** Null: learned. */
  readonly categories: readonly string[] | null
}

export interface PredictionPlan {
  /** Null: learned. */
  readonly classes: readonly string[] | null
  readonly score: OutputPlan
  readonly confidence: OutputPlan
  readonly value: OutputPlan
}

/** The multivariate detector: how far each row lies from the principal components of the baseline. */
export interface DetectorPlan {
  readonly name: string
  readonly basis: ReconstructionBasis
  /** For each feature its place in the basis, or -1. */
  readonly places: readonly number[]
  readonly error: OutputPlan
}

export interface OutputPlan extends NumericColumn {
  readonly mayBeNegative: boolean
}
