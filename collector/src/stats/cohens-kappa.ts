import { finiteOrNull } from './finite-or-null.ts'

/**
 * Cohen's kappa of a square confusion table: agreement of decisions and labels beyond chance.
 *
 * 1 when all agree, 0 when they agree as often as independent ones with the same shares would, negative when less often.
 * Formula: (p_o - p_e) / (1 - p_e), p_o the share on the diagonal, p_e the sum of products of row and column shares.
 * Variant: unweighted. Null without rows, or when all rows and all decisions are of one class (p_e = 1).
 * Rows are actual classes, columns predicted ones; the value is the same the other way round. Exact; cost linear in the cells.
 *
 * @throws RangeError when the table is not square.
 * @see Cohen (1960), https://doi.org/10.1177/001316446002000104; sklearn.metrics.cohen_kappa_score (1.9.1).
 * @example cohensKappa([[20, 5], [10, 15]]) // 0.4
 */
export function cohensKappa(table: readonly ArrayLike<number>[]): number | null {
  const classes = table.length
  const actual = new Float64Array(classes)
  const predicted = new Float64Array(classes)
  let rows = 0
  let agreed = 0
  for (let i = 0; i < classes; i++) {
    const row = table[i]!
    if (row.length !== classes) throw new RangeError(`row ${i} of ${classes} classes has ${row.length} columns`)
    agreed += row[i]!
    for (let j = 0; j < classes; j++) {
      actual[i]! += row[j]!
      predicted[j]! += row[j]!
      rows += row[j]!
    }
  }
  if (!(rows > 0)) return null
  let byChance = 0
  for (let i = 0; i < classes; i++) byChance += (actual[i]! / rows) * (predicted[i]! / rows)
  // Shares of one class only: 1 up to rounding.
  return 1 - byChance < 1e-15 ? null : finiteOrNull((agreed / rows - byChance) / (1 - byChance))
}
