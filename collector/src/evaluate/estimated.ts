import {
  nextDown,
  type Decision,
  type NumericSummary,
  type PredictionBaseline,
} from '@driftline/instrumentation/contract'
import { areaUnderRocCurve } from '../stats/area-under-roc-curve.ts'
import { binaryMetrics } from '../stats/binary-metrics.ts'
import { confusionOfBuckets } from '../stats/confusion-table.ts'
import { decisionSplit, type DecisionSplit } from '../stats/decision-split.ts'
import { estimatedPerformance } from '../stats/estimated-performance.ts'
import type { MetricValue } from './metric-values.ts'
import { binaryValues } from './performance.ts'

/** What the estimate assumes, in the words that stand beside every number of it. */
export const estimateNote = 'an estimate without labels; blind to concept drift'

/** The part of a baseline that quality without labels is estimated from. */
export interface ScoreReference {
  readonly bounds: readonly number[]
  readonly positives: readonly number[]
  readonly negatives: readonly number[]
  readonly split: DecisionSplit
  /** The metrics of the baseline rows themselves. */
  readonly metrics: readonly MetricValue[]
  readonly rows: number
}

/** Null when the baseline has no scores by actual class, or no decision. */
export function scoreReference({ score, scoreByLabel, decision }: PredictionBaseline): ScoreReference | null {
  if (score === undefined || scoreByLabel === undefined || decision === undefined) return null
  const positives = scoreByLabel[decision.positiveClass]
  const negatives = scoreByLabel[decision.negativeClass]
  if (positives === undefined || negatives === undefined) return null
  const split = splitOf(score, decision)
  const metrics = binaryMetrics(confusionOfBuckets(positives, negatives, split.above))
  const area = areaUnderRocCurve(positives, negatives)?.area ?? null
  const rows = [...positives, ...negatives].reduce((sum, count) => sum + count, 0)
  if (rows === 0) return null
  return {
    bounds: score.bounds,
    positives,
    negatives,
    split,
    metrics: [...binaryValues(metrics, {}), { name: 'roc_auc', value: area, interval: null }],
    rows,
  }
}

function splitOf({ bounds, min, max }: NumericSummary, { threshold, rule }: Decision): DecisionSplit {
  const largestNegative = rule === '>' ? threshold : nextDown(threshold)
  return decisionSplit(bounds, { largestNegative, lowest: Math.min(0, min), highest: Math.max(1, max) })
}

/** Metrics that the scores of a window promise, if they mean what they meant in the baseline. Null without scores. */
export function estimateFrom(reference: ScoreReference, scores: ArrayLike<number>): readonly MetricValue[] | null {
  const { positives, negatives, split } = reference
  const estimate = estimatedPerformance({
    baselinePositives: positives,
    baselineNegatives: negatives,
    scores,
    decision: split,
  })
  if (estimate === null) return null
  const [low, high] = estimate.accuracyInterval
  const accuracy: readonly [number, number] = [Math.max(0, low), Math.min(1, high)]
  const note = estimate.thresholdInsideBucket ? `${estimateNote}; the threshold lies inside a bucket` : estimateNote
  return [
    ...binaryValues(estimate.metrics, { accuracy }),
    { name: 'roc_auc' as const, value: estimate.areaUnderRocCurve, interval: null },
  ].map((one) => ({ ...one, note }))
}
