import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { areaUnderRocCurve } from '../../src/stats/area-under-roc-curve.ts'
import { binaryMetricIntervals, binaryMetrics } from '../../src/stats/binary-metrics.ts'
import { bucketWeightedPerformance } from '../../src/stats/bucket-weighted-performance.ts'
import { coefficientOfDetermination } from '../../src/stats/coefficient-of-determination.ts'
import { cohensKappa } from '../../src/stats/cohens-kappa.ts'
import { conceptDriftTest } from '../../src/stats/concept-drift-test.ts'
import { decisionSplit, type DecisionSplit } from '../../src/stats/decision-split.ts'
import { delongStandardError } from '../../src/stats/delong-standard-error.ts'
import { estimatedPerformance } from '../../src/stats/estimated-performance.ts'
import { logLoss, logLossOfRow } from '../../src/stats/log-loss.ts'
import { logitInterval } from '../../src/stats/logit-interval.ts'
import { meanAbsoluteError } from '../../src/stats/mean-absolute-error.ts'
import { meanError } from '../../src/stats/mean-error.ts'
import { meanInterval } from '../../src/stats/mean-interval.ts'
import { multiclassMetrics } from '../../src/stats/multiclass-metrics.ts'
import { offlineOnlineDifference } from '../../src/stats/offline-online-difference.ts'
import { rootMeanSquareError } from '../../src/stats/root-mean-square-error.ts'
import type { ResidualSums } from '../../src/stats/residual-sums.ts'
import { deviation, reference } from '../reference.ts'

type Case =
  | { name: string; kind: 'confusion'; counts: { tp: number; fp: number; tn: number; fn: number }; expected: unknown }
  | { name: string; kind: 'multiclass'; confusion: number[][]; expected: unknown }
  | { name: string; kind: 'auc'; positives: number[]; negatives: number[]; expected: object; raw: { auc: number } }
  | { name: string; kind: 'regression'; moments: Record<string, number>; expected: Record<string, unknown> }
  | {
      name: string
      kind: 'estimatedPerformance'
      bounds: number[]
      baselinePositives: number[]
      baselineNegatives: number[]
      windowScores: number[]
      windowPositives: number[]
      windowNegatives: number[]
      positiveFromBucket: number
      expected: { estimate: Record<string, unknown>; realisedAccuracy: number }
    }

const { cases } = reference<Case>('performance')

function ofConfusion({ tp, fp, tn, fn }: { tp: number; fp: number; tn: number; fn: number }): unknown {
  const table = { truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn }
  const metrics = binaryMetrics(table)
  return { values: { ...metrics, mcc: metrics.matthewsCorrelation }, ci95: binaryMetricIntervals(table) }
}

function ofClasses(confusion: number[][]): unknown {
  const metrics = multiclassMetrics(confusion)!
  return {
    ...metrics,
    // Undefined for a class; the reference keeps the 0 that enters the means.
    precisionPerClass: metrics.classes.map((one) => one.precision ?? 0),
    recallPerClass: metrics.classes.map((one) => one.recall ?? 0),
    f1PerClass: metrics.classes.map((one) => one.f1 ?? 0),
    support: metrics.classes.map((one) => one.support),
    cohenKappa: metrics.kappa,
  }
}

function ofScores(positives: number[], negatives: number[]): unknown {
  const curve = areaUnderRocCurve(positives, negatives)!
  const error = delongStandardError(positives, negatives)
  return {
    auc: curve.area,
    lower: curve.lower,
    upper: curve.upper,
    se: error,
    ci95: logitInterval(curve.area, error),
  }
}

function residualSums(moments: Record<string, number>): ResidualSums {
  return {
    rows: moments['n']!,
    residuals: moments['sumResidual']!,
    absoluteResiduals: moments['sumAbsResidual']!,
    squaredResiduals: moments['sumSqResidual']!,
    actuals: moments['sumActual']!,
    squaredActuals: moments['sumSqActual']!,
  }
}

