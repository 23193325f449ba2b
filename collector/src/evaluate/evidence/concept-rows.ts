const tiltSizes = [0.1, 0.2, 0.4, 0.8, 1.6] as const

export interface LabelledScores {
  /** Rows with a positive label, per score bucket. */
  readonly positives: ArrayLike<number>
  readonly negatives: ArrayLike<number>
}

/**
 * Log e-values that labels given scores are as in the baseline, whatever the scores themselves do.
 *
 * Labels are tilted inside the score buckets, in two directions: all buckets alike (intercept), and towards or away from the
 * middle (slope). Order: intercept, then slope; theta 0.1 to 1.6; sign +, -. Weights are equal. The baseline's error is pooled
 * over the buckets with the mix of the window, so unlike the rows of features these are not linear in the counts.
 *
 * Formula: sum_i [pos_i theta h_i - n_i ln(1 - q_i + q_i e^(theta h_i))] - n ln(1 + zEta sqrt(sum_i (n_i / n)^2 cv_i^2 / tot_i)),
 * h = 1 or 2 q_i - 1. All 0 for an empty window.
 *
 * @see STATISTICS.md 11.
 */
export function conceptLogEValues(
  window: LabelledScores,
  baseline: LabelledScores,
  { zEta, dispersion = 1 }: { readonly zEta: number; readonly dispersion?: number },
): Float64Array {
  const buckets = baseline.positives.length
  const totals = new Float64Array(buckets)
  const rates = new Float64Array(buckets)
  let size = 0
  for (let i = 0; i < buckets; i++) {
    totals[i] = baseline.positives[i]! + baseline.negatives[i]! + 1
    rates[i] = (baseline.positives[i]! + 0.5) / totals[i]!
    size += window.positives[i]! + window.negatives[i]!
  }
  const values = new Float64Array(4 * tiltSizes.length)
  if (!(size > 0)) return values
  let next = 0
  for (const direction of [() => 1, (rate: number) => 2 * rate - 1]) {
    for (const theta of tiltSizes) {
      for (const sign of [1, -1]) {
        let sum = 0
        let error = 0
        for (let i = 0; i < buckets; i++) {
          const rate = rates[i]!
          const tilt = sign * theta * direction(rate)
          const positives = window.positives[i]!
          const rows = positives + window.negatives[i]!
          const mean = 1 - rate + rate * Math.exp(tilt)
          sum += tilt * positives - rows * Math.log(mean)
          const variation = (Math.expm1(tilt) ** 2 * rate * (1 - rate)) / (mean * mean)
          error += ((rows / size) ** 2 * variation) / totals[i]!
        }
        values[next++] = (sum - size * Math.log1p(zEta * Math.sqrt(error))) / dispersion
      }
    }
  }
  return values
}
