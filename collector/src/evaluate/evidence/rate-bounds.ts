import { clopperPearsonBounds, type RateBounds } from '../../stats/clopper-pearson-bounds.ts'

/**
 * The rates that a baseline of `rows` rows with `hits` hits may plausibly come from, widened by the user's tolerance in
 * standard deviations of one row.
 *
 * @see STATISTICS.md 6.3.
 * @example rateBounds(0, 10000, 0, 3).lower // 0
 */
export function rateBounds(hits: number, rows: number, tolerance: number, zEta: number): RateBounds {
  const bounds = clopperPearsonBounds(hits, rows, zEta)
  const rate = (hits + 0.5) / (rows + 1)
  const widening = tolerance === 0 ? 0 : tolerance * Math.sqrt(Math.max(rate * (1 - rate), 0))
  return { lower: Math.max(bounds.lower - widening, 0), upper: Math.min(bounds.upper + widening, 1) }
}