function ofResiduals(sums: ResidualSums): unknown {
  const bias = meanError(sums)!
  const absolute = meanAbsoluteError(sums)!
  const square = rootMeanSquareError(sums)!
  return {
    bias: bias.value,
    biasCi95: bias.interval,
    mae: absolute.value,
    maeCi95: absolute.interval,
    rmse: square.value,
    rmseCi95Normal: square.interval,
    r2: coefficientOfDetermination(sums),
  }
}

function fromBucket(first: number, buckets: number): DecisionSplit {
  return { above: Float64Array.from({ length: buckets }, (_, i) => (i >= first ? 1 : 0)), exact: true }
}

function ofEstimate(one: Extract<Case, { kind: 'estimatedPerformance' }>): unknown {
  const threshold = one.bounds[one.positiveFromBucket - 1]!
  const decision = decisionSplit(one.bounds, { largestNegative: threshold })
  const estimate = estimatedPerformance({ ...one, scores: one.windowScores, decision })!
  const { confusion, metrics } = estimate
  const test = conceptDriftTest(one.expected.realisedAccuracy, estimate)
  return {
    estimate: {
      calibrated: one.baselinePositives.map((x, i) => (x + 0.5) / (x + one.baselineNegatives[i]! + 1)),
      tp: confusion.truePositives,
      fp: confusion.falsePositives,
      fn: confusion.falseNegatives,
      tn: confusion.trueNegatives,
      ...metrics,
      auc: estimate.areaUnderRocCurve,
      accuracyCi95: estimate.accuracyInterval,
      accuracyVarianceWindow: estimate.windowVariance,
      accuracyVarianceBaseline: estimate.baselineVariance,
    },
    realisedAccuracy: one.expected.realisedAccuracy,
    conceptDriftZ: test?.z,
    conceptDriftP: test?.pValue,
  }
}

function computed(one: Case): unknown {
  switch (one.kind) {
    case 'confusion':
      return ofConfusion(one.counts)
    case 'multiclass':
      return ofClasses(one.confusion)
    case 'auc':
      return ofScores(one.positives, one.negatives)
    case 'regression':
      return ofResiduals(residualSums(one.moments))
    case 'estimatedPerformance':
      return ofEstimate(one)
  }
}

describe('performance against the reference', () => {
  for (const one of cases) {
    it(`${one.kind}: ${one.name}`, () => {
      expect(deviation(computed(one), one.expected, { relative: 1e-9, absolute: 1e-12 })).toBeNull()
    })
  }
})

type QualityCase =
  | { name: string; kind: 'logLoss'; probabilitiesOfActual: number[]; expected: unknown }
  | {
      name: string
      kind: 'partialLabels'
      positives: number[]
      negatives: number[]
      scores: number[]
      positiveFromBucket: number
      expected: unknown
    }
  | {
      name: string
      kind: 'estimated'
      baselinePositives: number[]
      baselineNegatives: number[]
      scores: number[]
      positiveFromBucket: number
      expected: unknown
    }
  | { name: string; kind: 'other' }

function quality(one: QualityCase): { actual: unknown; expected: unknown } | null {
  if (one.kind === 'logLoss') {
    const losses = one.probabilitiesOfActual.map((p) => logLossOfRow(p)!)
    const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0)
    const actual = logLoss({ rows: losses.length, losses: sum(losses), squaredLosses: sum(losses.map((x) => x * x)) })
    return { actual, expected: one.expected }
  }
  if (one.kind === 'partialLabels') {
    const decision = fromBucket(one.positiveFromBucket, one.scores.length)
    const result = bucketWeightedPerformance({ ...one, decision })!
    const actual = {
      ...result.metrics,
      auc: result.areaUnderRocCurve,
      coverage: result.coverage,
      completeness: result.completeness,
      accuracyCi95: result.accuracyInterval,
    }
    return { actual, expected: one.expected }
  }
  if (one.kind === 'estimated') {
    const result = estimatedPerformance({
      ...one,
      decision: fromBucket(one.positiveFromBucket, one.scores.length),
    })!
    return { actual: { ...result.metrics, auc: result.areaUnderRocCurve }, expected: one.expected }
  }
  return null
}

