import type { Row } from './row-set.ts'

export interface TiltOptions {
  /** Smoothed baseline shares. */
  readonly shares: ArrayLike<number>
  /** Rows of the baseline; divided by the dispersion for the credibility of its mean. */
  readonly baselineSize: number
  readonly zEta: number
  /** Shifts below this many standard deviations do not matter to the user. */
  readonly tolerance: number
  readonly dispersion: number
}

/**
 * Rows for a shift of a score's mean, up and down, one pair per size.
 *
 * Of a score s with mean 0 and variance 1 under the baseline, log e of one row of data is lambda s - psi(lambda + tau) +
 * psi(tau) - ln(1 + zEta cv / sqrt N), with psi(lambda) = ln E e^(lambda s) and cv the coefficient of variation of
 * e^(lambda s). It is the likelihood ratio of an exponential tilt, exact for any window size, divided by the largest mean it
 * can have under a credible baseline. Dispersion divides N before and the row afterwards.
 *
 * @see STATISTICS.md 6.2 to 6.4.
 */
export function tiltRows(
  statistic: number,
  scores: Float64Array,
  sizes: readonly number[],
  options: TiltOptions,
  describe: { readonly group: string; readonly unit: string },
): Row[] {
  const { dispersion } = options
  const mirrored = scores.map((score) => -score)
  return sizes.flatMap((size) =>
    ([1, -1] as const).map((sign) => ({
      statistic,
      slope: (sign * size) / dispersion,
      intercept: -tiltBound(sign === 1 ? scores : mirrored, size, options) / dispersion,
      dispersion,
      group: describe.group,
      name: `${describe.group} ${sign === 1 ? '+' : '-'}${size}${describe.unit}`,
    })),
  )
}

function tiltBound(scores: Float64Array, size: number, options: TiltOptions): number {
  const { shares, baselineSize, zEta, tolerance, dispersion } = options
  const single = logMeanExponential(scores, shares, size)
  const variation = Math.sqrt(Math.max(Math.expm1(logMeanExponential(scores, shares, 2 * size) - 2 * single), 0))
  const credible = Math.log1p((zEta * variation) / Math.sqrt(baselineSize / dispersion))
  if (tolerance === 0) return single + credible
  return logMeanExponential(scores, shares, size + tolerance) - logMeanExponential(scores, shares, tolerance) + credible
}

/** psi(lambda) = ln sum_i share_i e^(lambda score_i), without overflow. */
function logMeanExponential(scores: Float64Array, shares: ArrayLike<number>, lambda: number): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < scores.length; i++) largest = Math.max(largest, lambda * scores[i]!)
  let sum = 0
  for (let i = 0; i < scores.length; i++) sum += shares[i]! * Math.exp(lambda * scores[i]! - largest)
  return largest + Math.log(sum)
}
