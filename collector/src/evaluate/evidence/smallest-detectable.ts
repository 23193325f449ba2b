import type { RateBounds } from '../../stats/clopper-pearson-bounds.ts'

/** z of an 80 % chance of detection. */
const powerQuantile = 0.8416212335729143

export interface DetectabilityOptions {
  /** Evidence that an alarm needs, in steps of the false-alarm budget. */
  readonly threshold: number
  /** Weight of one row of the direction in the whole model. */
  readonly rowWeight: number
  /** Steps within which the shift should be found. */
  readonly horizonSteps: number
}

/** sqrt(2 ln(A / w)) + 0.84: standard errors that evidence of one row needs, with 80 % chance. */
function neededDeviations({ threshold, rowWeight }: DetectabilityOptions): number {
  return Math.sqrt(2 * Math.log(Math.max(threshold / rowWeight, 1))) + powerQuantile
}

/**
 * The smallest location shift, in baseline standard deviations, that would be found within the horizon with about 80 %
 * chance: what the baseline may be off by, the tolerance, and what the windows need.
 *
 * Formula: zEta / sqrt(N / phi) + tau + (sqrt(2 ln(A / w)) + 0.8416) / sqrt(n H / phi). Measured chance 0.60 to 0.90.
 * Null when the window or the baseline is empty.
 *
 * @see STATISTICS.md 6.6.
 */
export function smallestDetectableShift(
  sizes: { readonly window: number; readonly baseline: number },
  credibility: { readonly zEta: number; readonly tolerance: number },
  dispersion: { readonly baseline: number; readonly window: number },
  options: DetectabilityOptions,
): number | null {
  if (!(sizes.window > 0) || !(sizes.baseline > 0)) return null
  return (
    credibility.zEta / Math.sqrt(sizes.baseline / dispersion.baseline) +
    credibility.tolerance +
    neededDeviations(options) / Math.sqrt((sizes.window * options.horizonSteps) / dispersion.window)
  )
}

/**
 * The smallest rise of a rate that would be found within the horizon with about 80 % chance.
 *
 * Formula: p_U - p + (sqrt(2 ln(A / w)) + 0.8416) sqrt(p_U (1 - p_U) / (n H / phi)). Null when the window is empty.
 *
 * @see STATISTICS.md 6.6.
 */
export function smallestDetectableRise(
  windowSize: number,
  rate: number,
  bounds: RateBounds,
  dispersion: number,
  options: DetectabilityOptions,
): number | null {
  if (!(windowSize > 0)) return null
  const variance = bounds.upper * (1 - bounds.upper)
  const error = Math.sqrt((variance * dispersion) / (windowSize * options.horizonSteps))
  return bounds.upper - rate + neededDeviations(options) * error
}
