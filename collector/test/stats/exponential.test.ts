import { describe, expect, it } from 'vitest'
import { exponential } from '../../src/stats/exponential.ts'

describe('exponential', () => {
  it('is Math.exp to 1e-15, over its whole range', () => {
    let worst = 0
    for (let i = 0; i <= 280_000; i++) {
      const x = (i - 140_000) / 200 + (i % 7) * 1e-4
      worst = Math.max(worst, Math.abs(exponential(x) / Math.exp(x) - 1))
    }
    expect(worst).toBeLessThan(1e-15)
  })

  it('is Math.exp where that is subnormal, 0, infinite or no number', () => {
    for (const x of [-700, -740, -746, -Infinity, 700, 709, 710, Infinity, Number.NaN]) {
      expect(exponential(x)).toBe(Math.exp(x))
    }
    expect(exponential(0)).toBe(1)
    expect(exponential(-0)).toBe(1)
  })
})
