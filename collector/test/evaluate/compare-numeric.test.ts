import type { NumericSummary } from '@driftline/instrumentation/contract'
import { describe, expect, it } from 'vitest'
import { compareNumeric } from '../../src/evaluate/compare-numeric.ts'
import type { NumericDistribution } from '../../src/evaluate/window-counts.ts'
import { deviation, reference } from '../reference.ts'

interface Side {
  readonly bounds: number[]
  readonly counts: number[]
  readonly n: number
  readonly sum?: number
  readonly sumSq?: number
  readonly min: number
  readonly max: number
}
interface Case {
  readonly name: string
  readonly kind: string
  readonly baseline: Side
  readonly window: Side
  readonly expected: Record<string, number | null>
}

function summary(side: Side): NumericSummary {
  const mean = (side.sum ?? 0) / side.n
  const variance = side.sumSq === undefined ? 1 : Math.max(0, side.sumSq / side.n - mean * mean)
  return { bounds: side.bounds, counts: side.counts, values: side.n, mean, variance, min: side.min, max: side.max }
}

/** Sums about the baseline mean, as the recorder sends them. */
function distribution(side: Side, origin: number): NumericDistribution {
  const { counts, n, sum = Number.NaN, sumSq = Number.NaN, min, max } = side
  return {
    kind: 'numeric',
    counts: Float64Array.from(counts),
    values: n,
    sum: sum - n * origin,
    sumOfSquares: sumSq - 2 * origin * sum + n * origin * origin,
    min,
    max,
  }
}

const zEta = 3.5
const cases = reference<Case>('distances').cases.filter(({ kind }) => kind === 'numeric')
const names: Readonly<Record<string, string>> = {
  psi: 'psi',
  psiExpectedNull: 'psiExpectedNull',
  kl: 'klWindowBaseline',
  klReverse: 'klBaselineWindow',
  jsDivergence: 'jsDivergenceNats',
  hellinger: 'hellinger',
  totalVariation: 'totalVariation',
  lInfinity: 'lInfinity',
  ks: 'ks',
  ksUpper: 'ksUpperBound',
  wasserstein: 'wasserstein',
  wassersteinErrorBound: 'wassersteinErrorBound',
  energy: 'energyDistance',
}

describe('a numeric comparison', () => {
  it('shows the distances of the reference from 20 values on, under the names that rules use', () => {
    for (const one of cases) {
      const baseline = summary(one.baseline)
      const { distances } = compareNumeric(baseline, distribution(one.window, baseline.mean), { zEta })
      if (one.window.n < 20) {
        expect(
          Object.values(distances).every((value) => value === null),
          one.name,
        ).toBe(true)
        continue
      }
      for (const [name, expected] of Object.entries(names)) {
        const wrong = deviation(distances[name], one.expected[expected], { relative: 1e-9, absolute: 1e-12 })
        expect(wrong, `${one.name} ${name}`).toBeNull()
      }
      if (one.baseline.sumSq !== undefined) {
        // The variance of a baseline file is its own; here it is recovered from sums about 0 and loses digits.
        const wrong = deviation(distances['wassersteinNormalised'], one.expected['wassersteinNormalised'], {
          relative: 1e-6,
          absolute: 1e-12,
        })
        expect(wrong, one.name).toBeNull()
      }
    }
  })

  const baseline = summary({
    bounds: [-2, -1, 0, 1, 2],
    counts: [0, 1000, 4000, 4000, 1000, 0],
    n: 10_000,
    sum: 0,
    sumSq: 10_000,
    min: -1.99,
    max: 2,
  })
  const window = (counts: number[], sum: number, sumSq: number): NumericDistribution =>
    distribution({ bounds: [], counts, n: counts.reduce((a, b) => a + b, 0), sum, sumSq, min: -1.9, max: 1.9 }, 0)

  it('of equal shares finds nothing', () => {
    const { effect, pValue, tests } = compareNumeric(baseline, window([0, 50, 200, 200, 50, 0], 0, 500), { zEta })
    expect(effect).toMatchObject({ kind: 'location-shift', unit: 'sd', of: null })
    expect(effect!.value).toBeCloseTo(0, 10)
    expect(pValue).toBe(1)
    expect(tests['welch']).toMatchObject({ statistic: 0, pValue: 1 })
    expect(tests['varianceRatio']!.note).toBe('normal data only')
    expect(tests['practicallyUnchanged']!.pValue).toBeGreaterThan(0.9)
  })

  it('of a shifted window gives an effect whose interval leaves 0 out, and small p-values', () => {
    const { effect, pValue, tests } = compareNumeric(baseline, window([0, 10, 100, 250, 140, 0], 250, 600), { zEta })
    expect(effect!.interval![0]).toBeGreaterThan(0.3)
    expect(effect!.value).toBe(tests['locationShift']!.statistic)
    for (const name of ['chiSquare', 'gTest', 'ks', 'cramerVonMises', 'welch'])
      expect(tests[name]!.pValue, name).toBeLessThan(1e-6)
    const single = Object.values(tests).flatMap((test) => (typeof test.pValue === 'number' ? [test.pValue] : []))
    expect(single.length).toBe(7)
    expect(pValue).toBe(Math.min(1, 7 * Math.min(...single)))
  })

  it('makes no chi-square test on cells that can not be merged to an expected count of 5', () => {
    const rare = summary({
      ...baseline,
      bounds: [-2, -1, 0, 1, 2],
      counts: [0, 9990, 10, 0, 0, 0],
      n: 10_000,
      sum: 0,
      sumSq: 10_000,
    })
    const { tests } = compareNumeric(rare, window([0, 100, 1, 0, 0, 0], 0, 100), { zEta })
    expect(tests['chiSquare']).toEqual({ statistic: null, note: 'fewer than two cells with an expected count of 5' })
    expect(tests['ks']!.pValue).toBeGreaterThan(0)
  })

  it('below 20 values shows neither distances nor tests', () => {
    const { distances, tests, effect, pValue } = compareNumeric(baseline, window([0, 0, 9, 10, 0, 0], 1, 9), { zEta })
    expect(Object.values(distances).every((value) => value === null)).toBe(true)
    expect(Object.values(tests).every(({ statistic }) => statistic === null)).toBe(true)
    expect([effect, pValue]).toEqual([null, null])
  })

  it('against a constant baseline says which share lies beyond it', () => {
    const constant = summary({
      bounds: [0.9999999999999999, 1],
      counts: [0, 1000, 0],
      n: 1000,
      sum: 1000,
      sumSq: 1000,
      min: 1,
      max: 1,
    })
    const { effect, distances, tests } = compareNumeric(constant, window([0, 90, 10], 15, 40), { zEta })
    expect(effect).toMatchObject({
      kind: 'rate-difference',
      unit: 'share',
      value: 0.1,
      of: 'values above the baseline',
    })
    expect(distances['wassersteinNormalised']).toBeNull()
    expect(distances['wasserstein']).toBeGreaterThan(0)
    expect(tests['locationShift']).toEqual({ statistic: null, note: 'constant-baseline' })
    expect(tests['varianceRatio']!.statistic).toBeNull()
  })

  it('without sums makes no tests of moments', () => {
    const { tests } = compareNumeric(baseline, window([0, 50, 200, 200, 50, 0], Number.NaN, Number.NaN), { zEta })
    expect(tests['welch']).toEqual({ statistic: null, note: 'no sums were sent' })
    expect(tests['varianceRatio']).toEqual({ statistic: null, note: 'no sums were sent' })
    expect(tests['chiSquare']!.pValue).toBe(1)
  })
})
