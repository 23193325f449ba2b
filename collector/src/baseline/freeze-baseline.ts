import {
  attributes,
  baselineSchema,
  compareCodePoints,
  layoutKey,
  metrics,
  otherCategory,
  parseBaseline,
  type Baseline,
  type BucketLayout,
  type CategoricalSummary,
  type Decision,
  type FeatureBaseline,
  type Manifest,
  type NumericSummary,
} from '@driftline/instrumentation/contract'
import { requireCompilable } from '../evaluate/compile-model.ts'
import { countsFromTotals, type CountsLayout } from '../evaluate/counts-from-totals.ts'
import { invalidRows, type Distribution, type FeatureCounts, type WindowCounts } from '../evaluate/window-counts.ts'
import { slot } from '../observation/block.ts'
import { addIntoBounds } from '../observation/into-bounds.ts'
import { Totals, type TotalsEntry } from '../observation/totals.ts'
import { boundsAmongCells, momentsFromCells } from './freeze-bounds.ts'
import { decisionBound } from './bounds.ts'

/** Slices of time that hold this many rows or more are chunks; shares of fewer say little. As when a baseline is built from rows. */
const minChunkRows = 50
/** Chunks that are aimed at, as when a baseline is built from rows. */
const aimedChunks = 168
/** Counts of chunks in all: keeps the document at some 10 MB, which every recorder without a baseline of its own fetches. */
const maxChunkCounts = 4_000_000
/** Categories of one feature that are kept; a recorder learns no more, several of them may. */
const maxFrozenCategories = 100
const maxFrozenClasses = 1000
/** More than this share of the values in one cell: changes within it can not be seen. */
const coarseShare = 0.9

export interface FreezeInput {
  readonly model: { readonly name: string; readonly version: string }
  /** ISO 8601. */
  readonly createdAt: string
  /** Data of disjoint slices of time, in time order; those without rows may be left out. */
  readonly slices: readonly FreezeSlice[]
  /** Gives order, kinds and ranges of the features, and the decision, where it is known. */
  readonly manifest: Manifest | null
}

export interface FreezeSlice {
  readonly startMs: number
  readonly endMs: number
  readonly totals: Totals
}

export interface FrozenBaseline {
  readonly baseline: Baseline
  /** What a person should know of it. */
  readonly notes: readonly string[]
}

/** Data that no baseline can be made of. */
export class FreezeError extends Error {
  override readonly name = 'FreezeError'
}

/**
 * Makes a baseline of what recorders counted without one. Counts are exact, because all bounds are boundaries of the cells in which
 * was counted; so later data in the same or finer cells can be brought into its cells as well.
 *
 * @throws FreezeError when there are no rows, or no feature or output whose cells agree
 */
export function freezeBaseline({ model, createdAt, slices, manifest }: FreezeInput): FrozenBaseline {
  const notes: string[] = []
  const whole = new Totals()
  for (const { totals } of slices) whole.addTotals(totals)
  const plan = planLayout(whole, manifest, notes)
  const counted = countsFromTotals(plan.layout, whole)
  const perSlice = slices.map(({ totals }) => countsFromTotals(plan.layout, totals))
  const sliceRows = perSlice.map(rowsOf)
  const rows = sliceRows.reduce((sum, one) => sum + one, 0)
  if (rows === 0) throw new FreezeError('there are no rows to learn from')
  const cells = plan.layout.features.reduce((sum, feature) => sum + feature.counts.length, 0)
  const chunks = cutChunks(sliceRows, rows, Math.min(aimedChunks, Math.floor(maxChunkCounts / Math.max(cells, 1))))
  const scope: Scope = { whole, counted, perSlice, sliceRows, chunks, notes }
  const features = plan.layout.features.flatMap((draft) => freezeFeature(scope, draft, manifest) ?? [])
  const occupied = slices.filter((_, i) => sliceRows[i]! > 0)
  const baseline: Baseline = {
    schema: baselineSchema,
    model,
    createdAt,
    source: { name: 'production', boundsRankError: plan.rankError },
    origin: { kind: 'frozen', fromMs: occupied[0]!.startMs, toMs: occupied.at(-1)!.endMs, rows },
    rows,
    ...(chunks === null ? {} : { chunking: { column: timeColumn, rows: sumBy(sliceRows, chunks) } }),
    features,
    ...freezeOutputs(scope, plan, rows),
  }
  // What is stored must be what can be read, and judged with.
  parseBaseline(baseline)
  requireCompilable(baseline)
  return { baseline, notes }
}

/** Stands for the time at which rows were recorded, where a column is asked for. */
const timeColumn = '@time'

