import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellMagnitudes, chunkResampler, rowResampler } from '../../src/stats/attribution-resampling.ts'
import { attributionShares } from '../../src/stats/attribution-shares.ts'
import { normalisedDiscountedCumulativeGain } from '../../src/stats/discounted-cumulative-gain.ts'
import { jensenShannonDistance } from '../../src/stats/jensen-shannon-divergence.ts'
import { kendallTauB } from '../../src/stats/kendall-tau-b.ts'
import { kitagawaDecomposition } from '../../src/stats/kitagawa-decomposition.ts'
import { ndcgChanceQuantile } from '../../src/stats/ndcg-chance-quantile.ts'
import { randomGenerator } from '../../src/stats/random-generator.ts'
import { spearmanCorrelation } from '../../src/stats/spearman-correlation.ts'
import { totalVariationDistance } from '../../src/stats/total-variation-distance.ts'
import { deviation, reference } from '../reference.ts'

type Case =
  | { name: string; kind: 'ranking'; baselineMeanAbs: number[]; windowMeanAbs: number[]; expected: object }
  | {
      name: string
      kind: 'decomposition'
      baselineCounts: number[]
      baselineAbsSums: number[]
      windowCounts: number[]
      windowAbsSums: number[]
      expected: object
    }

function computed(one: Case): unknown {
  if (one.kind === 'decomposition') {
    return kitagawaDecomposition(
      { counts: one.baselineCounts, absoluteSums: one.baselineAbsSums },
      { counts: one.windowCounts, absoluteSums: one.windowAbsSums },
    )
  }
  const { baselineMeanAbs: baseline, windowMeanAbs: window } = one
  return {
    ndcg: normalisedDiscountedCumulativeGain(baseline, window),
    baselineShares: attributionShares(baseline),
    windowShares: attributionShares(window),
    totalVariation: totalVariationDistance(baseline, window),
    jsDistanceBase2: jensenShannonDistance(baseline, window),
    spearman: spearmanCorrelation(baseline, window),
    kendallTauB: kendallTauB(baseline, window),
  }
}

describe('attribution shift against the reference', () => {
  for (const one of reference<Case>('attribution').cases) {
    it(`${one.kind}: ${one.name}`, () => {
      expect(deviation(computed(one), one.expected, { relative: 1e-10, absolute: 1e-12 })).toBeNull()
    })
  }
})

interface Ranking {
  readonly name: string
  readonly kind: string
  readonly first: number[]
  readonly second: number[]
  readonly expected: { spearman: number; kendallTauB: number; ndcg: number | null }
}

describe('rankings with many ties against scipy and scikit-learn', () => {
  for (const one of reference<Ranking>('quality').cases.filter(({ kind }) => kind === 'ranking')) {
    it(one.name, () => {
      const { first, second, expected } = one
      expect(spearmanCorrelation(first, second)).toBeCloseTo(expected.spearman, 12)
      expect(kendallTauB(first, second)).toBeCloseTo(expected.kendallTauB, 12)
      if (expected.ndcg !== null) {
        expect(normalisedDiscountedCumulativeGain(first, second)).toBeCloseTo(expected.ndcg, 12)
      }
    })
  }
})

const pairs = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })), { minLength: 2, maxLength: 12 })
  .map((list) => [list.map(([a]) => a), list.map(([, b]) => b)] as const)

describe('any two rankings', () => {
  it('have the tau-b that counting pairs gives', () => {
    fc.assert(
      fc.property(pairs, ([first, second]) => {
        let concordance = 0
        let firstPairs = 0
        let secondPairs = 0
        for (let i = 0; i < first.length; i++) {
          for (let j = 0; j < i; j++) {
            const a = Math.sign(first[i]! - first[j]!)
            const b = Math.sign(second[i]! - second[j]!)
            concordance += a * b
            firstPairs += a * a
            secondPairs += b * b
          }
        }
        const tau = kendallTauB(first, second)
        if (firstPairs === 0 || secondPairs === 0) expect(tau).toBeNull()
        else expect(tau).toBeCloseTo(concordance / Math.sqrt(firstPairs * secondPairs), 12)
      }),
    )
  })

  it('do not care about scale, and order 1 for the same, below for another', () => {
    fc.assert(
      fc.property(pairs, ([first, second]) => {
        fc.pre(first.some((value) => value > 0))
        expect(
          normalisedDiscountedCumulativeGain(
            first,
            first.map((value) => 3 * value),
          ),
        ).toBeCloseTo(1, 12)
        const gain = normalisedDiscountedCumulativeGain(first, second)!
        expect(gain).toBeGreaterThanOrEqual(0)
        expect(gain).toBeLessThanOrEqual(1 + 1e-12)
      }),
    )
  })
})

