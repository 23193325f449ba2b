import { wilsonInterval } from '../stats/wilson-interval.ts'
import type { RateResult } from './result.ts'
import type { LabelCounts } from './window-counts.ts'

/** Below this share of predictions with a label the early labels are a biased sample, and no evidence (STATISTICS §7). */
export const smallestCompleteness = 0.5

/**
 * Labels of a window as a share of its predictions. Labels count when they are told, so it is exact only where traffic and delay are
 * steady, and above 1 when the labels of busier times arrive; an interval then says nothing and is left out.
 */
export function labelCompleteness({ distribution, predictions }: LabelCounts): RateResult {
  return completenessOf(distribution.values, predictions)
}

/** The same of so many outcomes. */
export function completenessOf(count: number, predictions: number): RateResult {
  return {
    count,
    rows: predictions,
    rate: predictions > 0 ? count / predictions : null,
    interval: predictions > 0 && count <= predictions ? wilsonInterval(count, predictions) : null,
    baselineRate: null,
    difference: null,
    differenceInterval: null,
  }
}

/** Whether the labels stand for the predictions. Labels of a window without predictions do not: nobody knows what share they are. */
export function enoughLabels(labels: LabelCounts | undefined): boolean {
  if (labels === undefined) return false
  const { rate } = labelCompleteness(labels)
  return rate !== null && rate >= smallestCompleteness
}
