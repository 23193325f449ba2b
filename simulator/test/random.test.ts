import { describe, expect, it } from 'vitest'
import { seededRandom } from '../src/random.ts'

describe('seededRandom', () => {
  it('stays in [0, 1) with the mean and variance of a uniform draw', () => {
    const random = seededRandom(5)
    const draws = Array.from({ length: 100_000 }, random)
    expect(Math.min(...draws.slice(0, 50_000))).toBeGreaterThanOrEqual(0)
    expect(Math.max(...draws.slice(0, 50_000))).toBeLessThan(1)
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length
    const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length
    // Five standard errors of each.
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / draws.length))
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / draws.length))
  })

  it('gives neighbouring seeds, 0 and the largest seed sequences of their own', () => {
    const sequences = [0, 1, 2, 2 ** 32 - 1].map((seed) => Array.from({ length: 5 }, seededRandom(seed)).join())
    expect(new Set(sequences).size).toBe(sequences.length)
  })
})
