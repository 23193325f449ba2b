import { otherCategory, type Decision } from '@driftline/instrumentation/contract'
import { approximateSums, type FilledCell } from '../observation/histogram-values.ts'
import { binaryMetricIntervals, binaryMetrics, type BinaryMetrics } from '../stats/binary-metrics.ts'
import type { BinaryConfusion } from '../stats/confusion-table.ts'
import { meanAbsoluteError } from '../stats/mean-absolute-error.ts'
import { meanError } from '../stats/mean-error.ts'
import { multiclassMetrics } from '../stats/multiclass-metrics.ts'
import { rootMeanSquareError } from '../stats/root-mean-square-error.ts'
import { wilsonInterval } from '../stats/wilson-interval.ts'
import type { MetricValue } from './metric-values.ts'
import type { OutcomeCount } from './observations.ts'

/** A table of more classes costs too much for what a mean over them says; then there is accuracy alone. */
export const maximumTableClasses = 500

/** Metrics of the outcomes of one window. */
export interface RealisedPerformance {
  /** Outcomes that the metrics were computed from. */
  readonly rows: number
  /** Outcomes that could not be: of a class that the decision does not know, or of one in `_OTHER` on both sides. */
  readonly leftOut: number
  readonly metrics: readonly MetricValue[]
}

/**
 * Metrics of a classifier from counts of predicted and actual classes. With a decision, those of its positive class; else means over the
 * classes that were predicted or occurred, `_OTHER` not being one of them, though a hit or a miss of it counts in the accuracy.
 */
export function classifierPerformance(
  outcomes: readonly OutcomeCount[],
  decision: Pick<Decision, 'positiveClass' | 'negativeClass'> | null,
): RealisedPerformance {
  return decision === null ? ofClasses(outcomes) : ofDecision(outcomes, decision)
}

function ofDecision(
  outcomes: readonly OutcomeCount[],
  { positiveClass, negativeClass }: Pick<Decision, 'positiveClass' | 'negativeClass'>,
): RealisedPerformance {
  const of = (predicted: string, actual: string) =>
    outcomes.reduce((sum, one) => sum + (one.predicted === predicted && one.actual === actual ? one.count : 0), 0)
  const table: BinaryConfusion = {
    truePositives: of(positiveClass, positiveClass),
    falsePositives: of(positiveClass, negativeClass),
    trueNegatives: of(negativeClass, negativeClass),
    falseNegatives: of(negativeClass, positiveClass),
  }
  const rows = table.truePositives + table.falsePositives + table.trueNegatives + table.falseNegatives
  const metrics = rows === 0 ? [] : binaryValues(binaryMetrics(table), binaryMetricIntervals(table))
  return { rows, leftOut: allOf(outcomes) - rows, metrics }
}

/** The metrics of a binary table in the order in which they are shown; those without an interval have none. */
export function binaryValues(
  metrics: BinaryMetrics,
  intervals: Partial<Record<keyof BinaryMetrics, readonly [number, number] | null>>,
): MetricValue[] {
  const one = (name: MetricValue['name'], key: keyof BinaryMetrics): MetricValue => ({
    name,
    value: metrics[key],
    interval: intervals[key] ?? null,
  })
  return [
    one('accuracy', 'accuracy'),
    one('f1', 'f1'),
    one('precision', 'precision'),
    one('recall', 'recall'),
    one('specificity', 'specificity'),
    one('balanced_accuracy', 'balancedAccuracy'),
    one('mcc', 'matthewsCorrelation'),
  ]
}

function ofClasses(outcomes: readonly OutcomeCount[]): RealisedPerformance {
  // Two classes that are both none of those known may or may not be the same.
  const used = outcomes.filter(({ predicted, actual }) => predicted !== otherCategory || actual !== otherCategory)
  const rows = allOf(used)
  const leftOut = allOf(outcomes) - rows
  if (rows === 0) return { rows, leftOut, metrics: [] }
  const names = [...new Set(used.flatMap(({ predicted, actual }) => [predicted, actual]))].sort()
  const hits = allOf(used.filter(({ predicted, actual }) => predicted === actual))
  const accuracy: MetricValue = { name: 'accuracy', value: hits / rows, interval: wilsonInterval(hits, rows) }
  if (names.length > maximumTableClasses) return { rows, leftOut, metrics: [accuracy] }
  const place = new Map(names.map((name, i) => [name, i]))
  const table = names.map(() => new Float64Array(names.length))
  for (const { predicted, actual, count } of used) table[place.get(actual)!]![place.get(predicted)!]! += count
  const all = multiclassMetrics(table)
  if (all === null) return { rows, leftOut, metrics: [accuracy] }
  const classes = all.classes.filter((_, i) => names[i] !== otherCategory)
  const macro = (value: (one: (typeof classes)[number]) => number | null) =>
    classes.length === 0 ? null : classes.reduce((sum, one) => sum + (value(one) ?? 0), 0) / classes.length
  const without = (name: MetricValue['name'], value: number | null): MetricValue => ({ name, value, interval: null })
  return {
    rows,
    leftOut,
    metrics: [
      accuracy,
      without(
        'macro_f1',
        macro((one) => one.f1),
      ),
      without(
        'macro_precision',
        macro((one) => one.precision),
      ),
      without(
        'macro_recall',
        macro((one) => one.recall),
      ),
      without('weighted_f1', all.weightedF1),
      without('kappa', all.kappa),
    ],
  }
}

/** Metrics of a regression from its residuals, prediction minus actual. Null without any. */
export function regressionPerformance(residuals: readonly FilledCell[]): RealisedPerformance | null {
  const { count: rows, sum, absolute, squares } = approximateSums(residuals)
  if (rows === 0) return null
  const sums = { rows, residuals: sum, absoluteResiduals: absolute, squaredResiduals: squares }
  const unknown = { actuals: Number.NaN, squaredActuals: Number.NaN }
  const note = 'from histogram cells'
  const metrics: MetricValue[] = []
  const add = (name: MetricValue['name'], measured: ReturnType<typeof meanError>, more = '') => {
    if (measured !== null) metrics.push({ name, ...measured, note: note + more })
  }
  add('mae', meanAbsoluteError({ ...sums, ...unknown }))
  add('rmse', rootMeanSquareError({ ...sums, ...unknown }), '; the interval takes residuals for normal')
  add('mean_error', meanError({ ...sums, ...unknown }))
  return { rows, leftOut: 0, metrics }
}

function allOf(outcomes: readonly OutcomeCount[]): number {
  return outcomes.reduce((sum, { count }) => sum + count, 0)
}
