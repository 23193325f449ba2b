import { describe, expect, it } from 'vitest'
import { QuantileSketch } from '../../src/baseline/quantile-sketch.ts'

/** Numbers 0 to n - 1 in an order that no sketch could know: a generator of full period. */
function* shuffled(n: number): Generator<number> {
  let size = 1
  while (size < n) size *= 2
  let state = 12_345 % size
  for (let i = 0; i < size; i++) {
    state = (state * 5 + 3) % size
    if (state < n) yield state
  }
}

describe('QuantileSketch', () => {
  it('is exact up to its limit: quantiles by the inverted distribution function', () => {
    const sketch = new QuantileSketch({ exactLimit: 10 })
    for (const value of [5, 1, 4, 2, 3]) sketch.add(value)
    // numpy.quantile([1, 2, 3, 4, 5], [0, .2, .21, .5, .8, 1], method='inverted_cdf')
    expect(sketch.quantiles([0, 20, 21, 50, 80, 100])).toEqual([1, 1, 2, 3, 4, 5])
    expect(sketch.rankError).toBe(0)
    expect(new QuantileSketch({ exactLimit: 10 }).quantiles([50])).toEqual([])
  })

  const orders: [string, (n: number) => Iterable<number>][] = [
    ['shuffled', shuffled],
    ['ascending', (n) => Array.from({ length: n }, (_, i) => i)],
    ['descending', (n) => Array.from({ length: n }, (_, i) => n - 1 - i)],
  ]
  it.each(orders)('keeps every rank within the error it states, %s', (_name, order) => {
    const n = 1_000_003
    const sketch = new QuantileSketch({ exactLimit: 1000 })
    for (const value of order(n)) sketch.add(value)
    const percentages = Array.from({ length: 99 }, (_, i) => i + 1)
    const worst = Math.max(
      ...sketch.quantiles(percentages).map((value, i) => Math.abs(value + 1 - (percentages[i]! * n) / 100) / n),
    )
    expect(sketch.count).toBe(n)
    expect(sketch.rankError).toBeGreaterThan(0)
    expect(sketch.rankError).toBeLessThanOrEqual(0.002)
    expect(worst).toBeLessThanOrEqual(sketch.rankError + 1 / n)
  })

  it('keeps the promise when a large exact part is compacted, and when two sketches are merged', () => {
    const n = 500_000
    const whole = new QuantileSketch({ exactLimit: 200_000 })
    const halves = [new QuantileSketch({ exactLimit: 100 }), new QuantileSketch({ exactLimit: 200_000 })] as const
    let i = 0
    for (const value of shuffled(n)) {
      whole.add(value)
      halves[i++ < 350_000 ? 0 : 1].add(value)
    }
    halves[0].merge(halves[1])
    for (const sketch of [whole, halves[0]]) {
      expect(sketch.count).toBe(n)
      const [first, middle, last] = sketch.quantiles([1, 50, 99]) as [number, number, number]
      expect(sketch.rankError).toBeLessThanOrEqual(0.002)
      for (const [value, share] of [
        [first, 0.01],
        [middle, 0.5],
        [last, 0.99],
      ] as const) {
        expect(Math.abs((value + 1) / n - share)).toBeLessThanOrEqual(sketch.rankError + 1 / n)
      }
    }
  })

  it('gives the one value of a constant stream', () => {
    const sketch = new QuantileSketch({ exactLimit: 10, levelSize: 16 })
    for (let i = 0; i < 10_000; i++) sketch.add(7)
    expect(new Set(sketch.quantiles([1, 50, 99]))).toEqual(new Set([7]))
  })
})
