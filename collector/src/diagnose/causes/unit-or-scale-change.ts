import { affineFit, predictedMoments } from '../affine-fit.ts'
import { extremesFit } from '../extremes-fit.ts'
import { ClosedHistogram, type AffineChange } from '../histogram.ts'
import { momentsOf, sharesOf, type Candidate, type MomentPair, type NumericSummary, type Suspect } from '../suspect.ts'
import { formatChange, formatFactor, formatNumber, formatShare } from '../words.ts'

/**
 * Score of a perfect fit by a conversion that is often forgotten, by another that people know, and by a factor that nobody has a name
 * for. The first two differ just enough to choose where the histogram cannot, as between two strong reductions of some rows.
 */
const commonWeight = 0.97
const familiarWeight = 0.94
const unfamiliarWeight = 0.7
/** A conversion of fewer rows than this could not be told from an outlier or two. */
const minimumShare = 0.02
/** Below this fit another story is likelier. */
const minimumFit = 0.4
/** A partial reduction below this factor is recognised, but not told from others like it. */
const uncertainScale = 0.1
/** An unnamed factor must be this far from 1 ... */
const minimumUnfamiliarFactor = 1.25
/** ... and the baseline mean this many standard deviations from 0: else scaling is nothing but a changed spread. */
const minimumMeanInDeviations = 0.5

interface Conversion {
  readonly scale: number
  readonly offset: number
  readonly words: string
  readonly weight: number
}

const commonFactors: readonly number[] = [10, 12, 60, 100, 1000]

/** Each is tried in both directions. */
const factors: readonly (readonly [scale: number, forth: string, back: string])[] = [
  [1.609344, 'miles to kilometres', 'kilometres to miles'],
  [2.2046226, 'kilograms to pounds', 'pounds to kilograms'],
  [2.54, 'inches to centimetres', 'centimetres to inches'],
  [3.2808399, 'metres to feet', 'feet to metres'],
  [7, 'weeks to days', 'days to weeks'],
  [10, 'a decimal point moved by one place', 'a decimal point moved by one place'],
  [12, 'years to months, or feet to inches', 'months to years, or inches to feet'],
  [24, 'days to hours', 'hours to days'],
  [28.349523, 'ounces to grams', 'grams to ounces'],
  [30.4375, 'months to days', 'days to months'],
  [52.1786, 'years to weeks', 'weeks to years'],
  [60, 'hours to minutes, or minutes to seconds', 'seconds to minutes, or minutes to hours'],
  [100, 'shares to percent, or units to cents', 'percent to shares, or cents to units'],
  [365.25, 'years to days', 'days to years'],
  [1000, 'thousands to units, or seconds to milliseconds', 'units to thousands, or milliseconds to seconds'],
  [3600, 'hours to seconds', 'seconds to hours'],
  [86_400, 'days to seconds', 'seconds to days'],
  [1_000_000, 'millions to units', 'units to millions'],
]

const conversions: readonly Conversion[] = [
  ...factors.flatMap(([scale, forth, back]) => {
    const weight = commonFactors.includes(scale) ? commonWeight : familiarWeight
    return [
      { scale, offset: 0, words: `${forth}, x${formatNumber(scale)}`, weight },
      { scale: 1 / scale, offset: 0, words: `${back}, x${formatNumber(1 / scale)}`, weight },
    ]
  }),
  { scale: 1.8, offset: 32, words: 'degrees Celsius to Fahrenheit', weight: commonWeight },
  { scale: 1 / 1.8, offset: -32 / 1.8, words: 'degrees Fahrenheit to Celsius', weight: commonWeight },
  { scale: 1, offset: 273.15, words: 'degrees Celsius to kelvin', weight: familiarWeight },
  { scale: 1, offset: -273.15, words: 'kelvin to degrees Celsius', weight: familiarWeight },
  { scale: -1, offset: 0, words: 'the sign turned round', weight: familiarWeight },
]

