import type { AttributionResampler } from './attribution-resampling.ts'
import { normalisedDiscountedCumulativeGain } from './discounted-cumulative-gain.ts'
import { randomGenerator } from './random-generator.ts'

/**
 * The low quantile of NDCG that chance alone reaches in windows of this size: the level below which a changed ranking of
 * features is more than noise.
 *
 * The baseline is resampled at the window's size, and each resample is judged as a window would be. With nearly equal
 * importances the ranking is noise, and the quantile says so by lying low where a fixed 0.9 would alarm or never alarm.
 * Formula: the ceil(q m)-th smallest of m values; q = 0.001 and m = 2000, the second smallest. Its own error is large (between
 * about the 0.01 % and the 0.3 % quantile): a gate beside the evidence, not an alarm.
 * Null without a resampler (too little was kept of the baseline), or when the baseline has no importance at all.
 * Cost: m resamples and sorts of the features; 2000 of 50 features by 24 cells take about a second, whole chunks a tenth of it.
 *
 * @see Efron, Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
 * @example ndcgChanceQuantile([2, 1], rowResampler({ features: [
 *   { counts: [1], magnitudes: [2] }, { counts: [1], magnitudes: [1] },
 * ], windowRows: 10 }), { seed: 'window 1' }) // 1: without variation the order stays
 */
export function ndcgChanceQuantile(
  baseline: ArrayLike<number>,
  resampler: AttributionResampler | null,
  {
    seed,
    draws = 2000,
    probability = 0.001,
  }: { readonly seed: string; readonly draws?: number; readonly probability?: number },
): number | null {
  if (resampler === null || !(draws > 0)) return null
  const random = randomGenerator(seed)
  const importances = new Float64Array(baseline.length)
  const values = new Float64Array(draws)
  for (let i = 0; i < draws; i++) {
    resampler(random, importances)
    const value = normalisedDiscountedCumulativeGain(baseline, importances)
    if (value === null) return null
    values[i] = value
  }
  return values.sort()[Math.max(0, Math.ceil(probability * draws) - 1)]!
}