describe('performance against scikit-learn with row weights', () => {
  for (const one of reference<QualityCase>('quality').cases) {
    const compared = quality(one)
    if (compared === null) continue
    it(`${one.kind}: ${one.name}`, () => {
      expect(deviation(compared.actual, compared.expected, { relative: 1e-9, absolute: 1e-12 })).toBeNull()
    })
  }
})

describe('area under the curve of histograms', () => {
  it('bounds the area of the raw scores', () => {
    for (const one of cases) {
      if (one.kind !== 'auc') continue
      const { lower, upper } = areaUnderRocCurve(one.positives, one.negatives)!
      expect(one.raw.auc, one.name).toBeGreaterThanOrEqual(lower - 1e-12)
      expect(one.raw.auc, one.name).toBeLessThanOrEqual(upper + 1e-12)
    }
  })

  const sameCells = fc
    .integer({ min: 1, max: 8 })
    .chain((k) =>
      fc.tuple(
        fc.array(fc.nat(9), { minLength: k, maxLength: k }),
        fc.array(fc.nat(9), { minLength: k, maxLength: k }),
      ),
    )
  const rowsOf = (counts: readonly number[]): number[] => counts.flatMap((count, i) => Array(count).fill(i))
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)

  it('counts pairs, and turns into its complement when the classes change places', () => {
    fc.assert(
      fc.property(sameCells, ([positives, negatives]) => {
        fc.pre(sum(positives) > 0 && sum(negatives) > 0)
        let pairs = 0
        for (const p of rowsOf(positives)) for (const n of rowsOf(negatives)) pairs += p > n ? 1 : p === n ? 0.5 : 0
        const { area } = areaUnderRocCurve(positives, negatives)!
        expect(area).toBeCloseTo(pairs / (sum(positives) * sum(negatives)), 12)
        expect(areaUnderRocCurve(negatives, positives)!.area).toBeCloseTo(1 - area, 12)
      }),
    )
  })

  it('has the standard error that DeLong defines row by row', () => {
    const placement = (x: number, others: readonly number[], sign: 1 | -1): number =>
      others.reduce((total, y) => total + (x === y ? 0.5 : Number(sign * (x - y) > 0)), 0) / others.length
    const variance = (values: readonly number[]): number => {
      const mean = sum(values) / values.length
      return sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1)
    }
    fc.assert(
      fc.property(sameCells, ([positives, negatives]) => {
        const [p, n] = [rowsOf(positives), rowsOf(negatives)]
        fc.pre(p.length > 1 && n.length > 1)
        const squared =
          variance(p.map((x) => placement(x, n, 1))) / p.length + variance(n.map((x) => placement(x, p, -1))) / n.length
        expect(delongStandardError(positives, negatives)).toBeCloseTo(Math.sqrt(squared), 10)
      }),
    )
  })

  it('has no interval where the classes are separated', () => {
    const positives = [0, 5]
    const negatives = [5, 0]
    expect(delongStandardError(positives, negatives)).toBe(0)
    expect(logitInterval(areaUnderRocCurve(positives, negatives)!.area, 0)).toBeNull()
    expect(logitInterval(0.7, 0)).toBeNull()
  })
})