interface Scope {
  readonly whole: Totals
  readonly counted: WindowCounts
  readonly perSlice: readonly WindowCounts[]
  readonly sliceRows: readonly number[]
  /** Chunk of each slice; null when there are too few rows for two. */
  readonly chunks: readonly number[] | null
  readonly notes: string[]
}

/** Rows of a slice, by its features; by its outputs only when there are none, as answers may come in a later slice than their rows. */
function rowsOf({ features, outputs }: WindowCounts): number {
  let rows = 0
  for (const feature of features.values()) rows = Math.max(rows, featureRows(feature))
  if (features.size === 0) for (const { distribution } of outputs.values()) rows = Math.max(rows, distribution.values)
  return rows
}

function featureRows({ distribution, missing, invalid }: FeatureCounts): number {
  return distribution.values + missing + invalidRows(invalid)
}

/** Slices in time order, joined until each chunk has enough rows. */
function cutChunks(sliceRows: readonly number[], rows: number, most: number): readonly number[] | null {
  const enough = Math.max(minChunkRows, Math.ceil(rows / Math.max(most, 1)))
  const chunks: number[] = []
  let chunk = 0
  let inChunk = 0
  let left = rows
  for (const own of sliceRows) {
    if (inChunk >= enough && left >= enough) {
      chunk++
      inChunk = 0
    }
    chunks.push(chunk)
    inChunk += own
    left -= own
  }
  return chunk === 0 ? null : chunks
}

function sumBy(values: readonly number[], chunks: readonly number[]): number[] {
  const sums = Array.from({ length: chunks.at(-1)! + 1 }, () => 0)
  values.forEach((value, i) => (sums[chunks[i]!]! += value))
  return sums
}

interface LayoutPlan {
  readonly layout: CountsLayout
  readonly decision: Decision | undefined
  readonly rankError: number
}

/** Which cells everything is counted in. The numbers of the summaries are filled in later. */
function planLayout(whole: Totals, manifest: Manifest | null, notes: string[]): LayoutPlan {
  const numeric = new Map<string, TotalsEntry[]>()
  const categories = new Map<string, Map<string, number>>()
  const outputs = new Map<string, TotalsEntry[]>()
  const classes = new Map<string, number>()
  const outcomes = new Map<string, number>()
  for (const entry of whole.entries()) {
    const { metric, attributes: at } = entry.series
    const text = (name: string) => String(at[name] ?? otherCategory)
    const feature = at[attributes.featureName.name]
    if (metric === metrics.featureValue.name) push(numeric, String(feature), entry)
    else if (metric === metrics.featureObservations.name)
      add(inner(categories, String(feature)), text(attributes.featureCategory.name), entry.values[0]!)
    else if (metric === metrics.featureInvalidValues.name) inner(categories, String(feature))
    else if (metric === metrics.predictions.name) add(classes, text(attributes.predictionClass.name), entry.values[0]!)
    else if (metric === metrics.outcomes.name) add(outcomes, text(attributes.outcomeClass.name), entry.values[0]!)
    else if (outputMetrics.has(metric)) push(outputs, outputMetrics.get(metric)!, entry)
  }
  // A numeric feature with invalid values was noted among the categorical ones, as invalid values do not tell the kind.
  for (const name of numeric.keys()) if ((categories.get(name)?.size ?? 0) === 0) categories.delete(name)
  let rankError = 0
  const numericDraft = (name: string, entries: readonly TotalsEntry[]): NumericSummary | undefined => {
    const chosen = chooseBounds(entries)
    if (typeof chosen === 'string') {
      notes.push(`${name} is left out: ${chosen}`)
      return undefined
    }
    rankError = Math.max(rankError, chosen.rankError)
    return {
      bounds: chosen.bounds,
      counts: chosen.bounds.concat(0),
      values: 0,
      mean: originOf(whole, name),
      variance: 0,
      min: 0,
      max: 0,
    }
  }
  const features: FeatureBaseline[] = []
  const declared = new Map(manifest?.features.map((feature, i) => [feature.name, { ...feature, place: i }]))
  const names = [...new Set([...numeric.keys(), ...categories.keys()])]
  // Metrics hold numbers and categories apart; the order of rows given as arrays is only in the manifest.
  names.sort((a, b) => (declared.get(a)?.place ?? names.length) - (declared.get(b)?.place ?? names.length))
  for (const name of names) {
    const common = { name, missing: 0, invalid: {} }
    const texts = categories.get(name)
    const entries = numeric.get(name)
    if (entries !== undefined && texts !== undefined) {
      notes.push(`${name} is left out: it was sent as numbers and as categories`)
    } else if (entries !== undefined) {
      const summary = numericDraft(name, entries)
      const range = declared.get(name)?.range
      if (summary !== undefined)
        features.push({ kind: 'numeric', ...common, ...(range === undefined ? {} : { range }), ...summary })
    } else {
      const found = [...texts!.keys()].filter((text) => text !== otherCategory)
      const looksBoolean = found.length > 0 && found.every((text) => text === 'true' || text === 'false')
      const kind = declared.get(name)?.kind ?? (looksBoolean ? 'boolean' : 'categorical')
      const own =
        kind === 'boolean'
          ? ['false', 'true']
          : (declared.get(name)?.categories ?? mostFrequent(texts!, maxFrozenCategories))
      features.push({ kind: kind === 'boolean' ? kind : 'categorical', ...common, ...categoricalDraft(own) })
    }
  }
  const draft = (name: string) => {
    const entries = outputs.get(name)
    return entries === undefined ? undefined : numericDraft(name, entries)
  }
  const [score, confidence, value] = [draft('score'), draft('confidence'), draft('value')]
  const declaredClasses = manifest?.output?.classes
  const layout: CountsLayout = {
    features,
    predictions: {
      ...(classes.size === 0
        ? {}
        : { classes: categoricalDraft(declaredClasses ?? mostFrequent(classes, maxFrozenClasses)) }),
      ...(score === undefined ? {} : { score }),
      ...(confidence === undefined ? {} : { confidence }),
      ...(value === undefined ? {} : { value }),
    },
    ...(outcomes.size === 0
      ? {}
      : { labels: categoricalDraft(declaredClasses ?? mostFrequent(outcomes, maxFrozenClasses)) }),
  }
  if (features.length === 0 && Object.keys(layout.predictions).length === 0)
    throw new FreezeError(['there is nothing to learn from', ...notes].join('; '))
  return { layout, decision: decisionOf(manifest, score?.bounds), rankError }
}

