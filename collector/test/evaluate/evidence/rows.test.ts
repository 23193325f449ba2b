import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { categoricalRows } from '../../../src/evaluate/evidence/categorical-rows.ts'
import { shapeGroups, tailRanges } from '../../../src/evaluate/evidence/cell-groups.ts'
import { flagRows } from '../../../src/evaluate/evidence/flag-rows.ts'
import { numericRows } from '../../../src/evaluate/evidence/numeric-rows.ts'
import { rateBounds } from '../../../src/evaluate/evidence/rate-bounds.ts'
import { logEValues, rowCoefficients, type RowSet } from '../../../src/evaluate/evidence/row-set.ts'
import { smoothedShares } from '../../../src/stats/smoothed-shares.ts'

const inner = fc.array(fc.oneof(fc.nat(20), fc.nat(2000)), { minLength: 1, maxLength: 24 })
/** Numeric baselines: nothing below the minimum, nothing above the maximum, at least 50 values. */
const numericBaseline = inner
  .map((counts) => [0, ...counts, 0])
  .filter((counts) => counts.reduce((a, b) => a + b) >= 50)
const categoricalBaseline = inner
  .map((counts) => [...counts, 0])
  .filter((counts) => counts.reduce((a, b) => a + b) >= 50)
const zEta = fc.double({ min: 2, max: 5, noNaN: true })
const tau = fc.constantFrom(0, 0.02, 0.1)
const factor = fc.constantFrom(1, 1.7, 12)

function expectation(set: RowSet, row: number, shares: ArrayLike<number>): number {
  return rowCoefficients(set, row).reduce((sum, coefficient, i) => sum + shares[i]! * Math.exp(coefficient), 0)
}

describe('every row of a numeric histogram', () => {
  it('expects at most 1 of one row of data under the shares of its own baseline', () => {
    fc.assert(
      fc.property(numericBaseline, zEta, tau, factor, (counts, z, tolerance, dispersion) => {
        const set = numericRows(counts, {
          zEta: z,
          tolerance: { location: tolerance, scale: tolerance, tail: tolerance, range: tolerance, shape: tolerance },
          dispersion: {
            location: dispersion,
            scale: dispersion,
            tail: { lower: dispersion, upper: dispersion },
            shape: shapeGroups(counts).map(() => dispersion),
          },
        })
        const smoothed = smoothedShares(counts)
        const plain = counts.map((count) => count / counts.reduce((a, b) => a + b))
        for (let row = 0; row < set.slope.length; row++) {
          const tilt = set.groups[row] === 'location' || set.groups[row] === 'scale'
          // Tilts are built on smoothed shares, rates on bounds around the plain ones.
          expect(expectation(set, row, tilt ? smoothed : plain), set.names[row]).toBeLessThanOrEqual(1 + 1e-9)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('has weights that sum to 1, however many groups are missing', () => {
    fc.assert(
      fc.property(numericBaseline, zEta, (counts, z) => {
        const { weight } = numericRows(counts, { zEta: z })
        expect(weight.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
      }),
    )
  })

  it('is range only for a constant baseline, and nothing for an empty one', () => {
    expect(new Set(numericRows([0, 1000, 0], { zEta: 3 }).groups)).toEqual(new Set(['range']))
    expect(numericRows([0, 0, 0], { zEta: 3 }).groups).toEqual([])
  })

  it('has a name that a person can read', () => {
    const { names } = numericRows([0, 10, 400, 500, 400, 10, 0], { zEta: 3, bounds: [-3, -2, -1, 1, 2, 3] })
    expect(names).toEqual(expect.arrayContaining(['location +0.4 sd', 'scale -0.1', 'tail upper up', 'range lower up']))
    expect(names).toEqual(expect.arrayContaining(['values in (-1, 1] down']))
  })

  it('gives the same log e as its coefficients', () => {
    fc.assert(
      fc.property(numericBaseline, fc.array(fc.nat(1000), { minLength: 26, maxLength: 26 }), (counts, random) => {
        const window = counts.map((_, i) => random[i]!)
        const set = numericRows(counts, { zEta: 3 })
        logEValues(set, window).forEach((logE, row) => {
          const direct = rowCoefficients(set, row).reduce((sum, coefficient, i) => sum + window[i]! * coefficient, 0)
          expect(Math.abs(logE - direct)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(direct)))
        })
      }),
      { numRuns: 50 },
    )
  })
})

describe('every rate row', () => {
  it('expects at most 1 for every rate inside its bounds', () => {
    fc.assert(
      fc.property(
        fc.nat(5000),
        fc.integer({ min: 1, max: 5000 }),
        zEta,
        tau,
        factor,
        (a, rows, z, tolerance, dispersion) => {
          const hits = Math.min(a, rows)
          const set = flagRows('missing', hits, rows, { zEta: z, tolerance, dispersion })
          const { lower, upper } = rateBounds(hits / dispersion, rows / dispersion, tolerance, z)
          expect(lower).toBeLessThanOrEqual(hits / rows + 1e-12)
          expect(upper).toBeGreaterThanOrEqual(hits / rows - 1e-12)
          for (const share of [0, 0.5, 1]) {
            const rate = lower + share * (upper - lower)
            for (let row = 0; row < set.slope.length; row++) {
              expect(expectation(set, row, [rate, 1 - rate])).toBeLessThanOrEqual(1 + 1e-9)
            }
          }
        },
      ),
    )
  })

  it('of categories holds the same under the baseline shares, with weights that sum to 1', () => {
    fc.assert(
      fc.property(categoricalBaseline, zEta, (counts, z) => {
        const set = categoricalRows(counts, { zEta: z })
        const total = counts.reduce((a, b) => a + b)
        const shares = counts.map((count) => count / total)
        for (let row = 0; row < set.slope.length; row++) {
          expect(expectation(set, row, shares), set.names[row]).toBeLessThanOrEqual(1 + 1e-9)
        }
        expect(set.weight.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
      }),
      { numRuns: 60 },
    )
  })

  it('names its category', () => {
    const { names, groups } = categoricalRows([600, 400, 0], { zEta: 3, categories: ['red', 'blue'] })
    expect(names).toContain('category "blue" up')
    expect(names.at(-1)).toBe('unseen categories up')
    expect(groups.at(-1)).toBe('unseen')
  })

  it('a more credible baseline says more: wider bounds make smaller e-values', () => {
    const narrow = flagRows('missing', 100, 10_000, { zEta: 2 })
    const wide = flagRows('missing', 100, 10_000, { zEta: 4 })
    const surge = [60, 940]
    expect(Math.max(...logEValues(narrow, surge))).toBeGreaterThan(Math.max(...logEValues(wide, surge)))
  })
})

describe('tails and groups of cells', () => {
  it('a tail takes cells from outside while they hold at most 2 %', () => {
    expect(tailRanges([0, 10, 5, 485, 480, 10, 15, 0])).toEqual([
      { side: 'lower', from: 0, to: 3 },
      { side: 'upper', from: 6, to: 8 },
    ])
    expect(tailRanges([0, 500, 500, 0])).toEqual([])
  })

  it('groups cover all cells without overlap, ten at most', () => {
    fc.assert(
      fc.property(numericBaseline, (counts) => {
        const groups = shapeGroups(counts)
        expect(groups.length).toBeLessThanOrEqual(10)
        expect(groups[0]!.from).toBe(0)
        expect(groups.at(-1)!.to).toBe(counts.length)
        for (let k = 1; k < groups.length; k++) expect(groups[k]!.from).toBe(groups[k - 1]!.to)
      }),
    )
  })
})