describe('the decision inside the buckets', () => {
  const bounds = [0.25, 0.5, 0.75]

  it('is exact when a bound separates it', () => {
    const split = decisionSplit(bounds, { largestNegative: 0.5 })
    expect([...split.above]).toEqual([0, 0, 1, 1])
    expect(split.exact).toBe(true)
  })

  it('splits a bucket in proportion, and says so', () => {
    const split = decisionSplit(bounds, { largestNegative: 0.6 })
    expect([...split.above]).toEqual([0, 0, expect.closeTo(0.6, 12), 1])
    expect(split.exact).toBe(false)
    const estimate = estimatedPerformance({
      baselinePositives: [1, 2, 3, 4],
      baselineNegatives: [4, 3, 2, 1],
      scores: [10, 10, 10, 10],
      decision: split,
    })
    expect(estimate?.thresholdInsideBucket).toBe(true)
  })

  it('takes the rule >= by the next smaller number, and flags a layout that has only the threshold itself', () => {
    const below = 0.49999999999999994
    expect(decisionSplit([0.25, below, 0.75], { largestNegative: below })).toEqual({
      above: Float64Array.of(0, 0, 1, 1),
      exact: true,
    })
    expect(decisionSplit(bounds, { largestNegative: below }).exact).toBe(false)
  })

  it('decides all rows alike beyond the ends, and handles a layout without bounds', () => {
    expect([...decisionSplit(bounds, { largestNegative: 1 }).above]).toEqual([0, 0, 0, 0])
    expect([...decisionSplit(bounds, { largestNegative: -1 }).above]).toEqual([1, 1, 1, 1])
    expect([...decisionSplit([], { largestNegative: 0.3 }).above]).toEqual([expect.closeTo(0.7, 12)])
    expect([...decisionSplit([0, 10], { largestNegative: -5, lowest: -20, highest: 30 }).above]).toEqual([0.25, 1, 1])
  })

  it('refuses a threshold that is not a number', () => {
    expect(() => decisionSplit(bounds, { largestNegative: NaN })).toThrow(RangeError)
  })
})

describe('estimated performance', () => {
  const counts = fc.array(fc.nat(50), { minLength: 4, maxLength: 4 })

  it('keeps all rows, and its bound agrees with a forced one at the same place', () => {
    fc.assert(
      fc.property(counts, counts, counts, fc.integer({ min: 0, max: 4 }), (positives, negatives, scores, first) => {
        const estimate = estimatedPerformance({
          baselinePositives: positives,
          baselineNegatives: negatives,
          scores,
          decision: fromBucket(first, 4),
        })
        if (scores.every((count) => count === 0)) {
          expect(estimate).toBeNull()
          return
        }
        const { truePositives, falsePositives, trueNegatives, falseNegatives } = estimate!.confusion
        expect(truePositives + falsePositives + trueNegatives + falseNegatives).toBeCloseTo(estimate!.rows, 8)
        const [low, high] = estimate!.accuracyInterval
        expect(low).toBeLessThanOrEqual(estimate!.metrics.accuracy!)
        expect(high).toBeGreaterThanOrEqual(estimate!.metrics.accuracy!)
      }),
    )
  })

  it('lies between the estimates of the two bounds around a threshold inside a bucket', () => {
    const input = { baselinePositives: [2, 5, 8, 20], baselineNegatives: [30, 9, 6, 3], scores: [40, 30, 20, 10] }
    const recall = (first: number): number =>
      estimatedPerformance({ ...input, decision: fromBucket(first, 4) })!.metrics.recall!
    const split = decisionSplit([0.25, 0.5, 0.75], { largestNegative: 0.6 })
    const inside = estimatedPerformance({ ...input, decision: split })!.metrics.recall!
    expect(inside).toBeLessThan(recall(2))
    expect(inside).toBeGreaterThan(recall(3))
  })

  it('takes a bucket that the baseline never saw as half positive', () => {
    const estimate = estimatedPerformance({
      baselinePositives: [0, 0],
      baselineNegatives: [10, 0],
      scores: [0, 8],
      decision: fromBucket(1, 2),
    })
    expect(estimate?.metrics.accuracy).toBe(0.5)
    expect(estimate?.baselineVariance).toBe(0.25)
  })
})

describe('concept drift by realised minus estimated accuracy', () => {
  const estimate = estimatedPerformance({
    baselinePositives: [9, 29],
    baselineNegatives: [30, 10],
    scores: [60, 40],
    decision: fromBucket(1, 2),
  })!

  it('is not seen when the labels keep the promise, and is negative when they break it', () => {
    expect(conceptDriftTest(estimate.metrics.accuracy, estimate)?.z).toBe(0)
    expect(conceptDriftTest(estimate.metrics.accuracy, estimate)?.pValue).toBe(1)
    expect(conceptDriftTest(0.4, estimate)!.z).toBeLessThan(-5)
  })

  it('is undefined without labels, rows or numbers', () => {
    expect(conceptDriftTest(null, estimate)).toBeNull()
    expect(conceptDriftTest(0.7, null)).toBeNull()
    expect(conceptDriftTest(NaN, estimate)).toBeNull()
  })
})