const outputMetrics: ReadonlyMap<string, 'score' | 'confidence' | 'value'> = new Map([
  [metrics.predictionScore.name, 'score'],
  [metrics.predictionConfidence.name, 'confidence'],
  [metrics.predictionValue.name, 'value'],
])

/**
 * Given buckets as they are; else quantiles among log-linear cells. Data in both is taken when the log-linear cells fit into the
 * buckets. A text says why there are none.
 */
function chooseBounds(entries: readonly TotalsEntry[]): { bounds: readonly number[]; rankError: number } | string {
  const filled = entries.filter(({ values }) => values[slot.count]! > 0)
  const explicit = new Map<string, readonly number[]>()
  for (const { series } of filled)
    if (series.layout?.kind === 'explicit') explicit.set(layoutKey(series.layout), series.layout.bounds)
  if (explicit.size > 1) return `it was sent in ${explicit.size} different layouts of buckets`
  const logLinear = filled.find(({ series }) => series.layout?.kind === 'log-linear')
  const [given] = explicit.values()
  if (logLinear === undefined || logLinear.series.layout?.kind !== 'log-linear')
    return { bounds: given ?? [], rankError: given === undefined ? 0 : 1 }
  if (given === undefined) return boundsAmongCells(logLinear.series.layout, logLinear.values)
  const fits = addIntoBounds(logLinear.series.layout, logLinear.values, given, new Float64Array(given.length + 1))
  return fits
    ? { bounds: given, rankError: 1 }
    : 'it was sent in given buckets and in log-linear ones that do not fit into them'
}

/** An origin about which moments were summed: near enough to the mean to keep its digits. */
function originOf(whole: Totals, name: string): number {
  for (const { series } of whole.entries()) {
    const at = series.attributes
    const subject = at[attributes.featureName.name] ?? at[attributes.predictionOutput.name]
    const origin = Number(at[attributes.momentOrigin.name] ?? Number.NaN)
    if (subject === name && Number.isFinite(origin)) return origin
  }
  return 0
}

function categoricalDraft(categories: readonly string[]): CategoricalSummary {
  const listed = [...new Set(categories)].filter((category) => category !== otherCategory).sort(compareCodePoints)
  return { categories: listed, counts: [...listed.map(() => 0), 0], values: 0 }
}

function mostFrequent(counts: ReadonlyMap<string, number>, most: number): string[] {
  return [...counts]
    .filter(([category]) => category !== otherCategory)
    .sort((a, b) => b[1] - a[1] || compareCodePoints(a[0], b[0]))
    .slice(0, most)
    .map(([category]) => category)
}

