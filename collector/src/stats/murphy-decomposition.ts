import { finiteOrNull } from './finite-or-null.ts'
import { sumOf } from './histogram-cells.ts'
import type { ReliabilityBuckets } from './reliability-buckets.ts'

export interface MurphyDecomposition {
  /** How far the shares of positives lie from the scores: 0 is best. */
  readonly reliability: number
  /** How far they lie from the overall share: what the score can tell apart; larger is better. */
  readonly resolution: number
  /** p (1 - p) of the overall share: the score of always saying p. */
  readonly uncertainty: number
  /** reliability - resolution + uncertainty: the Brier score if every row had its bucket's score. */
  readonly score: number
  /** The Brier score of the rows differs from `score` by at most this. */
  readonly errorBound: number
}

/**
 * Murphy's decomposition of the Brier score, from buckets.
 *
 * Formula: sum (n_i / n) (o_i - s_i)^2 - sum (n_i / n) (o_i - o)^2 + o (1 - o), o_i the share of positives of a bucket.
 * Within buckets of width w rows vary, which the buckets no longer know. Error bound: sum (n_i / n) (w_i^2 / 4 + c_i), the
 * variance of the scores and twice their covariance with the labels, c_i = w_i sqrt(o_i (1 - o_i)) for mean scores and
 * w_i (o_i (1 - s_i) + (1 - o_i) s_i) for midpoints: it holds for any rows with scores in [0, 1].
 * Empty buckets do not contribute; null without rows. Exact for the buckets; cost linear in them.
 *
 * @see Murphy (1973), https://doi.org/10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; for what varies inside buckets Stephenson,
 *   Coelho, Jolliffe (2008), https://doi.org/10.1175/2007WAF2006116.1
 * @example murphyDecomposition(
 *   reliabilityBuckets({ bounds: [0.5], counts: [80, 20], positives: [16, 18], scoreSums: [20, 16] }),
 * ) // { reliability: 0.004, resolution: 0.0784, uncertainty: 0.2244, score: 0.15, errorBound: 0.2525 }
 */
export function murphyDecomposition(buckets: ReliabilityBuckets): MurphyDecomposition | null {
  const { counts, positives, scores, widths, kind } = buckets
  const rows = sumOf(counts)
  if (!(rows > 0)) return null
  const overall = sumOf(positives) / rows
  const uncertainty = overall * (1 - overall)
  let reliability = 0
  let resolution = 0
  let errorBound = 0
  for (let i = 0; i < counts.length; i++) {
    if (!(counts[i]! > 0)) continue
    const weight = counts[i]! / rows
    const rate = positives[i]! / counts[i]!
    const score = scores[i]!
    const width = widths[i]!
    reliability += weight * (rate - score) ** 2
    resolution += weight * (rate - overall) ** 2
    const covariance = kind === 'mean' ? Math.sqrt(Math.max(0, rate * (1 - rate))) : rate + score - 2 * rate * score
    errorBound += weight * ((width * width) / 4 + width * covariance)
  }
  const score = finiteOrNull(reliability - resolution + uncertainty)
  return score === null ? null : { reliability, resolution, uncertainty, score, errorBound }
}
