import { affineFit } from '../affine-fit.ts'
import { ClosedHistogram } from '../histogram.ts'
import { momentsOf, sharesOf, type Candidate, type Suspect } from '../suspect.ts'
import { formatChange, formatNumber } from '../words.ts'

const weight = 0.6
/** When the evidence points to the location, that much is said even if the histogram of one slice shows little. */
const fallback = 0.3

/** The whole distribution moved to another place and kept its form. */
export function shiftedMean(suspect: Suspect): Candidate | null {
  const { summary, feature } = suspect
  if (summary?.kind !== 'numeric') return null
  const moments = momentsOf(summary)
  const shares = sharesOf(suspect)
  if (moments === null || shares === null) return null
  const shift = moments.windowMean - moments.mean
  const error = Math.max(moments.windowDeviation, moments.deviation) / Math.sqrt(shares.n)
  const leads = suspect.leadingGroup === 'location'
  if (Math.abs(shift) < 3 * error && !leads) return null
  const histogram = new ClosedHistogram(summary.bounds, summary.baselineCounts, summary.baseline)
  const fit = affineFit({ scale: 1, offset: shift, share: 1 }, histogram, moments, shares)
  const score = Math.max(weight * fit, leads ? fallback : 0)
  if (score === 0) return null
  const inDeviations = formatNumber(shift / moments.deviation)
  return {
    cause: 'shifted-mean',
    score,
    features: [feature],
    evidence: `${feature}: mean ${formatChange(moments.mean, moments.windowMean)}, which is ${inDeviations} baseline standard deviations; standard deviation ${formatChange(moments.deviation, moments.windowDeviation)}`,
    lookAt: `Who or what ${feature} now comes from: a new source or group of users, a changed default or calibration, a season that the baseline does not hold.`,
    group: '',
  }
}
