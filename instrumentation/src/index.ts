export {
  createMonitor,
  type DurationOptions,
  type Monitor,
  type MonitorStatistics,
  type ObserveOptions,
  type OutcomeDetails,
  type OutcomeValue,
  type RowFeatures,
} from './monitor.ts'
export type { InstrumentConfig, ModelConfig } from './zero-code/instrument-config.ts'
export { instrument, type InstrumentOptions, type MethodName } from './patch/instrument.ts'
export type { AnswerRole } from './patch/object-answers.ts'
export { DriftlineConfigError, type DeclaredFeature, type MonitorOptions } from './options.ts'
export type {
  Attributes,
  AttributeValue,
  CollectionResult,
  ExportResult,
  MetricExporter,
  MetricProducer,
  ResourceMetrics,
  ScopeMetrics,
} from './otel.ts'
export type { ColumnFeatures, DropReason, TensorFeatures } from './recorder/model-recorder.ts'
export type { BatchOutput, Output } from './recorder/scope-recorder.ts'
