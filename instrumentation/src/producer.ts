import {
  attributes as attributeDefinitions,
  metrics as metricDefinitions,
  schemaUrl,
  scopeName,
  type AttributeId,
  type InvalidReason,
  type MetricId,
} from './contract/index.ts'
import {
  dataPointType,
  deltaTemporality,
  valueType,
  type Attributes,
  type AttributeValue,
  type DataPoint,
  type HrTime,
  type MetricData,
  type Scope,
  type ScopeMetrics,
} from './otel.ts'
import type { FeaturePlan, ModelPlan, OutputPlan } from './plan.ts'
import type { CategoricalReading } from './recorder/categorical-column.ts'
import type { DropReason, ModelRecorder } from './recorder/model-recorder.ts'
import type { NumericReading } from './recorder/numeric-block.ts'
import type { OutcomeReading } from './recorder/outcome-counts.ts'
import type { ScopeReading } from './recorder/scope-recorder.ts'
import { version } from './version.ts'

/** What was counted between two points in time, ready for an exporter. */
export interface Interval {
  readonly scopeMetrics: ScopeMetrics[]
  /** Rows that were counted in it. */
  readonly rows: number
  /** Data points in all: what it costs to keep. */
  readonly points: number
}

export interface ProducerOptions {
  readonly recorder: ModelRecorder
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** Where name, version and digests of the model go: backends that lose scope attributes need them on each point. */
  readonly modelAttributesOn: 'scope' | 'points'
}

/** Turns what a recorder counted into delta metrics of the SDK's shape, one scope per segment. */
export class IntervalProducer {
  readonly #recorder: ModelRecorder
  readonly #now: () => number
  readonly #modelOnPoints: boolean
  #model: Attributes
  readonly #attributes = new Map<string, Attributes>()
  /** Counters that once were above zero: they are sent as zero afterwards, so that intervals have the same series. */
  readonly #seenCounters = new Set<Attributes>()
  #endMicros: number
  #next: ModelPlan | null = null

  constructor({ recorder, now, modelAttributesOn }: ProducerOptions) {
    this.#recorder = recorder
    this.#now = now
    this.#modelOnPoints = modelAttributesOn === 'points'
    this.#model = modelAttributes(recorder.plan)
    this.#endMicros = Math.floor(now() * 1000)
  }

  /** Counts what comes after the next `take` by another plan of the same features. */
  adoptAtBoundary(plan: ModelPlan): void {
    this.#next = plan
  }

