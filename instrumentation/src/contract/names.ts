/**
 * Every metric and attribute name that crosses the wire, with its instrument, unit and one sentence.
 *
 * OpenTelemetry has no convention for classic machine learning (semantic-conventions issue 3420 is open), so the
 * prefix stands in one constant. No other file of Driftline writes one of these names.
 */
const prefix = 'ml'

/** Identifies this convention and its version; travels as the `schemaUrl` of the scope. */
export const schemaUrl = 'https://driftline.dev/schemas/ml/1'

/** The name of the instrumentation scope under which every Driftline metric is sent. */
export const scopeName = '@driftline/instrumentation'

/** One attribute key and what it says. */
export interface AttributeDefinition {
  readonly name: string
  readonly description: string
}

/** Short names, as code uses them. */
export type AttributeId =
  | 'modelName'
  | 'modelVersion'
  | 'manifestDigest'
  | 'baselineDigest'
  | 'segment'
  | 'featureName'
  | 'featureCategory'
  | 'momentOrder'
  | 'momentOrigin'
  | 'invalidReason'
  | 'outputName'
  | 'predictionOutput'
  | 'predictionClass'
  | 'outcomeClass'
  | 'attributionMethod'
  | 'runtimeName'
  | 'detectorName'
  | 'dropReason'
  | 'errorType'
  | 'httpRoute'
  | 'serviceName'
  | 'serviceInstanceId'
  | 'environment'

/** Attribute keys, by the short name that code uses. */
export const attributes: Readonly<Record<AttributeId, AttributeDefinition>> = {
  modelName: { name: `${prefix}.model.name`, description: 'Name of the model; on the scope.' },
  modelVersion: { name: `${prefix}.model.version`, description: 'Version of the model; on the scope.' },
  manifestDigest: {
    name: `${prefix}.manifest.digest`,
    description: 'Digest of the manifest the server was started with; on the scope.',
  },
  baselineDigest: {
    name: `${prefix}.baseline.digest`,
    description: 'Digest of the baseline whose bucket bounds the recorder uses; on the scope.',
  },
  segment: {
    name: `${prefix}.segment`,
    description: 'Declared segment value that the rows of this scope share; absent when the model has no segments.',
  },
  featureName: { name: `${prefix}.feature.name`, description: 'Name of the input feature.' },
  featureCategory: {
    name: `${prefix}.feature.category`,
    description: 'Category of a categorical feature, from the list of the baseline or _OTHER.',
  },
  momentOrder: {
    name: `${prefix}.feature.moment.order`,
    description:
      'Order of the moment: 1 for the sum of (x - origin), 2 for the sum of its square; 0 for the number of values, sent while recorders choose their own origins.',
  },
  momentOrigin: {
    name: `${prefix}.feature.moment.origin`,
    description:
      'The origin that is subtracted before a moment is summed; a whole number beyond 2^53 - 1 is sent as a text.',
  },
  invalidReason: { name: `${prefix}.feature.invalid.reason`, description: 'Why a value is missing or invalid.' },
  outputName: { name: `${prefix}.output.name`, description: 'Name of the model output, when it has several.' },
  predictionOutput: {
    name: `${prefix}.prediction.output`,
    description: 'Which numeric output a moment is of: score, confidence or value.',
  },
  predictionClass: {
    name: `${prefix}.prediction.class`,
    description: 'Predicted class, from the list of the baseline or _OTHER.',
  },
  outcomeClass: { name: `${prefix}.outcome.class`, description: 'Actual class, once it is known.' },
  attributionMethod: { name: `${prefix}.attribution.method`, description: 'How the attribution was computed.' },
  runtimeName: { name: `${prefix}.runtime.name`, description: 'The library that ran the model.' },
  detectorName: {
    name: `${prefix}.detector.name`,
    description: 'The multivariate detector that the error belongs to.',
  },
  dropReason: { name: `${prefix}.monitor.drop.reason`, description: 'Why the recorder did not count a row.' },
  errorType: { name: 'error.type', description: 'Class of the error that ended an inference; only on failures.' },
  httpRoute: { name: 'http.route', description: 'Route template that served the inference.' },
  serviceName: { name: 'service.name', description: 'The service; on the resource.' },
  serviceInstanceId: { name: 'service.instance.id', description: 'The process or replica; on the resource.' },
  environment: { name: 'deployment.environment.name', description: 'Production, staging and so on; on the resource.' },
}

/** A metric as OTLP carries it. */
export interface MetricDefinition {
  readonly name: string
  readonly instrument: 'histogram' | 'counter' | 'sum'
  /** UCUM unit. */
  readonly unit: string
  readonly description: string
  /** Attribute names a point carries; those in `optional` may be absent. */
  readonly required: readonly string[]
  readonly optional?: readonly string[]
}

/** Short names, as code uses them. */
export type MetricId =
  | 'featureValue'
  | 'featureMoment'
  | 'featureObservations'
  | 'featureInvalidValues'
  | 'predictionScore'
  | 'predictionValue'
  | 'predictions'
  | 'predictionConfidence'
  | 'predictionMoment'
  | 'attributionValue'
  | 'inferenceDuration'
  | 'inferenceRows'
  | 'outcomes'
  | 'outcomeError'
  | 'outcomeScore'
  | 'outcomeDelay'
  | 'reconstructionError'
  | 'imputedRows'
  | 'monitorDroppedRows'

