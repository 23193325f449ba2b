import { rateBounds } from './rate-bounds.ts'
import type { Row } from './row-set.ts'

/** New rate of an up row: the upper bound and this share of what is left to 1. */
const upSizes = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3] as const

/** New rate of a down row: this share of the lower bound. */
const downSizes = [0.8, 0.5, 0.1] as const

/** A rate that may be almost 1 can not rise; one that may be almost 0 can not fall. */
const highestUpperBound = 0.999
const lowestLowerBound = 1e-3

export interface RateOptions {
  /** Baseline rows that count as hits, and all of them. */
  readonly hits: number
  readonly baselineSize: number
  readonly zEta: number
  readonly tolerance: number
  readonly dispersion: number
  readonly up: boolean
  readonly down: boolean
}

/**
 * Rows for a rise and a fall of a rate: binomial likelihood ratios against the nearest end of the credible rates.
 *
 * With p0 the bound and p1 the new rate, a hit adds ln(p1 / p0), any other row ln((1 - p1) / (1 - p0)). The expectation of the
 * e-value is linear in the true rate, so it is at most 1 for every rate inside the bounds. Dispersion divides hits and rows of
 * the baseline before, and the row afterwards.
 *
 * @see STATISTICS.md 6.2 and 6.3.
 */
export function rateRows(
  statistic: number,
  options: RateOptions,
  describe: { readonly group: string; readonly what: string },
): Row[] {
  const { hits, baselineSize, dispersion, tolerance, zEta } = options
  const { lower, upper } = rateBounds(hits / dispersion, baselineSize / dispersion, tolerance, zEta)
  const row = (hit: number, other: number, direction: string): Row => ({
    statistic,
    slope: (hit - other) / dispersion,
    intercept: other / dispersion,
    dispersion,
    group: describe.group,
    name: `${describe.what} ${direction}`,
  })
  const rows: Row[] = []
  if (options.up && upper < highestUpperBound) {
    for (const size of upSizes) rows.push(row(Math.log1p(((1 - upper) * size) / upper), Math.log1p(-size), 'up'))
  }
  if (options.down && lower > lowestLowerBound) {
    for (const size of downSizes) {
      rows.push(row(Math.log(size), Math.log1p((lower * (1 - size)) / (1 - lower)), 'down'))
    }
  }
  return rows
}
