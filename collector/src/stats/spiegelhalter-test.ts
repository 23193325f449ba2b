import { normalUpperTail } from './normal-distribution.ts'
import type { ReliabilityBuckets } from './reliability-buckets.ts'

/**
 * Spiegelhalter's z-test of calibration.
 *
 * Compares the Brier score with what it would be if every score were true: z near 0 when calibrated, positive when scores are
 * too extreme (overconfident), negative when they are too near 1/2. Errors that are alike on both sides of 1/2 in direction,
 * such as all scores too low, may cancel: read it beside calibration-in-the-large.
 * Formula: sum (o_i - n_i s_i)(1 - 2 s_i) / sqrt(sum n_i (1 - 2 s_i)^2 s_i (1 - s_i)); two-sided.
 * Variant: on bucketed scores. Empty buckets and those with a score of 0 or 1 are left out: one contrary label there would
 * refute the score outright. Null when what is left has no variance (all scores 1/2). Asymptotic; cost linear in the cells.
 *
 * @see Spiegelhalter (1986), https://doi.org/10.1002/sim.4780050506
 * @example spiegelhalterTest(
 *   reliabilityBuckets({ bounds: [0.5], counts: [80, 20], positives: [16, 18], scoreSums: [20, 16] }),
 * ) // { z: -1.4453177, pValue: 0.1483687 }
 */
export function spiegelhalterTest({
  counts,
  positives,
  scores,
}: ReliabilityBuckets): { readonly z: number; readonly pValue: number } | null {
  let excess = 0
  let variance = 0
  for (let i = 0; i < counts.length; i++) {
    const score = scores[i]!
    if (!(counts[i]! > 0) || score <= 0 || score >= 1) continue
    const lean = 1 - 2 * score
    excess += (positives[i]! - counts[i]! * score) * lean
    variance += counts[i]! * lean * lean * score * (1 - score)
  }
  if (!(variance > 0)) return null
  const z = excess / Math.sqrt(variance)
  return Number.isFinite(z) ? { z, pValue: 2 * normalUpperTail(Math.abs(z)) } : null
}
