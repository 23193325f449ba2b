import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exponentialIndex, logLinearBound, nextDown } from '../../src/contract/index.ts'
import { learningIndex } from '../../src/recorder/log-linear-index.ts'

const scale = fc.integer({ min: 0, max: 20 })
/** All sizes alike, to the ulp. */
const magnitude = fc
  .tuple(fc.integer({ min: -64, max: 1023 }), fc.double({ min: 1, max: 2, maxExcluded: true, noNaN: true }))
  .map(([exponent, number]) => number * 2 ** exponent)

describe('the learning index', () => {
  it('is the exponential index, but for what a logarithm loses next to a bound', () => {
    fc.assert(
      fc.property(magnitude, scale, (value, at) => {
        const near = [value * (1 - 1e-13), value, value * (1 + 1e-13)]
        const allowed = near.map((one) => exponentialIndex(one, at))
        expect(allowed).toContain(learningIndex(value, at))
      }),
      { numRuns: 5000 },
    )
  })

  it('cuts just where logLinearBound says, to the ulp, at every scale', () => {
    fc.assert(
      fc.property(scale, fc.double({ min: -64, max: 64, maxExcluded: true, noNaN: true }), (at, log) => {
        const index = Math.floor(log * 2 ** at) + 0
        const bound = logLinearBound(index, at)
        expect(learningIndex(bound, at)).toBe(index)
        expect(learningIndex(-nextDown(-bound), at)).toBe(index + 1)
        expect(learningIndex(nextDown(bound), at)).toBe(index)
      }),
      { numRuns: 20_000 },
    )
  })

  it('is that of a coarser scale, halved: bounds nest', () => {
    fc.assert(
      fc.property(magnitude, scale, scale, (value, a, b) => {
        const [coarse, fine] = [Math.min(a, b), Math.max(a, b)]
        expect(learningIndex(value, fine) >> (fine - coarse)).toBe(learningIndex(value, coarse))
        const index = learningIndex(Math.min(value, 2 ** 64), coarse)
        const same = (index + 1) * 2 ** (fine - coarse) - 1
        expect(logLinearBound(same, fine)).toBe(logLinearBound(index, coarse))
      }),
      { numRuns: 5000 },
    )
  })

  it('puts powers of two and the bounds between them into the cell that ends with them', () => {
    for (let exponent = -64; exponent <= 64; exponent++) {
      for (let at = 0; at <= 20; at++) {
        expect(learningIndex(2 ** exponent, at)).toBe(2 ** at * exponent - 1)
        expect(learningIndex(2 ** exponent * (1 + Number.EPSILON), at)).toBe(2 ** at * exponent)
      }
    }
    for (let cell = 1; cell < 8; cell++) {
      const bound = 2 ** (cell / 8)
      expect(learningIndex(bound * (1 - 1e-12), 3)).toBe(cell - 1)
      expect(learningIndex(bound * (1 + 1e-12), 3)).toBe(cell)
    }
  })
})