describe('undefined attribution measures', () => {
  it('are null, never NaN', () => {
    expect(attributionShares([0, 0])).toBeNull()
    expect(attributionShares([])).toBeNull()
    expect(attributionShares([1, NaN])).toBeNull()
    expect(attributionShares([3, -1])).toBeNull()
    expect(normalisedDiscountedCumulativeGain([0, 0], [1, 2])).toBeNull()
    expect(normalisedDiscountedCumulativeGain([1, 2], [1, NaN])).toBeNull()
    expect(spearmanCorrelation([1], [2])).toBeNull()
    expect(spearmanCorrelation([1, 1], [2, 3])).toBeNull()
    expect(spearmanCorrelation([1, NaN], [2, 3])).toBeNull()
    expect(kendallTauB([], [])).toBeNull()
    expect(kendallTauB([1, 2], [2, Infinity])).toBeNull()
    expect(
      kitagawaDecomposition({ counts: [0, 0], absoluteSums: [0, 0] }, { counts: [1, 0], absoluteSums: [1, 0] }),
    ).toBeNull()
  })

  it('refuse lists of different length', () => {
    expect(() => kendallTauB([1, 2], [1])).toThrow('2 and 1 cells')
    expect(() => normalisedDiscountedCumulativeGain([1], [1, 2])).toThrow('1 and 2 cells')
  })
})

describe('the decomposition of a changed mean', () => {
  it('adds up to the whole change, and turns its sign when the periods change places', () => {
    const period = fc.array(fc.tuple(fc.nat(40), fc.double({ min: 0, max: 5, noNaN: true })), {
      minLength: 4,
      maxLength: 4,
    })
    const bucketed = (rows: readonly (readonly [number, number])[]) => ({
      counts: rows.map(([count]) => count),
      absoluteSums: rows.map(([count, mean]) => count * mean),
    })
    const mean = ({ counts, absoluteSums }: ReturnType<typeof bucketed>): number =>
      absoluteSums.reduce((a, b) => a + b, 0) / counts.reduce((a, b) => a + b, 0)
    fc.assert(
      fc.property(period, period, (first, second) => {
        const [one, two] = [bucketed(first), bucketed(second)]
        fc.pre(one.counts.some((count) => count > 0) && two.counts.some((count) => count > 0))
        const change = kitagawaDecomposition(one, two)!
        expect(change.total).toBeCloseTo(mean(two) - mean(one), 10)
        expect(change.inputsMoved + change.modelWeightsDifferently).toBeCloseTo(change.total, 10)
        expect(kitagawaDecomposition(two, one)!.inputsMoved).toBeCloseTo(-change.inputsMoved, 10)
      }),
    )
  })
})

/** Importances as in the reference study: steep, or so equal that their order is noise. */
const steep = [0.35, 0.2, 0.12, 0.09, 0.07, 0.06, 0.05, 0.03, 0.02, 0.01]
const flat = [0.13, 0.12, 0.115, 0.105, 0.1, 0.095, 0.09, 0.085, 0.082, 0.078]
/** Each attribution is half or one and a half times its mean, with equal chance. */
const wobbling = (means: readonly number[]) =>
  means.map((mean) => ({ counts: [1000, 1000], magnitudes: [mean / 2, (3 * mean) / 2] }))

describe('the quantile of NDCG by chance', () => {
  it('is the same for the same seed and another for another', () => {
    const resampler = rowResampler({ features: wobbling(steep), windowRows: 20 })
    const first = ndcgChanceQuantile(steep, resampler, { seed: 'one', draws: 200, probability: 0.1 })
    expect(ndcgChanceQuantile(steep, resampler, { seed: 'one', draws: 200, probability: 0.1 })).toBe(first)
    expect(ndcgChanceQuantile(steep, resampler, { seed: 'two', draws: 200, probability: 0.1 })).not.toBe(first)
  })

  it('rises with the rows of the window, and tells a swap of the top two from chance where 0.90 can not', () => {
    const quantile = (windowRows: number): number =>
      ndcgChanceQuantile(steep, rowResampler({ features: wobbling(steep), windowRows }), { seed: 'window' })!
    expect(quantile(20)).toBeLessThan(quantile(200))
    const swapped = [0.2, 0.35, ...steep.slice(2)]
    const gain = normalisedDiscountedCumulativeGain(steep, swapped)!
    expect(gain).toBeGreaterThan(0.9)
    expect(gain).toBeLessThan(quantile(200))
  })

  it('lies lower for importances whose order is noise', () => {
    const quantile = (means: readonly number[], of: (value: number) => number): number =>
      of(ndcgChanceQuantile(means, rowResampler({ features: wobbling(means), windowRows: 100 }), { seed: 'window' })!)
    // Distance from the worst possible order, as a share of what there is to lose.
    const kept = (means: readonly number[]) => {
      const worst = normalisedDiscountedCumulativeGain(means, means.slice().reverse())!
      return quantile(means, (value) => (value - worst) / (1 - worst))
    }
    expect(kept(flat)).toBeLessThan(kept(steep))
  })

  it('is undefined without a resampler or importance', () => {
    expect(ndcgChanceQuantile([1, 2], null, { seed: 's' })).toBeNull()
    expect(
      ndcgChanceQuantile([0, 0], rowResampler({ features: wobbling([1, 2]), windowRows: 5 }), { seed: 's' }),
    ).toBeNull()
  })
})

