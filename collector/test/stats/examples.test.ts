import { describe, expect, it } from 'vitest'
import { binomialAtLeast, binomialAtMost } from '../../src/stats/binomial-distribution.ts'
import {
  chiSquareLowerQuantile,
  chiSquareUpperQuantile,
  chiSquareUpperTail,
} from '../../src/stats/chi-square-distribution.ts'
import { chiSquareTest } from '../../src/stats/chi-square-test.ts'
import { clopperPearsonBounds } from '../../src/stats/clopper-pearson-bounds.ts'
import { cramerVonMisesUpperTail } from '../../src/stats/cramer-von-mises-distribution.ts'
import { cramerVonMisesStatistic } from '../../src/stats/cramer-von-mises.ts'
import { cramersV } from '../../src/stats/cramers-v.ts'
import { energyDistance } from '../../src/stats/energy-distance.ts'
import { fLowerTail, fUpperQuantile, fUpperTail } from '../../src/stats/f-distribution.ts'
import { fisherExactPValue } from '../../src/stats/fisher-exact-test.ts'
import { gTest } from '../../src/stats/g-test.ts'
import { hellingerDistance } from '../../src/stats/hellinger-distance.ts'
import { jensenShannonDistance, jensenShannonDivergence } from '../../src/stats/jensen-shannon-divergence.ts'
import { kolmogorovUpperTail } from '../../src/stats/kolmogorov-distribution.ts'
import {
  kolmogorovSmirnovPValue,
  kolmogorovSmirnovStatistic,
  kolmogorovSmirnovUpperBound,
} from '../../src/stats/kolmogorov-smirnov.ts'
import { kullbackLeiblerDivergence } from '../../src/stats/kullback-leibler-divergence.ts'
import { largestShareDifference } from '../../src/stats/largest-share-difference.ts'
import { locationShift } from '../../src/stats/location-shift.ts'
import { logGamma } from '../../src/stats/log-gamma.ts'
import { sampleMoments } from '../../src/stats/moments.ts'
import { newcombeInterval } from '../../src/stats/newcombe-interval.ts'
import {
  noncentralChiSquareUpperQuantile,
  noncentralChiSquareUpperTail,
} from '../../src/stats/noncentral-chi-square-distribution.ts'
import { normalLogUpperTail, normalQuantile, normalUpperTail } from '../../src/stats/normal-distribution.ts'
import { normalScores, standardise } from '../../src/stats/normal-scores.ts'
import { calibratePValue } from '../../src/stats/p-value-calibrator.ts'
import {
  populationStabilityIndex,
  populationStabilityIndexExpected,
} from '../../src/stats/population-stability-index.ts'
import { practicallyUnchangedRate, practicallyUnchangedTest } from '../../src/stats/practically-unchanged.ts'
import { rateDifferenceTest } from '../../src/stats/rate-difference-test.ts'
import { smoothedShares } from '../../src/stats/smoothed-shares.ts'
import { studentFactor95, studentUpperTail } from '../../src/stats/student-distribution.ts'
import { totalVariationDistance } from '../../src/stats/total-variation-distance.ts'
import { varianceRatioTest } from '../../src/stats/variance-ratio-test.ts'
import { wassersteinDistance } from '../../src/stats/wasserstein-distance.ts'
import { meanShiftInDeviations, welchTest } from '../../src/stats/welch-test.ts'
import { wilsonInterval } from '../../src/stats/wilson-interval.ts'

