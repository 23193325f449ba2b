import { describe, expect, it } from 'vitest'
import { adjustCategorical, adjustNumeric } from '../../../src/evaluate/evidence/season-adjust.ts'
import { logEValues } from '../../../src/evaluate/evidence/row-set.ts'
import { numericRows } from '../../../src/evaluate/evidence/numeric-rows.ts'

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0)
const scaled = (values: readonly number[], total: number) => values.map((value) => (value * total) / sum(values))

/** Histograms with gaps, and with nothing at the ends. */
function histograms(count: number): { reference: number[]; target: number[] }[] {
  const random = generator(3)
  const one = () => [0, ...Array.from({ length: 8 }, () => (random() < 0.3 ? 0 : Math.floor(1 + 500 * random()))), 7, 0]
  return Array.from({ length: count }, () => ({ reference: one(), target: one() }))
}

describe('adjusting by a season', () => {
  it('gives what the reference predicts the shares of the target', () => {
    for (const { reference, target } of histograms(200)) {
      const expected = scaled(target, sum(reference))
      for (const adjust of [adjustNumeric, adjustCategorical])
        Array.from(adjust(reference, target, reference)).forEach((count, i) =>
          expect(count).toBeCloseTo(expected[i]!, 8),
        )
    }
  })

  it('keeps every value, and never makes a count negative', () => {
    const random = generator(4)
    for (const { reference, target } of histograms(200)) {
      const counts = reference.map(() => Math.floor(20 * random()))
      for (const adjust of [adjustNumeric, adjustCategorical]) {
        const adjusted = adjust(reference, target, counts)
        expect(sum(adjusted)).toBeCloseTo(sum(counts), 8)
        expect(Math.min(...adjusted)).toBeGreaterThanOrEqual(0)
      }
    }
  })

  it('leaves windows alone when the reference is like the target', () => {
    const counts = [0, 3, 0, 9, 1, 0]
    const shares = [0, 100, 50, 200, 50, 0]
    expect(Array.from(adjustCategorical(shares, shares, counts))).toEqual(counts)
    Array.from(adjustNumeric(shares, shares, counts)).forEach((count, i) => expect(count).toBeCloseTo(counts[i]!, 10))
  })

  it('sends values beyond the reference to the ends, and values in a gap of it to the rank of the gap', () => {
    const target = [0, 50, 50, 0]
    expect(Array.from(adjustNumeric([0, 0, 10, 0], target, [0, 4, 0, 0]))).toEqual([4, 0, 0, 0])
    expect(Array.from(adjustNumeric([0, 10, 0, 0], target, [0, 0, 4, 5]))).toEqual([0, 0, 0, 9])
    expect(Array.from(adjustNumeric([10, 0, 0, 30], target, [0, 8, 0, 0]))).toEqual([0, 8, 0, 0])
  })

  it('keeps e-values valid: given the reference, no row expects more than the target allows', () => {
    for (const { reference, target } of histograms(50)) {
      const rows = numericRows(scaled(target, 5000), { zEta: 0 })
      // One row of data: the expectation over the cells of the reference, and over those of the target.
      const expectation = (shares: readonly number[], window: (cell: number) => ArrayLike<number>) => {
        const means = new Float64Array(rows.slope.length)
        shares.forEach((share, cell) => {
          if (share === 0) return
          logEValues(rows, window(cell)).forEach((logE, row) => (means[row]! += share * Math.exp(logE)))
        })
        return means
      }
      const unit = (cell: number) => target.map((_, i) => (i === cell ? 1 : 0))
      const straight = expectation(scaled(target, 1), unit)
      const adjusted = expectation(scaled(reference, 1), (cell) => adjustNumeric(reference, target, unit(cell)))
      adjusted.forEach((mean, row) => expect(mean).toBeLessThanOrEqual(straight[row]! + 1e-9))
    }
  })

  it('shows a rise of a category against its season, whatever its level', () => {
    const adjusted = adjustCategorical([800, 200], [500, 500], [600, 400])
    expect(adjusted[1]! / 1000).toBeGreaterThan(0.6)
    const flagged = adjustCategorical([20, 980], [50, 950], [100, 900])
    expect(flagged[0]!).toBeGreaterThan(100)
  })
})