/**
 * The feature arrives in another unit or scale, in all rows or in some: one conversion explains mean, spread and histogram at once.
 *
 * For a share of the rows times k, mean and second moment give two equations, so the share follows from the mean for every
 * conversion that is tried; a slice in whose middle the change was deployed is recognised as well as one that is wholly converted.
 */
export function unitOrScaleChange(suspect: Suspect): Candidate | null {
  const { summary } = suspect
  if (suspect.role !== 'input' || summary?.kind !== 'numeric') return null
  const moments = momentsOf(summary)
  const shares = sharesOf(suspect)
  if (moments === null || shares === null || !(moments.windowDeviation > 0)) return null
  const histogram = new ClosedHistogram(summary.bounds, summary.baselineCounts, summary.baseline)
  const fitOf = (change: AffineChange) =>
    affineFit(change, histogram, moments, shares) * extremesFit(change, histogram, summary, moments, shares.n)

  let best: { change: AffineChange; score: number; fit: number; words: string } | null = null
  const consider = (change: AffineChange, weight: number, words: string) => {
    const fit = fitOf(change)
    // A conversion of all rows is the simpler story: a share is only believed when it fits clearly better.
    const score = weight * fit * (change.share < 1 ? 0.97 : 1)
    if (fit >= minimumFit && (best === null || score > best.score)) best = { change, score, fit, words }
  }
  for (const { scale, offset, words, weight } of conversions) {
    for (const share of sharesToTry(scale, offset, moments)) consider({ scale, offset, share }, weight, words)
  }
  const factor = unfamiliarFactor(moments)
  if (factor !== null)
    consider({ scale: factor, offset: 0, share: 1 }, unfamiliarWeight, `one factor, ${formatFactor(factor)}`)
  return best === null ? null : candidate(suspect.feature, summary, moments, best)
}

/** All rows, and the share that would give the window's mean. */
function sharesToTry(scale: number, offset: number, { mean, windowMean, deviation }: MomentPair): number[] {
  const shift = scale * mean + offset - mean
  if (Math.abs(shift) < 0.1 * deviation) return [1]
  const share = (windowMean - mean) / shift
  return share >= minimumShare && share < 0.98 ? [share, 1] : [1]
}

function unfamiliarFactor({ mean, deviation, windowMean, windowDeviation }: MomentPair): number | null {
  if (Math.abs(mean) < minimumMeanInDeviations * deviation) return null
  const factor = windowMean / mean
  const strength = Math.max(factor, 1 / factor)
  if (!(factor > 0) || strength < minimumUnfamiliarFactor) return null
  // Both ratios must speak of the same factor before anything is fitted.
  return Math.abs(Math.log(windowDeviation / deviation / factor)) < 0.2 * Math.log(strength) + 0.02 ? factor : null
}

function candidate(
  feature: string,
  summary: NumericSummary,
  moments: MomentPair,
  best: { readonly change: AffineChange; readonly score: number; readonly words: string },
): Candidate {
  const { mean, deviation, windowMean, windowDeviation } = moments
  const { change, words } = best
  const predicted = predictedMoments(change, moments)
  const who = change.share === 1 ? 'all values' : `about ${formatShare(change.share)} of the values`
  // Converted values then all lie below the first bound and near 0, and nothing that was recorded tells 1/60 from 1/100.
  const doubt =
    change.share < 1 && Math.abs(change.scale) < uncertainScale
      ? '; the factor of so strong a reduction of some rows is uncertain'
      : ''
  const top =
    summary.baseline.max !== null && summary.window.max !== null
      ? `, maximum ${formatChange(summary.baseline.max, summary.window.max)}`
      : ''
  return {
    cause: 'unit-or-scale-change',
    score: best.score,
    features: [feature],
    evidence:
      `${feature}: ${who} look converted (${words}): mean ${formatChange(mean, windowMean)} (${formatNumber(predicted.mean)} expected from the conversion), ` +
      `standard deviation ${formatChange(deviation, windowDeviation)} (${formatNumber(predicted.deviation)} expected)${top}${doubt}`,
    lookAt: `The unit of ${feature} where it is produced and in every step before the model: look for a conversion (${words}) added, dropped or applied twice around the onset.`,
    group: words,
  }
}
