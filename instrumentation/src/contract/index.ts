export * from './names.ts'
export type {
  AttributionBaseline,
  AttributionChunk,
  Baseline,
  BaselineOrigin,
  BaselineSource,
  CategoricalFeatureBaseline,
  CategoricalSummary,
  Chunking,
  Decision,
  FeatureBaseline,
  MultivariateBaseline,
  NumericFeatureBaseline,
  NumericSummary,
  PredictionBaseline,
  ReconstructionSummary,
  SegmentBaseline,
  SegmentBaselines,
} from './baseline.ts'
export { baselineSchema, multivariateDetector } from './baseline.ts'
export type { DigestedFile, Manifest, ManifestFeature, ManifestOutput, ModelIdentity } from './manifest.ts'
export { manifestSchema } from './manifest.ts'
export { canonicalJson, digestBytes, digestJson, type Json } from './digest.ts'
export {
  doctorVariable,
  type BodiesSeen,
  type DoctorBody,
  type DoctorEvent,
  type DoctorLine,
  type DoctorMember,
  type DoctorTensor,
  type ModelAnswered,
  type ModelCalled,
  type ModelSeen,
  type ProcessStarted,
} from './doctor-lines.ts'
export {
  cellCount,
  explicitCell,
  exponentialIndex,
  exponentialUpperBound,
  layoutBounds,
  layoutKey,
  logLinearBound,
  type BucketLayout,
  type BucketRange,
  type ExplicitLayout,
  type LogLinearLayout,
} from './layout.ts'
export { compareCodePoints } from './code-point-order.ts'
export { FormatError, type FormatProblem } from './format-error.ts'
export { nextDown } from './next-down.ts'
export { parseBaseline } from './parse-baseline.ts'
export { maxBounds, maxCategories, maxChunks, maxFeatures, maxMultivariateFeatures } from './parse-limits.ts'
export { parseManifest } from './parse-manifest.ts'
export { ReconstructionErrors, type ReconstructionBasis } from './reconstruction-error.ts'
