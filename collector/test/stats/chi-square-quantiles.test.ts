import { describe, expect, it } from 'vitest'
import { chiSquareLowerQuantile, chiSquareUpperQuantile } from '../../src/stats/chi-square-distribution.ts'
import { deviation, reference } from '../reference.ts'

interface Case {
  readonly name: string
  readonly kind: string
  readonly degreesOfFreedom: number
  readonly probability: number
  readonly expected: { lower: number; upper: number }
}

describe('chi-square quantiles against scipy, at few and at many degrees of freedom', () => {
  it('keep nine digits, where beyond 1700 degrees they used to keep four', () => {
    const wrong = reference<Case>('quality')
      .cases.filter(({ kind }) => kind === 'chiSquareQuantile')
      .map(({ name, degreesOfFreedom, probability, expected }) => {
        const actual = {
          lower: chiSquareLowerQuantile(probability, degreesOfFreedom),
          upper: chiSquareUpperQuantile(probability, degreesOfFreedom),
        }
        return deviation(actual, expected, { relative: 1e-9, absolute: 1e-300 }, name)
      })
      .filter((text) => text !== null)
    expect(wrong).toEqual([])
  })
})