  /**
   * Everything since the last call. Intervals follow each other without gap or overlap; each ends at least a microsecond
   * after it began, even when the clock stood still or was set back.
   *
   * @param notBefore the interval ends at this time (ms) or later: timers may fire a little before the boundary they were set to
   */
  take(notBefore = 0): Interval {
    const startMicros = this.#endMicros
    this.#endMicros = Math.max(Math.floor(this.#now() * 1000), Math.ceil(notBefore * 1000), startMicros + 1)
    const times = { startTime: hrTime(startMicros), endTime: hrTime(this.#endMicros) }
    const reading = this.#recorder.take()
    const scopeMetrics: ScopeMetrics[] = []
    let rows = 0
    const add = (segment: string | null, own: MetricBuilder) => {
      const metrics = own.build()
      if (metrics.length === 0) return
      const existing = scopeMetrics.find(({ scope }) => scope.attributes === this.#scopeAttributes(segment))
      if (existing === undefined) scopeMetrics.push({ scope: this.#scope(segment), metrics })
      else existing.metrics.push(...metrics)
    }
    for (const { segment, reading: scope } of reading.scopes) {
      const builder = this.#builder(segment, times)
      if (scope.rows > 0) addFeatures(builder, this.#recorder.plan, scope)
      addPredictions(builder, this.#recorder.plan, scope)
      addDetector(builder, this.#recorder.plan, scope)
      addAttributions(builder, this.#recorder.plan, scope)
      add(segment, builder)
      rows += scope.rows
    }
    for (const { segment, reading: outcomes } of reading.outcomes) {
      const builder = this.#builder(segment, times)
      addOutcomes(builder, this.#recorder.plan, outcomes)
      add(segment, builder)
    }
    const builder = this.#builder(null, times)
    for (const { runtime, errorType, seconds } of reading.inference.durations) {
      if (seconds.count > 0)
        builder.histogram(
          'inferenceDuration',
          { runtimeName: runtime, ...(errorType === null ? {} : { errorType }) },
          seconds,
          true,
        )
    }
    if (reading.inference.rows.count > 0) builder.histogram('inferenceRows', {}, reading.inference.rows, true)
    for (const [reason, dropped] of reading.dropped)
      builder.counter('monitorDroppedRows', { dropReason: reason satisfies DropReason }, dropped)
    add(null, builder)
    const points = scopeMetrics.reduce(
      (sum, { metrics }) => sum + metrics.reduce((own, { dataPoints }) => own + dataPoints.length, 0),
      0,
    )
    this.#adopt()
    return { scopeMetrics, rows, points }
  }

  /** What was counted so far has been taken, and no row can come in between. */
  #adopt(): void {
    if (this.#next === null || !this.#recorder.adopt(this.#next)) return
    this.#next = null
    this.#model = modelAttributes(this.#recorder.plan)
    this.#attributes.clear()
    this.#seenCounters.clear()
  }

  #scope(segment: string | null): Scope {
    return { name: scopeName, version, schemaUrl, attributes: this.#scopeAttributes(segment) }
  }

  #scopeAttributes(segment: string | null): Attributes {
    if (this.#modelOnPoints) return noAttributes
    return this.#intern(`scope\u0000${segmentKey(segment)}`, () => this.#identity(segment))
  }

  #identity(segment: string | null): Attributes {
    return segment === null ? this.#model : { ...this.#model, [attributeDefinitions.segment.name]: segment }
  }

  #builder(segment: string | null, times: Times): MetricBuilder {
    const base = this.#modelOnPoints ? this.#identity(segment) : noAttributes
    return new MetricBuilder({
      times,
      seen: this.#seenCounters,
      attributes: (metric, own) => {
        const key = `point\u0000${segmentKey(segment)}\u0000${metric}\u0000${Object.entries(own).join('\u0000')}`
        return this.#intern(key, () => ({ ...base, ...renamed(own) }))
      },
    })
  }

  /** The one object for equal attributes, so that an interval allocates none. Bounded, as features, categories and reasons are. */
  #intern(key: string, make: () => Attributes): Attributes {
    let known = this.#attributes.get(key)
    if (known === undefined) {
      known = make()
      this.#attributes.set(key, known)
    }
    return known
  }
}

function modelAttributes({ name, version, manifestDigest, baselineDigest }: ModelPlan): Attributes {
  return {
    [attributeDefinitions.modelName.name]: name,
    [attributeDefinitions.modelVersion.name]: version,
    ...(manifestDigest === null ? {} : { [attributeDefinitions.manifestDigest.name]: manifestDigest }),
    ...(baselineDigest === null ? {} : { [attributeDefinitions.baselineDigest.name]: baselineDigest }),
  }
}

interface Times {
  readonly startTime: HrTime
  readonly endTime: HrTime
}

/** What sets one kind of metric data apart from another. */
type MetricKind =
  | { dataPointType: typeof dataPointType.histogram }
  | { dataPointType: typeof dataPointType.exponentialHistogram }
  | { dataPointType: typeof dataPointType.sum; isMonotonic: boolean }

type OwnAttributes = Partial<Record<AttributeId, AttributeValue>>

const noAttributes: Attributes = {}

/** A declared segment may have any text, even none. */
function segmentKey(segment: string | null): string {
  return segment === null ? '' : `=${segment}`
}

function renamed(own: OwnAttributes): Attributes {
  const result: Attributes = {}
  for (const [id, value] of Object.entries(own)) result[attributeDefinitions[id as AttributeId].name] = value
  return result
}

/** Exporters write attributes that are whole numbers as 64-bit integers, and go wrong beyond 2^53; text keeps every digit. */
function originAttribute(origin: number): AttributeValue {
  return Number.isInteger(origin) && !Number.isSafeInteger(origin) ? String(origin) : origin
}

function hrTime(micros: number): HrTime {
  const seconds = Math.floor(micros / 1e6)
  return [seconds, (micros - seconds * 1e6) * 1000]
}

/** Collects data points by metric, in the order in which metrics first appear. */
class MetricBuilder {
  readonly #times: Times
  readonly #seen: Set<Attributes>
  readonly #attributesOf: (metric: MetricId, own: OwnAttributes) => Attributes
  readonly #metrics = new Map<string, MetricData>()

  constructor(options: {
    times: Times
    seen: Set<Attributes>
    attributes: (metric: MetricId, own: OwnAttributes) => Attributes
  }) {
    this.#times = options.times
    this.#seen = options.seen
    this.#attributesOf = options.attributes
  }

  build(): MetricData[] {
    return [...this.#metrics.values()]
  }

  /** Left out while the counter has never been above zero. */
  counter(metric: MetricId, own: OwnAttributes, value: number): void {
    const attributes = this.#attributesOf(metric, own)
    if (value > 0) this.#seen.add(attributes)
    else if (!this.#seen.has(attributes)) return
    this.#points(metric, { dataPointType: dataPointType.sum, isMonotonic: true }, valueType.int).push(
      this.#point(attributes, value),
    )
  }

  /** @param learned the origin is this recorder's own: how many values were summed about it must be told to add it to others */
  moments(
    metric: MetricId,
    own: OwnAttributes,
    { origin, count, first, second }: NumericReading,
    learned: boolean,
  ): void {
    // All or none: the sum of squares overflows first, and a sum without it would be taken for one without spread.
    if (!Number.isFinite(first) || !Number.isFinite(second)) return
    const momentOrigin = originAttribute(origin)
    if (learned && count > 0) this.#moment(metric, { ...own, momentOrder: 0, momentOrigin }, count)
    this.#moment(metric, { ...own, momentOrder: 1, momentOrigin }, first)
    this.#moment(metric, { ...own, momentOrder: 2, momentOrigin }, second)
  }

  histogram(metric: MetricId, own: OwnAttributes, reading: NumericReading, withSum: boolean): void {
    const { count, cells, min, max } = reading
    const attributes = this.#attributesOf(metric, own)
    // Rounding may leave a sum of zeros a little below zero.
    const sum = reading.first + count * reading.origin
    const header = {
      count,
      ...(withSum && count > 0 && min >= 0 && Number.isFinite(sum) ? { sum: Math.max(sum, 0) } : {}),
      ...(count > 0 ? { min, max } : {}),
    }
    if (cells.kind === 'explicit') {
      const value = { ...header, buckets: { boundaries: cells.bounds, counts: cells.counts } }
      this.#points(metric, { dataPointType: dataPointType.histogram }).push(this.#point(attributes, value))
    } else {
      const value = {
        ...header,
        scale: cells.scale,
        zeroCount: cells.zeroCount,
        positive: { offset: cells.positive.offset, bucketCounts: cells.positive.counts },
        negative: { offset: cells.negative.offset, bucketCounts: cells.negative.counts },
      }
      this.#points(metric, { dataPointType: dataPointType.exponentialHistogram }).push(this.#point(attributes, value))
    }
  }

  #moment(metric: MetricId, own: OwnAttributes, value: number): void {
    const attributes = this.#attributesOf(metric, own)
    this.#points(metric, { dataPointType: dataPointType.sum, isMonotonic: false }).push(this.#point(attributes, value))
  }

  /** The points of a metric. Features of one metric may be histograms of both kinds, which OTLP keeps apart. */
  #points(metric: MetricId, kind: MetricKind, type: 0 | 1 = valueType.double): DataPoint<unknown>[] {
    const key = `${kind.dataPointType}${metric}`
    let data = this.#metrics.get(key)
    if (data === undefined) {
      const { name, description, unit } = metricDefinitions[metric]
      const descriptor = { name, description, unit, valueType: type }
      data = { descriptor, aggregationTemporality: deltaTemporality, ...kind, dataPoints: [] }
      this.#metrics.set(key, data)
    }
    return data.dataPoints
  }

  #point<Value>(attributes: Attributes, value: Value): DataPoint<Value> {
    return { startTime: this.#times.startTime, endTime: this.#times.endTime, attributes, value }
  }
}

function addFeatures(builder: MetricBuilder, plan: ModelPlan, scope: ScopeReading): void {
  plan.features.forEach((feature, i) => {
    const reading = scope.features[i]!
    if (feature.kind === 'numeric') addNumeric(builder, feature, reading as NumericReading)
    else addCategorical(builder, feature.name, reading as CategoricalReading)
  })
}

/** Sent even when all values were missing or invalid: a feature whose rows were counted stays visible. */
function addNumeric(builder: MetricBuilder, feature: FeaturePlan & { kind: 'numeric' }, reading: NumericReading): void {
  const { name } = feature
  builder.histogram('featureValue', { featureName: name }, reading, !feature.mayBeNegative)
  builder.moments('featureMoment', { featureName: name }, reading, feature.origin === null)
  addInvalid(builder, name, [
    ['missing', reading.missing],
    ['nan', reading.nan],
    ['infinite', reading.infinite],
    ['wrong_type', reading.wrongType],
    ['out_of_range', reading.outOfRange],
  ])
}

function addCategorical(builder: MetricBuilder, name: string, reading: CategoricalReading): void {
  reading.categories.forEach((category, i) => {
    if (reading.seen[i] === 1)
      builder.counter('featureObservations', { featureName: name, featureCategory: category }, reading.counts[i]!)
  })
  addInvalid(builder, name, [
    ['missing', reading.missing],
    ['nan', reading.nan],
    ['infinite', reading.infinite],
    ['wrong_type', reading.wrongType],
    ['unknown_category', reading.unknownCategory],
  ])
}

function addInvalid(
  builder: MetricBuilder,
  featureName: string,
  counts: readonly (readonly [InvalidReason, number])[],
): void {
  for (const [invalidReason, count] of counts)
    builder.counter('featureInvalidValues', { featureName, invalidReason }, count)
}

function addPredictions(
  builder: MetricBuilder,
  { predictions }: ModelPlan,
  { classes, score, confidence, value }: ScopeReading,
): void {
  classes.categories.forEach((category, i) => {
    if (classes.seen[i] === 1) builder.counter('predictions', { predictionClass: category }, classes.counts[i]!)
  })
  addOutput(builder, 'score', predictions.score, score)
  addOutput(builder, 'confidence', predictions.confidence, confidence)
  addOutput(builder, 'value', predictions.value, value)
}

function addDetector(builder: MetricBuilder, { detector }: ModelPlan, { detector: reading }: ScopeReading): void {
  if (detector === null || reading === null || reading.error.count === 0) return
  builder.histogram('reconstructionError', { detectorName: detector.name }, reading.error, true)
  builder.counter('imputedRows', { detectorName: detector.name }, reading.imputed)
}

/** Without sums: signed values have none. */
function addAttributions(builder: MetricBuilder, { features }: ModelPlan, { attributions }: ScopeReading): void {
  for (const { method, values } of attributions) {
    values.forEach((reading, i) => {
      if (reading.count > 0)
        builder.histogram(
          'attributionValue',
          { featureName: features[i]!.name, attributionMethod: method },
          reading,
          false,
        )
    })
  }
}

function addOutcomes(
  builder: MetricBuilder,
  { predictions }: ModelPlan,
  { pairs, error, scores, delay }: OutcomeReading,
): void {
  for (const { predicted, actual, count } of pairs)
    builder.counter('outcomes', { predictionClass: predicted, outcomeClass: actual }, count)
  for (const { actual, score } of scores)
    if (score.count > 0)
      builder.histogram('outcomeScore', { outcomeClass: actual }, score, !predictions.score.mayBeNegative)
  if (error.count > 0) builder.histogram('outcomeError', {}, error, false)
  if (delay.count > 0) builder.histogram('outcomeDelay', {}, delay, true)
}

const outputMetrics = {
  score: 'predictionScore',
  confidence: 'predictionConfidence',
  value: 'predictionValue',
} as const satisfies Record<string, MetricId>

function addOutput(
  builder: MetricBuilder,
  output: keyof typeof outputMetrics,
  plan: OutputPlan,
  reading: NumericReading,
): void {
  if (reading.count === 0) return
  builder.histogram(outputMetrics[output], {}, reading, !plan.mayBeNegative)
  builder.moments('predictionMoment', { predictionOutput: output }, reading, plan.origin === null)
}
