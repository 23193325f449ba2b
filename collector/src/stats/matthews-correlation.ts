import type { BinaryConfusion } from './confusion-table.ts'
import { finiteOrNull } from './finite-or-null.ts'

/**
 * Matthews correlation coefficient (MCC, phi) of decisions and labels.
 *
 * 1 when all decisions are right, 0 when they say nothing about the labels, -1 when all are wrong; unlike accuracy it is not
 * pleased by always deciding for the larger class.
 * Formula: (tp tn - fp fn) / sqrt((tp + fp)(tp + fn)(tn + fp)(tn + fn)).
 * Null when a label or a decision never occurs, where some set 0. Exact; constant cost.
 *
 * @see Matthews (1975), https://doi.org/10.1016/0005-2795(75)90109-9; sklearn.metrics.matthews_corrcoef (1.9.1).
 * @example matthewsCorrelation({ truePositives: 40, falsePositives: 10, trueNegatives: 45, falseNegatives: 5 }) // 0.7035265
 */
export function matthewsCorrelation(table: BinaryConfusion): number | null {
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = table
  const numerator = truePositives * trueNegatives - falsePositives * falseNegatives
  // Square roots first: the product of four counts may overflow.
  const denominator =
    Math.sqrt(truePositives + falsePositives) *
    Math.sqrt(truePositives + falseNegatives) *
    Math.sqrt(trueNegatives + falsePositives) *
    Math.sqrt(trueNegatives + falseNegatives)
  return finiteOrNull(numerator / denominator)
}
