import { describe, expect, it } from 'vitest'
import { hellingerDistance } from '../../src/stats/hellinger-distance.ts'
import { cramersV } from '../../src/stats/cramers-v.ts'
import { jensenShannonDivergence } from '../../src/stats/jensen-shannon-divergence.ts'
import { kolmogorovSmirnovStatistic } from '../../src/stats/kolmogorov-smirnov.ts'
import {
  cramersVExpected,
  jensenShannonDistanceExpected,
  kolmogorovSmirnovExpected,
  wassersteinExpected,
} from '../../src/stats/null-expectations.ts'
import { wassersteinDistance } from '../../src/stats/wasserstein-distance.ts'
import { seededRandom } from '../diagnose/planted-results.ts'

/** Counts of uniform numbers from 0 to 10 in cells of equal width. */
function draw(rows: number, cells: number, random: () => number) {
  const bounds = Array.from({ length: cells - 1 }, (_, i) => (10 * (i + 1)) / cells)
  const counts = new Array<number>(cells).fill(0)
  for (let row = 0; row < rows; row++) counts[Math.floor(cells * random())]!++
  return { bounds, counts, min: 0, max: 10 }
}

describe('what distances are without drift', () => {
  it('agrees with simulated pairs of samples of one distribution', () => {
    const random = seededRandom(7)
    const [baselineSize, windowSize, repetitions, cells] = [4000, 500, 400, 10]
    const sums = { js: 0, hellinger: 0, v: 0 }
    for (let i = 0; i < repetitions; i++) {
      const b = draw(baselineSize, cells, random)
      const w = draw(windowSize, cells, random)
      sums.js += Math.sqrt(jensenShannonDivergence(b.counts, w.counts)!) / repetitions
      sums.hellinger += hellingerDistance(b.counts, w.counts)! / repetitions
      sums.v += cramersV(b.counts, w.counts)! / repetitions
    }
    const js = jensenShannonDistanceExpected(baselineSize, windowSize, cells)!
    // The Monte-Carlo error of these means is about 1 %.
    expect(sums.js / js).toBeCloseTo(1, 1)
    expect(sums.hellinger / js).toBeCloseTo(1, 1)
    expect(sums.v / cramersVExpected(baselineSize, windowSize, cells)!).toBeCloseTo(1, 1)
  })

  it('agrees with simulation for the Wasserstein distance when the cells are fine', () => {
    const random = seededRandom(9)
    let mean = 0
    for (let i = 0; i < 400; i++) mean += wassersteinDistance(draw(2000, 200, random), draw(500, 200, random))! / 400
    const uniform = { bounds: [5], counts: [1000, 1000], min: 0, max: 10 }
    // Monte-Carlo error 2 %; cells, over which the gap is smoothed, give a little less than raw values.
    expect(Math.abs(mean / wassersteinExpected(uniform, 500)! - 1)).toBeLessThan(0.06)
  })

  it('agrees with simulation for D when the cells are fine', () => {
    const random = seededRandom(8)
    let mean = 0
    const fine = (rows: number) => {
      const counts = new Array<number>(1000).fill(0)
      for (let row = 0; row < rows; row++) counts[Math.floor(1000 * random())]!++
      return counts
    }
    for (let i = 0; i < 300; i++) mean += kolmogorovSmirnovStatistic(fine(2000), fine(1000))! / 300
    expect(mean / kolmogorovSmirnovExpected(2000, 1000)!).toBeCloseTo(1, 1)
  })

  it('has the values of the examples, and none without rows', () => {
    expect(kolmogorovSmirnovExpected(100, 100)).toBeCloseTo(0.12286, 4)
    expect(jensenShannonDistanceExpected(1000, 1000, 2)).toBeCloseTo(0.01261566, 8)
    expect(cramersVExpected(900, 100, 2)).toBeCloseTo(0.02523133, 8)
    expect(wassersteinExpected({ bounds: [0, 1], counts: [0, 100, 0], min: 0, max: 1 }, 100)).toBeCloseTo(0.04431135, 8)
    expect(jensenShannonDistanceExpected(1000, 1000, 1)).toBe(0)
    expect(kolmogorovSmirnovExpected(0, 5)).toBeNull()
    expect(jensenShannonDistanceExpected(5, 0, 3)).toBeNull()
    expect(cramersVExpected(5, 0, 3)).toBeNull()
    expect(wassersteinExpected({ bounds: [0], counts: [0, 0], min: Number.NaN, max: Number.NaN }, 5)).toBeNull()
  })
})