/** The manifest's decision, if the cells of the score keep its two sides apart. */
function decisionOf(manifest: Manifest | null, bounds: readonly number[] | undefined): Decision | undefined {
  const { classes, positiveClass, decisionThreshold: threshold, decisionRule: rule = '>' } = manifest?.output ?? {}
  if (threshold === undefined || positiveClass === undefined || classes?.length !== 2 || bounds === undefined)
    return undefined
  const negativeClass = classes.find((name) => name !== positiveClass)
  if (negativeClass === undefined || !bounds.includes(decisionBound(threshold, rule))) return undefined
  return { threshold, rule, positiveClass, negativeClass }
}

/** Null, with a note, for a feature of which only a part was reported. */
function freezeFeature(scope: Scope, draft: FeatureBaseline, manifest: Manifest | null): FeatureBaseline | null {
  const { sliceRows, perSlice, chunks, counted, notes } = scope
  const { name } = draft
  const own = counted.features.get(name)
  if (own === undefined || own.distribution.kind === 'unusable') {
    notes.push(
      `${name} is left out: ${own?.distribution.kind === 'unusable' ? own.distribution.detail : 'nothing of it was sent'}`,
    )
    return null
  }
  const { nan = 0, infinite = 0, wrong_type: wrongType = 0, out_of_range: outOfRange = 0 } = own.invalid
  const rows = sliceRows.reduce((sum, one) => sum + one, 0)
  // A row that this feature was not reported of lacked it.
  const missing = rows - own.distribution.values - nan - infinite - wrongType
  const bySlice = perSlice.map(({ features }) => features.get(name))
  const invalidBySlice = bySlice.map((one) => (one === undefined ? 0 : invalidRows(one.invalid)))
  const missingBySlice = bySlice.map((one, i) => sliceRows[i]! - invalidBySlice[i]! - (one?.distribution.values ?? 0))
  const common = {
    name,
    missing,
    invalid: {
      ...(nan > 0 ? { nan } : {}),
      ...(infinite > 0 ? { infinite } : {}),
      ...(wrongType > 0 ? { wrong_type: wrongType } : {}),
    },
    ...(chunks === null
      ? {}
      : { chunkMissing: sumBy(missingBySlice, chunks), chunkInvalid: sumBy(invalidBySlice, chunks) }),
  }
  const distributions = bySlice.map((one) => one?.distribution)
  if (draft.kind === 'numeric') {
    const range = manifest?.features.find((feature) => feature.name === name)?.range
    return {
      kind: 'numeric',
      ...common,
      ...(range === undefined ? {} : { range, outOfRange }),
      ...numericSummary(scope, name, metrics.featureValue.name, draft, own.distribution, distributions),
    }
  }
  return { kind: draft.kind, ...common, ...categoricalSummary(scope, draft, own.distribution, distributions) }
}

function freezeOutputs(scope: Scope, plan: LayoutPlan, rows: number): Pick<Baseline, 'predictions' | 'labels'> {
  const { counted, perSlice, notes } = scope
  const { layout, decision } = plan
  const usable = (name: string, distribution: Distribution | undefined): distribution is Distribution => {
    if (distribution === undefined) return false
    const why =
      distribution.kind === 'unusable'
        ? distribution.detail
        : distribution.values > rows
          ? `${distribution.values} of them came in the time of ${rows} rows`
          : null
    if (why !== null) notes.push(`${name} is left out: ${why}`)
    return why === null
  }
  const predictions: { -readonly [Key in keyof Baseline['predictions']]: Baseline['predictions'][Key] } = {}
  const classes = counted.outputs.get('class')?.distribution
  if (layout.predictions.classes !== undefined && usable('class', classes)) {
    const each = perSlice.map(({ outputs }) => outputs.get('class')?.distribution)
    predictions.classes = categoricalSummary(scope, layout.predictions.classes, classes, each)
  }
  for (const [metric, name] of outputMetrics) {
    const draft = layout.predictions[name]
    const distribution = counted.outputs.get(name)?.distribution
    if (draft === undefined || !usable(name, distribution)) continue
    const each = perSlice.map(({ outputs }) => outputs.get(name)?.distribution)
    predictions[name] = numericSummary(scope, name, metric, draft, distribution, each)
  }
  if (decision !== undefined && predictions.score !== undefined) predictions.decision = decision
  const labels = counted.labels?.distribution
  if (layout.labels === undefined || !usable('labels', labels) || labels.values === 0) return { predictions }
  const each = perSlice.map((slice) => slice.labels?.distribution)
  return { predictions, labels: categoricalSummary(scope, layout.labels, labels, each) }
}

