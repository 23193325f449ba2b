import { attributes as attributeNames, metrics, type MetricDefinition } from '@driftline/instrumentation/contract'
import type { Clock } from '../clock.ts'
import { histogramHeader, slot, type Block, type Scope } from '../observation/block.ts'
import { toLogLinear } from '../observation/log-linear.ts'
import { CardinalityGuard } from './cardinality-guard.ts'
import { CumulativeToDelta, type CumulativeChanges } from './cumulative-to-delta.ts'
import { GenerationCache } from './generation-cache.ts'
import {
  noRecordedValueFlag,
  temporality,
  type ExponentialHistogramPoint,
  type HistogramPoint,
  type KeyValue,
  type Metric,
  type MetricData,
  type MetricsRequest,
  type NumberPoint,
} from './otlp-tree.ts'
import type { ReceiveCounters } from './receive-counters.ts'
import type { ReceiveLimits } from './receive-limits.ts'
import { rejection, RejectionLog, shown, type Rejection } from './rejections.ts'
import {
  identityAttributes,
  SeriesCatalogue,
  sumLayout,
  type LayoutEntry,
  type PointIdentity,
  type SeriesEntry,
  type SeriesTemplate,
} from './series-catalogue.ts'
import {
  checkExponential,
  checkHistogram,
  checkMetric,
  checkSum,
  checkTimes,
  isPlainText,
  type TimeBounds,
} from './validate-point.ts'

export interface BlockBuilderOptions {
  readonly clock: Clock
  readonly limits: ReceiveLimits
  readonly counters: ReceiveCounters
}

export interface BuiltBlocks {
  readonly blocks: readonly Block[]
  /** Points that the blocks hold. */
  readonly points: number
  readonly rejections: RejectionLog
  /** To be called when the blocks were not stored: the same request must bring forth the same blocks once it is sent again. */
  rollBack(): void
}

const definitions = new Map<string, MetricDefinition>(
  Object.values(metrics).map((definition) => [definition.name, definition]),
)
const microsPerMs = 1000
/** UTF-16 units of scope identities that are remembered. */
const scopeCapacity = 8_000_000

/**
 * Makes the function that turns a request into blocks: one per scope identity and interval, with every point that can be taken.
 * A point that can not be taken is refused with its reason and leaves its neighbours alone. Keep the function: it remembers series,
 * shapes and cumulative values between requests.
 */
export function createBlockBuilder(options: BlockBuilderOptions): (request: MetricsRequest) => BuiltBlocks {
  const { clock, limits } = options
  const memory: Memory = {
    catalogue: new SeriesCatalogue(limits),
    guard: new CardinalityGuard(clock, limits),
    cumulative: new CumulativeToDelta(clock.now(), limits),
    scopes: new GenerationCache(scopeCapacity),
    nextScopeId: 1,
  }
  return (request) => {
    memory.guard.startPeriodWhenDue()
    const build = new RequestBuild(options, memory)
    build.addRequest(request)
    return build.finish()
  }
}

interface Memory {
  readonly catalogue: SeriesCatalogue
  readonly guard: CardinalityGuard
  readonly cumulative: CumulativeToDelta
  readonly scopes: GenerationCache<string, ScopeEntry>
  nextScopeId: number
}

interface ScopeEntry {
  readonly id: number
  readonly scope: Scope
  readonly key: string
  /** What series are counted under: instances of one model share their series. */
  readonly modelKey: string
}

/** What a point gives to its block: a histogram as it came, the value of a sum, or slots that were computed. */
type Source = HistogramPoint | number | Float64Array

interface Group {
  readonly scopeEntry: ScopeEntry
  readonly startMicros: number
  readonly endMicros: number
  entries: SeriesEntry[]
  sources: Source[]
}

/** The scope that points are read in: what resource and scope say, and the entry for points that add nothing to it. */
interface ScopeContext {
  readonly base: Scope
  readonly problem: Rejection | null
  /** By what points add; null for nothing. */
  readonly entries: Map<PointIdentity | null, ScopeEntry | Rejection>
}

class RequestBuild {
  readonly #memory: Memory
  readonly #limits: ReceiveLimits
  readonly #counters: ReceiveCounters
  readonly #nowMs: number
  readonly #timeBounds: TimeBounds
  readonly #rejections = new RejectionLog()
  readonly #groups = new Map<string, Group>()
  readonly #changes: CumulativeChanges = []
  #lastGroup: Group | undefined

