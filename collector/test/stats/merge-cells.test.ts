import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeAdjacentCells, mergeRareCategories, type MergedCells } from '../../src/stats/merge-cells.ts'

const sum = (counts: ArrayLike<number>): number => Array.from(counts).reduce((a, b) => a + b, 0)

/** Expected counts of the rarer histogram under homogeneity. */
function smallestExpected({ baseline, window }: MergedCells): number {
  const all = sum(baseline) + sum(window)
  const smaller = Math.min(sum(baseline), sum(window))
  return Math.min(...baseline.map((count, i) => ((count + window[i]!) * smaller) / all))
}

describe('merging neighbouring cells', () => {
  it('joins from the left until every expected count is 5, the rest to the last cell', () => {
    const merged = mergeAdjacentCells([2, 3, 40, 50, 5, 0], [1, 4, 45, 46, 3, 1])
    expect(merged).toEqual({ baseline: [5, 40, 55], window: [5, 45, 50] })
  })

  it('is null when fewer than two cells are left', () => {
    expect(mergeAdjacentCells([3, 97], [2, 98])).toBeNull()
    expect(mergeAdjacentCells([100], [50])).toBeNull()
    expect(mergeAdjacentCells([0, 0], [50, 50])).toBeNull()
  })

  it('asks the expected count of both histograms, so a small window merges more', () => {
    expect(mergeAdjacentCells([500, 500, 500, 500], [5, 5, 5, 5])?.baseline.length).toBe(4)
    expect(mergeAdjacentCells([500, 500, 500, 500], [4, 4, 4, 4])?.baseline.length).toBe(2)
  })
})

describe('merging rare categories', () => {
  it('puts the rarest into the last cell and keeps the order of the others', () => {
    const merged = mergeRareCategories([300, 2, 200, 30, 0], [290, 1, 210, 29, 2])
    expect(merged).toEqual({ baseline: [300, 200, 32], window: [290, 210, 32] })
  })

  it('drops an empty last cell', () => {
    expect(mergeRareCategories([60, 40, 0], [55, 45, 0])).toEqual({ baseline: [60, 40], window: [55, 45] })
  })

  it('is null when only one cell is left', () => {
    expect(mergeRareCategories([1000, 0], [500, 1])).toBeNull()
  })
})

describe('any merge', () => {
  const counts = fc
    .integer({ min: 2, max: 20 })
    .chain((cells) =>
      fc.tuple(
        fc.array(fc.nat(200), { minLength: cells, maxLength: cells }),
        fc.array(fc.nat(200), { minLength: cells, maxLength: cells }),
      ),
    )

  it('keeps all rows and leaves no cell below an expected count of 5', () => {
    fc.assert(
      fc.property(counts, ([baseline, window]) => {
        for (const merge of [mergeAdjacentCells, mergeRareCategories]) {
          const merged = merge(baseline, window)
          if (merged === null) continue
          expect(sum(merged.baseline)).toBe(sum(baseline))
          expect(sum(merged.window)).toBe(sum(window))
          expect(merged.baseline.length).toBeGreaterThanOrEqual(2)
          expect(smallestExpected(merged)).toBeGreaterThanOrEqual(5 - 1e-9)
        }
      }),
    )
  })
})
