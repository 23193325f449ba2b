import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brierScore } from '../../src/stats/brier-score.ts'
import { calibrationInTheLarge } from '../../src/stats/calibration-in-the-large.ts'
import {
  expectedCalibrationError,
  expectedCalibrationErrorByChance,
} from '../../src/stats/expected-calibration-error.ts'
import { hosmerLemeshowTest } from '../../src/stats/hosmer-lemeshow-test.ts'
import { maximumCalibrationError } from '../../src/stats/maximum-calibration-error.ts'
import { murphyDecomposition } from '../../src/stats/murphy-decomposition.ts'
import { reliabilityBuckets, type ReliabilityBuckets } from '../../src/stats/reliability-buckets.ts'
import { spiegelhalterTest } from '../../src/stats/spiegelhalter-test.ts'
import { deviation, reference } from '../reference.ts'

interface Case {
  readonly name: string
  readonly bucketScore: 'mean' | 'midpoint'
  readonly bounds: number[]
  readonly counts: number[]
  readonly positives: number[]
  readonly scoreSums: number[]
  readonly accumulators: { n: number; sumSqScore: number; sumScorePositives: number; positives: number }
  readonly expected: unknown
}

const { cases } = reference<Case>('calibration')

function measures(buckets: ReliabilityBuckets): Record<string, unknown> {
  const parts = murphyDecomposition(buckets)
  const test = hosmerLemeshowTest(buckets)
  const spiegelhalter = spiegelhalterTest(buckets)
  return {
    expectedCalibrationError: expectedCalibrationError(buckets),
    maximumCalibrationError: maximumCalibrationError(buckets),
    eceExpectedNull: expectedCalibrationErrorByChance(buckets),
    reliability: parts?.reliability ?? null,
    resolution: parts?.resolution ?? null,
    uncertainty: parts?.uncertainty ?? null,
    brierFromBuckets: parts?.score ?? null,
    // The reference says "no bucket contributed" by no degrees of freedom and no p-value.
    hosmerLemeshow: {
      statistic: test?.statistic ?? 0,
      df: test?.degreesOfFreedom ?? 0,
      p: test?.pValue ?? null,
    },
    spiegelhalterZ: spiegelhalter?.z ?? null,
    spiegelhalterP: spiegelhalter?.pValue ?? null,
    calibrationInTheLarge: calibrationInTheLarge(buckets),
  }
}

describe('calibration against the reference', () => {
  for (const one of cases) {
    it(one.name, () => {
      const { scoreSums, accumulators, ...histogram } = one
      const buckets = reliabilityBuckets(one.bucketScore === 'mean' ? { ...histogram, scoreSums } : histogram)
      const actual = {
        ...measures(buckets),
        brierFromAccumulators: brierScore({
          rows: accumulators.n,
          positives: accumulators.positives,
          squaredScores: accumulators.sumSqScore,
          positiveScores: accumulators.sumScorePositives,
        }),
      }
      expect(deviation(actual, one.expected, { relative: 1e-9, absolute: 1e-12 })).toBeNull()
    })
  }
})

const bounds = [0.1, 0.25, 0.5, 0.9]
const labelledRows = fc.array(
  fc.record({
    score: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.25, 1)),
    positive: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
)

function histogramOf(rows: readonly { readonly score: number; readonly positive: boolean }[]) {
  const counts = [0, 0, 0, 0, 0]
  const positives = [0, 0, 0, 0, 0]
  const scoreSums = [0, 0, 0, 0, 0]
  for (const { score, positive } of rows) {
    const cell = bounds.filter((bound) => bound < score).length
    counts[cell]!++
    if (positive) positives[cell]!++
    scoreSums[cell]! += score
  }
  return { bounds, counts, positives, scoreSums }
}