/** Metrics, by the short name that code uses. */
export const metrics: Readonly<Record<MetricId, MetricDefinition>> = {
  featureValue: {
    name: `${prefix}.feature.value`,
    instrument: 'histogram',
    unit: '1',
    description: 'Values of a numeric input feature; no sum when values may be negative.',
    required: [attributes.featureName.name],
  },
  featureMoment: {
    name: `${prefix}.feature.moment`,
    instrument: 'sum',
    unit: '1',
    description:
      'Sum of (x - origin) and of its square, so that mean and variance keep their digits and can be added up.',
    required: [attributes.featureName.name, attributes.momentOrder.name],
    optional: [attributes.momentOrigin.name],
  },
  featureObservations: {
    name: `${prefix}.feature.observations`,
    instrument: 'counter',
    unit: '{observation}',
    description: 'Values of a categorical or boolean input feature.',
    required: [attributes.featureName.name, attributes.featureCategory.name],
  },
  featureInvalidValues: {
    name: `${prefix}.feature.invalid_values`,
    instrument: 'counter',
    unit: '{value}',
    description: 'Missing and invalid values by reason.',
    required: [attributes.featureName.name, attributes.invalidReason.name],
  },
  predictionScore: {
    name: `${prefix}.prediction.score`,
    instrument: 'histogram',
    unit: '1',
    description: 'Score of the positive class, or the raw score of a ranking model.',
    required: [],
    optional: [attributes.outputName.name],
  },
  predictionValue: {
    name: `${prefix}.prediction.value`,
    instrument: 'histogram',
    unit: '1',
    description: 'Output of a regression model.',
    required: [],
    optional: [attributes.outputName.name],
  },
  predictions: {
    name: `${prefix}.predictions`,
    instrument: 'counter',
    unit: '{prediction}',
    description: 'Predicted classes.',
    required: [attributes.predictionClass.name],
  },
  predictionConfidence: {
    name: `${prefix}.prediction.confidence`,
    instrument: 'histogram',
    unit: '1',
    description: 'Probability of the predicted class.',
    required: [],
    optional: [attributes.predictionClass.name],
  },
  predictionMoment: {
    name: `${prefix}.prediction.moment`,
    instrument: 'sum',
    unit: '1',
    description: 'Sum of (x - origin) and of its square, of the score, confidence or value that a model answered.',
    required: [attributes.predictionOutput.name, attributes.momentOrder.name],
    optional: [attributes.momentOrigin.name, attributes.outputName.name],
  },
  attributionValue: {
    name: `${prefix}.attribution.value`,
    instrument: 'histogram',
    unit: '1',
    description: 'Signed attribution of one feature to one prediction.',
    required: [attributes.featureName.name, attributes.attributionMethod.name],
  },
  inferenceDuration: {
    name: `${prefix}.inference.duration`,
    instrument: 'histogram',
    unit: 's',
    description: 'Time of one inference call.',
    required: [attributes.runtimeName.name],
    optional: [attributes.errorType.name, attributes.httpRoute.name],
  },
  inferenceRows: {
    name: `${prefix}.inference.rows`,
    instrument: 'histogram',
    unit: '{row}',
    description: 'Rows of one inference call.',
    required: [],
  },
  outcomes: {
    name: `${prefix}.outcomes`,
    instrument: 'counter',
    unit: '{outcome}',
    description: 'Predictions whose actual class became known.',
    required: [attributes.predictionClass.name, attributes.outcomeClass.name],
  },
  outcomeError: {
    name: `${prefix}.outcome.error`,
    instrument: 'histogram',
    unit: '1',
    description: 'Residual of a regression: prediction minus actual.',
    required: [],
  },
  outcomeScore: {
    name: `${prefix}.outcome.score`,
    instrument: 'histogram',
    unit: '1',
    description: 'Score that a prediction had whose actual class became known, by that class.',
    required: [attributes.outcomeClass.name],
  },
  outcomeDelay: {
    name: `${prefix}.outcome.delay`,
    instrument: 'histogram',
    unit: 's',
    description: 'Time between a prediction and its label.',
    required: [],
  },
  reconstructionError: {
    name: `${prefix}.detector.reconstruction_error`,
    instrument: 'histogram',
    unit: '1',
    description: 'Distance of a row from its reconstruction by the principal components of the baseline.',
    required: [attributes.detectorName.name],
  },
  imputedRows: {
    name: `${prefix}.detector.imputed_rows`,
    instrument: 'counter',
    unit: '{row}',
    description: 'Rows in whose error the baseline mean stands in for a missing or invalid value.',
    required: [attributes.detectorName.name],
  },
  monitorDroppedRows: {
    name: `${prefix}.monitor.dropped_rows`,
    instrument: 'counter',
    unit: '{row}',
    description: 'Rows that Driftline itself did not count, and why.',
    required: [attributes.dropReason.name],
  },
}

/** The category that stands for every category not listed in the baseline. */
export const otherCategory = '_OTHER'

/** Why a value is not, or not only, in the distribution of its feature. */
export const invalidReasons = ['missing', 'nan', 'infinite', 'wrong_type', 'out_of_range', 'unknown_category'] as const
export type InvalidReason = (typeof invalidReasons)[number]

/**
 * Upper bounds in seconds of the buckets of `ml.inference.duration`: 10 µs to 10 s in 1-2-5 steps. The HTTP defaults of
 * the semantic conventions start at 5 ms, above most models.
 */
export const durationBounds: readonly number[] = [
  1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1, 2, 5, 10,
]

/** Upper bounds in seconds of the buckets of `ml.outcome.delay`: a millisecond to a week. */
export const delayBounds: readonly number[] = [
  0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 172_800, 604_800,
]

/** Upper bounds of the buckets of `ml.inference.rows`. */
export const rowsBounds: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384]
