import { layoutKey } from '@driftline/instrumentation/contract'
import { histogramHeader, slot } from '../observation/block.ts'
import type { TotalsEntry } from '../observation/totals.ts'
import { areaUnderRocCurve } from '../stats/area-under-roc-curve.ts'
import { calibrationInTheLarge } from '../stats/calibration-in-the-large.ts'
import { delongStandardError } from '../stats/delong-standard-error.ts'
import { expectedCalibrationError, expectedCalibrationErrorByChance } from '../stats/expected-calibration-error.ts'
import { hosmerLemeshowTest } from '../stats/hosmer-lemeshow-test.ts'
import { logitInterval } from '../stats/logit-interval.ts'
import { maximumCalibrationError } from '../stats/maximum-calibration-error.ts'
import { murphyDecomposition } from '../stats/murphy-decomposition.ts'
import { reliabilityBuckets } from '../stats/reliability-buckets.ts'
import type { MetricValue } from './metric-values.ts'
import type { TestResult } from './result.ts'

/** Scores of rows whose actual class is known. */
export interface ScoredOutcomes {
  readonly bounds: readonly number[]
  readonly positives: ArrayLike<number>
  readonly negatives: ArrayLike<number>
  readonly rows: number
  /** Whether every score lies between 0 and 1, as a probability does. */
  readonly probabilities: boolean
}

/**
 * Brings stored scores by actual class into one histogram of each class. Of histograms in different cells those count of which there are
 * most values. Null when there is none of either class.
 */
export function scoredOutcomes(
  entries: readonly { readonly actual: string; readonly entry: TotalsEntry }[],
  { positiveClass, negativeClass }: { readonly positiveClass: string; readonly negativeClass: string },
): ScoredOutcomes | null {
  const byLayout = new Map<string, { rows: number; own: (typeof entries)[number][] }>()
  for (const one of entries) {
    const { layout } = one.entry.series
    if (layout?.kind !== 'explicit' || (one.actual !== positiveClass && one.actual !== negativeClass)) continue
    const key = layoutKey(layout)
    const group = byLayout.get(key) ?? { rows: 0, own: [] }
    byLayout.set(key, group)
    group.rows += one.entry.values[slot.count]!
    group.own.push(one)
  }
  const [largest] = [...byLayout.values()].filter(({ rows }) => rows > 0).sort((a, b) => b.rows - a.rows)
  const layout = largest?.own[0]!.entry.series.layout
  if (largest === undefined || layout?.kind !== 'explicit') return null
  const positives = new Float64Array(layout.bounds.length + 1)
  const negatives = new Float64Array(layout.bounds.length + 1)
  let probabilities = true
  for (const { actual, entry } of largest.own) {
    const { values } = entry
    if (!(values[slot.count]! > 0)) continue
    const target = actual === positiveClass ? positives : negatives
    for (let i = 0; i < target.length; i++) target[i]! += values[histogramHeader + i]!
    if (!(values[slot.min]! >= 0 && values[slot.max]! <= 1)) probabilities = false
  }
  return { bounds: layout.bounds, positives, negatives, rows: largest.rows, probabilities }
}

/** How well the scores set positives apart from negatives, with DeLong's interval. */
export function rocAreaOf({ positives, negatives }: Pick<ScoredOutcomes, 'positives' | 'negatives'>): MetricValue {
  const area = areaUnderRocCurve(positives, negatives)
  const interval = area === null ? null : logitInterval(area.area, delongStandardError(positives, negatives))
  return { name: 'roc_auc', value: area?.area ?? null, interval }
}

export interface Calibration {
  readonly metrics: readonly MetricValue[]
  /** `eceByChance`: what the error would be about if scores were exact probabilities. */
  readonly distances: Readonly<Record<string, number | null>>
  readonly tests: Readonly<Record<string, TestResult>>
}

/** Whether scores are probabilities, from buckets: each row counts as if its score were the middle of its bucket. */
export function calibrationOf({
  bounds,
  positives,
  negatives,
}: Pick<ScoredOutcomes, 'bounds' | 'positives' | 'negatives'>): Calibration {
  const counts = Float64Array.from(positives, (count, i) => count + negatives[i]!)
  const buckets = reliabilityBuckets({ bounds, counts, positives })
  const brier = murphyDecomposition(buckets)
  const test = hosmerLemeshowTest(buckets)
  return {
    metrics: [
      {
        name: 'expected_calibration_error',
        value: expectedCalibrationError(buckets),
        interval: null,
        note: 'from the middles of score buckets; above 0 by chance, see eceByChance',
      },
      {
        name: 'brier',
        value: brier?.score ?? null,
        interval: null,
        note: 'from score buckets',
      },
    ],
    distances: {
      eceByChance: expectedCalibrationErrorByChance(buckets),
      maximumCalibrationError: maximumCalibrationError(buckets),
      calibrationInTheLarge: calibrationInTheLarge(buckets),
      reliability: brier?.reliability ?? null,
      resolution: brier?.resolution ?? null,
      brierErrorBound: brier?.errorBound ?? null,
    },
    tests: test === null ? {} : { hosmerLemeshow: test },
  }
}
