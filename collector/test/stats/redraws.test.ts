import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawBinomial } from '../../src/stats/binomial-draw.ts'
import { chiSquareUpperTail } from '../../src/stats/chi-square-distribution.ts'
import { jensenShannonDistance } from '../../src/stats/jensen-shannon-divergence.ts'
import { drawMultinomial } from '../../src/stats/multinomial-draw.ts'
import { randomGenerator, xoshiro128 } from '../../src/stats/random-generator.ts'
import { redrawInterval } from '../../src/stats/redraw-interval.ts'
import { totalVariationDistance } from '../../src/stats/total-variation-distance.ts'
import { reference } from '../reference.ts'

const sum = (counts: ArrayLike<number>): number => Array.from(counts).reduce((a, b) => a + b, 0)

describe('the generator', () => {
  it('gives the published sequence of xoshiro128**', () => {
    const next = xoshiro128(Uint32Array.of(1, 2, 3, 4))
    expect([next(), next(), next(), next()]).toEqual([11520, 0, 5927040, 70819200])
  })

  it('repeats itself for a seed, and starts elsewhere for a similar one', () => {
    const draw = (seed: string): number[] => {
      const random = randomGenerator(seed)
      return [random(), random(), random()]
    }
    expect(draw('window 1')).toEqual(draw('window 1'))
    expect(new Set(['', 'window 1', 'window 2', '1 window'].flatMap(draw)).size).toBe(12)
  })

  it('is uniform: equal counts in 20 cells, mean 1/2, within [0, 1)', () => {
    const random = randomGenerator('uniform')
    const cells = new Float64Array(20)
    for (let i = 0; i < 40_000; i++) {
      const value = random()
      expect(value >= 0 && value < 1).toBe(true)
      cells[Math.floor(value * 20)]!++
    }
    const statistic = cells.reduce((total, count) => total + (count - 2000) ** 2 / 2000, 0)
    expect(chiSquareUpperTail(statistic, 19)).toBeGreaterThan(0.001)
  })
})

interface BinomialCase {
  readonly name: string
  readonly kind: string
  readonly rows: number
  readonly rate: number
  readonly from_: number
  readonly expected: number[]
}

describe('binomial draws against the probabilities of scipy', () => {
  for (const one of reference<BinomialCase>('quality').cases.filter(({ kind }) => kind === 'binomial')) {
    it(one.name, () => {
      const draws = 20_000
      const random = randomGenerator(one.name)
      const seen = new Map<number, number>()
      for (let i = 0; i < draws; i++) {
        const hits = drawBinomial(random, one.rows, one.rate)
        seen.set(hits, (seen.get(hits) ?? 0) + 1)
      }
      // Neighbours are joined until ten draws are expected; what lies outside of the reference is rarer than 1e-6.
      let statistic = 0
      let cells = 0
      let count = 0
      let probability = 0
      one.expected.forEach((share, i) => {
        count += seen.get(one.from_ + i) ?? 0
        probability += share
        if (probability * draws < 10) return
        statistic += (count - probability * draws) ** 2 / (probability * draws)
        cells++
        count = 0
        probability = 0
      })
      expect(cells).toBeGreaterThan(2)
      expect(chiSquareUpperTail(statistic, cells - 1)).toBeGreaterThan(0.001)
    })
  }

  it('stay inside their range at the ends', () => {
    const random = randomGenerator('ends')
    expect(drawBinomial(random, 0, 0.5)).toBe(0)
    expect(drawBinomial(random, 10, 0)).toBe(0)
    expect(drawBinomial(random, 10, 1)).toBe(10)
    expect(drawBinomial(random, 10, NaN)).toBe(0)
    for (let i = 0; i < 1000; i++) {
      const hits = drawBinomial(random, 1e12, 0.25)
      expect(Math.abs(hits - 2.5e11)).toBeLessThan(7 * Math.sqrt(1e12 * 0.25 * 0.75))
    }
  })

  it('end for a generator that only gives its ends', () => {
    expect(drawBinomial(() => 0, 10, 0.3)).toBe(0)
    expect(drawBinomial(() => 1 - 2 ** -53, 10, 0.3)).toBe(10)
  })
})

