import { cohensKappa } from './cohens-kappa.ts'
import { wilsonInterval } from './wilson-interval.ts'

export interface ClassMetrics {
  /** Rows that are actually of this class. */
  readonly support: number
  /** Null when the class was never predicted. */
  readonly precision: number | null
  /** Null when the class did not occur. */
  readonly recall: number | null
  /** Null when it was neither predicted nor occurred. */
  readonly f1: number | null
  /** Wilson, 95 %. */
  readonly precisionInterval: readonly [number, number] | null
  readonly recallInterval: readonly [number, number] | null
}

export interface MulticlassMetrics {
  readonly rows: number
  readonly accuracy: number
  /** Wilson, 95 %. */
  readonly accuracyInterval: readonly [number, number]
  readonly classes: readonly ClassMetrics[]
  /** Means over all classes, in which an undefined value counts as 0. */
  readonly macroPrecision: number
  readonly macroRecall: number
  readonly macroF1: number
  /** Mean of F1 weighted by support. */
  readonly weightedF1: number
  readonly kappa: number | null
}

/**
 * Metrics of a classifier with any number of classes, from its confusion table: rows actual, columns predicted.
 *
 * Formulas: each class against all others; macro = plain mean over the classes of the table; weighted = mean by support.
 * Variant: in the means an empty denominator counts as 0, as in scikit-learn (zero_division=0), so that a class the model has
 * stopped predicting lowers them; of the class itself it is undefined (null). Null without rows. Exact; cost linear in the cells.
 *
 * @throws RangeError when the table is not square.
 * @see Sokolova, Lapalme (2009), https://doi.org/10.1016/j.ipm.2009.03.002; sklearn.metrics (1.9.1).
 * @example multiclassMetrics([[10, 0, 0], [2, 8, 0], [0, 0, 0]])?.macroF1 // 0.5993266
 */
export function multiclassMetrics(table: readonly ArrayLike<number>[]): MulticlassMetrics | null {
  // Also refuses a table that is not square.
  const kappa = cohensKappa(table)
  const classCount = table.length
  const predicted = new Float64Array(classCount)
  const support = new Float64Array(classCount)
  let rows = 0
  let correct = 0
  for (let i = 0; i < classCount; i++) {
    correct += table[i]![i]!
    for (let j = 0; j < classCount; j++) {
      support[i]! += table[i]![j]!
      predicted[j]! += table[i]![j]!
      rows += table[i]![j]!
    }
  }
  const accuracyInterval = wilsonInterval(correct, rows)
  if (accuracyInterval === null || !Number.isFinite(rows)) return null
  const classes = table.map((row, i) => metricsOfClass(row[i]!, predicted[i]!, support[i]!))
  const macro = (value: (one: ClassMetrics) => number | null): number =>
    classes.reduce((sum, one) => sum + (value(one) ?? 0), 0) / classCount
  return {
    rows,
    accuracy: correct / rows,
    accuracyInterval,
    classes,
    macroPrecision: macro((one) => one.precision),
    macroRecall: macro((one) => one.recall),
    macroF1: macro((one) => one.f1),
    weightedF1: classes.reduce((sum, one) => sum + (one.f1 ?? 0) * one.support, 0) / rows,
    kappa,
  }
}

function metricsOfClass(hits: number, predicted: number, support: number): ClassMetrics {
  return {
    support,
    precision: predicted > 0 ? hits / predicted : null,
    recall: support > 0 ? hits / support : null,
    f1: predicted + support > 0 ? (2 * hits) / (predicted + support) : null,
    precisionInterval: wilsonInterval(hits, predicted),
    recallInterval: wilsonInterval(hits, support),
  }
}