  constructor({ clock, limits, counters }: BlockBuilderOptions, memory: Memory) {
    this.#memory = memory
    this.#limits = limits
    this.#counters = counters
    this.#nowMs = clock.now()
    this.#timeBounds = {
      earliestMicros: (this.#nowMs - limits.ageMs) * microsPerMs,
      latestMicros: (this.#nowMs + limits.futureMs) * microsPerMs,
    }
  }

  addRequest(request: MetricsRequest): void {
    for (const resource of request.resources) {
      for (const scope of resource.scopes) {
        const context = this.#scopeContext(resource.attributes, scope.attributes)
        for (const metric of scope.metrics) this.#addMetric(metric, context)
      }
    }
    if (request.pointsOverLimit > 0) {
      const detail = `the request holds more than ${this.#limits.points} points`
      this.#rejections.add('', rejection('too_many_points', detail), request.pointsOverLimit)
    }
  }

  finish(): BuiltBlocks {
    const blocks: Block[] = []
    let points = 0
    for (const group of this.#groups.values()) {
      const block = this.#block(group)
      if (block === null) continue
      blocks.push(block)
      points += block.shape.series.length
    }
    return {
      blocks,
      points,
      rejections: this.#rejections,
      rollBack: () => this.#memory.cumulative.rollBack(this.#changes),
    }
  }

  #addMetric(metric: Metric, context: ScopeContext): void {
    const { data, name } = metric
    if (data === null) return
    const definition = definitions.get(name)
    const problem =
      definition === undefined
        ? rejection('unknown_metric', 'is not a metric of Driftline')
        : (context.problem ?? checkMetric(metric, definition))
    if (definition === undefined || problem !== null) {
      this.#rejections.add(name, problem!, pointCount(data))
      return
    }
    if (data.kind === 'gauge' || data.kind === 'summary') return
    const cumulative = data.temporality === temporality.cumulative
    const { points } = data
    for (let i = 0; i < points.length; i++) {
      const point = points[i]!
      if ((point.flags & noRecordedValueFlag) !== 0) {
        this.#counters.skipped++
        continue
      }
      const refused = this.#addPoint(point, data, definition, cumulative, context)
      if (refused !== null) this.#rejections.add(name, refused)
    }
  }

