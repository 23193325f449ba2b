import { sumOf } from '../../stats/histogram-cells.ts'
import { normalScores, standardise } from '../../stats/normal-scores.ts'
import { smoothedShares } from '../../stats/smoothed-shares.ts'
import { shapeGroups, tailRanges, type CellRange } from './cell-groups.ts'
import type { NumericDispersion } from './dispersion.ts'
import { rateRows } from './rate-rows.ts'
import { RowSetBuilder, type Row, type RowSet } from './row-set.ts'
import { tiltRows } from './tilt-rows.ts'

/** Sizes of location shifts, in baseline standard deviations of the normal score. */
const locationSizes = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6] as const
const scaleSizes = [0.05, 0.1, 0.2, 0.4, 0.8] as const

const groupWeights = { location: 0.35, scale: 0.2, tail: 0.15, range: 0.1, shape: 0.2 } as const

/** Tolerances in standard deviations, per group; 0 where not given. */
type NumericTolerance = Partial<Record<keyof typeof groupWeights, number>>

export interface NumericRowOptions {
  readonly zEta: number
  readonly tolerance?: NumericTolerance
  readonly dispersion?: NumericDispersion
  /** The layout's bounds, to name groups of cells by their values. */
  readonly bounds?: readonly number[] | undefined
}

/**
 * The rows of a numeric histogram: location, scale, tails, range and shape, with the weights of STATISTICS.md 6.2.
 *
 * The first cell of the baseline means "below anything seen", the last "above". A constant baseline has only range rows;
 * an empty one none.
 */
export function numericRows(counts: ArrayLike<number>, options: NumericRowOptions): RowSet {
  const { zEta, tolerance = {}, dispersion } = options
  const cells = counts.length
  const builder = new RowSetBuilder(cells)
  const baselineSize = sumOf(counts)
  const scores = normalScores(counts)
  if (scores === null) return builder.build()
  const shares = smoothedShares(counts)
  const location = standardise(scores.location, shares)
  const scale = filledCells(counts) >= 3 ? standardise(scores.scale, shares) : null
  const locationStatistic = location === null ? -1 : builder.addScore(location)
  const scaleStatistic = scale === null ? -1 : builder.addScore(scale)
  const tilt = (factor: number | undefined, tau: number | undefined) => ({
    shares,
    baselineSize,
    zEta,
    tolerance: tau ?? 0,
    dispersion: factor ?? 1,
  })
  if (location !== null) {
    const rows = tiltRows(locationStatistic, location, locationSizes, tilt(dispersion?.location, tolerance.location), {
      group: 'location',
      unit: ' sd',
    })
    builder.addRows(rows, groupWeights.location)
  }
  if (scale !== null) {
    const rows = tiltRows(scaleStatistic, scale, scaleSizes, tilt(dispersion?.scale, tolerance.scale), {
      group: 'scale',
      unit: '',
    })
    builder.addRows(rows, groupWeights.scale)
  }
  const rates = (
    group: 'tail' | 'range' | 'shape',
    range: CellRange,
    factor: number | undefined,
    what: string,
  ): Row[] => {
    let hits = 0
    for (let i = range.from; i < range.to; i++) hits += counts[i]!
    return rateRows(
      builder.addRange(range.from, range.to),
      {
        hits,
        baselineSize,
        zEta,
        tolerance: tolerance[group] ?? 0,
        dispersion: factor ?? 1,
        up: true,
        down: group === 'shape',
      },
      { group, what },
    )
  }
  const tails = dispersion?.tail
  const tailRows = tailRanges(counts).flatMap((tail) => rates('tail', tail, tails?.[tail.side], `tail ${tail.side}`))
  builder.addRows(tailRows, groupWeights.tail)
  const rangeRows = [
    ...rates('range', { from: 0, to: 1 }, tails?.lower, 'range lower'),
    ...rates('range', { from: cells - 1, to: cells }, tails?.upper, 'range upper'),
  ]
  builder.addRows(rangeRows, groupWeights.range)
  const groups = shapeGroups(counts)
  const shapeRows =
    groups.length < 2
      ? []
      : groups.flatMap((group, k) =>
          rates('shape', group, dispersion?.shape[k], nameOfCells(group, cells, options.bounds)),
        )
  builder.addRows(shapeRows, groupWeights.shape)
  return builder.build()
}

function filledCells(counts: ArrayLike<number>): number {
  let filled = 0
  for (let i = 0; i < counts.length; i++) if (counts[i]! > 0) filled++
  return filled
}

function nameOfCells(range: CellRange, cells: number, bounds: readonly number[] | undefined): string {
  if (bounds === undefined) return `cells ${range.from}-${range.to - 1}`
  const number = (value: number): string => String(Number(value.toPrecision(6)))
  if (range.from === 0) return `values up to ${number(bounds[range.to - 1]!)}`
  if (range.to === cells) return `values above ${number(bounds[range.from - 1]!)}`
  return `values in (${number(bounds[range.from - 1]!)}, ${number(bounds[range.to - 1]!)}]`
}
