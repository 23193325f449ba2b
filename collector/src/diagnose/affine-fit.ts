import { explainedShare, type AffineChange, type ClosedHistogram } from './histogram.ts'
import type { MomentPair, Shares } from './suspect.ts'

/**
 * How well a change explains a window, from 0 to 1: the share of the move between the histograms that it covers, times how near the
 * mean and the standard deviation come to what it predicts. Deviations that chance makes (3 standard errors) cost nothing.
 *
 * The moments matter where the histogram is blind: once most values lie beyond the last bound, every large change looks alike there.
 */
export function affineFit(
  change: AffineChange,
  histogram: ClosedHistogram,
  moments: MomentPair,
  shares: Shares,
): number {
  const explained = explainedShare(histogram.changed(change), shares.baseline, shares.window, shares)
  if (explained === 0) return 0
  const { mean, deviation } = predictedMoments(change, moments)
  const slack = 3 / Math.sqrt(shares.n)
  const meanError = Math.abs(moments.windowMean - mean) / Math.max(moments.windowDeviation, deviation)
  const spreadError = Math.abs(Math.log(moments.windowDeviation / deviation))
  // A mean that is off by half a standard deviation, or a spread that is off by the factor 1.6, leaves a fifth to a third of the fit.
  return explained * Math.exp(-3 * Math.max(0, meanError - slack) - 3 * Math.max(0, spreadError - slack))
}

/** Mean and standard deviation after a change of a share of the rows. */
export function predictedMoments(
  { scale, offset, share }: AffineChange,
  { mean, deviation }: MomentPair,
): { mean: number; deviation: number } {
  const shift = scale * mean + offset - mean
  const variance = (1 - share + share * scale * scale) * deviation * deviation + share * (1 - share) * shift * shift
  return { mean: mean + share * shift, deviation: Math.sqrt(variance) }
}
