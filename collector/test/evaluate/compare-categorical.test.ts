import { describe, expect, it } from 'vitest'
import type { CategoricalSummary } from '@driftline/instrumentation/contract'
import { compareCategorical } from '../../src/evaluate/compare-categorical.ts'
import { deviation, reference } from '../reference.ts'

interface Case {
  readonly name: string
  readonly kind: string
  readonly baseline: Record<string, number>
  readonly window: Record<string, number>
  readonly alignedKeys: string[]
  readonly expected: Record<string, number>
}

const zEta = 3.5

function summary(categories: string[], counts: number[]): CategoricalSummary {
  return { categories, counts, values: counts.reduce((a, b) => a + b, 0) }
}

function compare(baseline: CategoricalSummary, counts: number[]) {
  const window = {
    kind: 'categorical' as const,
    counts: Float64Array.from(counts),
    values: counts.reduce((a, b) => a + b, 0),
  }
  return compareCategorical(baseline, window, { zEta })
}

describe('a categorical comparison', () => {
  it('shows the distances of the reference; an empty category or _OTHER is none', () => {
    for (const one of reference<Case>('distances').cases) {
      if (one.kind !== 'categorical') continue
      const keys = one.alignedKeys.filter((key) => key !== '_OTHER')
      const baseline = summary(
        [...keys, 'never'],
        [...keys.map((key) => one.baseline[key] ?? 0), 0, one.baseline['_OTHER'] ?? 0],
      )
      const counts = [...keys.map((key) => one.window[key] ?? 0), 0, one.window['_OTHER'] ?? 0]
      const { distances } = compare(baseline, counts)
      if (counts.reduce((a, b) => a + b, 0) < 20) {
        expect(
          Object.values(distances).every((value) => value === null),
          one.name,
        ).toBe(true)
        continue
      }
      const actual = {
        psi: distances['psi'],
        psiExpectedNull: distances['psiExpectedNull'],
        klWindowBaseline: distances['kl'],
        klBaselineWindow: distances['klReverse'],
        jsDivergenceNats: distances['jsDivergence'],
        jsDistanceBase2: distances['jsDistance'],
        hellinger: distances['hellinger'],
        totalVariation: distances['totalVariation'],
        lInfinity: distances['lInfinity'],
      }
      const { jsDistanceNats: _, ...expected } = one.expected
      expect(deviation(actual, expected, { relative: 1e-9, absolute: 1e-12 }), one.name).toBeNull()
    }
  })

  it('names the category that moved most, with an interval', () => {
    const { effect, pValue, tests } = compare(summary(['blue', 'red'], [500, 500, 0]), [140, 60, 0])
    expect(effect).toMatchObject({ kind: 'rate-difference', unit: 'share', of: 'blue' })
    expect(effect!.value).toBeCloseTo(0.2, 12)
    expect(effect!.interval![0]).toBeGreaterThan(0)
    expect(pValue).toBeLessThan(1e-5)
    expect(tests['chiSquare']!.statistic).toBeCloseTo(tests['rateDifference']!.statistic! ** 2, 8)
  })

  it('names unseen categories', () => {
    const { effect } = compare(summary(['blue', 'red'], [500, 500, 0]), [90, 90, 20])
    expect(effect).toMatchObject({ of: '_OTHER', value: 0.1 })
  })

  it('tests two categories exactly when one of them is rare', () => {
    const { tests } = compare(summary(['false', 'true'], [9990, 10, 0]), [95, 5, 0])
    expect(tests['chiSquare']!.statistic).toBeNull()
    expect(tests['rateDifference']!.note).toBe("Fisher's exact test")
    expect(tests['rateDifference']!.pValue).toBeGreaterThan(0)
    expect(tests['rateDifference']!.pValue).toBeLessThan(1e-6)
  })

  it('below 20 values shows neither distances nor tests', () => {
    const { distances, tests, effect, pValue } = compare(summary(['a', 'b'], [500, 500, 0]), [10, 9, 0])
    expect(Object.values(distances).every((value) => value === null)).toBe(true)
    expect(tests['chiSquare']).toEqual({ statistic: null, note: 'fewer than 20 values' })
    expect([effect, pValue]).toEqual([null, null])
  })
})
