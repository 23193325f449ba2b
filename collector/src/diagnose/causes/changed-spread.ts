import { affineFit } from '../affine-fit.ts'
import { ClosedHistogram } from '../histogram.ts'
import { momentsOf, sharesOf, type Candidate, type Suspect } from '../suspect.ts'
import { formatChange, formatFactor } from '../words.ts'

const weight = 0.6
const fallback = 0.3
/** A ratio of standard deviations nearer to 1 than this explains no alarm. */
const minimumRatio = 1.05

/** The values lie wider apart, or closer together, around the same mean. */
export function changedSpread(suspect: Suspect): Candidate | null {
  const { summary, feature } = suspect
  if (summary?.kind !== 'numeric') return null
  const moments = momentsOf(summary)
  const shares = sharesOf(suspect)
  if (moments === null || shares === null || !(moments.windowDeviation > 0)) return null
  const scale = moments.windowDeviation / moments.deviation
  const leads = suspect.leadingGroup === 'scale'
  if (Math.max(scale, 1 / scale) < minimumRatio && !leads) return null
  const histogram = new ClosedHistogram(summary.bounds, summary.baselineCounts, summary.baseline)
  const fit = affineFit({ scale, offset: moments.mean * (1 - scale), share: 1 }, histogram, moments, shares)
  const score = Math.max(weight * fit, leads ? fallback : 0)
  if (score === 0) return null
  const wider = scale > 1
  return {
    cause: 'changed-spread',
    score,
    features: [feature],
    evidence: `${feature}: standard deviation ${formatChange(moments.deviation, moments.windowDeviation)} (${formatFactor(scale)}), mean ${formatChange(moments.mean, moments.windowMean)}`,
    lookAt: wider
      ? `Noise in the source of ${feature}: a failing sensor, lost rounding or clipping, several populations mixed into one.`
      : `What narrows ${feature}: rounding, clipping, averaging, caching, or traffic from one group only.`,
    group: '',
  }
}