describe('multinomial draws', () => {
  it('keep all rows, and leave cells without weight empty', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 12 }),
        fc.nat(5000),
        fc.string(),
        (weights, rows, seed) => {
          const drawn = drawMultinomial(randomGenerator(seed), rows, weights)
          expect(sum(drawn)).toBe(sum(weights) > 0 ? rows : 0)
          weights.forEach((weight, i) => {
            if (weight === 0) expect(drawn[i]).toBe(0)
          })
        },
      ),
    )
  })

  it('have the shares of the weights', () => {
    const random = randomGenerator('shares')
    const weights = [10, 0, 70, 20]
    const total = new Float64Array(4)
    for (let i = 0; i < 2000; i++) drawMultinomial(random, 50, weights).forEach((count, at) => (total[at]! += count))
    const statistic = [0, 2, 3].reduce((sumSoFar, i) => {
      const expected = 1000 * weights[i]!
      return sumSoFar + (total[i]! - expected) ** 2 / expected
    }, 0)
    expect(chiSquareUpperTail(statistic, 2)).toBeGreaterThan(0.001)
  })
})

describe('intervals by redrawing', () => {
  const uniform = Array<number>(10).fill(1000)

  /** How often the interval holds the true distance, over windows drawn from the given shares. */
  function coverage(shares: readonly number[], rows: number): number {
    const random = randomGenerator('coverage')
    const truth = totalVariationDistance(uniform, shares)!
    let held = 0
    for (let i = 0; i < 100; i++) {
      const baseline = drawMultinomial(random, 10_000, uniform)
      const window = drawMultinomial(random, rows, shares)
      const [low, high] = redrawInterval(totalVariationDistance, baseline, window, { seed: `window ${i}` })!.interval
      if (low <= truth + 1e-12 && truth <= high) held++
    }
    return held / 100
  }

  it('hold the true distance about as often as they say, when nothing has changed and when much has', () => {
    expect(coverage(uniform, 500)).toBeGreaterThan(0.85)
    expect(coverage([4, 6, 8, 10, 10, 10, 10, 12, 14, 16], 500)).toBeGreaterThan(0.75)
  })

  it('are the same for the same seed', () => {
    const of = (seed: string) => redrawInterval(jensenShannonDistance, [60, 40, 7], [20, 35, 6], { seed })
    expect(of('window 1')).toEqual(of('window 1'))
    expect(of('window 1')).not.toEqual(of('window 2'))
  })

  it('reach down to 0 when chance explains the distance', () => {
    const result = redrawInterval(totalVariationDistance, [500, 500], [26, 24], { seed: 'small' })!
    expect(result.interval[0]).toBe(0)
    expect(result.bias).toBeGreaterThan(0)
  })

  it('shrink to a point when there is nothing to draw', () => {
    expect(redrawInterval(totalVariationDistance, [5, 0], [7, 0], { seed: 'one cell' })).toEqual({
      estimate: 0,
      bias: 0,
      interval: [0, 0],
    })
  })

  it('are wider for more confidence', () => {
    const width = (confidence: number): number => {
      const options = { seed: 'width', confidence, redraws: 400 }
      const [low, high] = redrawInterval(totalVariationDistance, [600, 400], [20, 80], options)!.interval
      return high - low
    }
    expect(width(0.99)).toBeGreaterThan(width(0.9))
    expect(width(0.9)).toBeGreaterThan(width(0.5))
  })

  it('are null for an empty histogram or a distance that is not defined', () => {
    expect(redrawInterval(totalVariationDistance, [0, 0], [7, 0], { seed: 's' })).toBeNull()
    expect(redrawInterval(() => null, [1, 2], [7, 0], { seed: 's' })).toBeNull()
    expect(redrawInterval(() => NaN, [1, 2], [7, 0], { seed: 's' })).toBeNull()
    let calls = 0
    expect(redrawInterval(() => (calls++ === 0 ? 1 : null), [1, 2], [7, 1], { seed: 's' })).toBeNull()
  })
})
