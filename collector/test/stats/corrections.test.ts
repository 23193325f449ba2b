import { describe, expect, it } from 'vitest'
import { benjaminiHochberg } from '../../src/stats/benjamini-hochberg.ts'
import { bonferroni } from '../../src/stats/bonferroni.ts'
import { deviation, reference } from '../reference.ts'

interface Case {
  readonly pValues: number[]
  readonly benjaminiHochberg: number[]
  readonly bonferroni: number[]
}
const tolerance = { relative: 1e-12, absolute: 0 }

describe('corrections of p-values', () => {
  it('agree with scipy and statsmodels', () => {
    const { cases } = reference<Case>('corrections')
    expect(cases.length).toBeGreaterThan(5)
    for (const one of cases) {
      expect(deviation(benjaminiHochberg(one.pValues), one.benjaminiHochberg, tolerance)).toBeNull()
      expect(deviation(bonferroni(one.pValues), one.bonferroni, tolerance)).toBeNull()
      expect(benjaminiHochberg(one.pValues)).toHaveLength(one.pValues.length)
    }
  })

  it('give the values of their examples', () => {
    expect(benjaminiHochberg([0.01, 0.04, 0.03])).toEqual([0.03, 0.04, 0.04])
    expect(bonferroni([0.01, 0.04, 0.5])).toEqual([0.03, 0.12, 1])
  })

  it('refuse what is no p-value, instead of ranking it', () => {
    for (const wrong of [Number.NaN, -0.1, 1.1]) expect(() => benjaminiHochberg([0.5, wrong])).toThrow(RangeError)
  })
})
