import { describe, expect, it } from 'vitest'
import { areaUnderRocCurve } from '../../src/stats/area-under-roc-curve.ts'
import { cellMagnitudes, chunkResampler, rowResampler } from '../../src/stats/attribution-resampling.ts'
import { attributionShares } from '../../src/stats/attribution-shares.ts'
import { binaryMetricIntervals, binaryMetrics } from '../../src/stats/binary-metrics.ts'
import { drawBinomial } from '../../src/stats/binomial-draw.ts'
import { brierScore } from '../../src/stats/brier-score.ts'
import { bucketWeightedPerformance } from '../../src/stats/bucket-weighted-performance.ts'
import { calibrationInTheLarge } from '../../src/stats/calibration-in-the-large.ts'
import { coefficientOfDetermination } from '../../src/stats/coefficient-of-determination.ts'
import { cohensKappa } from '../../src/stats/cohens-kappa.ts'
import { conceptDriftTest } from '../../src/stats/concept-drift-test.ts'
import { confusionOfBuckets } from '../../src/stats/confusion-table.ts'
import { decisionSplit } from '../../src/stats/decision-split.ts'
import { delongStandardError } from '../../src/stats/delong-standard-error.ts'
import { normalisedDiscountedCumulativeGain } from '../../src/stats/discounted-cumulative-gain.ts'
import { estimatedPerformance } from '../../src/stats/estimated-performance.ts'
import {
  expectedCalibrationError,
  expectedCalibrationErrorByChance,
} from '../../src/stats/expected-calibration-error.ts'
import { f1Interval, f1Score } from '../../src/stats/f1-score.ts'
import { finiteOrNull } from '../../src/stats/finite-or-null.ts'
import { hosmerLemeshowTest } from '../../src/stats/hosmer-lemeshow-test.ts'
import { kendallTauB } from '../../src/stats/kendall-tau-b.ts'
import { kitagawaDecomposition } from '../../src/stats/kitagawa-decomposition.ts'
import { logLoss, logLossOfRow } from '../../src/stats/log-loss.ts'
import { logitInterval } from '../../src/stats/logit-interval.ts'
import { matthewsCorrelation } from '../../src/stats/matthews-correlation.ts'
import { maximumCalibrationError } from '../../src/stats/maximum-calibration-error.ts'
import { meanAbsoluteError } from '../../src/stats/mean-absolute-error.ts'
import { meanError } from '../../src/stats/mean-error.ts'
import { meanInterval } from '../../src/stats/mean-interval.ts'
import { multiclassMetrics } from '../../src/stats/multiclass-metrics.ts'
import { drawMultinomial } from '../../src/stats/multinomial-draw.ts'
import { murphyDecomposition } from '../../src/stats/murphy-decomposition.ts'
import { ndcgChanceQuantile } from '../../src/stats/ndcg-chance-quantile.ts'
import { offlineOnlineDifference } from '../../src/stats/offline-online-difference.ts'
import { randomGenerator, xoshiro128 } from '../../src/stats/random-generator.ts'
import { redrawInterval } from '../../src/stats/redraw-interval.ts'
import { reliabilityBuckets } from '../../src/stats/reliability-buckets.ts'
import type { ResidualSums } from '../../src/stats/residual-sums.ts'
import { rootMeanSquareError } from '../../src/stats/root-mean-square-error.ts'
import { spearmanCorrelation } from '../../src/stats/spearman-correlation.ts'
import { spiegelhalterTest } from '../../src/stats/spiegelhalter-test.ts'
import { totalVariationDistance } from '../../src/stats/total-variation-distance.ts'

const buckets = reliabilityBuckets({ bounds: [0.5], counts: [80, 20], positives: [16, 18], scoreSums: [20, 16] })
const table = { truePositives: 40, falsePositives: 10, trueNegatives: 45, falseNegatives: 5 }
const sums: ResidualSums = {
  rows: 0,
  residuals: 0,
  absoluteResiduals: 0,
  squaredResiduals: 0,
  actuals: 0,
  squaredActuals: 0,
}
const decision = decisionSplit([0.5], { largestNegative: 0.5 })
const estimate = estimatedPerformance({
  baselinePositives: [9, 29],
  baselineNegatives: [30, 10],
  scores: [60, 40],
  decision,
})
const steady = [
  { counts: [1], magnitudes: [2] },
  { counts: [1], magnitudes: [1] },
]
const chunks = { chunkSums: Array.from({ length: 20 }, () => [30, 10]), chunkRows: Array<number>(20).fill(10) }

