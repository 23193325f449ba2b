/** z of a two-sided interval of 95 %. */
export const z95 = 1.959963984540054

/**
 * Wilson score interval of a rate.
 *
 * The rates that a score test at this level would not reject, given x hits in n rows. Unlike the textbook interval it stays
 * inside [0, 1], has a width at 0 hits, and covers about as often as it says even for small n.
 * Formula: (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n).
 * Variant: without continuity correction. Null when there are no rows. Approximate; constant cost.
 *
 * @see Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953;
 *   statsmodels.stats.proportion.proportion_confint(method='wilson') (0.15.0).
 * @example wilsonInterval(12, 20) // [0.3865815, 0.7811935]
 */
export function wilsonInterval(hits: number, rows: number, z: number = z95): readonly [number, number] | null {
  if (!(rows > 0)) return null
  const rate = hits / rows
  const scale = 1 + (z * z) / rows
  const middle = (rate + (z * z) / (2 * rows)) / scale
  const half = (z * Math.sqrt((rate * (1 - rate)) / rows + (z * z) / (4 * rows * rows))) / scale
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}
