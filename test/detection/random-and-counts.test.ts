import { describe, expect, it } from 'vitest'
import { binomialLogMass } from './binomial-mass.ts'
import { binomial, multinomial } from '../../bench/detection/counts.ts'
import { createRandom } from '../../bench/detection/random.ts'
import { chiSquareUpperTail } from '../../collector/src/stats/chi-square-distribution.ts'

const draws = 200_000

function moments(draw: () => number): { readonly mean: number; readonly variance: number; readonly skewness: number } {
  const values = Array.from({ length: draws }, draw)
  const mean = values.reduce((sum, value) => sum + value, 0) / draws
  const central = (power: number): number => values.reduce((sum, value) => sum + (value - mean) ** power, 0) / draws
  return { mean, variance: central(2), skewness: central(3) / central(2) ** 1.5 }
}

describe('the seeded generator', () => {
  it('gives the same numbers for the same seed and others for a near one', () => {
    const [one, again, other] = ['seed 1', 'seed 1', 'seed 2'].map((seed) => {
      const random = createRandom(seed)
      return Array.from({ length: 5 }, () => random.uniform())
    })
    expect(again).toEqual(one)
    expect(other!.some((value) => one!.includes(value))).toBe(false)
  })

  it('is uniform in mean, variance, serial correlation and over 64 cells', () => {
    const random = createRandom('uniform')
    const { mean, variance } = moments(() => random.uniform())
    expect(Math.abs(mean - 1 / 2)).toBeLessThan((4 * Math.sqrt(1 / 12)) / Math.sqrt(draws))
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.001)
    const cells = new Float64Array(64)
    let product = 0
    let before = random.uniform()
    for (let i = 0; i < draws; i++) {
      const value = random.uniform()
      cells[Math.floor(value * 64)]!++
      product += (value - 0.5) * (before - 0.5)
      before = value
    }
    expect(Math.abs((product / draws) * 12)).toBeLessThan(4 / Math.sqrt(draws))
    expect(fitProbability(cells, (i) => (i < 64 ? 1 / 64 : 0))).toBeGreaterThan(1e-4)
  })

  it('has normal and gamma deviates with the moments of their distributions', () => {
    const random = createRandom('deviates')
    const normal = moments(() => random.normal())
    expect(Math.abs(normal.mean)).toBeLessThan(4 / Math.sqrt(draws))
    expect(normal.variance).toBeCloseTo(1, 1.5)
    expect(Math.abs(normal.skewness)).toBeLessThan(0.03)
    for (const shape of [1, 2, 50, 5000]) {
      const gamma = moments(() => random.gamma(shape))
      expect(Math.abs(gamma.mean - shape), `mean of ${shape}`).toBeLessThan((4.5 * Math.sqrt(shape)) / Math.sqrt(draws))
      expect(gamma.variance / shape, `variance of ${shape}`).toBeCloseTo(1, 1)
      expect(Math.abs(gamma.skewness - 2 / Math.sqrt(shape)), `skewness of ${shape}`).toBeLessThan(0.1)
    }
  })

  it('draws whole numbers below a limit evenly', () => {
    const random = createRandom('below')
    const cells = new Float64Array(7)
    for (let i = 0; i < draws; i++) cells[random.below(7)]!++
    expect(fitProbability(cells, () => 1 / 7)).toBeGreaterThan(1e-4)
  })
})

describe('the binomial sampler', () => {
  // Both methods, both sides of one half, and sizes beyond the table of factorials.
  const cases = [
    [1, 0.3],
    [20, 0.05],
    [50, 0.5],
    [50, 0.97],
    [200, 0.04],
    [200, 0.3],
    [1000, 0.0105],
    [1000, 0.62],
    [20_000, 0.05],
    [100_000, 0.4999],
  ] as const

  it.each(cases)('agrees with the exact probabilities of %i trials at %d', (trials, probability) => {
    const random = createRandom(`binomial ${trials} ${probability}`)
    const counts = new Float64Array(trials + 1)
    for (let i = 0; i < draws; i++) counts[binomial(trials, probability, random)]!++
    const mass = (k: number): number => Math.exp(binomialLogMass(k, trials, probability))
    expect(fitProbability(counts, mass)).toBeGreaterThan(1e-4)
  })

  it('is certain where nothing is left to chance', () => {
    const random = createRandom('edges')
    expect([binomial(0, 0.5, random), binomial(9, 0, random), binomial(9, 1, random)]).toEqual([0, 0, 9])
  })
})

describe('the multinomial sampler', () => {
  it('has the means, variances and covariances of the distribution and never loses a row', () => {
    const random = createRandom('multinomial')
    const probabilities = [0.02, 0, 0.5, 0.18, 0.3, 0]
    const rows = 40
    const repetitions = 100_000
    const sums = probabilities.map(() => 0)
    let product = 0
    for (let i = 0; i < repetitions; i++) {
      const counts = multinomial(rows, probabilities, random)
      expect(counts.reduce((a, b) => a + b, 0)).toBe(rows)
      counts.forEach((count, cell) => (sums[cell]! += count))
      product += (counts[2]! - rows * 0.5) * (counts[4]! - rows * 0.3)
    }
    probabilities.forEach((probability, cell) => {
      const error = Math.sqrt((rows * probability * (1 - probability)) / repetitions)
      expect(Math.abs(sums[cell]! / repetitions - rows * probability)).toBeLessThanOrEqual(4 * error)
    })
    expect(product / repetitions).toBeCloseTo(-rows * 0.5 * 0.3, 0.5)
  })
})

/** Chi-square goodness of fit, cells merged to an expected count of 20. */
function fitProbability(counts: ArrayLike<number>, probability: (cell: number) => number): number {
  let total = 0
  for (let i = 0; i < counts.length; i++) total += counts[i]!
  let statistic = 0
  let cells = 0
  let observed = 0
  let expected = 0
  let restObserved = total
  let restExpected = total
  for (let i = 0; i < counts.length; i++) {
    observed += counts[i]!
    expected += total * probability(i)
    if (expected < 20 || restExpected - expected < 20) continue
    statistic += (observed - expected) ** 2 / expected
    cells++
    restObserved -= observed
    restExpected -= expected
    observed = 0
    expected = 0
  }
  statistic += (restObserved - restExpected) ** 2 / restExpected
  return chiSquareUpperTail(statistic, cells)
}
