import { explicitCell, nextDown, type LogLinearLayout } from '@driftline/instrumentation/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { learningIndex } from '../../../instrumentation/src/recorder/log-linear-index.ts'
import { boundsAmongCells } from '../../src/baseline/freeze-bounds.ts'
import { addIntoBounds, logLinearBound } from '../../src/observation/into-bounds.ts'
import { toLogLinear } from '../../src/observation/log-linear.ts'

const scale = 3

/** Cells as the recorder has them: magnitudes up to 2^-64 are zero, those above 2^64 in the topmost cell. */
function recorded(values: readonly number[]): { layout: LogLinearLayout; values: Float64Array } {
  const sides = { negative: new Map<number, number>(), positive: new Map<number, number>() }
  let zeroCount = 0
  for (const value of values) {
    const magnitude = Math.abs(value)
    if (magnitude <= 2 ** -64) {
      zeroCount++
      continue
    }
    const side = value > 0 ? sides.positive : sides.negative
    const index = Math.min(Math.max(learningIndex(magnitude), -512), 511)
    side.set(index, (side.get(index) ?? 0) + 1)
  }
  const dense = (side: Map<number, number>) => {
    if (side.size === 0) return { offset: 0, bucketCounts: [] }
    const indices = [...side.keys()]
    const offset = Math.min(...indices)
    return {
      offset,
      bucketCounts: Array.from({ length: Math.max(...indices) - offset + 1 }, (_, i) => side.get(offset + i) ?? 0),
    }
  }
  const cells = toLogLinear(scale, 0, zeroCount, dense(sides.negative), dense(sides.positive))
  cells.values[0] = values.length
  return cells
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
    .tuple(fc.integer({ min: -512, max: 511 }), fc.constantFrom(-1, 0, 1), fc.constantFrom(1, -1))
    .map(([index, ulps, sign]) => {
      const bound = logLinearBound(index, scale)
      return sign * (ulps === 0 ? bound : ulps < 0 ? nextDown(bound) : -nextDown(-bound))
    }),
)
const anyValues = fc.array(anyValue, { minLength: 1, maxLength: 60 })

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

  it('take later values as well, whatever they are', () => {
    fc.assert(
      fc.property(anyValues, anyValues, (values, later) => {
        const { layout, values: numbers } = recorded(values)
        const { bounds } = boundsAmongCells(layout, numbers)
        const cells = recorded(later)
        const counts = new Float64Array(bounds.length + 1).fill(1)
        expect(addIntoBounds(cells.layout, cells.values, bounds, counts)).toBe(true)
        // Beyond 2^64 recorders tell values apart only by explicit bounds.
        if (later.every((value) => Math.abs(value) <= 2 ** 64))
          expect(Array.from(counts, (count) => count - 1)).toEqual(counted(bounds, later))
        else expect(counts.reduce((sum, count) => sum + count - 1, 0)).toBe(later.length)
      }),
      { numRuns: 2000 },
    )
  })

  it('have room below and above, so that cells there mean what was never seen', () => {
    const { layout, values } = recorded([3, 3, 3])
    const { bounds } = boundsAmongCells(layout, values)
    expect(bounds).toHaveLength(2)
    expect(bounds[0]).toBeLessThan(3)
    expect(bounds[1]).toBeGreaterThanOrEqual(3)
  })
})

describe('addIntoBounds', () => {
  it('refuses bounds that cut through a cell with values, and leaves the counts alone', () => {
    const { layout, values } = recorded([5, -5])
    for (const bounds of [[5], [5.01], [-5], [0, 5]]) {
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
