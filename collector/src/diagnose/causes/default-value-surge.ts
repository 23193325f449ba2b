import { chanceVariation, ClosedHistogram, explainedShare, totalVariation, withSurge } from '../histogram.ts'
import { momentsOf, sharesOf, type Candidate, type NumericSummary, type Shares, type Suspect } from '../suspect.ts'
import { formatNumber, formatShare, quoted } from '../words.ts'

const weight = 0.9
/** Growth of one cell or category, in shares of the values, from which on it is looked at. */
const minimumGrowth = 0.05
const minimumExplained = 0.5
/** An inner cell at most this many baseline standard deviations wide is as good as one value. */
const narrowCell = 0.5
/** Other values that must be left to say anything about their proportions, ... */
const minimumRest = 30
/** ... and the total variation between them that still counts as kept, beyond chance. */
const keptVariation = 0.05

/** What systems put where a value is absent. */
const placeholders: readonly number[] = [0, -1, 1, -9, 9, -99, 99, -999, 999, -9999, 9999, -99_999, 99_999, 999_999]

/** One value takes rows from all the others evenly: a default, a placeholder or an imputed value. */
export function defaultValueSurge(suspect: Suspect): Candidate | null {
  const { summary } = suspect
  const shares = sharesOf(suspect)
  if (suspect.role !== 'input' || summary === null || shares === null) return null
  const cell = largestGrowth(shares)
  const before = shares.baseline[cell]!
  const after = shares.window[cell]!
  if (after - before <= minimumGrowth) return null
  const share = (after - before) / (1 - before)
  const explained = explainedShare(withSurge(shares.baseline, cell, share), shares.baseline, shares.window, shares)
  if (explained < minimumExplained) return null

  let value: string | null
  if (summary.kind === 'numeric') {
    value = numericValue(summary, shares, cell, share)
  } else {
    const category = summary.categories[cell]!
    // Categories that the baseline does not have are another story, and of two categories one always grows evenly.
    const present = shares.baseline.filter((one) => one > 0).length
    value = category === '_OTHER' || present < 3 ? null : quoted(category)
  }
  if (value === null) return null
  const { feature } = suspect
  return {
    cause: 'default-value-surge',
    score: weight * explained,
    features: [feature],
    evidence: `${feature}: ${formatShare(after)} of the values are now ${summary.kind === 'numeric' ? 'at or near ' : ''}${value}, ${formatShare(before)} in the baseline${othersKept(shares, cell) ? ', while the others kept their proportions' : ''}`,
    lookAt: `What fills ${feature} in when it is absent: a default in a client or form, a failed lookup answered with ${value}, an imputation step that now runs more often.`,
    group: '',
  }
}

/** Whether enough other values are left, in the proportions that the baseline has without the cell that grew. */
function othersKept({ baseline, window, n, baselineSize }: Shares, cell: number): boolean {
  const restBefore = 1 - baseline[cell]!
  const restAfter = 1 - window[cell]!
  if (n * restAfter < minimumRest || restBefore <= 0) return false
  const without = (shares: readonly number[], rest: number) => shares.map((one, i) => (i === cell ? 0 : one / rest))
  const before = without(baseline, restBefore)
  const moved = totalVariation(before, without(window, restAfter))
  return moved <= 1.5 * chanceVariation(before, n * restAfter, baselineSize * restBefore) + keptVariation
}

function largestGrowth({ baseline, window }: Shares): number {
  let best = 0
  for (let i = 1; i < window.length; i++) if (window[i]! - baseline[i]! > window[best]! - baseline[best]!) best = i
  return best
}

/** The value that the additional rows share, as the moments give it away; null when they do not share one. */
function numericValue(summary: NumericSummary, { n }: Shares, cell: number, share: number): string | null {
  const moments = momentsOf(summary)
  if (moments === null) return null
  const { mean, deviation, windowMean, windowDeviation } = moments
  // Mean of the additional rows: the window's mean less what the unchanged rows contribute. Its error is theirs.
  const value = mean + (windowMean - mean) / share
  const error = (3 * deviation * Math.sqrt(1 - share)) / (share * Math.sqrt(n)) + 1e-9 * Math.abs(value)
  const histogram = new ClosedHistogram(summary.bounds, summary.windowCounts, summary.window)
  const isOpen = cell === 0 || cell === summary.bounds.length
  if (isOpen) {
    // Values beyond a bound are one value only if their mean is the extreme itself.
    const edge = cell === 0 ? summary.window.min : summary.window.max
    if (edge === null || Math.abs(value - edge) > error + 0.02 * Math.abs(edge - mean)) return null
    const between = share * (1 - share) * (value - mean) ** 2
    const left = (windowDeviation ** 2 - (1 - share) * deviation ** 2 - between) / share
    return left > (0.1 + 6 / (share * Math.sqrt(n))) * deviation ** 2 + 0.01 * (value - mean) ** 2
      ? null
      : formatNumber(edge)
  }
  if (histogram.width(cell) > narrowCell * deviation && !placeholders.some((one) => histogram.holds(cell, one)))
    return null
  const near = (one: number) => histogram.holds(cell, one) && Math.abs(one - value) <= error
  const known = placeholders.find(near)
  if (known !== undefined) return formatNumber(known)
  if (near(mean)) return `the baseline's mean of ${formatNumber(mean)}`
  const lower = summary.bounds[cell - 1]!
  const upper = summary.bounds[cell]!
  return formatNumber(Math.min(upper, Math.max(lower, value)))
}