describe('resampled importances', () => {
  const spread = (draw: (target: Float64Array) => void, draws = 4000): { mean: number; deviation: number } => {
    const target = new Float64Array(1)
    const values = Array.from({ length: draws }, () => {
      draw(target)
      return target[0]!
    })
    const mean = values.reduce((a, b) => a + b, 0) / draws
    return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws) }
  }

  it('of rows vary as a mean of that many rows does', () => {
    const random = randomGenerator('rows')
    const resample = rowResampler({ features: [{ counts: [30, 70], magnitudes: [1, 3] }], windowRows: 50 })!
    const { mean, deviation: actual } = spread((target) => resample(random, target))
    expect(mean).toBeCloseTo(2.4, 1)
    expect(actual / (2 * Math.sqrt((0.3 * 0.7) / 50))).toBeCloseTo(1, 1)
  })

  it('of chunks vary as a mean of that many rows does, for windows larger and smaller than a chunk', () => {
    // 40 chunks of 100 rows, whose means alternate: deviation 0.2, or 2 for a single row.
    const chunkSums = Array.from({ length: 40 }, (_, i) => [100 * (1 + (i % 2 === 0 ? 0.2 : -0.2))])
    const chunkRows = Array<number>(40).fill(100)
    for (const windowRows of [25, 100, 400]) {
      const random = randomGenerator('chunks')
      const resample = chunkResampler({ chunkSums, chunkRows, windowRows })!
      const { mean, deviation: actual } = spread((target) => resample(random, target))
      expect(mean).toBeCloseTo(1, 1)
      expect(actual / (2 / Math.sqrt(windowRows))).toBeCloseTo(1, 1)
    }
  })

  it('need enough chunks with rows, and features with rows', () => {
    const chunkSums = Array.from({ length: 19 }, () => [1, 2])
    expect(chunkResampler({ chunkSums, chunkRows: Array(19).fill(5), windowRows: 10 })).toBeNull()
    const broken = Array.from({ length: 30 }, () => [1, NaN])
    expect(chunkResampler({ chunkSums: broken, chunkRows: Array(30).fill(5), windowRows: 10 })).toBeNull()
    expect(rowResampler({ features: [], windowRows: 10 })).toBeNull()
    expect(rowResampler({ features: [{ counts: [0], magnitudes: [1] }], windowRows: 10 })).toBeNull()
    expect(rowResampler({ features: [{ counts: [1], magnitudes: [1] }], windowRows: 0 })).toBeNull()
    expect(() => chunkResampler({ chunkSums, chunkRows: [5], windowRows: 10 })).toThrow('19 chunks of sums')
  })

  it('take from a histogram cells that add up to the known sum', () => {
    const histogram = { bounds: [-1, 0.5, 2], counts: [3, 5, 7, 1], min: -4, max: 9 }
    const magnitudes = cellMagnitudes(histogram, 40)!
    expect(histogram.counts.reduce((sum, count, i) => sum + count * magnitudes[i]!, 0)).toBeCloseTo(40, 12)
    // Before scaling: 2.5, (1 + 0.25) / 3, 1.25 and 5.5.
    expect(magnitudes[3]! / magnitudes[0]!).toBeCloseTo(5.5 / 2.5, 12)
    expect(magnitudes[1]! / magnitudes[2]!).toBeCloseTo(1.25 / 3 / 1.25, 12)
    expect(cellMagnitudes({ ...histogram, counts: [0, 0, 0, 0] }, 0)).toBeNull()
    expect(cellMagnitudes(histogram, NaN)).toBeNull()
    expect(cellMagnitudes({ ...histogram, min: NaN }, 40)).toBeNull()
    expect([...cellMagnitudes({ bounds: [], counts: [4], min: 0, max: 0 }, 0)!]).toEqual([0])
  })
})
