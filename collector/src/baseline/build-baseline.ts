import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import {
  baselineSchema,
  digestJson,
  otherCategory,
  parseBaseline,
  type Baseline,
  type CategoricalSummary,
  type FeatureBaseline,
  type Json,
  type NumericSummary,
  type PredictionBaseline,
  type SegmentBaseline,
} from '@driftline/instrumentation/contract'
import { DataFileError } from '../rows/data-file-error.ts'
import { inspectFile } from '../rows/open-bytes.ts'
import {
  planLayout,
  type BaselineLayout,
  type CategoricalLayout,
  type FeatureLayout,
  type NumericLayout,
} from './baseline-layout.ts'
import type { BuildBaselineOptions } from './build-options.ts'
import { planChunks, type ChunkPlan } from './chunk-plan.ts'
import type { ColumnKind, ColumnProfile } from './column-profile.ts'
import type { ColumnTally } from './column-tally.ts'
import { countRows, type RowsCounts } from './count-rows.ts'
import { measureMultivariate, planMultivariate, type MultivariateCounts } from './multivariate.ts'
import { profileRows, type RowsProfile } from './profile-rows.ts'

export interface BuiltBaseline {
  readonly baseline: Baseline
  /** Digest of the baseline's canonical JSON. */
  readonly digest: string
  /** What a person should know about how the data was read. */
  readonly notes: readonly string[]
}

/**
 * Makes a baseline from a file of training rows, in bounded memory, reading the file twice: the first pass finds kinds, means, quantiles and
 * categories, the second counts. So counts are exact even where quantile bounds come from a sketch. A third pass measures reconstruction
 * errors when the numbers of the file are too many to be kept.
 *
 * @throws DataFileError for whatever is wrong with the file, naming the line or the column.
 */
export async function buildBaseline(given: BuildBaselineOptions): Promise<BuiltBaseline> {
  const options = withManifest(given)
  const notes: string[] = []
  const before = await inspectFile(options.file)
  const profile = await profileRows(options)
  noteColumns(profile, options, notes)
  const layout = planLayout(profile, options, (text) => notes.push(text))
  const chunks = chunkPlan(options, profile, notes)
  const kept = planMultivariate(profile, layout, chunks, options, (text) => notes.push(text))
  const counts = await countRows(layout, chunks, options, kept)
  const multivariate = kept && (await measureMultivariate(kept, layout, chunks, counts, options))
  const fileDigest = await digestFile(options.file)
  const after = await inspectFile(options.file)
  if (counts.rows !== profile.rows || after.size !== before.size || after.modified !== before.modified) {
    throw new DataFileError(options.file, 'the file changed while it was read')
  }
  if (counts.disagreeing > 0) {
    const { threshold, rule } = layout.decision!
    notes.push(
      `in ${counts.disagreeing} rows the predicted class is not what score ${rule} ${threshold} says; check --threshold, --decision-rule and --positive-class`,
    )
  }
  if (chunks !== undefined && layout.segments !== undefined && !counts.chunkedSegments) {
    notes.push('segments are not cut into chunks: they would be too many numbers')
  }
  if (options.attributions !== undefined && counts.attributions === undefined)
    notes.push(`no row has a number in a column that begins with ${options.attributions.prefix}: no attributions`)
  const baseline = assemble(options, layout, chunks, counts, multivariate, fileDigest)
  // What is written must be what can be read.
  parseBaseline(baseline)
  return { baseline, digest: digestJson(baseline as unknown as Json), notes }
}

/** Fills in from the manifest what the options leave open. */
function withManifest(options: BuildBaselineOptions): BuildBaselineOptions {
  const { manifest, columns = {}, types = new Map(), exclude = [] } = options
  const named = options.features ?? manifest?.features.map(({ name }) => name)
  const features = named?.filter((name) => !exclude.includes(name))
  if (manifest === undefined) return { ...options, ...(features === undefined ? {} : { features }) }
  const segment = columns.segment ?? manifest.segment?.column
  const declared = manifest.features
    .filter(({ name }) => features!.includes(name))
    .map(({ name, kind }) => [name, kind] as const)
  return {
    ...options,
    features: features!,
    types: new Map<string, ColumnKind | 'ignore'>([...declared, ...types]),
    columns: { ...columns, ...(segment === undefined ? {} : { segment }) },
  }
}