function numericSummary(
  { whole, chunks, notes }: Scope,
  name: string,
  metric: string,
  draft: NumericSummary,
  distribution: Distribution,
  bySlice: readonly (Distribution | undefined)[],
): NumericSummary {
  const { bounds, mean: origin } = draft
  if (distribution.kind !== 'numeric' || distribution.values === 0)
    return {
      ...emptyNumbers,
      bounds,
      counts: [...bounds.map(() => 0), 0],
      ...chunksOf(bySlice, chunks, bounds.length + 1),
    }
  const { values, sum, sumOfSquares } = distribution
  const counts = Array.from(distribution.counts)
  const min = Number.isNaN(distribution.min) ? lowestOf(bounds, counts) : distribution.min
  const max = Number.isNaN(distribution.max) ? highestOf(bounds, counts) : distribution.max
  let mean = origin + sum / values
  let variance = sumOfSquares / values - (sum / values) ** 2
  if (!Number.isFinite(mean) || !Number.isFinite(variance)) {
    const own = [...whole.entries()].filter(
      ({ series: { metric: of, attributes: at } }) =>
        of === metric && (metric !== metrics.featureValue.name || at[attributes.featureName.name] === name),
    )
    ;({ mean, variance } = estimate(own, values, min, max))
    notes.push(`${name}: mean and variance are estimated from its cells`)
  }
  const most = Math.max(...counts)
  if (min < max && most > coarseShare * values)
    notes.push(
      `${name}: ${Math.round((100 * most) / values)} % of its values share one cell, within which no change of shape is seen`,
    )
  return {
    bounds,
    counts,
    values,
    mean: Math.min(max, Math.max(min, mean)),
    variance: Math.max(0, variance),
    min,
    max,
    ...chunksOf(bySlice, chunks, counts.length),
  }
}

/** Over all layouts that a number was sent in. */
function estimate(
  entries: readonly TotalsEntry[],
  values: number,
  min: number,
  max: number,
): { mean: number; variance: number } {
  let mean = 0
  let second = 0
  for (const { series, values: numbers } of entries) {
    const share = numbers[slot.count]! / values
    if (share === 0) continue
    const own = momentsFromCells(series.layout as BucketLayout, numbers, min, max)
    mean += share * own.mean
    second += share * (own.variance + own.mean * own.mean)
  }
  const variance = second - mean * mean
  return { mean, variance: Number.isFinite(variance) ? variance : 0 }
}

const emptyNumbers = { values: 0, mean: 0, variance: 0, min: 0, max: 0 } as const

function categoricalSummary(
  { chunks }: Scope,
  { categories }: CategoricalSummary,
  distribution: Distribution,
  bySlice: readonly (Distribution | undefined)[],
): CategoricalSummary {
  const counts = distribution.kind === 'categorical' ? Array.from(distribution.counts) : [...categories.map(() => 0), 0]
  return { categories, counts, values: distribution.values, ...chunksOf(bySlice, chunks, counts.length) }
}

/** Counts per chunk; none when a slice could not be read, as chunks must add up. */
function chunksOf(
  bySlice: readonly (Distribution | undefined)[],
  chunks: readonly number[] | null,
  width: number,
): { readonly chunks?: readonly (readonly number[])[] } {
  if (chunks === null || bySlice.some((one) => one?.kind === 'unusable')) return {}
  const sums = Array.from({ length: chunks.at(-1)! + 1 }, () => Array.from({ length: width }, () => 0))
  bySlice.forEach((one, i) => {
    if (one === undefined || one.kind === 'unusable') return
    const target = sums[chunks[i]!]!
    for (let cell = 0; cell < width; cell++) target[cell]! += one.counts[cell]!
  })
  return { chunks: sums }
}

/** Ends of the cells that hold anything, where extremes were not sent. */
function lowestOf(bounds: readonly number[], counts: readonly number[]): number {
  const first = counts.findIndex((count) => count > 0)
  return bounds[Math.max(first - 1, 0)] ?? 0
}

function highestOf(bounds: readonly number[], counts: readonly number[]): number {
  const last = counts.findLastIndex((count) => count > 0)
  return bounds[Math.min(last, bounds.length - 1)] ?? 0
}

function push<Key>(map: Map<Key, TotalsEntry[]>, key: Key, entry: TotalsEntry): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [entry])
  else list.push(entry)
}

function inner(map: Map<string, Map<string, number>>, key: string): Map<string, number> {
  let own = map.get(key)
  if (own === undefined) map.set(key, (own = new Map()))
  return own
}

function add(map: Map<string, number>, key: string, count: number): void {
  map.set(key, (map.get(key) ?? 0) + count)
}
