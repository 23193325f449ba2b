import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { explicitCell } from '../../src/contract/index.ts'
import { ExplicitBlock, searchDepth } from '../../src/recorder/explicit-block.ts'

const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const boundsOfAnySize = fc.oneof(
  { weight: 8, arbitrary: fc.uniqueArray(finite, { minLength: 1, maxLength: 70, comparator: (a, b) => a === b }) },
  {
    weight: 1,
    arbitrary: fc.uniqueArray(finite, { minLength: 900, maxLength: 1023, size: 'max', comparator: (a, b) => a === b }),
  },
)
const awkward = [0, -0, 5e-324, -5e-324, 2.2250738585072014e-308, Number.MAX_VALUE, -Number.MAX_VALUE, 1, -1]

function block(bounds: readonly number[], origin: number | null = 0, low = -Infinity, high = Infinity): ExplicitBlock {
  return new ExplicitBlock([{ bounds, origin, low, high }], searchDepth(bounds.length))
}

describe('cells of an explicit block', () => {
  it('are those of the contract, for values on bounds, beside them and anywhere, alone and in columns', () => {
    fc.assert(
      fc.property(boundsOfAnySize, fc.array(finite, { maxLength: 20 }), (unsorted, others) => {
        const bounds = unsorted.map((bound) => bound + 0).toSorted((a, b) => a - b)
        const values = [
          ...bounds,
          ...bounds.map((bound) => bound * (1 + Number.EPSILON)),
          ...others,
          ...awkward,
        ].filter(Number.isFinite)
        const expected = Array.from({ length: bounds.length + 1 }, () => 0)
        for (const value of values) expected[explicitCell(bounds, value)]!++

        const single = block(bounds)
        for (const value of values) single.record(0, value)
        const column = block(bounds)
        column.recordColumn(0, Float64Array.from(values), values.length)

        for (const reading of [single.read(0), column.read(0)]) {
          expect(reading.cells).toEqual({ kind: 'explicit', bounds, counts: expected })
          expect(reading.count).toBe(values.length)
          expect(reading.min).toBe(Math.min(...values))
          expect(reading.max).toBe(Math.max(...values))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('of columns of one block do not mix, whatever their number of bounds', () => {
    const layouts = [[0], Array.from({ length: 31 }, (_, i) => i), [5, 6, 7]]
    const several = new ExplicitBlock(
      layouts.map((bounds) => ({ bounds, origin: 0, low: -Infinity, high: Infinity })),
      5,
    )
    layouts.forEach((_, column) => {
      several.recordColumn(column, Float64Array.of(-1e9, 6, 1e9), 3)
      several.record(column, 6)
    })
    layouts.forEach((bounds, column) => {
      const { cells } = several.read(column)
      const expected = Array.from({ length: bounds.length + 1 }, () => 0)
      for (const value of [-1e9, 6, 1e9, 6]) expected[explicitCell(bounds, value)]!++
      expect(cells).toMatchObject({ counts: expected })
    })
  })
})

describe('values that lie apart in a larger array', () => {
  const bounds = fc.uniqueArray(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 31 })
  const anything = fc.array(
    fc.oneof(fc.float(), fc.constantFrom(Number.NaN, Infinity, -Infinity, Math.fround(3e38), Math.fround(-3e38), 0)),
  )

  it('are counted as if each came alone, up to where the rest is left to others', () => {
    for (const floats of [Float32Array, Float64Array]) {
      fc.assert(
        fc.property(bounds, anything, fc.integer({ min: 1, max: 5 }), fc.nat(4), (unsorted, some, step, first) => {
          const sorted = [...new Set(unsorted.map((bound) => bound + 0))].toSorted((a, b) => a - b)
          const values = [...sorted, ...some, ...sorted]
          const data = new floats(first + step * values.length).fill(Number.NaN)
          values.forEach((value, i) => (data[first + i * step] = value))

          const apart = block(sorted, 0, -1, 1)
          const counted = apart.recordStrided(0, data, first, step, values.length)
          apart.recordColumn(0, Float64Array.from(values.slice(counted)), values.length - counted)
          const alone = block(sorted, 0, -1, 1)
          for (const value of values) alone.record(0, value)
          const { first: sum, second, ...exact } = apart.read(0)
          const { first: expectedSum, second: expectedSecond, ...expected } = alone.read(0)
          expect(exact).toEqual(expected)
          const size = values.reduce((total, value) => total + (Number.isFinite(value) ? Math.abs(value) : 0), 0)
          expect(Math.abs(sum - expectedSum)).toBeLessThanOrEqual(size * 1e-12)
          expect(Math.abs(second - expectedSecond)).toBeLessThanOrEqual(expectedSecond * 1e-12)
        }),
        { numRuns: 500 },
      )
    }
  })

  it('all have a place in the grid where bounds are even, however far from them', () => {
    const even = Array.from({ length: 19 }, (_, i) => (i + 1) / 20)
    const data = Float32Array.from({ length: 64 }, (_, i) => (i - 32) * (i % 3 === 0 ? 1 : 100_000))
    expect(block(even).recordStrided(0, data, 0, 1, 64)).toBe(64)
    expect(block(even, null).recordStrided(0, data, 0, 1, 64)).toBe(0)
    expect(block([1, 1 + Number.EPSILON, 100]).recordStrided(0, data, 0, 1, 64)).toBe(0)
  })
})

describe('moments of an explicit block', () => {
  it('keep the digits of values like 1e9 ± 1', () => {
    const one = block([0], 1e9)
    one.recordColumn(0, Float64Array.of(1e9 - 1, 1e9 + 1), 2)
    one.record(0, 1e9 + 1)
    const { first, second, count, origin } = one.read(0)
    expect([first, second, count, origin]).toEqual([1, 3, 3, 1e9])
    expect(second / count - (first / count) ** 2).toBeCloseTo(8 / 9, 12)
  })

  it('are about the first finite value when no origin is given, at every reading', () => {
    const one = block([0], null)
    one.recordColumn(0, Float64Array.of(Number.NaN, 7, 9), 3)
    expect(one.read(0)).toMatchObject({ origin: 7, first: 2, second: 4 })
    one.reset()
    one.record(0, 8)
    expect(one.read(0)).toMatchObject({ origin: 7, first: 1, second: 1 })
  })

  it('keep the variance of whole numbers beyond 2^53, whose origin was once taken to be 0', () => {
    for (const origin of [9.01e15, null]) {
      const one = block([0], origin)
      one.recordColumn(0, Float64Array.of(9.01e15, 9.01e15 - 286, 9.01e15 + 284), 3)
      expect(one.read(0)).toMatchObject({ origin: 9.01e15, first: -2, second: 286 ** 2 + 284 ** 2 })
    }
  })
})

describe('values that reach no cell, or are out of range', () => {
  it('are counted by reason, alone and in columns', () => {
    const values = [Number.NaN, Infinity, -Infinity, -1, 0, 10, 11, Number.NaN]
    const single = block([5], 0, 0, 10)
    for (const value of values) single.record(0, value)
    const column = block([5], 0, 0, 10)
    column.recordColumn(0, Float64Array.from(values), values.length)
    for (const reading of [single.read(0), column.read(0)]) {
      expect(reading).toMatchObject({ count: 4, nan: 2, infinite: 2, outOfRange: 2 })
    }
  })

  it('are told from the others wherever they stand in a column', () => {
    const anyValue = fc.oneof(fc.integer({ min: -5, max: 15 }), fc.constantFrom(Number.NaN, Infinity, -Infinity))
    fc.assert(
      fc.property(fc.array(fc.array(anyValue, { maxLength: 12 }), { maxLength: 5 }), (columns) => {
        const single = block([2, 5], 0, 0, 10)
        for (const value of columns.flat()) single.record(0, value)
        const column = block([2, 5], 0, 0, 10)
        for (const values of columns) column.recordColumn(0, Float64Array.from(values), values.length)
        expect(column.read(0)).toEqual(single.read(0))
      }),
      { numRuns: 1000 },
    )
  })

  it('are gone after a reset, as everything else', () => {
    const one = block([5], 0, 0, 10)
    const empty = one.read(0)
    one.recordColumn(0, Float64Array.of(Number.NaN, Infinity, 99), 3)
    one.addInvalid(0, 0, 2)
    one.reset()
    expect(one.read(0)).toEqual(empty)
  })
})
