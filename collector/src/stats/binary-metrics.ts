import type { BinaryConfusion } from './confusion-table.ts'
import { f1Interval, f1Score } from './f1-score.ts'
import { finiteOrNull } from './finite-or-null.ts'
import { matthewsCorrelation } from './matthews-correlation.ts'
import { wilsonInterval, z95 } from './wilson-interval.ts'

/** Null where the denominator is 0. */
export interface BinaryMetrics {
  readonly accuracy: number | null
  readonly precision: number | null
  readonly recall: number | null
  readonly specificity: number | null
  readonly negativePredictiveValue: number | null
  readonly falsePositiveRate: number | null
  readonly f1: number | null
  /** Mean of recall and specificity. */
  readonly balancedAccuracy: number | null
  readonly matthewsCorrelation: number | null
  /** Share of actual positives: not a quality, but what precision depends on. */
  readonly prevalence: number | null
}

/**
 * Metrics of a binary classifier from its confusion table.
 *
 * Formulas: accuracy (tp + tn) / n; precision tp / (tp + fp); recall tp / (tp + fn); specificity tn / (tn + fp); negative
 * predictive value tn / (tn + fn); false positive rate fp / (fp + tn); prevalence (tp + fn) / n; F1 and MCC in files of their own.
 * Variant: an empty denominator is undefined (null), never 0 or 1: a model that predicted no positive has no precision.
 * Counts need not be whole, so estimated tables do too. Exact; constant cost.
 *
 * @see Fawcett (2006), https://doi.org/10.1016/j.patrec.2005.10.010; sklearn.metrics (1.9.1).
 * @example binaryMetrics({ truePositives: 40, falsePositives: 10, trueNegatives: 45, falseNegatives: 5 }).precision // 0.8
 */
export function binaryMetrics(table: BinaryConfusion): BinaryMetrics {
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = table
  const rows = truePositives + falsePositives + trueNegatives + falseNegatives
  const recall = ratio(truePositives, truePositives + falseNegatives)
  const specificity = ratio(trueNegatives, trueNegatives + falsePositives)
  return {
    accuracy: ratio(truePositives + trueNegatives, rows),
    precision: ratio(truePositives, truePositives + falsePositives),
    recall,
    specificity,
    negativePredictiveValue: ratio(trueNegatives, trueNegatives + falseNegatives),
    falsePositiveRate: ratio(falsePositives, falsePositives + trueNegatives),
    f1: f1Score(table),
    balancedAccuracy: recall === null || specificity === null ? null : (recall + specificity) / 2,
    matthewsCorrelation: matthewsCorrelation(table),
    prevalence: ratio(truePositives + falseNegatives, rows),
  }
}

/** Of those metrics that are proportions of rows, and of F1; null where the metric is. */
export interface BinaryMetricIntervals {
  readonly accuracy: readonly [number, number] | null
  readonly precision: readonly [number, number] | null
  readonly recall: readonly [number, number] | null
  readonly specificity: readonly [number, number] | null
  readonly negativePredictiveValue: readonly [number, number] | null
  readonly falsePositiveRate: readonly [number, number] | null
  readonly f1: readonly [number, number] | null
  readonly prevalence: readonly [number, number] | null
}

/**
 * Intervals of the metrics, 95 % unless another z is given: Wilson's for proportions, given their denominators; F1 through the
 * Jaccard index. For rows counted one by one; an estimated table has intervals of its own.
 *
 * @example binaryMetricIntervals({ truePositives: 12, falsePositives: 8, trueNegatives: 0, falseNegatives: 0 }).precision
 *   // [0.3865815, 0.7811935]
 */
export function binaryMetricIntervals(table: BinaryConfusion, z: number = z95): BinaryMetricIntervals {
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = table
  const rows = truePositives + falsePositives + trueNegatives + falseNegatives
  return {
    accuracy: wilsonInterval(truePositives + trueNegatives, rows, z),
    precision: wilsonInterval(truePositives, truePositives + falsePositives, z),
    recall: wilsonInterval(truePositives, truePositives + falseNegatives, z),
    specificity: wilsonInterval(trueNegatives, trueNegatives + falsePositives, z),
    negativePredictiveValue: wilsonInterval(trueNegatives, trueNegatives + falseNegatives, z),
    falsePositiveRate: wilsonInterval(falsePositives, falsePositives + trueNegatives, z),
    f1: f1Interval(table, z),
    prevalence: wilsonInterval(truePositives + falseNegatives, rows, z),
  }
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? finiteOrNull(part / whole) : null
}
