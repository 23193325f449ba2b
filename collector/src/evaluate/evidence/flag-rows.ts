import { rateRows } from './rate-rows.ts'
import { RowSetBuilder, type RowSet } from './row-set.ts'

export interface FlagRowOptions {
  readonly zEta: number
  readonly tolerance?: number
  readonly dispersion?: number
}

/**
 * The rows of a flag that every row of data has or has not: missing, invalid. Two cells, flagged and not flagged; equal
 * weights.
 *
 * @see STATISTICS.md 6.2.
 */
export function flagRows(what: string, hits: number, rows: number, options: FlagRowOptions): RowSet {
  const builder = new RowSetBuilder(2)
  if (rows > 0) {
    const { zEta, tolerance = 0, dispersion = 1 } = options
    const statistic = builder.addRange(0, 1)
    const flag = { hits, baselineSize: rows, zEta, tolerance, dispersion, up: true, down: true }
    builder.addRows(rateRows(statistic, flag, { group: what, what }), 1)
  }
  return builder.build()
}
