import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/random.ts'
import { inOrderForever, shuffledForever } from '../../src/traffic/order.ts'

const take = (order: Iterator<number, never, void>, count: number): number[] =>
  Array.from({ length: count }, () => order.next().value)

describe('shuffledForever', () => {
  it('shows every row once before any row comes again', () => {
    const order = shuffledForever(100, seededRandom(1))
    const passes = [take(order, 100), take(order, 100), take(order, 100)]
    for (const pass of passes) expect(new Set(pass).size).toBe(100)
    expect(passes[0]).not.toEqual(passes[1])
    expect(passes[1]).not.toEqual(passes[2])
  })

  it('repeats itself with the same seed and differs with another', () => {
    const walk = (seed: number): number[] => take(shuffledForever(50, seededRandom(seed)), 120)
    expect(walk(7)).toEqual(walk(7))
    expect(walk(7)).not.toEqual(walk(8))
  })

  it('puts every row at every place about equally often', () => {
    const rows = 5
    const passes = 20_000
    const order = shuffledForever(rows, seededRandom(3))
    const seen = new Float64Array(rows * rows)
    for (let pass = 0; pass < passes; pass++)
      for (const [place, row] of take(order, rows).entries()) seen[row * rows + place]!++
    const expected = passes / rows
    const chiSquare = seen.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 16 degrees of freedom; the 99.99 % quantile is 45.9.
    expect(chiSquare).toBeLessThan(45.9)
  })

  it('refuses to walk nothing', () => {
    expect(() => shuffledForever(0, seededRandom(1)).next()).toThrow(RangeError)
  })
})

describe('inOrderForever', () => {
  it('keeps the order and begins again', () => {
    expect(take(inOrderForever(3), 7)).toEqual([0, 1, 2, 0, 1, 2, 0])
  })
})