  #addPoint(
    point: NumberPoint | HistogramPoint | ExponentialHistogramPoint,
    data: MetricData,
    definition: MetricDefinition,
    cumulative: boolean,
    context: ScopeContext,
  ): Rejection | null {
    const { catalogue } = this.#memory
    const timeProblem = checkTimes(point.startMicros, point.timeMicros, cumulative, this.#timeBounds)
    if (timeProblem !== null) return timeProblem
    const template = catalogue.template(definition, point.attributes)
    if ('reason' in template) return template
    const scopeEntry = context.entries.get(template.identity) ?? this.#scopeEntry(context, template.identity)
    if ('reason' in scopeEntry) return scopeEntry

    let layout: LayoutEntry
    let source: Source
    if (data.kind === 'histogram') {
      const histogram = point as HistogramPoint
      const found = catalogue.explicitLayout(histogram.explicitBounds)
      if ('reason' in found) return found
      const problem = checkHistogram(histogram)
      if (problem !== null) return problem
      layout = found
      source = histogram
    } else if (data.kind === 'sum') {
      const problem = checkSum(point as NumberPoint, definition)
      if (problem !== null) return problem
      layout = sumLayout
      source = (point as NumberPoint).value!
    } else {
      const exponential = exponentialCells(point as ExponentialHistogramPoint, this.#limits)
      if ('reason' in exponential) return exponential
      layout = catalogue.logLinearLayout(exponential.layout)
      source = exponential.values
    }
    if (cumulative) return this.#addCumulative(point, data, definition, scopeEntry, template, layout, source)
    this.#addToGroup(scopeEntry, point.startMicros, point.timeMicros, catalogue.entry(template, layout), source)
    return null
  }

  #addCumulative(
    { startMicros, timeMicros }: NumberPoint | HistogramPoint | ExponentialHistogramPoint,
    data: MetricData,
    definition: MetricDefinition,
    scopeEntry: ScopeEntry,
    template: SeriesTemplate,
    layout: LayoutEntry,
    source: Source,
  ): Rejection | null {
    const { cumulative, catalogue } = this.#memory
    const values = slotsOf(source)
    const monotonic = data.kind !== 'sum' || definition.instrument === 'counter'
    cumulative.noteExport(scopeEntry.key, startMicros, timeMicros)
    const sample = { layout: layout.layout, values, monotonic, startMicros, timeMicros }
    const result = cumulative.convert(scopeEntry.key, template.key, sample, this.#nowMs, this.#changes)
    switch (result.kind) {
      case 'reference':
        this.#counters.references++
        return null
      case 'duplicate':
        this.#counters.duplicates++
        return null
      case 'out-of-order':
        return rejection(
          'out_of_order',
          `is older than the last point of its cumulative series, by ${result.lastMicros - timeMicros} µs`,
        )
      case 'changed-layout':
        return rejection('changed_layout', 'is cumulative and changed its buckets without a new start time')
      case 'delta':
        if (result.reset) this.#counters.resets++
        this.#addToGroup(
          scopeEntry,
          result.startMicros,
          result.endMicros,
          catalogue.entry(template, layout),
          layout.layout === null ? result.values[0]! : result.values,
        )
        return null
    }
  }

  #addToGroup(
    scopeEntry: ScopeEntry,
    startMicros: number,
    timeMicros: number,
    entry: SeriesEntry,
    source: Source,
  ): void {
    // An interval of no length can not be looked up by time; clocks that tick in milliseconds make them.
    const endMicros = timeMicros > startMicros ? timeMicros : startMicros + 1
    let group = this.#lastGroup
    if (
      group === undefined ||
      group.scopeEntry !== scopeEntry ||
      group.startMicros !== startMicros ||
      group.endMicros !== endMicros
    ) {
      const key = `${scopeEntry.id},${startMicros},${endMicros}`
      group = this.#groups.get(key)
      if (group === undefined) {
        group = { scopeEntry, startMicros, endMicros, entries: [], sources: [] }
        this.#groups.set(key, group)
      }
      this.#lastGroup = group
    }
    group.entries.push(entry)
    group.sources.push(source)
  }

  #block(group: Group): Block | null {
    const { catalogue, guard } = this.#memory
    const { scopeEntry, startMicros, endMicros } = group
    let plan = catalogue.findPlan(group.entries)
    if (plan === undefined || !guard.covers(scopeEntry.modelKey, plan)) {
      this.#refuseSeries(group)
      if (group.entries.length === 0) return null
      plan = catalogue.findPlan(group.entries) ?? catalogue.makePlan(group.entries)
      guard.cover(scopeEntry.modelKey, plan)
    }
    const { shape, entries } = plan
    const values = new Float64Array(shape.width)
    for (let i = 0, at = 0; i < entries.length; i++) {
      writeSource(group.sources[i]!, values, at)
      at += entries[i]!.width
    }
    return { scope: scopeEntry.scope, startMicros, endMicros, shape, values }
  }

  /** Takes out of a group what comes twice, and series beyond the limits. */
  #refuseSeries(group: Group): void {
    const { guard } = this.#memory
    const entries: SeriesEntry[] = []
    const sources: Source[] = []
    const seen = new Set<string>()
    const tooMany = this.#tooManySeries(group)
    for (let i = 0; i < group.entries.length; i++) {
      const entry = group.entries[i]!
      const { key, metric } = entry.template
      if (seen.has(key))
        this.#rejections.add(metric, rejection('duplicate_series', 'has two points of one series and interval'))
      else if (!guard.admit(group.scopeEntry.modelKey, entry)) this.#rejections.add(metric, tooMany)
      else {
        seen.add(key)
        entries.push(entry)
        sources.push(group.sources[i]!)
      }
    }
    group.entries = entries
    group.sources = sources
  }

  #tooManySeries({ scopeEntry }: Group): Rejection {
    const { model, version } = scopeEntry.scope
    const { seriesPerModel, series } = this.#limits
    return rejection(
      'too_many_series',
      `model ${shown(model)} ${shown(version)} has more than ${seriesPerModel} series, or all models more than ${series}`,
    )
  }

  #tooManyModels({ model, version }: Scope): Rejection {
    const { models } = this.#limits
    return rejection(
      'too_many_models',
      `model ${shown(model)} ${shown(version)} is new, and ${models} model versions are known already`,
    )
  }

  #scopeContext(resource: readonly KeyValue[], scope: readonly KeyValue[]): ScopeContext {
    const base = {
      model: '',
      version: '',
      segment: '',
      instance: textOf(resource, attributeNames.serviceInstanceId.name),
      service: textOf(resource, attributeNames.serviceName.name),
      environment: textOf(resource, attributeNames.environment.name),
      manifestDigest: '',
      baselineDigest: '',
    }
    for (const [part, name] of identityAttributes) base[part] = textOf(scope, name)
    return { base, problem: this.#textProblem(base), entries: new Map() }
  }

  #textProblem(scope: Scope): Rejection | null {
    for (const [part, text] of Object.entries(scope) as [keyof Scope, string][]) {
      if (text.length > this.#limits.textLength)
        return rejection('text_too_long', `has a ${part} of more than ${this.#limits.textLength} characters`)
      if (!isPlainText(text)) return rejection('bad_attributes', `has the ${part} ${shown(text)}`)
    }
    return null
  }

  /** The scope of points with the given identity. What the scope says goes before what the point says. */
  #scopeEntry(context: ScopeContext, identity: PointIdentity | null): ScopeEntry | Rejection {
    const { base } = context
    const scope = { ...base }
    if (identity !== null) {
      for (const [part] of identityAttributes) if (scope[part] === '') scope[part] = identity[part] ?? ''
    }
    const entry =
      scope.model === '' || scope.version === ''
        ? rejection(
            'no_model',
            `has no attribute ${(scope.model === '' ? attributeNames.modelName : attributeNames.modelVersion).name}, neither on its scope nor on the point`,
          )
        : this.#memory.guard.admitModel(scope.model, scope.version)
          ? this.#knownScope(scope)
          : this.#tooManyModels(scope)
    context.entries.set(identity, entry)
    return entry
  }

  #knownScope(scope: Scope): ScopeEntry {
    const { scopes } = this.#memory
    const { model, version, segment, instance, service, environment, manifestDigest, baselineDigest } = scope
    const key = [model, version, segment, instance, service, environment, manifestDigest, baselineDigest].join('\u0001')
    let entry = scopes.get(key)
    if (entry === undefined) {
      entry = { id: this.#memory.nextScopeId++, scope, key, modelKey: [model, version, segment].join('\u0001') }
      scopes.set(key, entry, 2 * key.length + 300)
    }
    return entry
  }
}

