import {
  attributes,
  cellCount,
  layoutKey,
  metrics,
  multivariateDetector,
  otherCategory,
  type CategoricalSummary,
  type FeatureBaseline,
  type InvalidReason,
  type NumericSummary,
  type PredictionBaseline,
  type ReconstructionSummary,
} from '@driftline/instrumentation/contract'
import { histogramHeader, slot } from '../observation/block.ts'
import { addIntoBounds } from '../observation/into-bounds.ts'
import type { Totals, TotalsEntry } from '../observation/totals.ts'
import {
  invalidRows,
  type Distribution,
  type FeatureCounts,
  type OutputCounts,
  type OutputName,
  type WindowCounts,
} from './window-counts.ts'

/** What the counts of a window are laid out along: the features and outputs of a baseline or of one of its segments. */
export interface CountsLayout {
  readonly features: readonly FeatureBaseline[]
  readonly predictions: PredictionBaseline
  /** Actual classes of the baseline rows. */
  readonly labels?: CategoricalSummary
  /** Reconstruction errors of the baseline rows. */
  readonly multivariate?: ReconstructionSummary
}

/** Series of one feature or output, gathered in one pass over the totals. */
interface Gathered {
  histograms: TotalsEntry[]
  categories: Map<string, number>
  moments: Moment[]
  invalid: Partial<Record<InvalidReason, number>>
}

interface Moment {
  readonly origin: number
  readonly order: number
  readonly value: number
}

/** Brings stored series into the cells of a baseline. Series of features that the baseline does not know are left out. */
export function countsFromTotals(layout: CountsLayout, totals: Totals): WindowCounts {
  const features = new Map<string, Gathered>()
  const outputs = new Map<OutputName, Gathered>()
  const outcomes = new Map<string, number>()
  const errors: TotalsEntry[] = []
  let imputed = 0
  const of = <Key>(map: Map<Key, Gathered>, key: Key): Gathered => {
    let gathered = map.get(key)
    if (gathered === undefined) {
      gathered = { histograms: [], categories: new Map(), moments: [], invalid: {} }
      map.set(key, gathered)
    }
    return gathered
  }
  for (const entry of totals.entries()) {
    const { metric, attributes: at } = entry.series
    const feature = String(at[attributes.featureName.name] ?? '')
    switch (metric) {
      case metrics.featureValue.name:
        of(features, feature).histograms.push(entry)
        break
      case metrics.featureObservations.name: {
        const category = String(at[attributes.featureCategory.name] ?? otherCategory)
        addTo(of(features, feature).categories, category, entry.values[0]!)
        break
      }
      case metrics.featureMoment.name:
        of(features, feature).moments.push(momentOf(entry))
        break
      case metrics.predictionMoment.name: {
        const output = String(at[attributes.predictionOutput.name])
        if (isNumericOutput(output)) of(outputs, output).moments.push(momentOf(entry))
        break
      }
      case metrics.featureInvalidValues.name: {
        const reason = String(at[attributes.invalidReason.name]) as InvalidReason
        const { invalid } = of(features, feature)
        invalid[reason] = (invalid[reason] ?? 0) + entry.values[0]!
        break
      }
      case metrics.predictions.name:
        addTo(
          of(outputs, 'class').categories,
          String(at[attributes.predictionClass.name] ?? otherCategory),
          entry.values[0]!,
        )
        break
      case metrics.outcomes.name:
        addTo(outcomes, String(at[attributes.outcomeClass.name] ?? otherCategory), entry.values[0]!)
        break
      case metrics.reconstructionError.name:
        if (at[attributes.detectorName.name] === multivariateDetector) errors.push(entry)
        break
      case metrics.imputedRows.name:
        if (at[attributes.detectorName.name] === multivariateDetector) imputed += entry.values[0]!
        break
      case metrics.predictionScore.name:
        of(outputs, 'score').histograms.push(entry)
        break
      case metrics.predictionConfidence.name:
        of(outputs, 'confidence').histograms.push(entry)
        break
      case metrics.predictionValue.name:
        of(outputs, 'value').histograms.push(entry)
        break
      default:
    }
  }
  const counts = withLabels(assemble(layout, features, outputs), layout.labels, outcomes, outputs.get('class'))
  if (layout.multivariate === undefined || errors.length === 0) return counts
  return { ...counts, reconstruction: { distribution: reconstruction(layout.multivariate.error, errors), imputed } }
}

