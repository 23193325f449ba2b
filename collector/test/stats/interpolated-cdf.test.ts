import { describe, expect, it } from 'vitest'
import { CellHistogram } from '../../src/stats/cell-histogram.ts'
import { interpolatedCdfGap, interpolatedGapOfCells } from '../../src/stats/interpolated-cdf.ts'

const bounds = [-2, -0.5, 0.25, 1, 4]

function both(one: readonly number[], oneEnds: [number, number], two: readonly number[], twoEnds: [number, number]) {
  const closed = (counts: readonly number[], [min, max]: [number, number]) => ({ bounds, counts, min, max })
  const cells = (counts: readonly number[], [min, max]: [number, number]) => ({
    cells: CellHistogram.of(counts),
    min,
    max,
  })
  return {
    walked: interpolatedCdfGap(closed(one, oneEnds), closed(two, twoEnds)),
    byCell: interpolatedGapOfCells(Float64Array.from(bounds), cells(one, oneEnds), cells(two, twoEnds)),
  }
}

describe('interpolatedGapOfCells', () => {
  it('is the same as walking the corners, whatever cells are in use and wherever they are closed', () => {
    let state = 1
    const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
    const places = [-9, -3, -2, -1, -0.5, 0, 0.25, 0.5, 1, 2, 4, 5, 30]
    let known = 0
    for (let round = 0; round < 20_000; round++) {
      const counts = () => bounds.concat(0).map(() => (random() < 0.5 ? 0 : Math.floor(random() * 50)))
      const ends = (filled: readonly number[]): [number, number] => {
        // Now and then ends that contradict the counts.
        if (random() < 0.2) return [places[Math.floor(random() * 13)]!, places[Math.floor(random() * 13)]!]
        const first = filled.findIndex((count) => count > 0)
        const last = filled.findLastIndex((count) => count > 0)
        const inCell = (cell: number) => {
          const low = bounds[cell - 1] ?? -12
          const high = bounds[cell] ?? 12
          return random() < 0.3 ? high : random() < 0.3 && cell > 0 ? low : low + random() * (high - low)
        }
        const [a, b] = [inCell(first), inCell(last)]
        return [Math.min(a, b), Math.max(a, b)]
      }
      const one = counts()
      const two = counts()
      const { walked, byCell } = both(one, ends(one), two, ends(two))
      if (walked === null) {
        expect(byCell).toBeNull()
        continue
      }
      known++
      expect(Math.abs(byCell!.absolute - walked.absolute)).toBeLessThan(1e-12 * Math.max(1, walked.absolute))
      expect(Math.abs(byCell!.squared - walked.squared)).toBeLessThan(1e-12 * Math.max(1, walked.squared))
    }
    expect(known).toBeGreaterThan(15_000)
  })

  it('says nothing of an empty histogram or of unknown ends', () => {
    const counts = [1, 2, 3, 4, 5, 6]
    expect(both(counts, [-3, 9], [0, 0, 0, 0, 0, 0], [-3, 9]).byCell).toBeNull()
    expect(both(counts, [-3, 9], counts, [Number.NaN, 9]).byCell).toBeNull()
    expect(both(counts, [-3, 9], counts, [-3, Number.POSITIVE_INFINITY]).byCell).toBeNull()
  })
})
