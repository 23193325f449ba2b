import { metrics } from '@driftline/instrumentation/contract'
import { describe, expect, it } from 'vitest'
import { approximateSums, filledCells, quantilesOf } from '../../src/observation/histogram-values.ts'
import { MadeTotals } from '../support/made-totals.ts'

const cellsOf = (made: MadeTotals) => [...made.totals.entries()].flatMap((entry) => filledCells(entry))
const logLinear = {
  kind: 'log-linear',
  scale: 0,
  zeroThreshold: 0,
  negative: { offset: 0, length: 2 },
  positive: { offset: 0, length: 2 },
} as const

describe('filledCells', () => {
  it('closes open ends by min and max, and leaves empty cells out', () => {
    const made = new MadeTotals().histogram(metrics.featureValue, {}, [0, 10, 20], [1, 0, 2, 3], { min: -5, max: 50 })
    expect(cellsOf(made)).toEqual([
      { low: -5, high: 0, count: 1 },
      { low: 10, high: 20, count: 2 },
      { low: 20, high: 50, count: 3 },
    ])
  })

  it('knows the signed cells of log-linear histograms, and that zero is no wide cell', () => {
    const made = new MadeTotals().histogram(metrics.outcomeError, {}, logLinear, [1, 2, 3, 4, 5], { min: -4, max: 4 })
    expect(cellsOf(made)).toEqual([
      { low: -4, high: -2, count: 1 },
      { low: -2, high: -1, count: 2 },
      { low: -0, high: 0, count: 3 },
      { low: 1, high: 2, count: 4 },
      { low: 2, high: 4, count: 5 },
    ])
  })

  it('gives ends without min and max no width', () => {
    const made = new MadeTotals().histogram(metrics.featureValue, {}, [0, 10], [1, 1, 1])
    expect(cellsOf(made)).toEqual([
      { low: 0, high: 0, count: 1 },
      { low: 0, high: 10, count: 1 },
      { low: 10, high: 10, count: 1 },
    ])
  })
})

describe('quantilesOf', () => {
  it('interpolates in cells, over histograms of different cells', () => {
    const cells = [
      { low: 0, high: 10, count: 10 },
      { low: 5, high: 15, count: 10 },
    ]
    expect(quantilesOf(cells, [0, 0.25, 0.5, 1])).toEqual([0, 5, 7.5, 15])
  })

  it('keeps jumps of cells without width', () => {
    const cells = [
      { low: 1, high: 1, count: 9 },
      { low: 2, high: 4, count: 1 },
    ]
    expect(quantilesOf(cells, [0.5, 0.9, 0.95])).toEqual([1, 1, 3])
  })

  it('has none without values', () => {
    expect(quantilesOf([], [0.5, 0.99])).toEqual([null, null])
  })
})

describe('approximateSums', () => {
  it('comes within 0.3 % of the sums of ten thousand residuals in log-linear cells of scale 3', () => {
    const base = 2 ** (1 / 8)
    const counts = new Map<number, number>()
    let [sum, absolute, squares] = [0, 0, 0]
    for (let i = 0; i < 10_000; i++) {
      // Evenly over -30 to 70.
      const x = -30 + (100 * (i + 0.5)) / 10_000
      sum += x
      absolute += Math.abs(x)
      squares += x * x
      const index = Math.sign(x) * (1000 + Math.ceil(Math.log(Math.abs(x)) / Math.log(base)) - 1)
      counts.set(index, (counts.get(index) ?? 0) + 1)
    }
    const cells = [...counts].map(([key, count]) => {
      const index = Math.abs(key) - 1000
      const ends = [base ** index, base ** (index + 1)] as const
      return key > 0 ? { low: ends[0], high: ends[1], count } : { low: -ends[1], high: -ends[0], count }
    })
    const about = approximateSums(cells)
    expect(about.count).toBe(10_000)
    expect(Math.abs(about.sum / sum - 1)).toBeLessThan(0.003)
    expect(Math.abs(about.absolute / absolute - 1)).toBeLessThan(0.003)
    expect(Math.abs(about.squares / squares - 1)).toBeLessThan(0.003)
  })

  it('folds a cell across zero onto itself', () => {
    expect(approximateSums([{ low: -1, high: 3, count: 4 }])).toEqual({
      count: 4,
      sum: 4,
      absolute: 5,
      squares: 4 + (4 * 16) / 12,
    })
  })
})
