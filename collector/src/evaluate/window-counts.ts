import type { InvalidReason } from '@driftline/instrumentation/contract'

/**
 * One window (or slice) of one segment, in the cells of the baseline: the only input that verdicts are computed from. It comes from
 * stored series (counts-from-totals.ts) or from the rows of a file (backtest).
 */
export interface WindowCounts {
  /** Rows of the window: the largest number of rows that any feature or output saw. */
  readonly rows: number
  /** By feature name. A feature of the baseline that is not here was never reported in the window. */
  readonly features: ReadonlyMap<string, FeatureCounts>
  /** Outputs of the model that the baseline knows. */
  readonly outputs: ReadonlyMap<OutputName, OutputCounts>
  /** Actual classes that became known in the window; absent when the baseline has none to compare with. */
  readonly labels?: LabelCounts
  /** Reconstruction errors; absent when the baseline has no multivariate detector, or none were reported. */
  readonly reconstruction?: ReconstructionCounts
}

export interface ReconstructionCounts {
  /** One value per row. */
  readonly distribution: Distribution
  /** Rows of which a value was missing or invalid, so that the baseline mean stood in for it. */
  readonly imputed: number
}

export interface LabelCounts {
  readonly distribution: Distribution
  /** Predictions of the window: classes if they are counted, else rows. */
  readonly predictions: number
}

/** `class` is categorical; `score`, `confidence` and `value` (regression) are numeric. */
export type OutputName = 'class' | 'score' | 'confidence' | 'value'

export interface FeatureCounts {
  readonly distribution: Distribution
  readonly missing: number
  /** By reason. `out_of_range` and `unknown_category` are in the distribution as well; the others are not. */
  readonly invalid: Readonly<Partial<Record<InvalidReason, number>>>
}

export interface OutputCounts {
  readonly distribution: Distribution
}

export type Distribution =
  | NumericDistribution
  | CategoricalDistribution
  /** The window's numbers contradict the baseline: `layout-mismatch`, ... */
  | { readonly kind: 'unusable'; readonly reason: string; readonly detail: string; readonly values: number }

export interface NumericDistribution {
  readonly kind: 'numeric'
  /** One count per cell of the baseline's layout. */
  readonly counts: Float64Array
  readonly values: number
  /** Sums of (x - baseline mean) and its square; NaN when the source did not send them. */
  readonly sum: number
  readonly sumOfSquares: number
  /** NaN when there are no values. */
  readonly min: number
  readonly max: number
}

export interface CategoricalDistribution {
  readonly kind: 'categorical'
  /** One count per category of the baseline, then one for `_OTHER`. */
  readonly counts: Float64Array
  readonly values: number
}

/** Rows whose value did not enter the distribution although it was there. */
export function invalidRows(invalid: FeatureCounts['invalid']): number {
  return (invalid.nan ?? 0) + (invalid.infinite ?? 0) + (invalid.wrong_type ?? 0)
}

/** The counts of two windows of the same baseline and segment, as if they were one. */
export function addWindowCounts(a: WindowCounts, b: WindowCounts): WindowCounts {
  const features = new Map(a.features)
  for (const [name, feature] of b.features) {
    const other = features.get(name)
    features.set(name, other === undefined ? feature : addFeatures(other, feature))
  }
  const outputs = new Map(a.outputs)
  for (const [name, output] of b.outputs) {
    const other = outputs.get(name)
    outputs.set(
      name,
      other === undefined ? output : { distribution: addDistributions(other.distribution, output.distribution) },
    )
  }
  const labels = addLabels(a.labels, b.labels)
  const reconstruction = addReconstructions(a.reconstruction, b.reconstruction)
  return {
    rows: a.rows + b.rows,
    features,
    outputs,
    ...(labels === undefined ? {} : { labels }),
    ...(reconstruction === undefined ? {} : { reconstruction }),
  }
}

function addReconstructions(
  a: ReconstructionCounts | undefined,
  b: ReconstructionCounts | undefined,
): ReconstructionCounts | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return { distribution: addDistributions(a.distribution, b.distribution), imputed: a.imputed + b.imputed }
}

function addLabels(a: LabelCounts | undefined, b: LabelCounts | undefined): LabelCounts | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return {
    distribution: addDistributions(a.distribution, b.distribution),
    predictions: a.predictions + b.predictions,
  }
}

function addFeatures(a: FeatureCounts, b: FeatureCounts): FeatureCounts {
  const invalid = { ...a.invalid }
  for (const [reason, count] of Object.entries(b.invalid) as [InvalidReason, number][])
    invalid[reason] = (invalid[reason] ?? 0) + count
  return { distribution: addDistributions(a.distribution, b.distribution), missing: a.missing + b.missing, invalid }
}

function addDistributions(a: Distribution, b: Distribution): Distribution {
  const values = a.values + b.values
  if (a.kind === 'unusable') return { ...a, values }
  if (b.kind === 'unusable') return { ...b, values }
  const counts = a.counts.map((count, cell) => count + b.counts[cell]!)
  if (a.kind === 'categorical' || b.kind === 'categorical') return { kind: 'categorical', counts, values }
  const smaller = (x: number, y: number) => (x <= y || Number.isNaN(y) ? x : y)
  const larger = (x: number, y: number) => (x >= y || Number.isNaN(y) ? x : y)
  return {
    kind: 'numeric',
    counts,
    values,
    sum: a.sum + b.sum,
    sumOfSquares: a.sumOfSquares + b.sumOfSquares,
    min: smaller(a.min, b.min),
    max: larger(a.max, b.max),
  }
}
