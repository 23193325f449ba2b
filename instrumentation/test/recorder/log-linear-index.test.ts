import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exponentialIndex } from '../../src/contract/index.ts'
import { learningIndex, learningScale } from '../../src/recorder/log-linear-index.ts'

describe('the learning index', () => {
  it('is the exponential index, but for what a logarithm loses next to a bound', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -64, max: 2 ** 70, noNaN: true }), (magnitude) => {
        const near = [magnitude * (1 - 1e-13), magnitude, magnitude * (1 + 1e-13)]
        const allowed = near.map((value) => exponentialIndex(value, learningScale))
        expect(allowed).toContain(learningIndex(magnitude))
      }),
      { numRuns: 2000 },
    )
  })

  it('puts powers of two and the bounds between them into the cell that ends with them', () => {
    for (let exponent = -64; exponent <= 64; exponent++) {
      expect(learningIndex(2 ** exponent)).toBe(8 * exponent - 1)
      expect(learningIndex(2 ** exponent * (1 + Number.EPSILON))).toBe(8 * exponent)
    }
    for (let cell = 1; cell < 8; cell++) {
      const bound = 2 ** (cell / 8)
      expect(learningIndex(bound * (1 - 1e-12))).toBe(cell - 1)
      expect(learningIndex(bound * (1 + 1e-12))).toBe(cell)
    }
  })
})