function chunkPlan(options: BuildBaselineOptions, profile: RowsProfile, notes: string[]): ChunkPlan | undefined {
  const column = options.columns?.time
  if (column === undefined) {
    notes.push('no time column was given: how much the data varies by itself over time can not be learned')
    return undefined
  }
  const plan = planChunks({
    file: options.file,
    column,
    rows: profile.rows,
    ...(profile.times === undefined ? {} : { times: profile.times }),
    chunks: options.chunks,
    durationMs: options.chunkDurationMs,
  })
  if (plan === undefined) notes.push('too few rows or distinct times for time-ordered chunks')
  return plan
}

/** Share of distinct texts above which a column looks like ids. */
const idShare = 0.5

function noteColumns(profile: RowsProfile, options: BuildBaselineOptions, notes: string[]): void {
  for (const { column, seen } of profile.unusable) {
    notes.push(`column ${column} holds ${seen.dates > 0 ? 'dates' : 'lists or objects'} and is left out`)
  }
  for (const feature of profile.features) noteFeature(feature, profile.rows, options, notes)
}

function noteFeature(feature: ColumnProfile, rows: number, options: BuildBaselineOptions, notes: string[]): void {
  const { column, kind, seen, firstText, categories, sketch } = feature
  if (!options.types?.has(column) && kind === 'categorical' && seen.numbers > 0 && firstText !== undefined) {
    notes.push(
      `column ${column} is taken as categorical: ${seen.numbers} values are numbers, but ${seen.texts + seen.booleans} are not, ` +
        `the first at ${firstText.place}: ${JSON.stringify(firstText.value.slice(0, 40))}; --type ${column}=numeric counts those as wrong type`,
    )
  }
  if (kind === 'categorical' && rows >= 100 && categories.distinct > idShare * rows) {
    notes.push(
      `column ${column} has ${categories.distinct} different texts in ${rows} rows and looks like an id; --exclude ${column} leaves it out`,
    )
  }
  if (categories.error > 0)
    notes.push(
      `column ${column} has very many categories; which are the most frequent is known to ${categories.error} rows`,
    )
  if (kind === 'numeric' && sketch.count === 0) notes.push(`column ${column} has no numbers in ${rows} rows`)
  if (kind !== 'numeric' && options.ranges?.has(column))
    notes.push(`column ${column} is ${kind}; its --range is not used`)
}

async function digestFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(piece as Buffer)
  return `sha256:${hash.digest('hex')}`
}

function assemble(
  options: BuildBaselineOptions,
  layout: BaselineLayout,
  chunks: ChunkPlan | undefined,
  counts: RowsCounts,
  multivariate: MultivariateCounts | undefined,
  fileDigest: string,
): Baseline {
  const { segments } = layout
  return {
    schema: baselineSchema,
    model: options.model,
    createdAt: options.createdAt,
    source: { name: basename(options.file), digest: fileDigest, boundsRankError: layout.boundsRankError },
    rows: counts.rows,
    ...(chunks === undefined
      ? {}
      : {
          chunking: {
            column: chunks.column,
            rows: counts.chunkRows![0]!,
            ...(chunks.durationMs === undefined ? {} : { durationMs: chunks.durationMs }),
          },
        }),
    features: featureBaselines(layout, counts, 0),
    predictions: predictionBaseline(layout, counts, 0),
    ...(layout.labels === undefined ? {} : { labels: categoricalSummary(layout.labels, counts.labels!, 0) }),
    ...(multivariate === undefined ? {} : { multivariate: multivariate.whole }),
    ...(counts.attributions === undefined ? {} : { attributions: counts.attributions }),
    ...(segments === undefined
      ? {}
      : {
          segments: {
            column: segments.column,
            values: Object.fromEntries(
              segments.names.map((name, i) => [name, segmentBaseline(layout, counts, multivariate, i + 1)]),
            ),
          },
        }),
  }
}