describe('any labelled rows', () => {
  it('have a Brier score within the bound of the one from their buckets, with means and with midpoints', () => {
    fc.assert(
      fc.property(labelledRows, (rows) => {
        const exact = rows.reduce((sum, { score, positive }) => sum + (score - Number(positive)) ** 2, 0) / rows.length
        const histogram = histogramOf(rows)
        const { scoreSums: _, ...withoutSums } = histogram
        for (const input of [histogram, withoutSums]) {
          const parts = murphyDecomposition(reliabilityBuckets(input))!
          expect(Math.abs(parts.score - exact)).toBeLessThanOrEqual(parts.errorBound + 1e-12)
        }
        const sums = {
          rows: rows.length,
          positives: rows.filter((row) => row.positive).length,
          squaredScores: rows.reduce((sum, { score }) => sum + score * score, 0),
          positiveScores: rows.reduce((sum, { score, positive }) => sum + (positive ? score : 0), 0),
        }
        expect(brierScore(sums)).toBeCloseTo(exact, 12)
      }),
    )
  })

  it('order the measures: in the large at most expected, expected at most maximum', () => {
    fc.assert(
      fc.property(labelledRows, (rows) => {
        const buckets = reliabilityBuckets(histogramOf(rows))
        const expected = expectedCalibrationError(buckets)!
        expect(Math.abs(calibrationInTheLarge(buckets)!)).toBeLessThanOrEqual(expected + 1e-12)
        expect(expected).toBeLessThanOrEqual(maximumCalibrationError(buckets)! + 1e-12)
      }),
    )
  })

  it('give numbers or null, never NaN', () => {
    fc.assert(
      fc.property(labelledRows, (rows) => {
        const text = JSON.stringify(Object.values(measures(reliabilityBuckets(histogramOf(rows)))), (_, value) =>
          typeof value === 'number' && !Number.isFinite(value) ? 'not finite' : value,
        )
        expect(text).not.toContain('not finite')
      }),
    )
  })
})

describe('calibration of buckets at the edges', () => {
  it('is null without rows', () => {
    const empty = reliabilityBuckets({ bounds: [0.5], counts: [0, 0], positives: [0, 0] })
    expect([
      expectedCalibrationError(empty),
      expectedCalibrationErrorByChance(empty),
      maximumCalibrationError(empty),
      murphyDecomposition(empty),
      hosmerLemeshowTest(empty),
      spiegelhalterTest(empty),
      calibrationInTheLarge(empty),
      brierScore({ rows: 0, positives: 0, squaredScores: 0, positiveScores: 0 }),
    ]).toEqual(Array(8).fill(null))
  })

  it('is null when a score sum is not a number', () => {
    const broken = reliabilityBuckets({ bounds: [0.5], counts: [3, 4], positives: [1, 3], scoreSums: [NaN, 3] })
    expect([
      expectedCalibrationError(broken),
      expectedCalibrationErrorByChance(broken),
      maximumCalibrationError(broken),
      murphyDecomposition(broken),
      hosmerLemeshowTest(broken),
      spiegelhalterTest(broken),
      calibrationInTheLarge(broken),
    ]).toEqual(Array(7).fill(null))
  })

  it('leaves scores of 0 and 1 out of the tests but not out of the errors', () => {
    const buckets = reliabilityBuckets({ bounds: [0.5], counts: [10, 10], positives: [1, 7], scoreSums: [0, 8] })
    expect(hosmerLemeshowTest(buckets)?.degreesOfFreedom).toBe(1)
    expect(spiegelhalterTest(buckets)?.z).toBeCloseTo(0.6 / Math.sqrt(10 * 0.36 * 0.16), 12)
    expect(maximumCalibrationError(buckets)).toBeCloseTo(0.1, 12)
  })

  it('has no Spiegelhalter test when every score is a half', () => {
    const buckets = reliabilityBuckets({ bounds: [], counts: [10], positives: [1], scoreSums: [5] })
    expect(spiegelhalterTest(buckets)).toBeNull()
  })

  it('takes midpoints of the part of a bucket inside [0, 1]', () => {
    const buckets = reliabilityBuckets({ bounds: [-1e-300, 0.5, 1], counts: [1, 1, 1, 1], positives: [0, 0, 0, 0] })
    expect(Array.from(buckets.scores)).toEqual([0, 0.25, 0.75, 1])
    expect(Array.from(buckets.widths)).toEqual([0, 0.5, 0.5, 0])
  })

  it('refuses bounds that do not fit', () => {
    expect(() => reliabilityBuckets({ bounds: [0.5], counts: [1], positives: [1] })).toThrow('need 0 bounds, got 1')
    expect(() => reliabilityBuckets({ bounds: [0.5], counts: [1, 2], positives: [1] })).toThrow('2 and 1 cells')
  })
})
