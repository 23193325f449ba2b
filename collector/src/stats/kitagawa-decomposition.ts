import { finiteOrNull } from './finite-or-null.ts'
import { requireSameCells, sumOf } from './histogram-cells.ts'

/** Per bucket of a feature's values: rows, and the sum of |attribution| of those rows. */
export interface BucketedAttribution {
  readonly counts: ArrayLike<number>
  readonly absoluteSums: ArrayLike<number>
}

export interface AttributionChange {
  /** Change of the mean |attribution|. */
  readonly total: number
  /** The part that comes from rows lying in other buckets. */
  readonly inputsMoved: number
  /** The part that comes from the same inputs getting other attributions. */
  readonly modelWeightsDifferently: number
}

/**
 * Kitagawa's decomposition of a changed mean: why did the importance of a feature move?
 *
 * Splits the change of mean |attribution| into what the moved inputs explain and what they do not. The second part is 0 for
 * an unchanged model whose attributions depend on this feature alone.
 * Formula: sum (Q_i - P_i) (a_i + a'_i) / 2, and sum (a'_i - a_i) (P_i + Q_i) / 2; P, Q shares and a, a' mean |attribution| of
 * bucket i in the two periods. The two parts add up to the whole change, without a rest.
 * Variant: symmetric (neither period is the standard). A bucket empty in one period takes the mean of the other, so its
 * effect counts as inputs moved. Null when a period has no rows. Exact; cost linear in the cells.
 *
 * @see Kitagawa (1955), https://doi.org/10.1080/01621459.1955.10501299
 * @example kitagawaDecomposition(
 *   { counts: [50, 50], absoluteSums: [50, 150] }, { counts: [20, 80], absoluteSums: [20, 240] },
 * ) // { total: 0.6, inputsMoved: 0.6, modelWeightsDifferently: 0 }
 */
export function kitagawaDecomposition(
  baseline: BucketedAttribution,
  window: BucketedAttribution,
): AttributionChange | null {
  requireSameCells(baseline.counts, window.counts)
  requireSameCells(baseline.counts, baseline.absoluteSums)
  requireSameCells(window.counts, window.absoluteSums)
  const baselineSize = sumOf(baseline.counts)
  const windowSize = sumOf(window.counts)
  if (!(baselineSize > 0) || !(windowSize > 0)) return null
  let inputsMoved = 0
  let modelWeightsDifferently = 0
  for (let i = 0; i < baseline.counts.length; i++) {
    const own = meanOf(baseline, i) ?? meanOf(window, i)
    const other = meanOf(window, i) ?? own
    if (own === null || other === null) continue
    const baselineShare = baseline.counts[i]! / baselineSize
    const windowShare = window.counts[i]! / windowSize
    inputsMoved += ((windowShare - baselineShare) * (own + other)) / 2
    modelWeightsDifferently += ((other - own) * (baselineShare + windowShare)) / 2
  }
  const total = finiteOrNull(inputsMoved + modelWeightsDifferently)
  return total === null ? null : { total, inputsMoved, modelWeightsDifferently }
}

function meanOf({ counts, absoluteSums }: BucketedAttribution, bucket: number): number | null {
  return counts[bucket]! > 0 ? absoluteSums[bucket]! / counts[bucket]! : null
}
