import { attributes, metrics } from '@driftline/instrumentation/contract'
import { slot } from '../observation/block.ts'
import type { SegmentTotals } from '../store/store.ts'

/**
 * Rows that a model was asked, without knowing its features: of every group of recorders that share segment and baseline, the largest
 * number of values, missing and invalid ones that one feature had; answers where there are no features.
 */
export function countRows(segments: readonly SegmentTotals[]): number {
  let rows = 0
  for (const { totals } of segments) {
    const features = new Map<string, number>()
    const answers = new Map<string, number>()
    for (const { series, values } of totals.entries()) {
      const { metric, attributes: at } = series
      const feature = String(at[attributes.featureName.name])
      const add = (map: Map<string, number>, key: string, count: number) => map.set(key, (map.get(key) ?? 0) + count)
      if (metric === metrics.featureValue.name) add(features, feature, values[slot.count]!)
      else if (metric === metrics.featureObservations.name) add(features, feature, values[0]!)
      else if (metric === metrics.featureInvalidValues.name) {
        if (notInDistribution.has(String(at[attributes.invalidReason.name]))) add(features, feature, values[0]!)
      } else if (metric === metrics.predictions.name) add(answers, metric, values[0]!)
      else if (answerHistograms.has(metric)) add(answers, metric, values[slot.count]!)
    }
    const counted = features.size > 0 ? features : answers
    rows += [...counted.values()].reduce((most, one) => Math.max(most, one), 0)
  }
  return rows
}

/** The other reasons are of values that are counted in a cell or category as well. */
const notInDistribution: ReadonlySet<string> = new Set(['missing', 'nan', 'infinite', 'wrong_type'])
const answerHistograms: ReadonlySet<string> = new Set([
  metrics.predictionScore.name,
  metrics.predictionConfidence.name,
  metrics.predictionValue.name,
])
