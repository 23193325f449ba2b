import type { RateCount } from './newcombe-interval.ts'
import { normalUpperTail } from './normal-distribution.ts'

/**
 * Two-sample test of a rate difference with a pooled standard error.
 *
 * z is 0 when the rates agree, positive when the second is larger; its square is the chi-square statistic of the 2 x 2 table.
 * Formula: (p2 - p1) / sqrt(p (1 - p) (1 / n1 + 1 / n2)), p the rate of both together; two-sided.
 * A pooled rate of 0 or 1 leaves nothing to test: z 0, p-value 1. Null when one of them has no rows.
 * Asymptotic: use Fisher's exact test when an expected count is below 5. Constant cost.
 *
 * @see statsmodels.stats.proportion.proportions_ztest (0.15.0).
 * @example rateDifferenceTest({ hits: 100, rows: 10000 }, { hits: 15, rows: 500 }) // z 4.1933149
 */
export function rateDifferenceTest(
  first: RateCount,
  second: RateCount,
): { readonly z: number; readonly pValue: number } | null {
  if (!(first.rows > 0) || !(second.rows > 0)) return null
  const pooled = (first.hits + second.hits) / (first.rows + second.rows)
  if (pooled <= 0 || pooled >= 1) return { z: 0, pValue: 1 }
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / first.rows + 1 / second.rows))
  const z = (second.hits / second.rows - first.hits / first.rows) / error
  return { z, pValue: 2 * normalUpperTail(Math.abs(z)) }
}