describe('performance from partial labels', () => {
  it('equals the plain one when every row has its label', () => {
    const table = { positives: [3, 9, 20], negatives: [30, 8, 5] }
    const scores = table.positives.map((count, i) => count + table.negatives[i]!)
    const result = bucketWeightedPerformance({ ...table, scores, decision: fromBucket(1, 3) })!
    expect(result.metrics.accuracy).toBeCloseTo((30 + 9 + 20) / 75, 12)
    expect([result.completeness, result.coverage]).toEqual([1, 1])
  })

  it('removes the bias of labels that arrive for low scores only now and then', () => {
    // 100 rows each: nine of ten low ones and eight of ten high ones are decided rightly.
    const result = bucketWeightedPerformance({
      positives: [1, 80],
      negatives: [9, 20],
      scores: [100, 100],
      decision: fromBucket(1, 2),
    })!
    expect(result.metrics.accuracy).toBeCloseTo(0.85, 12)
    expect(result.completeness).toBe(0.55)
  })

  it('says what it can not speak for', () => {
    const result = bucketWeightedPerformance({
      positives: [0, 8],
      negatives: [0, 2],
      scores: [30, 10],
      decision: fromBucket(1, 2),
    })!
    expect(result.coverage).toBe(0.25)
    expect(result.metrics.accuracy).toBeCloseTo(0.8, 12)
  })

  it('has no interval when one label speaks for many rows, and is null without labels', () => {
    const decision = fromBucket(1, 2)
    const one = bucketWeightedPerformance({ positives: [0, 8], negatives: [1, 2], scores: [30, 10], decision })
    expect(one?.accuracyInterval).toBeNull()
    expect(bucketWeightedPerformance({ positives: [0, 0], negatives: [0, 0], scores: [3, 4], decision })).toBeNull()
    expect(bucketWeightedPerformance({ positives: [1, 0], negatives: [0, 0], scores: [0, 4], decision })).toBeNull()
  })
})

describe('offline against online', () => {
  it('is the Newcombe interval of two proportions', () => {
    const result = offlineOnlineDifference(
      { kind: 'proportion', hits: 30, rows: 100 },
      { kind: 'proportion', hits: 8, rows: 20 },
    )!
    expect(result.difference).toBeCloseTo(0.1, 12)
    expect(result.interval[0]).toBeCloseTo(-0.104983, 6)
  })

  it('mixes a proportion with a value by their errors', () => {
    const result = offlineOnlineDifference(
      { kind: 'value', value: 0.5, standardError: 0.03 },
      { kind: 'proportion', hits: 50, rows: 100 },
    )!
    expect(result.interval[1]).toBeCloseTo(1.959963984540054 * Math.hypot(0.03, 0.05), 12)
  })

  it('is null without rows or numbers', () => {
    const value = { kind: 'value', value: 0.5, standardError: 0.03 } as const
    expect(offlineOnlineDifference(value, { kind: 'proportion', hits: 0, rows: 0 })).toBeNull()
    expect(offlineOnlineDifference({ ...value, standardError: NaN }, value)).toBeNull()
  })
})

