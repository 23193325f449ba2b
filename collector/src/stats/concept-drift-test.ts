import type { EstimatedPerformance } from './estimated-performance.ts'
import { normalUpperTail } from './normal-distribution.ts'
import { z95 } from './wilson-interval.ts'

export interface ConceptDriftTest {
  /** Realised minus estimated accuracy: negative when the model does worse than its scores promise. */
  readonly difference: number
  /** 95 %. */
  readonly interval: readonly [number, number]
  readonly z: number
  /** Two-sided. */
  readonly pValue: number
}

/**
 * Realised minus estimated accuracy: has the meaning of the scores changed?
 *
 * The estimate follows every change of the inputs, so what is left between it and the labels speaks for concept drift (or for
 * labels that are a biased sample). z is 0 when the labels keep the scores' promise.
 * Formula: difference / sqrt(window variance + baseline variance of the estimate).
 * Both accuracies are of the same labelled rows: estimate from the scores of those. Sees only changes that cost or gain accuracy;
 * calibration-tilt rows see more. Null without a realised accuracy or without variance. Asymptotic; constant cost.
 *
 * @see STATISTICS.md 11.
 * @example conceptDriftTest(0.65, estimate)?.z // for the estimate of `estimatedPerformance`'s example: -1.5694822
 */
export function conceptDriftTest(
  realisedAccuracy: number | null,
  estimate: EstimatedPerformance | null,
): ConceptDriftTest | null {
  const estimated = estimate?.metrics.accuracy ?? null
  if (realisedAccuracy === null || estimate === null || estimated === null) return null
  const error = Math.sqrt(estimate.windowVariance + estimate.baselineVariance)
  const difference = realisedAccuracy - estimated
  if (!(error > 0) || !Number.isFinite(difference)) return null
  const z = difference / error
  return {
    difference,
    interval: [difference - z95 * error, difference + z95 * error],
    z,
    pValue: 2 * normalUpperTail(Math.abs(z)),
  }
}