/** Every @example of the files on calibration, performance, attribution, components and redraws, with its stated value. */
const examples: readonly (readonly [string, unknown, unknown])[] = [
  ['finiteOrNull', finiteOrNull(0 / 0), null],
  [
    'reliabilityBuckets',
    reliabilityBuckets({ bounds: [0.5], counts: [4, 2], positives: [1, 2], scoreSums: [1, 1.5] }).scores,
    [0.25, 0.75],
  ],
  ['expectedCalibrationError', expectedCalibrationError(buckets), 0.06],
  [
    'expectedCalibrationErrorByChance',
    expectedCalibrationErrorByChance(
      reliabilityBuckets({ bounds: [], counts: [200], positives: [0], scoreSums: [100] }),
    ),
    0.0282095,
  ],
  ['maximumCalibrationError', maximumCalibrationError(buckets), 0.1],
  ['brierScore', brierScore({ rows: 2, positives: 1, squaredScores: 0.68, positiveScores: 0.8 }), 0.04],
  [
    'murphyDecomposition',
    murphyDecomposition(buckets),
    { reliability: 0.004, resolution: 0.0784, uncertainty: 0.2244, score: 0.15, errorBound: 0.2525 },
  ],
  ['hosmerLemeshowTest', hosmerLemeshowTest(buckets), { statistic: 2.3166667, degreesOfFreedom: 2, pValue: 0.3140091 }],
  ['spiegelhalterTest', spiegelhalterTest(buckets), { z: -1.4453177, pValue: 0.1483687 }],
  ['calibrationInTheLarge', calibrationInTheLarge(buckets), -0.02],
  [
    'confusionOfBuckets',
    confusionOfBuckets([1, 4], [6, 2], [0, 1]),
    { truePositives: 4, falsePositives: 2, trueNegatives: 6, falseNegatives: 1 },
  ],
  ['f1Score', f1Score(table), 0.8421053],
  ['f1Interval', f1Interval(table), [0.7481833, 0.9054246]],
  ['matthewsCorrelation', matthewsCorrelation(table), 0.7035265],
  ['binaryMetrics', binaryMetrics(table).precision, 0.8],
  [
    'binaryMetricIntervals',
    binaryMetricIntervals({ truePositives: 12, falsePositives: 8, trueNegatives: 0, falseNegatives: 0 }).precision,
    [0.3865815, 0.7811935],
  ],
  [
    'cohensKappa',
    cohensKappa([
      [20, 5],
      [10, 15],
    ]),
    0.4,
  ],
  [
    'multiclassMetrics',
    multiclassMetrics([
      [10, 0, 0],
      [2, 8, 0],
      [0, 0, 0],
    ])?.macroF1,
    0.5993266,
  ],
  ['areaUnderRocCurve', areaUnderRocCurve([1, 4], [6, 2]), { area: 0.775, lower: 0.6, upper: 0.95 }],
  ['delongStandardError', delongStandardError([1, 4], [6, 2]), 0.1292147],
  ['logitInterval', logitInterval(0.9, 0.02), [0.8534196, 0.9329412]],
  ['meanInterval', meanInterval({ count: 3, sum: 6, sumOfSquares: 14 }), [-0.4841377, 4.4841377]],
  [
    'meanError',
    meanError({ ...sums, rows: 3, residuals: 6, squaredResiduals: 14 }),
    { value: 2, interval: [-0.4841377, 4.4841377] },
  ],
  [
    'meanAbsoluteError',
    meanAbsoluteError({ ...sums, rows: 3, absoluteResiduals: 6, squaredResiduals: 14 }),
    { value: 2, interval: [0, 4.4841377] },
  ],
  [
    'rootMeanSquareError',
    rootMeanSquareError({ ...sums, rows: 3, squaredResiduals: 12 }),
    { value: 2, interval: [1.1329791, 7.4570946] },
  ],
  [
    'coefficientOfDetermination',
    coefficientOfDetermination({ ...sums, rows: 2, squaredResiduals: 0.5, actuals: 4, squaredActuals: 10 }),
    0.75,
  ],
  ['logLossOfRow', logLossOfRow(0.5), 0.6931472],
  ['logLoss', logLoss({ rows: 2, losses: 2 * Math.LN2 })?.value, 0.6931472],
  [
    'decisionSplit',
    decisionSplit([0.25, 0.5, 0.75], { largestNegative: 0.6 }),
    { above: [0, 0, 0.6, 1], exact: false },
  ],
  ['estimatedPerformance', estimate?.metrics.accuracy, 0.7525],
  ['conceptDriftTest', conceptDriftTest(0.65, estimate)?.z, -1.5694822],
  [
    'bucketWeightedPerformance',
    bucketWeightedPerformance({ positives: [2, 30], negatives: [8, 10], scores: [60, 40], decision })?.metrics.accuracy,
    0.78,
  ],
  [
    'offlineOnlineDifference',
    offlineOnlineDifference(
      { kind: 'value', value: 0.9, standardError: 0.03 },
      { kind: 'value', value: 0.8, standardError: 0.04 },
    ),
    { difference: -0.1, interval: [-0.1979982, -0.0020018] },
  ],
  ['attributionShares', attributionShares([3, 1]), [0.75, 0.25]],
  ['spearmanCorrelation', spearmanCorrelation([3, 2, 1], [30, 10, 20]), 0.5],
  ['kendallTauB', kendallTauB([3, 2, 1], [30, 10, 20]), 0.3333333],
  [
    'normalisedDiscountedCumulativeGain',
    normalisedDiscountedCumulativeGain([0.7, 0.5, 0.05], [0.05, 0.5, 0.7]),
    0.6876396,
  ],
  [
    'kitagawaDecomposition',
    kitagawaDecomposition({ counts: [50, 50], absoluteSums: [50, 150] }, { counts: [20, 80], absoluteSums: [20, 240] }),
    { total: 0.6, inputsMoved: 0.6, modelWeightsDifferently: 0 },
  ],
  ['chunkResampler', resampled(chunkResampler({ ...chunks, windowRows: 500 }), 2), [3, 1]],
  ['rowResampler', resampled(rowResampler({ features: steady, windowRows: 100 }), 2), [2, 1]],
  ['cellMagnitudes', cellMagnitudes({ bounds: [0], counts: [1, 1], min: -1, max: 3 }, 4), [1, 3]],
  [
    'ndcgChanceQuantile',
    ndcgChanceQuantile([2, 1], rowResampler({ features: steady, windowRows: 10 }), { seed: 'window 1' }),
    1,
  ],
  ['randomGenerator', randomGenerator('a window')(), 0.3783547],
  ['xoshiro128', xoshiro128(Uint32Array.of(1, 2, 3, 4))(), 11520],
  ['drawBinomial', drawBinomial(() => 0.5, 10, 0.1), 1],
  ['drawMultinomial', drawMultinomial(() => 0.5, 10, [1, 0, 1]), [5, 0, 5]],
  ['redrawInterval', redrawInterval(totalVariationDistance, [600, 400], [40, 60], { seed: 'window 1' })?.estimate, 0.2],
]

function resampled(resampler: ReturnType<typeof rowResampler>, features: number): Float64Array {
  const target = new Float64Array(features)
  resampler!(randomGenerator('example'), target)
  return target
}

function expectClose(actual: unknown, expected: unknown): void {
  if (typeof expected === 'number') {
    expect(actual).toBeCloseTo(expected, 6)
  } else if (expected === null || typeof expected !== 'object') {
    expect(actual).toBe(expected)
  } else {
    for (const [key, value] of Object.entries(expected)) expectClose((actual as Record<string, unknown>)[key], value)
  }
}

describe('examples of the documentation of model quality', () => {
  for (const [name, actual, expected] of examples) it(name, () => expectClose(actual, expected))
})