describe('metrics at the edges', () => {
  const nothing: ResidualSums = {
    rows: 0,
    residuals: 0,
    absoluteResiduals: 0,
    squaredResiduals: 0,
    actuals: 0,
    squaredActuals: 0,
  }

  it('are null without rows', () => {
    const empty = { truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0 }
    expect(Object.values(binaryMetrics(empty))).toEqual(Array(10).fill(null))
    expect(Object.values(binaryMetricIntervals(empty))).toEqual(Array(8).fill(null))
    expect(
      multiclassMetrics([
        [0, 0],
        [0, 0],
      ]),
    ).toBeNull()
    expect(multiclassMetrics([])).toBeNull()
    expect(areaUnderRocCurve([0, 0], [1, 2])).toBeNull()
    expect(delongStandardError([1, 0], [1, 2])).toBeNull()
    expect(meanError(nothing)).toBeNull()
    expect(meanAbsoluteError(nothing)).toBeNull()
    expect(rootMeanSquareError(nothing)).toBeNull()
    expect(coefficientOfDetermination(nothing)).toBeNull()
    expect(logLoss({ rows: 0, losses: 0 })).toBeNull()
    expect(meanInterval({ count: 1, sum: 2, sumOfSquares: 4 })).toBeNull()
  })

  it('have a value but no interval for one row', () => {
    const one: ResidualSums = { ...nothing, rows: 1, residuals: -2, absoluteResiduals: 2, squaredResiduals: 4 }
    expect(meanError(one)).toEqual({ value: -2, interval: null })
    expect(meanAbsoluteError(one)).toEqual({ value: 2, interval: null })
    expect(rootMeanSquareError(one)).toEqual({ value: 2, interval: null })
    expect(logLoss({ rows: 1, losses: 3, squaredLosses: 9 })).toEqual({ value: 3, interval: null })
  })

  it('are null where a number is not one', () => {
    expect(meanError({ ...nothing, rows: 3, residuals: NaN })).toBeNull()
    expect(coefficientOfDetermination({ ...nothing, rows: 3, actuals: NaN, squaredActuals: 4 })).toBeNull()
    expect(binaryMetrics({ truePositives: NaN, falsePositives: 1, trueNegatives: 1, falseNegatives: 1 })).toMatchObject(
      { accuracy: null, precision: null, f1: null, matthewsCorrelation: null, specificity: 0.5 },
    )
    expect(logLossOfRow(NaN)).toBeNull()
    expect(logLossOfRow(1.5)).toBeNull()
    expect(areaUnderRocCurve([NaN, 1], [1, 1])).toBeNull()
  })

  it('survive counts whose products overflow no double', () => {
    const huge = { truePositives: 1e100, falsePositives: 1e100, trueNegatives: 1e100, falseNegatives: 1e100 }
    expect(binaryMetrics(huge)).toMatchObject({ accuracy: 0.5, matthewsCorrelation: 0 })
  })

  it('no R squared of constant actuals, though their sums are rounded', () => {
    let actuals = 0
    let squaredActuals = 0
    for (let i = 0; i < 100_000; i++) {
      actuals += 0.1
      squaredActuals += 0.1 * 0.1
    }
    expect(
      coefficientOfDetermination({ ...nothing, rows: 100_000, squaredResiduals: 1, actuals, squaredActuals }),
    ).toBeNull()
  })

  it('R squared does not depend on the origin of the sums', () => {
    const actuals = [1, 2, 4, 8]
    const about = (origin: number): number =>
      coefficientOfDetermination({
        ...nothing,
        rows: 4,
        squaredResiduals: 3,
        actuals: actuals.reduce((sum, y) => sum + y - origin, 0),
        squaredActuals: actuals.reduce((sum, y) => sum + (y - origin) ** 2, 0),
      })!
    expect(about(0)).toBeCloseTo(about(3.75), 12)
  })

  it('no kappa when there is only one class, and none for a table that is not square', () => {
    expect(
      cohensKappa([
        [10, 0],
        [0, 0],
      ]),
    ).toBeNull()
    expect(
      cohensKappa([
        [0, 10],
        [0, 0],
      ]),
    ).toBe(0)
    expect(() => cohensKappa([[1, 2], [3]])).toThrow('row 1 of 2 classes has 1 columns')
  })

  it('name a class that was never predicted as undefined, and count it as 0 in the means', () => {
    const metrics = multiclassMetrics([
      [10, 0],
      [5, 0],
    ])!
    expect(metrics.classes[1]).toMatchObject({ support: 5, precision: null, recall: 0, f1: 0, precisionInterval: null })
    expect(metrics.macroPrecision).toBeCloseTo(1 / 3, 12)
  })
})
