import { exponentialIndex, layoutBounds, type LogLinearLayout } from '@driftline/instrumentation/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { histogramHeader } from '../../src/observation/block.ts'
import { finestScale, rangeStep, toLogLinear } from '../../src/observation/log-linear.ts'
import { commonLogLinear, maxCommonCells } from '../../src/observation/totals.ts'

const nothing = { offset: 0, bucketCounts: [] }

describe('toLogLinear', () => {
  it('keeps a histogram without values as one cell', () => {
    const { layout, values } = toLogLinear(20, 0, 0, { offset: 5, bucketCounts: [0, 0] }, nothing)
    expect(layout).toEqual({
      kind: 'log-linear',
      scale: finestScale,
      zeroThreshold: 0,
      negative: nothingRange,
      positive: nothingRange,
    })
    expect([...values]).toEqual([0, 0, 0, 0, 0])
  })

  it('widens ranges to multiples of 32 buckets, so that one more bucket rarely changes the layout', () => {
    const layoutOf = (offset: number, bucketCounts: number[]) =>
      toLogLinear(3, 0, 0, nothing, { offset, bucketCounts }).layout
    expect(layoutOf(5, [1]).positive).toEqual({ offset: 0, length: 32 })
    expect(layoutOf(0, [1, ...Array.from({ length: 30 }, () => 0), 1])).toEqual(layoutOf(5, [1]))
    expect(layoutOf(31, [1, 1]).positive).toEqual({ offset: 0, length: 64 })
    expect(layoutOf(-1, [1]).positive).toEqual({ offset: -32, length: 32 })
    expect(layoutOf(-33, [0, 1, 0]).positive).toEqual({ offset: -32, length: 32 })
  })

  it('keeps the finest scale at which there are not too many buckets, and a coarse one however many there are', () => {
    const many = (length: number) => ({ offset: 0, bucketCounts: Array.from({ length }, () => 1) })
    expect(toLogLinear(20, 0, 0, nothing, many(maxCommonCells)).layout.scale).toBe(20)
    const { layout, values } = toLogLinear(20, 0, 0, { offset: 3, bucketCounts: [2] }, many(maxCommonCells))
    expect(layout.scale).toBe(19)
    expect(values.slice(histogramHeader).reduce((sum, count) => sum + count, 0)).toBe(maxCommonCells + 2)
    expect(toLogLinear(3, 0, 0, many(800), many(800)).layout).toMatchObject({ scale: 3, positive: { length: 800 } })
  })

  it('has a common layout of few cells with what is far away, at the finest scale', () => {
    const one = (value: number) => {
      const side = { offset: exponentialIndex(value, 20), bucketCounts: [1] }
      return toLogLinear(20, 0, 0, nothing, side).layout
    }
    const common = commonLogLinear(one(1e-15), one(1e15))
    // 100 doublings of 8 cells are the fewest that are asked for.
    expect(common.scale).toBe(3)
    expect(common.positive.length).toBe(exponentialIndex(1e15, 3) - exponentialIndex(1e-15, 3) + 1)
    expect(commonLogLinear(one(300), one(310)).scale).toBe(13)
    const all = [one(300), one(310), one(1e9)]
    const [a, b, c] = all as [LogLinearLayout, LogLinearLayout, LogLinearLayout]
    expect(commonLogLinear(commonLogLinear(a, b), c)).toEqual(commonLogLinear(a, commonLogLinear(c, b)))
  })

  it('keeps a scale coarser than the finest', () => {
    expect(toLogLinear(-2, 0, 0, nothing, { offset: 1, bucketCounts: [4] }).layout.scale).toBe(-2)
  })

  it('refuses buckets beyond the finite doubles', () => {
    expect(() => toLogLinear(0, 0, 0, nothing, { offset: 2000, bucketCounts: [1] })).toThrow(
      /lie beyond the finite doubles/,
    )
    expect(() => toLogLinear(20, 0, 0, { offset: -(2 ** 31), bucketCounts: [1] }, nothing)).toThrow(RangeError)
    expect(() => toLogLinear(0, 0, 0, nothing, { offset: 1023, bucketCounts: [1] })).not.toThrow()
  })

  it('puts every value into the cell whose bounds hold it', () => {
    const magnitude = fc.double({ min: 1e-6, max: 1e6, noNaN: true })
    const values = fc.array(
      fc.tuple(magnitude, fc.boolean()).map(([value, negative]) => (negative ? -value : value)),
      { minLength: 1, maxLength: 20 },
    )
    fc.assert(
      fc.property(values, fc.integer({ min: 3, max: 8 }), fc.nat({ max: 3 }), (sample, scale, zeros) => {
        const { layout, values: slots } = toLogLinear(
          scale,
          0,
          zeros,
          sideOf(
            sample.filter((x) => x < 0),
            scale,
          ),
          sideOf(
            sample.filter((x) => x > 0),
            scale,
          ),
        )
        const cells = [...slots.subarray(histogramHeader)]
        const bounds = layoutBounds(layout)
        expect(cells).toHaveLength(bounds.length + 1)
        expect(cells.reduce((sum, cell) => sum + cell, 0)).toBe(sample.length + zeros)
        // Counts below a bound match, up to values within an ulp of it.
        cells.slice(0, -1).reduce((below, cell, i) => {
          const bound = bounds[i]!
          const slack = Math.abs(bound) * 1e-12
          const total = below + cell
          const zerosBelow = bound > 0 ? zeros : 0
          expect(total).toBeGreaterThanOrEqual(sample.filter((x) => x <= bound - slack).length + zerosBelow)
          expect(total).toBeLessThanOrEqual(sample.filter((x) => x <= bound + slack).length + zerosBelow)
          return total
        }, 0)
        for (const range of [layout.negative, layout.positive])
          expect([range.offset % rangeStep, range.length % rangeStep].map(Math.abs)).toEqual([0, 0])
      }),
      { numRuns: 500 },
    )
  })
})

const nothingRange = { offset: 0, length: 0 }

/** Exponential buckets of values of one sign, by the definition in the data model. */
function sideOf(values: readonly number[], scale: number): { offset: number; bucketCounts: number[] } {
  const indices = values.map((value) => exponentialIndex(Math.abs(value), scale))
  const offset = Math.min(...indices)
  if (indices.length === 0) return nothing
  const bucketCounts = Array.from({ length: Math.max(...indices) - offset + 1 }, () => 0)
  for (const index of indices) bucketCounts[index - offset]!++
  return { offset, bucketCounts }
}
