import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exponentialUpperBound } from '../../src/contract/index.ts'
import { learningExponents, LogLinearBlock } from '../../src/recorder/log-linear-block.ts'
import type { LogLinearCells, NumericReading } from '../../src/recorder/numeric-block.ts'

function read(values: readonly number[]): NumericReading & { cells: LogLinearCells } {
  const block = new LogLinearBlock([{ bounds: null, origin: null, low: -Infinity, high: Infinity }])
  block.recordColumn(0, Float64Array.from(values), values.length)
  return block.read(0) as NumericReading & { cells: LogLinearCells }
}

describe('a log-linear block', () => {
  it('puts each magnitude between the bounds of its cell, on the side of its sign', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -60, max: 2 ** 60, noNaN: true }), fc.boolean(), (magnitude, negative) => {
        const { cells } = read([negative ? -magnitude : magnitude])
        const [side, other] = negative ? [cells.negative, cells.positive] : [cells.positive, cells.negative]
        expect(other.counts).toEqual([])
        expect(side.counts).toEqual([1])
        const tolerance = 1 + 1e-12
        expect(magnitude).toBeLessThanOrEqual(exponentialUpperBound(side.offset, cells.scale) * tolerance)
        expect(magnitude * tolerance).toBeGreaterThan(exponentialUpperBound(side.offset - 1, cells.scale))
      }),
    )
  })

  it('has powers of two in the cell that ends with them', () => {
    expect(read([1, 2, 4]).cells.positive).toEqual({
      offset: -1,
      counts: [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
    })
  })

  it('keeps every value through growth in both directions, and clips what is beyond its range', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }), (values) => {
        const { cells, count } = read(values)
        const sum = (counts: readonly number[]) => counts.reduce((total, own) => total + own, 0)
        const zeros = values.filter((value) => Math.abs(value) <= 2 ** learningExponents.lowest).length
        expect(cells.zeroCount).toBe(zeros)
        expect(sum(cells.positive.counts) + sum(cells.negative.counts) + zeros).toBe(values.length)
        expect(count).toBe(values.length)
        for (const { offset, counts } of [cells.positive, cells.negative]) {
          expect(counts.length === 0 || offset >= learningExponents.lowest * 8).toBe(true)
          expect(offset + counts.length).toBeLessThanOrEqual(learningExponents.highest * 8)
        }
      }),
    )
  })

  it('counts zero and minus zero in the zero cell', () => {
    expect(read([0, -0]).cells).toMatchObject({ zeroCount: 2, positive: { counts: [] }, negative: { counts: [] } })
  })
})