/** Every @example of the folder, with the value that its documentation states. */
const examples: readonly (readonly [string, unknown, unknown])[] = [
  ['normalUpperTail', normalUpperTail(1.959963984540054), 0.025],
  ['normalLogUpperTail', normalLogUpperTail(40), -804.6084420137538],
  ['normalQuantile', normalQuantile(0.975), 1.959963984540054],
  ['chiSquareUpperTail', chiSquareUpperTail(3.841458820694124, 1), 0.05],
  ['chiSquareUpperQuantile', chiSquareUpperQuantile(0.05, 1), 3.841458820694124],
  ['chiSquareLowerQuantile', chiSquareLowerQuantile(0.1, 9), 4.168159008146109],
  ['logGamma', logGamma(10), 12.801827480081469],
  ['noncentralChiSquareUpperTail', noncentralChiSquareUpperTail(20, 9, 1), 0.0345087],
  ['noncentralChiSquareUpperQuantile', noncentralChiSquareUpperQuantile(0.01, 9, 1), 23.96178],
  ['studentUpperTail', studentUpperTail(2, 5), 0.05096974],
  ['studentFactor95', studentFactor95(10), 2.2281389],
  ['fUpperTail', fUpperTail(2, 10, 10), 0.1448458],
  ['fUpperQuantile', fUpperQuantile(0.1, 10, 10), 2.3226039],
  ['binomialAtLeast', binomialAtLeast(3, 10, 0.1), 0.0701908264],
  ['binomialAtMost', binomialAtMost(0, 10, 0.1), 0.3486784401],
  ['kolmogorovUpperTail', kolmogorovUpperTail(1.3580986393225507), 0.05],
  ['cramerVonMisesUpperTail', cramerVonMisesUpperTail(0.46136), 0.0500004],
  ['smoothedShares', [...smoothedShares([3, 0])], [0.875, 0.125]],
  ['populationStabilityIndex', populationStabilityIndex([50, 50], [50, 50]), 0],
  ['populationStabilityIndexExpected', populationStabilityIndexExpected(100, 1000, 5), 0.044],
  ['kullbackLeiblerDivergence', kullbackLeiblerDivergence([3, 1], [1, 3]), 0.3389191],
  ['jensenShannonDivergence', jensenShannonDivergence([1, 0], [0, 1]), 0.6931471805599453],
  ['jensenShannonDistance', jensenShannonDistance([1, 0], [0, 1]), 1],
  ['hellingerDistance', hellingerDistance([1, 0], [0, 1]), 1],
  ['totalVariationDistance', totalVariationDistance([70, 30], [60, 40]), 0.1],
  ['largestShareDifference', largestShareDifference([50, 30, 20], [60, 30, 10]), 0.1],
  ['kolmogorovSmirnovStatistic', kolmogorovSmirnovStatistic([10, 10], [15, 5]), 0.25],
  ['kolmogorovSmirnovUpperBound', kolmogorovSmirnovUpperBound([10, 10], [15, 5]), 0.75],
  ['kolmogorovSmirnovPValue', kolmogorovSmirnovPValue(0.25, 20, 20), 0.5595597],
  [
    'wassersteinDistance',
    wassersteinDistance(
      { bounds: [1], counts: [10, 0], min: 0, max: 1 },
      { bounds: [1], counts: [0, 10], min: 1, max: 2 },
    ),
    1,
  ],
  [
    'energyDistance',
    energyDistance({ bounds: [1], counts: [10, 0], min: 0, max: 0 }, { bounds: [1], counts: [0, 10], min: 2, max: 2 }),
    2,
  ],
  ['cramerVonMisesStatistic', cramerVonMisesStatistic([10, 10], [15, 5]), 0.390625],
  [
    'chiSquareTest',
    chiSquareTest([900, 100], [80, 20]),
    { statistic: 9.3537415, degreesOfFreedom: 1, pValue: 0.0022253 },
  ],
  ['cramersV', cramersV([10, 0], [0, 10]), 1],
  ['gTest', gTest([900, 100], [80, 20]), { statistic: 7.8965191, degreesOfFreedom: 1, pValue: 0.004953 }],
  ['practicallyUnchangedTest', practicallyUnchangedTest([500, 500], [60, 40], { zEta: 3 })?.pValue, 0.1632494],
  ['practicallyUnchangedRate', practicallyUnchangedRate(3, 10, { lower: 0.05, upper: 0.1 })?.up, 0.0701908264],
  ['clopperPearsonBounds', clopperPearsonBounds(0, 100, 1.959963984540054), { lower: 0, upper: 0.0362167 }],
  ['wilsonInterval', wilsonInterval(12, 20), [0.3865815, 0.7811935]],
  ['newcombeInterval', newcombeInterval({ hits: 30, rows: 100 }, { hits: 8, rows: 20 }), [-0.104983, 0.3282909]],
  ['rateDifferenceTest', rateDifferenceTest({ hits: 100, rows: 10000 }, { hits: 15, rows: 500 })?.z, 4.1933149],
  ['fisherExactPValue', fisherExactPValue({ hits: 10, rows: 1000 }, { hits: 1, rows: 3 }), 0.0325739],
  ['sampleMoments', sampleMoments(3, 6, 14), { count: 3, meanFromOrigin: 2, variance: 1 }],
  ['varianceRatioTest', varianceRatioTest(sample(0), sample(0)), { ratio: 1, pValue: 1 }],
  ['normalScores', [...normalScores([1, 1])!.location], [-0.7978845608028654, 0.7978845608028654]],
  ['standardise', [...standardise([0, 2], [0.5, 0.5])!], [-1, 1]],
  ['locationShift', locationShift([-1.2, 0.3, 1.2], [0, 10, 0], 1000)?.effect, 0.3],
  ['calibratePValue', calibratePValue(1), 0.4],
  ['welchTest', welchTest({ ...sample(0), count: 5, variance: 2.5 }, { ...sample(1), count: 5, variance: 2.5 })?.t, 1],
]