function segmentBaseline(
  layout: BaselineLayout,
  counts: RowsCounts,
  multivariate: MultivariateCounts | undefined,
  group: number,
): SegmentBaseline {
  const chunkRows = counts.chunkRows?.[group]
  return {
    rows: counts.groupRows[group]!,
    ...(chunkRows === undefined ? {} : { chunkRows }),
    features: featureBaselines(layout, counts, group),
    predictions: predictionBaseline(layout, counts, group),
    ...(multivariate === undefined ? {} : { multivariate: multivariate.segments[group - 1]! }),
  }
}

function featureBaselines(layout: BaselineLayout, counts: RowsCounts, group: number): FeatureBaseline[] {
  return layout.features.map((feature, i) => featureBaseline(feature, counts.features[i]!, group))
}

function featureBaseline(layout: FeatureLayout, tally: ColumnTally, group: number): FeatureBaseline {
  const { missing, nan, infinite, wrongType, outOfRange } = tally.group(group)
  const chunks = tally.chunks(group)
  const common = {
    name: layout.column,
    missing,
    invalid: {
      ...(nan > 0 ? { nan } : {}),
      ...(infinite > 0 ? { infinite } : {}),
      ...(wrongType > 0 ? { wrong_type: wrongType } : {}),
    },
    ...(chunks === undefined ? {} : { chunkMissing: chunks.missing, chunkInvalid: chunks.invalid }),
  }
  if (layout.kind !== 'numeric') return { kind: layout.kind, ...common, ...categoricalSummary(layout, tally, group) }
  return {
    kind: 'numeric',
    ...common,
    ...(layout.range === undefined ? {} : { range: layout.range, outOfRange }),
    ...numericSummary(layout, tally, group),
  }
}

function numericSummary({ bounds, mean: origin }: NumericLayout, tally: ColumnTally, group: number): NumericSummary {
  const { counts, values, sum, sumOfSquares, min, max } = tally.group(group)
  const chunks = tally.chunks(group)
  const shift = values === 0 ? 0 : sum / values
  const variance = values === 0 ? 0 : Math.max(0, sumOfSquares / values - shift * shift)
  return {
    bounds,
    counts: Array.from(counts),
    values,
    mean: values === 0 ? 0 : Math.min(max, Math.max(min, origin + shift)),
    variance,
    min: values === 0 ? 0 : min,
    max: values === 0 ? 0 : max,
    ...(chunks === undefined ? {} : { chunks: chunks.counts }),
  }
}

function categoricalSummary({ categories }: CategoricalLayout, tally: ColumnTally, group: number): CategoricalSummary {
  const { counts, values } = tally.group(group)
  const chunks = tally.chunks(group)
  return { categories, counts: Array.from(counts), values, ...(chunks === undefined ? {} : { chunks: chunks.counts }) }
}

function predictionBaseline(layout: BaselineLayout, counts: RowsCounts, group: number): PredictionBaseline {
  const { classes, score, confidence, value, labels, decision } = layout
  return {
    ...(classes === undefined ? {} : { classes: categoricalSummary(classes, counts.classes!, group) }),
    ...(score === undefined ? {} : { score: numericSummary(score, counts.score!, group) }),
    ...(confidence === undefined ? {} : { confidence: numericSummary(confidence, counts.confidence!, group) }),
    ...(value === undefined ? {} : { value: numericSummary(value, counts.value!, group) }),
    ...(labels === undefined || score === undefined
      ? {}
      : { scoreByLabel: scoreByLabel(labels.categories, score.bounds.length + 1, counts.scoreByLabel![group]!) }),
    ...(decision === undefined ? {} : { decision }),
  }
}

function scoreByLabel(labels: readonly string[], width: number, table: Float64Array): Record<string, number[]> {
  const rows = [...labels, otherCategory].map((label, i): [string, number[]] => [
    label,
    Array.from(table.subarray(i * width, (i + 1) * width)),
  ])
  return Object.fromEntries(
    rows.filter(([label, counts]) => label !== otherCategory || counts.some((count) => count > 0)),
  )
}
