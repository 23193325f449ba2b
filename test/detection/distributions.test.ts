import { describe, expect, it } from 'vitest'
import { multinomial } from '../../bench/detection/counts.ts'
import {
  bimodal,
  cellProbabilities,
  drawExtremes,
  drawNumericBaseline,
  shiftedAndScaled,
  unchanged,
  upperTail,
  zipfShares,
} from '../../bench/detection/distributions.ts'
import { createRandom } from '../../bench/detection/random.ts'
import { normalUpperTail } from '../../collector/src/stats/normal-distribution.ts'

describe('the drawn baseline', () => {
  it('has the counts of the quantile layout, and nothing outside its smallest and largest row', () => {
    const { counts, bounds, ranks } = drawNumericBaseline(10_000, createRandom('layout'))
    expect(counts).toHaveLength(24)
    expect([counts[0], counts[23]]).toEqual([0, 0])
    expect(Array.from(counts.subarray(1, -1))).toEqual([100, 400, ...Array.from({ length: 18 }, () => 500), 400, 100])
    expect(counts.reduce((a, b) => a + b, 0)).toBe(10_000)
    bounds.forEach((bound, i) => {
      if (i > 0) expect(bound).toBeGreaterThan(bounds[i - 1]!)
      expect(1 - normalUpperTail(bound)).toBeCloseTo(ranks[i]!, 10)
    })
  })

  it('has bounds at order statistics: mean and variance of Beta(k, N + 1 - k)', () => {
    const rows = 1000
    const repetitions = 20_000
    const random = createRandom('order statistics')
    const drawn = Array.from({ length: repetitions }, () => drawNumericBaseline(rows, random).ranks)
    // The smallest row, the 1 % quantile, the median and the largest.
    for (const [at, rank] of [
      [0, 1],
      [1, 10],
      [11, 500],
      [22, 1000],
    ] as const) {
      const values = drawn.map((ranks) => ranks[at]!)
      const mean = values.reduce((a, b) => a + b, 0) / repetitions
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / repetitions
      const expected = rank / (rows + 1)
      const spread = (expected * (1 - expected)) / (rows + 2)
      expect(Math.abs(mean - expected), `mean of rank ${rank}`).toBeLessThan(4 * Math.sqrt(spread / repetitions))
      expect(Math.abs(variance / spread - 1), `variance of rank ${rank}`).toBeLessThan(0.08)
    }
  })

  it('refuses fewer rows than the layout can tell apart', () => {
    expect(() => drawNumericBaseline(15, createRandom('small'))).toThrow(RangeError)
  })
})

describe('changes', () => {
  it.each([unchanged, shiftedAndScaled('', 0.3, 1.2), upperTail('', 0.02), bimodal('', 0.8)])(
    'have a quantile that is the inverse of the distribution function ($name)',
    ({ cdf, quantile }) => {
      for (const share of [1e-6, 0.01, 0.3, 0.5, 0.97, 0.999]) expect(cdf(quantile(share))).toBeCloseTo(share, 9)
    },
  )

  it('keep mean and variance when they only become bimodal', () => {
    const { cdf } = bimodal('', 0.8)
    let mean = 0
    let square = 0
    for (let x = -6; x < 6; x += 0.001) {
      const mass = cdf(x + 0.001) - cdf(x)
      mean += mass * (x + 0.0005)
      square += mass * (x + 0.0005) ** 2
    }
    expect(mean).toBeCloseTo(0, 4)
    expect(square).toBeCloseTo(1, 4)
  })

  it('give cell probabilities that sum to 1, the ranks themselves without a change', () => {
    const baseline = drawNumericBaseline(10_000, createRandom('cells'))
    for (const change of [unchanged, shiftedAndScaled('', 1, 1), upperTail('', 0.02)]) {
      const probabilities = cellProbabilities(baseline, change)
      expect(probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
    }
    expect(cellProbabilities(baseline, unchanged)[0]).toBe(baseline.ranks[0])
    const above = 0.98 * normalUpperTail(baseline.bounds[22]!) + 0.02 * normalUpperTail(baseline.bounds[22]! - 5)
    expect(cellProbabilities(baseline, upperTail('', 0.02))[23]).toBeCloseTo(above, 10)
  })
})

it('draws the smallest and largest value of a window from their distribution', () => {
  const random = createRandom('extremes')
  const baseline = drawNumericBaseline(1000, random)
  const probabilities = cellProbabilities(baseline, unchanged)
  const rows = 50
  const repetitions = 20_000
  let highest = 0
  let lowest = 0
  for (let i = 0; i < repetitions; i++) {
    const { min, max } = drawExtremes(multinomial(rows, probabilities, random), probabilities, unchanged, random)
    // On the scale of ranks the largest of n has mean n / (n + 1).
    highest += unchanged.cdf(max)
    lowest += unchanged.cdf(min)
  }
  expect(highest / repetitions).toBeCloseTo(rows / (rows + 1), 3)
  expect(lowest / repetitions).toBeCloseTo(1 / (rows + 1), 3)
})

it('has Zipf shares: the first is twice the second', () => {
  const shares = zipfShares(10)
  expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
  expect(shares[0]! / shares[1]!).toBeCloseTo(2, 12)
})
