import { sumOf } from '../../stats/histogram-cells.ts'
import type { CategoricalDispersion } from './dispersion.ts'
import { rateRows } from './rate-rows.ts'
import { RowSetBuilder, type RowSet } from './row-set.ts'

const categoriesWeight = 0.85
const otherWeight = 0.15

export interface CategoricalRowOptions {
  readonly zEta: number
  /** In standard deviations of one row's indicator. */
  readonly tolerance?: number
  readonly dispersion?: CategoricalDispersion
  /** Names of the cells, without `_OTHER`. */
  readonly categories?: readonly string[] | undefined
}

/**
 * The rows of a categorical histogram: every category up and down, and the last cell, `_OTHER`, for what the baseline has
 * not seen. Half of the categories' weight is spread evenly, half by baseline share.
 *
 * @see STATISTICS.md 6.2.
 */
export function categoricalRows(counts: ArrayLike<number>, options: CategoricalRowOptions): RowSet {
  const { zEta, tolerance = 0, dispersion, categories } = options
  const cells = counts.length
  const builder = new RowSetBuilder(cells)
  const baselineSize = sumOf(counts)
  if (!(baselineSize > 0)) return builder.build()
  const known = Math.max(baselineSize - counts[cells - 1]!, 1)
  for (let cell = 0; cell < cells; cell++) {
    const isOther = cell === cells - 1
    const rows = rateRows(
      builder.addRange(cell, cell + 1),
      {
        hits: counts[cell]!,
        baselineSize,
        zEta,
        tolerance,
        dispersion: dispersion?.category[cell] ?? 1,
        up: true,
        down: true,
      },
      isOther
        ? { group: 'unseen', what: 'unseen categories' }
        : { group: 'category', what: `category ${JSON.stringify(categories?.[cell] ?? String(cell))}` },
    )
    const weight = isOther ? otherWeight : categoriesWeight * (0.5 / (cells - 1) + (0.5 * counts[cell]!) / known)
    builder.addRows(rows, weight)
  }
  return builder.build()
}
