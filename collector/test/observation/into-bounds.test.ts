import { explicitCell, logLinearBound, nextDown, type LogLinearLayout } from '@driftline/instrumentation/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogLinearBlock } from '../../../instrumentation/src/recorder/log-linear-block.ts'
import type { LogLinearCells } from '../../../instrumentation/src/recorder/numeric-block.ts'
import { boundsAmongCells } from '../../src/baseline/freeze-bounds.ts'
import { makeShape } from '../../src/observation/block.ts'
import { addIntoBounds } from '../../src/observation/into-bounds.ts'
import { toLogLinear } from '../../src/observation/log-linear.ts'
import { Totals } from '../../src/observation/totals.ts'

interface Cells {
  readonly layout: LogLinearLayout
  readonly values: Float64Array
}

/** Cells as a recorder sends them. */
function recorded(values: readonly number[], block = newBlock()): Cells {
  block.recordColumn(0, Float64Array.from(values), values.length)
  const { scale, zeroCount, negative, positive } = block.read(0).cells as LogLinearCells
  block.reset()
  const side = ({ offset, counts }: { offset: number; counts: number[] }) => ({ offset, bucketCounts: counts })
  const cells = toLogLinear(scale, 0, zeroCount, side(negative), side(positive))
  cells.values[0] = values.length
  return cells
}

function newBlock(): LogLinearBlock {
  return new LogLinearBlock([{ bounds: null, origin: null, low: -Infinity, high: Infinity }])
}

/** What several recorders, or intervals, have together. */
function together(all: readonly Cells[]): Cells {
  const totals = new Totals()
  for (const { layout, values } of all) totals.add(makeShape([{ metric: 'm', attributes: {}, layout }]), values)
  const [entry] = totals.entries()
  return { layout: entry!.series.layout as LogLinearLayout, values: entry!.values }
}

function counted(bounds: readonly number[], values: readonly number[]): number[] {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0)
  for (const value of values) counts[explicitCell(bounds, value)]!++
  return counts
}

/** Values of every size, and those at which cells end, to the ulp. */
const anyValue = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ noNaN: true, min: -1000, max: 1000 }),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(0, -0, 5e-324, -5e-324, 1e308, -1e308, 2 ** 64, 2 ** -64, -(2 ** -64), 1, -1, 1024),
  fc
    .tuple(
      fc.integer({ min: 3, max: 20 }),
      fc.double({ min: -64, max: 64, maxExcluded: true, noNaN: true }),
      fc.constantFrom(-1, 0, 1),
      fc.constantFrom(1, -1),
    )
    .map(([scale, log, ulps, sign]) => {
      const bound = logLinearBound(Math.floor(log * 2 ** scale), scale)
      return sign * (ulps === 0 ? bound : ulps < 0 ? nextDown(bound) : -nextDown(-bound))
    }),
)
/** Values near one another, so that there are cells of every scale, to the ulp of their bounds. */
const nearValues = fc
  .tuple(fc.integer({ min: 3, max: 20 }), fc.double({ min: -60, max: 60, noNaN: true }), fc.constantFrom(1, -1))
  .chain(([scale, log, sign]) =>
    fc.array(
      fc.tuple(fc.integer({ min: -70, max: 70 }), fc.constantFrom(-1, 0, 1)).map(([step, ulps]) => {
        const bound = logLinearBound(Math.floor(log * 2 ** scale) + step, scale)
        return sign * (ulps === 0 ? bound : ulps < 0 ? nextDown(bound) : -nextDown(-bound))
      }),
      { minLength: 1, maxLength: 60 },
    ),
  )
const anyValues = fc.oneof(nearValues, fc.array(anyValue, { minLength: 1, maxLength: 60 }))

