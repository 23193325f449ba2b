import { describe, expect, it } from 'vitest'
import { energyDistance } from '../../src/stats/energy-distance.ts'
import { hellingerDistance } from '../../src/stats/hellinger-distance.ts'
import { interpolatedCdfGap, type ClosedHistogram } from '../../src/stats/interpolated-cdf.ts'
import { jensenShannonDistance, jensenShannonDivergence } from '../../src/stats/jensen-shannon-divergence.ts'
import { kolmogorovSmirnovStatistic, kolmogorovSmirnovUpperBound } from '../../src/stats/kolmogorov-smirnov.ts'
import { kullbackLeiblerDivergence } from '../../src/stats/kullback-leibler-divergence.ts'
import { largestShareDifference } from '../../src/stats/largest-share-difference.ts'
import {
  populationStabilityIndex,
  populationStabilityIndexExpected,
} from '../../src/stats/population-stability-index.ts'
import { totalVariationDistance } from '../../src/stats/total-variation-distance.ts'
import {
  normalisedWasserstein,
  wassersteinDistance,
  wassersteinErrorBound,
} from '../../src/stats/wasserstein-distance.ts'
import { deviation, reference } from '../reference.ts'

interface NumericSide extends ClosedHistogram {
  readonly counts: number[]
  readonly n: number
  readonly sum?: number
  readonly sumSq?: number
}
interface Raw {
  readonly ks: number
  readonly wasserstein: number
  readonly energyDistance: number
}
type Case =
  | {
      name: string
      kind: 'numeric'
      baseline: NumericSide
      window: NumericSide
      expected: Record<string, number>
      raw?: Raw
    }
  | {
      name: string
      kind: 'categorical'
      baseline: Record<string, number>
      window: Record<string, number>
      alignedKeys: string[]
      expected: Record<string, number>
    }

const { cases } = reference<Case>('distances')
const tolerance = { relative: 1e-9, absolute: 1e-12 }
const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)

function ofShares(b: number[], c: number[]): Record<string, number | null> {
  const divergence = jensenShannonDivergence(b, c)
  return {
    psi: populationStabilityIndex(b, c),
    psiExpectedNull: populationStabilityIndexExpected(sum(c), sum(b), b.length),
    klWindowBaseline: kullbackLeiblerDivergence(c, b),
    klBaselineWindow: kullbackLeiblerDivergence(b, c),
    jsDivergenceNats: divergence,
    jsDistanceBase2: jensenShannonDistance(b, c),
    jsDistanceNats: divergence === null ? null : Math.sqrt(divergence),
    hellinger: hellingerDistance(b, c),
    totalVariation: totalVariationDistance(b, c),
    lInfinity: largestShareDifference(b, c),
  }
}

function ofNumbers(baseline: NumericSide, window: NumericSide): Record<string, number | null> {
  const { n, sum: total, sumSq } = baseline
  const deviation =
    total === undefined || sumSq === undefined ? 0 : Math.sqrt(Math.max(sumSq / n - (total / n) ** 2, 0))
  return {
    ...ofShares(baseline.counts, window.counts),
    ks: kolmogorovSmirnovStatistic(baseline.counts, window.counts),
    ksUpperBound: kolmogorovSmirnovUpperBound(baseline.counts, window.counts),
    wasserstein: wassersteinDistance(baseline, window),
    wassersteinNormalised: normalisedWasserstein(interpolatedCdfGap(baseline, window), deviation),
    wassersteinErrorBound: wassersteinErrorBound(baseline, window),
    energyDistance: energyDistance(baseline, window),
  }
}

describe('distances against the reference', () => {
  for (const one of cases) {
    it(`${one.kind}: ${one.name}`, () => {
      const actual =
        one.kind === 'numeric'
          ? ofNumbers(one.baseline, one.window)
          : ofShares(
              one.alignedKeys.map((key) => one.baseline[key] ?? 0),
              one.alignedKeys.map((key) => one.window[key] ?? 0),
            )
      // Equal shares: what is left of a Jensen-Shannon divergence is rounding, and the distance is its square root.
      const loose = Math.abs(one.expected['jsDivergenceNats']!) < 1e-14
      expect(deviation(actual, one.expected, loose ? { ...tolerance, absolute: 1e-7 } : tolerance)).toBeNull()
    })
  }
})

describe('distances of histograms against those of the raw samples', () => {
  it('lie within the bounds that they report', () => {
    for (const one of cases) {
      if (one.kind !== 'numeric' || one.raw === undefined) continue
      const { baseline, window, raw } = one
      const gap = interpolatedCdfGap(baseline, window)!
      const bound = wassersteinErrorBound(baseline, window)!
      expect(Math.abs(gap.absolute - raw.wasserstein), one.name).toBeLessThanOrEqual(bound + 1e-12)
      expect(Math.abs(gap.squared - raw.energyDistance ** 2 / 2), one.name).toBeLessThanOrEqual(2 * bound + 1e-12)
      expect(kolmogorovSmirnovStatistic(baseline.counts, window.counts), one.name).toBeLessThanOrEqual(raw.ks + 1e-12)
      expect(kolmogorovSmirnovUpperBound(baseline.counts, window.counts), one.name).toBeGreaterThanOrEqual(
        raw.ks - 1e-12,
      )
    }
  })
})

describe('undefined distances', () => {
  it('are null for an empty histogram, never 0 or NaN', () => {
    for (const [b, c] of [
      [
        [1, 2],
        [0, 0],
      ],
      [
        [0, 0],
        [1, 2],
      ],
    ] as const) {
      const shares = ofShares([...b], [...c])
      for (const [name, value] of Object.entries(shares)) expect(value, name).toBeNull()
      expect(kolmogorovSmirnovStatistic(b, c)).toBeNull()
      expect(
        wassersteinDistance({ bounds: [0], counts: b, min: 0, max: 1 }, { bounds: [0], counts: c, min: 0, max: 1 }),
      ).toBeNull()
    }
  })

  it('are null where an open end has no known end', () => {
    const known = { bounds: [0], counts: [1, 1], min: -1, max: 1 }
    const unknown = { bounds: [0], counts: [1, 1], min: Number.NaN, max: Number.NaN }
    expect(wassersteinDistance(known, unknown)).toBeNull()
    expect(energyDistance(unknown, known)).toBeNull()
    expect(wassersteinErrorBound(known, unknown)).toBeNull()
  })

  it('are null when the range overflows', () => {
    const wide = { bounds: [], counts: [2], min: -1.7e308, max: 1.7e308 }
    const narrow = { bounds: [], counts: [1], min: -1, max: -1 }
    expect(wassersteinDistance(wide, narrow)).toBeNull()
  })

  it('refuse histograms of different cells', () => {
    expect(() => populationStabilityIndex([1, 2], [1, 2, 3])).toThrow('histograms of 2 and 3 cells')
  })
})
