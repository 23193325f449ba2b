import { describe, expect, it } from 'vitest'
import { chiSquareTest } from '../../src/stats/chi-square-test.ts'
import { clopperPearsonBounds } from '../../src/stats/clopper-pearson-bounds.ts'
import { cramerVonMisesUpperTail } from '../../src/stats/cramer-von-mises-distribution.ts'
import { cramerVonMisesStatistic } from '../../src/stats/cramer-von-mises.ts'
import { cramersV } from '../../src/stats/cramers-v.ts'
import { fisherExactPValue } from '../../src/stats/fisher-exact-test.ts'
import { gTest } from '../../src/stats/g-test.ts'
import {
  kolmogorovSmirnovPValue,
  kolmogorovSmirnovStatistic,
  kolmogorovSmirnovUpperBound,
} from '../../src/stats/kolmogorov-smirnov.ts'
import { locationShift } from '../../src/stats/location-shift.ts'
import { sampleMoments } from '../../src/stats/moments.ts'
import { newcombeInterval } from '../../src/stats/newcombe-interval.ts'
import { normalScores, standardise } from '../../src/stats/normal-scores.ts'
import { practicallyUnchangedRate, practicallyUnchangedTest } from '../../src/stats/practically-unchanged.ts'
import { rateDifferenceTest } from '../../src/stats/rate-difference-test.ts'
import { smoothedShares } from '../../src/stats/smoothed-shares.ts'
import { varianceRatioTest } from '../../src/stats/variance-ratio-test.ts'
import { meanShiftInDeviations, welchTest } from '../../src/stats/welch-test.ts'
import { wilsonInterval } from '../../src/stats/wilson-interval.ts'
import { deviation, reference } from '../reference.ts'

interface Sums {
  readonly n: number
  readonly sum: number
  readonly sumSq: number
}
interface Rate {
  readonly x: number
  readonly n: number
}
type Case =
  | { name: string; kind: 'counts'; ordered: boolean; baseline: number[]; window: number[]; expected: unknown }
  | { name: string; kind: 'moments'; baseline: Sums; window: Sums; expected: unknown }
  | { name: string; kind: 'rate'; baseline: Rate; window: Rate; expected: unknown }

const { cases } = reference<Case>('tests')

/** The names of the reference for what a test of ours returns. */
const contingency = (test: ReturnType<typeof chiSquareTest>): unknown =>
  test && { statistic: test.statistic, df: test.degreesOfFreedom, p: test.pValue }

function ofCounts(b: number[], c: number[]): unknown {
  const baselineSize = b.reduce((x, y) => x + y, 0)
  const windowSize = c.reduce((x, y) => x + y, 0)
  const unchanged = practicallyUnchangedTest(b, c, { zEta: 3 })
  const ks = kolmogorovSmirnovStatistic(b, c)!
  const cvm = cramerVonMisesStatistic(b, c)!
  const scores = normalScores(b)!
  const standardised = standardise(scores.location, smoothedShares(b))
  const shift = standardised && locationShift(standardised, c, baselineSize)
  return {
    chiSquare: contingency(chiSquareTest(b, c)),
    gTest: contingency(gTest(b, c)),
    cramersV: cramersV(b, c),
    practicallyUnchanged: unchanged && {
      ...unchanged,
      df: unchanged.degreesOfFreedom,
      zEta: 3,
      p: unchanged.pValue,
    },
    ks: {
      statistic: ks,
      p: kolmogorovSmirnovPValue(ks, baselineSize, windowSize),
      statisticUpper: kolmogorovSmirnovUpperBound(b, c),
    },
    cramerVonMises: { statistic: cvm, pAsymptotic: cramerVonMisesUpperTail(cvm) },
    normalScores: { location: [...scores.location], scale: [...scores.scale] },
    locationShift: shift && { effect: shift.effect, ci95: shift.interval, z: shift.z },
  }
}

function ofMoments(baseline: Sums, window: Sums): unknown {
  const one = sampleMoments(baseline.n, baseline.sum, baseline.sumSq)
  const two = sampleMoments(window.n, window.sum, window.sumSq)
  const test = welchTest(one, two)
  const ratio = varianceRatioTest(one, two)
  const deviationOfBaseline = Math.sqrt(baseline.sumSq / baseline.n - (baseline.sum / baseline.n) ** 2)
  const shift = meanShiftInDeviations(test, deviationOfBaseline)
  return {
    welch: test && {
      t: test.t,
      df: test.degreesOfFreedom,
      p: test.pValue,
      meanDifference: test.meanDifference,
      ci95: test.interval,
    },
    meanShiftInSd: shift && { effect: shift.effect, ci95: shift.interval },
    varianceRatio: ratio && { f: ratio.ratio, p: ratio.pValue },
  }
}