/** Errors are never negative, so that their histograms carry sums; of their squares nothing is sent. */
function reconstruction(baseline: NumericSummary, histograms: TotalsEntry[]): Distribution {
  const distribution = numeric(baseline, { histograms, categories: new Map(), moments: [], invalid: {} })
  if (distribution.kind !== 'numeric') return distribution
  let sum = 0
  for (const { values } of histograms) if (values[slot.count]! > 0) sum += values[slot.sum]!
  return { ...distribution, sum: sum - distribution.values * baseline.mean }
}

/** Outcomes in the classes of the baseline, beside the predictions that they are a share of. */
function withLabels(
  window: WindowCounts,
  labels: CategoricalSummary | undefined,
  outcomes: ReadonlyMap<string, number>,
  classes: Gathered | undefined,
): WindowCounts {
  if (labels === undefined) return window
  let predictions = 0
  for (const count of classes?.categories.values() ?? []) predictions += count
  return {
    ...window,
    labels: {
      distribution: categoricalFrom(labels, outcomes),
      predictions: predictions > 0 ? predictions : window.rows,
    },
  }
}

function assemble(
  layout: CountsLayout,
  features: Map<string, Gathered>,
  outputs: Map<OutputName, Gathered>,
): WindowCounts {
  const featureCounts = new Map<string, FeatureCounts>()
  let rows = 0
  for (const baseline of layout.features) {
    const gathered = features.get(baseline.name)
    if (gathered === undefined) continue
    const distribution = baseline.kind === 'numeric' ? numeric(baseline, gathered) : categorical(baseline, gathered)
    const missing = gathered.invalid.missing ?? 0
    featureCounts.set(baseline.name, { distribution, missing, invalid: gathered.invalid })
    rows = Math.max(rows, distribution.values + missing + invalidRows(gathered.invalid))
  }
  refusePartlyReported(featureCounts)
  const outputCounts = new Map<OutputName, OutputCounts>()
  const { classes, score, confidence, value } = layout.predictions
  const add = (name: OutputName, distribution: Distribution) => {
    outputCounts.set(name, { distribution })
    rows = Math.max(rows, distribution.values)
  }
  const gatheredClass = outputs.get('class')
  if (classes !== undefined && gatheredClass !== undefined) add('class', categorical(classes, gatheredClass))
  for (const [name, summary] of [
    ['score', score],
    ['confidence', confidence],
    ['value', value],
  ] as const) {
    const gathered = outputs.get(name)
    if (summary !== undefined && gathered !== undefined) add(name, numeric(summary, gathered))
  }
  return { rows, features: featureCounts, outputs: outputCounts }
}

/** Fewer features than this say too little of how many rows there were. */
const fewestComparedFeatures = 3

/**
 * A recorder counts every feature of every row, as a value, missing or invalid. A feature with less than half the rows of the others has lost
 * part of its points on the way, its values for instance: what is left, its missing rows for instance, is no picture of it.
 */
function refusePartlyReported(features: Map<string, FeatureCounts>): void {
  if (features.size < fewestComparedFeatures) return
  const rowsOf = ({ distribution, missing, invalid }: FeatureCounts) =>
    distribution.values + missing + invalidRows(invalid)
  const sorted = Float64Array.from([...features.values()], rowsOf).sort()
  const usual = sorted[sorted.length >> 1]!
  for (const [name, feature] of features) {
    const rows = rowsOf(feature)
    if (rows >= usual / 2) continue
    const detail = `${rows} rows, where most features have ${usual}`
    features.set(name, {
      ...feature,
      distribution: { kind: 'unusable', reason: 'partly-reported', detail, values: feature.distribution.values },
    })
  }
}

function isNumericOutput(name: string): name is Exclude<OutputName, 'class'> {
  return name === 'score' || name === 'confidence' || name === 'value'
}

function momentOf({ series: { attributes: at }, values }: TotalsEntry): Moment {
  return {
    order: Number(at[attributes.momentOrder.name]),
    // A text when it is a whole number that OTLP can not carry exactly.
    origin: Number(at[attributes.momentOrigin.name] ?? 0),
    value: values[0]!,
  }
}

function addTo(map: Map<string, number>, key: string, value: number): void {
  map.set(key, (map.get(key) ?? 0) + value)
}