describe('bounds among log-linear cells', () => {
  it('put every value where the cells had it', () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const cells = recorded(values)
        const { bounds, rankError } = boundsAmongCells(cells.layout, cells.values)
        expect(bounds).toEqual([...new Set(bounds)].sort((a, b) => a - b))
        expect(rankError).toBeGreaterThanOrEqual(0)
        const counts = new Float64Array(bounds.length + 1)
        expect(addIntoBounds(cells.layout, cells.values, bounds, counts)).toBe(true)
        expect(Array.from(counts)).toEqual(counted(bounds, values))
      }),
      { numRuns: 2000 },
    )
  })

  it('take later values as well, whatever they are, when their cells are as fine', () => {
    fc.assert(
      fc.property(anyValues, anyValues, (values, later) => {
        const { layout, values: numbers } = recorded(values)
        const { bounds } = boundsAmongCells(layout, numbers)
        const cells = recorded(later)
        const counts = new Float64Array(bounds.length + 1).fill(1)
        const fits = addIntoBounds(cells.layout, cells.values, bounds, counts)
        if (cells.layout.scale >= layout.scale) expect(fits).toBe(true)
        // Coarser cells are taken where none of them lies on both sides of a bound.
        if (!fits) {
          expect(Array.from(counts)).toEqual(bounds.concat(0).map(() => 1))
          return
        }
        // Beyond 2^64 recorders tell values apart only by explicit bounds.
        if (later.every((value) => Math.abs(value) <= 2 ** 64))
          expect(Array.from(counts, (count) => count - 1)).toEqual(counted(bounds, later))
        else expect(counts.reduce((sum, count) => sum + count - 1, 0)).toBe(later.length)
      }),
      { numRuns: 2000 },
    )
  })

  it('have a place for every interval of a recorder that went to coarser scales, and for every recorder', () => {
    fc.assert(
      fc.property(fc.array(anyValues, { minLength: 1, maxLength: 6 }), fc.boolean(), (lists, isOneProcess) => {
        const block = newBlock()
        const intervals = lists.map((values) => recorded(values, isOneProcess ? block : newBlock()))
        const whole = together(intervals)
        const { bounds } = boundsAmongCells(whole.layout, whole.values)
        const counts = new Float64Array(bounds.length + 1)
        for (const { layout, values } of intervals) expect(addIntoBounds(layout, values, bounds, counts)).toBe(true)
        expect(Array.from(counts)).toEqual(counted(bounds, lists.flat()))
        // In whichever order they are brought together.
        const reversed = together([...intervals].reverse())
        expect(reversed.layout).toEqual(whole.layout)
        expect(Array.from(reversed.values.subarray(4))).toEqual(Array.from(whole.values.subarray(4)))
      }),
      { numRuns: 1000 },
    )
  })

  it('take coarser data where it lies between bounds, and refuse what a bound cuts through', () => {
    const { layout, values } = recorded(Array.from({ length: 1000 }, (_, i) => 297 + (6 * i) / 999))
    const { bounds } = boundsAmongCells(layout, values)
    const outcome = (later: readonly number[]) => {
      const cells = recorded(later)
      expect(cells.layout.scale).toBeLessThan(layout.scale)
      const counts = new Float64Array(bounds.length + 1)
      return addIntoBounds(cells.layout, cells.values, bounds, counts) ? Array.from(counts) : null
    }
    expect(outcome([1, 200, 5000])).toEqual(counted(bounds, [1, 200, 5000]))
    expect(outcome([1, 300, 5000])).toBeNull()
  })

  it('lie near the quantiles that they stand for, however narrow the spread', () => {
    let seed = 1
    const uniform = () => {
      // Lehmer's generator.
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
    const cases: readonly (readonly [string, number, () => number])[] = [
      ['normal, 300 ± 3', 0.02, () => 300 + 3 * normal()],
      ['normal, 290 ± 10', 0.02, () => 290 + 10 * normal()],
      ['normal, 101325 ± 100', 0.02, () => 101_325 + 100 * normal()],
      ['a day in ms since 1970', 0.02, () => 1.7e12 + 8.64e7 * uniform()],
      ['normal, 0 ± 1', 0.04, normal],
      ['uniform, 0 to 1', 0.06, uniform],
      ['uniform, 10 to 11', 0.02, () => 10 + uniform()],
      ['lognormal, 0.5', 0.03, () => Math.exp(0.5 * normal())],
      ['bimodal, both signs', 0.02, () => (uniform() < 0.5 ? -1 : 1) * (300 + 3 * normal())],
      // Shares of one number are all that is between these.
      ['integers 0 to 20', 1 / 21 + 0.01, () => Math.floor(21 * uniform())],
      ['years', 1 / 8 + 0.02, () => 2020 + Math.floor(8 * uniform())],
      ['zero-inflated', 0.7, () => (uniform() < 0.7 ? 0 : Math.exp(normal()))],
      ['constant', 1, () => 273.15],
    ]
    for (const [name, most, draw] of cases) {
      const sample = Array.from({ length: 20_000 }, draw)
      const cells = recorded(sample)
      const { bounds, rankError } = boundsAmongCells(cells.layout, cells.values)
      expect(rankError, name).toBeLessThan(most)
      // As it says: each quantile has a bound so near.
      const sorted = Float64Array.from(sample).sort()
      const shares = bounds.map((bound) => sorted.filter((one) => one <= bound).length / sorted.length)
      for (const quantile of [0.05, 0.25, 0.5, 0.75, 0.95])
        expect(Math.min(...shares.map((share) => Math.abs(share - quantile))), name).toBeLessThanOrEqual(
          rankError + 1e-9,
        )
      if (/±|day|years|10 to 11/.test(name)) expect(new Set(bounds).size, name).toBeGreaterThanOrEqual(8)
    }
  })

  it('have room below and above, so that cells there mean what was never seen', () => {
    const { layout, values } = recorded([3, 3, 3])
    const { bounds } = boundsAmongCells(layout, values)
    expect(bounds).toHaveLength(2)
    expect(bounds[0]).toBeLessThan(3)
    expect(bounds[0]).toBeGreaterThan(3 * (1 - 1e-6))
    expect(bounds[1]).toBeGreaterThanOrEqual(3)
    expect(bounds[1]).toBeLessThan(3 * (1 + 1e-6))
    // Also when the zero cell, or that next to it, is the lowest one.
    const zeros = recorded([0, 0, 2])
    const [below] = boundsAmongCells(zeros.layout, zeros.values).bounds
    expect(below).toBeLessThan(0)
    expect(below).toBeGreaterThan(-1e-18)
  })
})

describe('addIntoBounds', () => {
  it('refuses bounds that cut through a cell with values, and leaves the counts alone', () => {
    const { layout, values } = recorded([5, 5.000001, -5, -5.000001])
    for (const bounds of [[5.0000005], [-5.0000005], [0, 5.0000005]]) {
      const counts = new Float64Array(bounds.length + 1)
      expect(addIntoBounds(layout, values, bounds, counts), String(bounds)).toBe(false)
      expect(Array.from(counts)).toEqual(bounds.concat(0).map(() => 0))
    }
  })

  it('takes any bounds where nothing lies, and zero between the signs', () => {
    const { layout, values } = recorded([-5, 0, 5])
    for (const [bounds, expected] of [
      [
        [2, 10, 77.7],
        [2, 1, 0, 0],
      ],
      [
        [-1, 0],
        [1, 1, 1],
      ],
      [[nextDown(0)], [1, 2]],
      [[], [3]],
    ] as const) {
      const counts = new Float64Array(bounds.length + 1)
      expect(addIntoBounds(layout, values, bounds, counts), String(bounds)).toBe(true)
      expect(Array.from(counts)).toEqual(expected)
    }
  })
})