function pointCount(data: MetricData): number {
  return data.kind === 'summary' ? data.pointCount : data.points.length
}

/** An attribute's value as text, '' when it is absent. Lists and bytes identify nothing. */
function textOf(attributes: readonly KeyValue[], name: string): string {
  for (const { key, value } of attributes) {
    if (key === name && value !== null && typeof value !== 'object') return String(value)
  }
  return ''
}

function exponentialCells(
  point: ExponentialHistogramPoint,
  limits: ReceiveLimits,
): ReturnType<typeof toLogLinear> | Rejection {
  const problem = checkExponential(point, limits)
  if (problem !== null) return problem
  try {
    const cells = toLogLinear(point.scale, point.zeroThreshold, point.zeroCount, point.negative, point.positive)
    writeHeader(point, cells.values, 0)
    return cells
  } catch (error) {
    if (error instanceof RangeError) return rejection('bad_buckets', `has ${error.message}`)
    throw error
  }
}

function slotsOf(source: Source): Float64Array {
  if (source instanceof Float64Array) return source
  const values = new Float64Array(typeof source === 'number' ? 1 : histogramHeader + source.explicitBounds.length + 1)
  writeSource(source, values, 0)
  return values
}

function writeSource(source: Source, values: Float64Array, at: number): void {
  if (typeof source === 'number') values[at] = source
  else if (source instanceof Float64Array) values.set(source, at)
  else {
    writeHeader(source, values, at)
    const { bucketCounts } = source
    const first = at + histogramHeader
    // Neither counts nor bounds: one cell that holds everything.
    if (bucketCounts.length === 0) values[first] = source.count
    for (let i = 0; i < bucketCounts.length; i++) values[first + i] = bucketCounts[i]!
  }
}

/** The extremes of an empty histogram are none, whatever the exporter put there. */
function writeHeader(
  { count, sum, min, max }: HistogramPoint | ExponentialHistogramPoint,
  values: Float64Array,
  at: number,
): void {
  values[at + slot.count] = count
  values[at + slot.sum] = sum ?? Number.NaN
  values[at + slot.min] = count === 0 ? Number.NaN : (min ?? Number.NaN)
  values[at + slot.max] = count === 0 ? Number.NaN : (max ?? Number.NaN)
}