function numeric(baseline: NumericSummary, gathered: Gathered): Distribution {
  if (gathered.categories.size > 0) {
    const values = [...gathered.categories.values()].reduce((sum, count) => sum + count, 0)
    return { kind: 'unusable', reason: 'kind-mismatch', detail: 'numeric in the baseline, sent as categories', values }
  }
  const expected = layoutKey({ kind: 'explicit', bounds: baseline.bounds })
  const counts = new Float64Array(baseline.bounds.length + 1)
  let values = 0
  let others = 0
  let min = Number.NaN
  let max = Number.NaN
  for (const { series, values: numbers } of gathered.histograms) {
    const count = numbers[slot.count]!
    if (count === 0) continue
    const layout = series.layout!
    if (layoutKey(layout) === expected) {
      for (let cell = 0; cell < counts.length; cell++) counts[cell]! += numbers[histogramHeader + cell]!
    } else if (layout.kind === 'explicit' || !addIntoBounds(layout, numbers, baseline.bounds, counts)) {
      // Log-linear cells come from recorders that have not taken up the baseline that was frozen from them.
      others += count
      continue
    }
    values += count
    if (!(min <= numbers[slot.min]!)) min = numbers[slot.min]!
    if (!(max >= numbers[slot.max]!)) max = numbers[slot.max]!
  }
  if (others > 0) {
    const cells = new Set(gathered.histograms.map(({ series }) => cellCount(series.layout!)))
    const detail = `${others} of ${others + values} values came in other buckets than the baseline's ${counts.length} (cells seen: ${[...cells].join(', ')})`
    return { kind: 'unusable', reason: 'layout-mismatch', detail, values: values + others }
  }
  if (values > Number.MAX_SAFE_INTEGER) return tooManyValues(values)
  const { sum, sumOfSquares } = momentsAbout(baseline.mean, values, gathered.moments)
  return { kind: 'numeric', counts, values, sum, sumOfSquares, min, max }
}

/**
 * Moments about the baseline mean, from sums about one or several origins. Moving from origin a to b needs the number of values
 * behind each sum. Recorders without a baseline, whose origins differ, send it as order 0; the values that remain belong to the
 * one origin without it. With several of those (instances that run different baselines) the moments are undefined.
 */
function momentsAbout(mean: number, values: number, moments: readonly Moment[]): { sum: number; sumOfSquares: number } {
  const undefinedMoments = { sum: Number.NaN, sumOfSquares: Number.NaN }
  const byOrigin = new Map<number, (number | null)[]>()
  for (const { origin, order, value } of moments) {
    const orders = byOrigin.get(origin) ?? [null, null, null]
    if (order === 0 || order === 1 || order === 2) orders[order] = (orders[order] ?? 0) + value
    byOrigin.set(origin, orders)
  }
  const uncounted = [...byOrigin.values()].filter(([count]) => byOrigin.size === 1 || count === null)
  if (byOrigin.size === 0 || uncounted.length > 1) return undefinedMoments
  const counted = [...byOrigin.values()].reduce((all, one) => all + (uncounted.includes(one) ? 0 : one[0]!), 0)
  if (counted > values || (uncounted.length === 0 && counted !== values)) return undefinedMoments
  let sum = 0
  let sumOfSquares = 0
  for (const [origin, orders] of byOrigin) {
    const [, first, second] = orders
    const count = uncounted.includes(orders) ? values - counted : orders[0]!
    // A square that overflows is not sent; without it there is no spread, and the sum alone is of values beyond all reason.
    if (first === null || first === undefined || second === null || second === undefined) return undefinedMoments
    const shift = origin - mean
    sum += first + count * shift
    sumOfSquares += second + 2 * shift * first + count * shift * shift
  }
  return { sum, sumOfSquares }
}

function categorical(baseline: CategoricalSummary, gathered: Gathered): Distribution {
  const numericValues = gathered.histograms.reduce((sum, { values }) => sum + values[slot.count]!, 0)
  if (numericValues > 0) {
    return {
      kind: 'unusable',
      reason: 'kind-mismatch',
      detail: 'categorical in the baseline, sent as numbers',
      values: numericValues,
    }
  }
  return categoricalFrom(baseline, gathered.categories)
}

function categoricalFrom(baseline: CategoricalSummary, categories: ReadonlyMap<string, number>): Distribution {
  const counts = new Float64Array(baseline.categories.length + 1)
  const index = new Map(baseline.categories.map((category, i) => [category, i]))
  let values = 0
  for (const [category, count] of categories) {
    counts[index.get(category) ?? baseline.categories.length]! += count
    values += count
  }
  if (values > Number.MAX_SAFE_INTEGER) return tooManyValues(values)
  return { kind: 'categorical', counts, values }
}

/** Points are whole numbers, but adding up can leave those that a double holds exactly. */
function tooManyValues(values: number): Distribution {
  return { kind: 'unusable', reason: 'too-many-values', detail: `${values} values, more than 2^53 - 1`, values }
}
