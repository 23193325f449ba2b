import {
  digestJson,
  type Baseline,
  type CategoricalSummary,
  type Decision,
  type FeatureBaseline,
  type Json,
  type MultivariateBaseline,
  type NumericSummary,
} from '@driftline/instrumentation/contract'

/** What `driftline baseline show --json` prints. */
export interface BaselineSummary {
  readonly model: { readonly name: string; readonly version: string }
  readonly createdAt: string
  readonly source: Baseline['source']
  /** Of a baseline that was frozen in production: the time that it was learned from. */
  readonly origin: NonNullable<Baseline['origin']> | null
  /** Digest of the baseline's canonical JSON. */
  readonly digest: string
  readonly rows: number
  readonly features: readonly FeatureSummary[]
  readonly outputs: readonly FeatureSummary[]
  readonly decision: Decision | null
  /** The multivariate detector; null when fewer than two numeric features vary, or it was not asked for. */
  readonly multivariate: MultivariateSummary | null
  readonly chunking: {
    readonly column: string
    readonly chunks: number
    readonly smallest: number
    readonly largest: number
    readonly durationMs: number | null
  } | null
  readonly segments: { readonly column: string; readonly rows: Readonly<Record<string, number>> } | null
}

interface MultivariateSummary {
  readonly name: string
  readonly features: readonly string[]
  readonly components: number
  /** Share of the variance. */
  readonly explainedVariance: number
  readonly meanError: number
  readonly largestError: number
  /** Share of the rows of which a value was missing or invalid. */
  readonly imputed: number
}

interface FeatureSummary {
  readonly name: string
  readonly kind: 'numeric' | 'categorical' | 'boolean'
  readonly values: number
  /** Shares of the rows. */
  readonly missing: number
  readonly invalid: number
  /** Numeric only. */
  readonly mean?: number
  readonly standardDeviation?: number
  readonly min?: number
  readonly max?: number
  readonly range?: { readonly min?: number; readonly max?: number }
  /** Number of bounds or categories. */
  readonly bounds?: number
  readonly categories?: number
  /** The most frequent categories with their shares of the values, at most three. */
  readonly top?: readonly { readonly category: string; readonly share: number }[]
}

export function summariseBaseline(baseline: Baseline): BaselineSummary {
  const { rows, predictions, multivariate, chunking, segments, labels } = baseline
  const outputs: FeatureSummary[] = []
  if (labels !== undefined) outputs.push(categorical('label', labels, rows))
  if (predictions.classes !== undefined) outputs.push(categorical('class', predictions.classes, rows))
  for (const name of ['score', 'confidence', 'value'] as const) {
    const summary = predictions[name]
    if (summary !== undefined) outputs.push(numeric(name, summary, rows))
  }
  return {
    model: baseline.model,
    createdAt: baseline.createdAt,
    source: baseline.source,
    origin: baseline.origin ?? null,
    digest: digestJson(baseline as unknown as Json),
    rows,
    features: baseline.features.map((feature) => featureSummary(feature, rows)),
    outputs,
    decision: predictions.decision ?? null,
    multivariate: multivariate === undefined ? null : multivariateSummary(multivariate, rows),
    chunking:
      chunking === undefined
        ? null
        : {
            column: chunking.column,
            chunks: chunking.rows.length,
            smallest: chunking.rows.reduce((a, b) => Math.min(a, b), Infinity),
            largest: chunking.rows.reduce((a, b) => Math.max(a, b), 0),
            durationMs: chunking.durationMs ?? null,
          },
    segments:
      segments === undefined
        ? null
        : {
            column: segments.column,
            rows: Object.fromEntries(Object.entries(segments.values).map(([name, segment]) => [name, segment.rows])),
          },
  }
}

function multivariateSummary(
  { name, features, components, explainedVariance, error, imputed }: MultivariateBaseline,
  rows: number,
): MultivariateSummary {
  return {
    name,
    features,
    components: components.length,
    explainedVariance,
    meanError: error.mean,
    largestError: error.max,
    imputed: share(imputed, rows),
  }
}

function featureSummary(feature: FeatureBaseline, rows: number): FeatureSummary {
  const { nan = 0, infinite = 0, wrong_type: wrongType = 0 } = feature.invalid
  const shares = { missing: share(feature.missing, rows), invalid: share(nan + infinite + wrongType, rows) }
  if (feature.kind !== 'numeric') return { ...categorical(feature.name, feature, rows), kind: feature.kind, ...shares }
  return {
    ...numeric(feature.name, feature, rows),
    ...shares,
    ...(feature.range === undefined ? {} : { range: feature.range }),
  }
}

function numeric(
  name: string,
  { values, mean, variance, min, max, bounds }: NumericSummary,
  rows: number,
): FeatureSummary {
  const shares = { missing: share(rows - values, rows), invalid: 0 }
  return {
    name,
    kind: 'numeric',
    values,
    ...shares,
    mean,
    standardDeviation: Math.sqrt(variance),
    min,
    max,
    bounds: bounds.length,
  }
}