function ofRates(first: Rate, second: Rate): unknown {
  const one = { hits: first.x, rows: first.n }
  const two = { hits: second.x, rows: second.n }
  const test = rateDifferenceTest(one, two)!
  const bounds = clopperPearsonBounds(first.x, first.n, 3)
  const rate = (first.x + 0.5) / (first.n + 1)
  const tolerance = 0.05 * Math.sqrt(rate * (1 - rate))
  return {
    difference: second.x / second.n - first.x / first.n,
    newcombe95: newcombeInterval(one, two),
    windowWilson95: wilsonInterval(second.x, second.n),
    pooledZ: { z: test.z, p: test.pValue },
    fisherP: fisherExactPValue(one, two),
    baselineBounds: {
      zEta: 3,
      lower: bounds.lower,
      upper: bounds.upper,
      tau: 0.05,
      lowerWithTau: Math.max(0, bounds.lower - tolerance),
      upperWithTau: Math.min(1, bounds.upper + tolerance),
    },
    practicallyUnchangedP: practicallyUnchangedRate(second.x, second.n, bounds),
  }
}

function computed(one: Case): unknown {
  if (one.kind === 'counts') return ofCounts(one.baseline, one.window)
  return one.kind === 'moments' ? ofMoments(one.baseline, one.window) : ofRates(one.baseline, one.window)
}

/** scipy stops its series of the Cramer-von Mises limit at terms of 1e-7, so its p-values are good to about 1e-8. */
function apart(
  actual: unknown,
  expected: unknown,
): { actual: unknown; expected: unknown; limits: { actual: unknown; expected: unknown } } {
  const copy = structuredClone(expected) as { cramerVonMises?: { pAsymptotic?: number } }
  const limit = copy.cramerVonMises?.pAsymptotic
  if (limit === undefined) return { actual, expected, limits: { actual: null, expected: null } }
  delete copy.cramerVonMises!.pAsymptotic
  const own = (actual as { cramerVonMises: { pAsymptotic: number } }).cramerVonMises.pAsymptotic
  return { actual, expected: copy, limits: { actual: own, expected: limit } }
}

describe('tests and intervals against scipy and statsmodels', () => {
  for (const one of cases) {
    it(`${one.kind}: ${one.name}`, () => {
      const relative = one.name === 'large-offset' ? 1e-6 : 1e-8
      const { actual, expected, limits } = apart(computed(one), one.expected)
      expect(deviation(actual, expected, { relative, absolute: 1e-12 })).toBeNull()
      expect(deviation(limits.actual, limits.expected, { relative: 0, absolute: 2e-8 })).toBeNull()
    })
  }

  it('keeps the digits of p-values far below 1e-12', () => {
    const wrong: string[] = []
    const compare = (name: string, path: string, actual: unknown, expected: unknown): void => {
      if (typeof expected === 'number') {
        if (!/\.(p|pAsymptotic|fisherP|up|down)$/.test(path) || !(expected > 1e-290 && expected < 1e-12)) return
        // The reference takes the tail of this law as 1 - cdf, which has no digits left here.
        if (path.endsWith('.pAsymptotic')) return
        const difference = Math.log10(actual as number) - Math.log10(expected)
        if (!(Math.abs(difference) <= 1e-6)) wrong.push(`${name}${path}: expected ${expected}, got ${String(actual)}`)
      } else if (expected !== null && typeof expected === 'object') {
        for (const [key, value] of Object.entries(expected)) {
          compare(name, `${path}.${key}`, (actual as Record<string, unknown> | null)?.[key], value)
        }
      }
    }
    for (const one of cases) compare(one.name, '', computed(one), one.expected)
    expect(wrong).toEqual([])
  })
})

describe('undefined tests', () => {
  it('are null, never NaN', () => {
    expect(chiSquareTest([10, 0], [5, 0])).toBeNull()
    expect(chiSquareTest([10, 5], [0, 0])).toBeNull()
    expect(gTest([0, 0], [5, 1])).toBeNull()
    expect(cramersV([10], [10])).toBeNull()
    expect(practicallyUnchangedTest([10], [5], { zEta: 3 })).toBeNull()
    expect(welchTest(sampleMoments(1, 0, 0), sampleMoments(5, 1, 3))).toBeNull()
    expect(welchTest(sampleMoments(3, 0, 0), sampleMoments(5, 0, 0))).toBeNull()
    expect(varianceRatioTest(sampleMoments(3, 0, 0), sampleMoments(5, 0, 4))).toBeNull()
    expect(sampleMoments(0, 0, 0)).toBeNull()
    expect(sampleMoments(3, Number.NaN, 1)).toBeNull()
    expect(wilsonInterval(0, 0)).toBeNull()
    expect(newcombeInterval({ hits: 1, rows: 2 }, { hits: 0, rows: 0 })).toBeNull()
    expect(rateDifferenceTest({ hits: 0, rows: 0 }, { hits: 1, rows: 2 })).toBeNull()
    expect(fisherExactPValue({ hits: 0, rows: 0 }, { hits: 1, rows: 2 })).toBeNull()
    expect(practicallyUnchangedRate(0, 0, { lower: 0, upper: 1 })).toBeNull()
    expect(normalScores([0, 0])).toBeNull()
    expect(standardise([1, 1], [0.5, 0.5])).toBeNull()
  })
})