function sample(meanFromOrigin: number): { count: number; meanFromOrigin: number; variance: number } {
  return { count: 11, meanFromOrigin, variance: 1 }
}

function expectClose(actual: unknown, expected: unknown): void {
  if (typeof expected === 'number') {
    expect(actual).toBeCloseTo(expected, 6)
    return
  }
  for (const [key, value] of Object.entries(expected as object))
    expectClose((actual as Record<string, unknown>)[key], value)
}

describe('examples of the documentation', () => {
  for (const [name, actual, expected] of examples) it(name, () => expectClose(actual, expected))
})

describe('facts that tie the functions together', () => {
  it('the two series of the Cramer-von Mises limit meet', () => {
    expect(cramerVonMisesUpperTail(0.3 - 1e-12)).toBeCloseTo(cramerVonMisesUpperTail(0.3), 10)
  })

  it('the two series of the Kolmogorov limit meet', () => {
    expect(kolmogorovUpperTail(0.8 - 1e-12)).toBeCloseTo(kolmogorovUpperTail(0.8), 10)
  })

  it('the t factor does not jump where the expansion takes over', () => {
    expect(studentFactor95(200) / studentFactor95(199.9999999)).toBeCloseTo(1, 9)
    expect(studentFactor95(1e12)).toBeCloseTo(1.959963984540054, 9)
  })

  it('the non-central chi-square does not jump where the approximation takes over', () => {
    for (const x of [1e6 - 4000, 1e6 + 3000, 1e6 + 12_000]) {
      const series = noncentralChiSquareUpperTail(x, 9, 1e6)
      const approximation = noncentralChiSquareUpperTail(x, 9, 1e6 + 1e-3)
      expect(Math.abs(approximation / series - 1)).toBeLessThan(1e-4)
    }
  })

  it('tails add up to 1', () => {
    for (const f of [0.3, 1, 2.5]) expect(fLowerTail(f, 7, 12) + fUpperTail(f, 7, 12)).toBeCloseTo(1, 12)
    for (const k of [0, 3, 9]) expect(binomialAtMost(k, 10, 0.3) + binomialAtLeast(k + 1, 10, 0.3)).toBeCloseTo(1, 12)
  })

  it('binomial tails at the ends are certain or impossible', () => {
    expect([
      binomialAtLeast(0, 5, 0.1),
      binomialAtLeast(6, 5, 0.1),
      binomialAtLeast(1, 5, 0),
      binomialAtLeast(1, 5, 1),
    ]).toEqual([1, 0, 0, 1])
    expect([
      binomialAtMost(5, 5, 0.1),
      binomialAtMost(-1, 5, 0.1),
      binomialAtMost(1, 5, 0),
      binomialAtMost(1, 5, 1),
    ]).toEqual([1, 0, 1, 0])
  })

  it('a mean shift in standard deviations is the mean difference over the standard deviation', () => {
    const test = welchTest(sample(0), sample(3))
    expect(meanShiftInDeviations(test, 2)?.effect).toBe(1.5)
    expect(meanShiftInDeviations(test, 0)).toBeNull()
  })
})