function categorical(name: string, { values, categories, counts }: CategoricalSummary, rows: number): FeatureSummary {
  const top = categories
    .map((category, i) => ({ category, share: share(counts[i]!, values) }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 3)
  const shares = { missing: share(rows - values, rows), invalid: 0 }
  return { name, kind: 'categorical', values, ...shares, categories: categories.length, top }
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function boundsText(rankError: number): string {
  if (rankError === 0) return 'bounds at exact quantiles'
  // Where data comes in buckets that were given, nothing is known of quantiles.
  if (rankError >= 1) return 'bounds as recorders were given them, not at quantiles of these rows; counts are exact'
  return `bounds at quantiles whose rank is right to ${Number((rankError * 100).toPrecision(2))} % of the rows; counts are exact`
}

/** The summary for people: a few lines and a table of the features. */
export function baselineText(summary: BaselineSummary): string {
  const { model, source, decision, multivariate, chunking, segments } = summary
  const lines = [
    `${model.name} ${model.version}: ${summary.rows} rows of ${source.name}, built ${summary.createdAt}`,
    ...(summary.origin === null
      ? []
      : [
          `frozen from ${new Date(summary.origin.fromMs).toISOString()} to ${new Date(summary.origin.toMs).toISOString()}: what was usual then, not what is right`,
        ]),
    `digest ${summary.digest}`,
    ...(source.digest === undefined ? [] : [`data   ${source.digest}`]),
    boundsText(source.boundsRankError),
    chunking === null
      ? 'no time-ordered chunks'
      : `${chunking.chunks} time-ordered chunks by ${chunking.column}, ${chunking.smallest} to ${chunking.largest} rows` +
        (chunking.durationMs === null ? '' : `, ${chunking.durationMs / 1000} s each`),
    ...(decision === null
      ? []
      : [
          `decision: ${decision.positiveClass} when score ${decision.rule} ${decision.threshold}, else ${decision.negativeClass}`,
        ]),
    ...(multivariate === null ? [] : [multivariateText(multivariate)]),
    ...(segments === null
      ? []
      : [
          `segments by ${segments.column}: ${Object.entries(segments.rows)
            .map(([name, rows]) => `${name} (${rows})`)
            .join(', ')}`,
        ]),
    '',
    ...table(summary.features, 'feature'),
  ]
  if (summary.outputs.length > 0) lines.push('', ...table(summary.outputs, 'output'))
  return `${lines.join('\n')}\n`
}

function multivariateText({ features, ...detector }: MultivariateSummary): string {
  const { components, explainedVariance, meanError, largestError, imputed } = detector
  return (
    `multivariate: ${components} principal ${components === 1 ? 'component' : 'components'} of ${features.length} numeric features ` +
    `explain ${percent(explainedVariance)}; reconstruction error ${short(meanError)} on average, at most ${short(largestError)}` +
    (imputed === 0 ? '' : `; ${percent(imputed)} of the rows with imputed values`)
  )
}

function table(rows: readonly FeatureSummary[], title: string): string[] {
  const header = [title, 'kind', 'values', 'missing', 'invalid', 'mean', 'sd', 'min .. max', 'cells']
  const body = rows.map((row) => [
    row.name,
    row.kind,
    String(row.values),
    percent(row.missing),
    percent(row.invalid),
    row.mean === undefined ? '' : short(row.mean),
    row.standardDeviation === undefined ? '' : short(row.standardDeviation),
    row.min === undefined || row.values === 0
      ? topText(row)
      : `${short(row.min)} .. ${short(row.max!)}${rangeText(row)}`,
    row.bounds === undefined ? `${row.categories} categories` : `${row.bounds} bounds`,
  ])
  const widths = header.map((name, i) => Math.max(name.length, ...body.map((row) => row[i]!.length)))
  return [header, ...body].map((row) =>
    row
      .map((cell, i) => (i < 2 || i > 6 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

function topText({ top = [] }: FeatureSummary): string {
  return top
    .map(
      ({ category, share: part }) =>
        `${category.length > 20 ? `${category.slice(0, 20)}...` : category} ${percent(part)}`,
    )
    .join(', ')
}

function rangeText({ range }: FeatureSummary): string {
  if (range === undefined) return ''
  return ` (allowed ${range.min ?? ''}..${range.max ?? ''})`
}

function percent(part: number): string {
  if (part === 0) return '0 %'
  return part < 0.001 ? '<0.1 %' : `${(part * 100).toFixed(1)} %`
}

function short(number: number): string {
  return Number.isInteger(number) && Math.abs(number) < 1e9 ? String(number) : String(Number(number.toPrecision(6)))
}
