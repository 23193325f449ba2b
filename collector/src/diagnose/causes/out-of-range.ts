import { explainedShare } from '../histogram.ts'
import { sharesOf, type Candidate, type NumericSummary, type Shares, type Suspect } from '../suspect.ts'
import { formatCount, formatNumber, formatShare } from '../words.ts'

const weight = 0.55
const fallback = 0.3
/** Growth of the share beyond the baseline's range, from which on it is said. */
const minimumGrowth = 0.005

/** Values lie beyond anything the baseline has seen, or outside the declared range, and nothing simpler says why. */
export function outOfRange(suspect: Suspect): Candidate | null {
  const { summary, feature } = suspect
  const shares = sharesOf(suspect)
  if (summary?.kind !== 'numeric' || shares === null) return null
  const last = shares.window.length - 1
  const below = Math.max(0, shares.window[0]! - shares.baseline[0]!)
  const above = last === 0 ? 0 : Math.max(0, shares.window[last]! - shares.baseline[last]!)
  const declared = suspect.rates['out_of_range']
  const outside = Math.max(0, declared?.difference ?? 0)
  const leads = ['range', 'tail'].includes(suspect.leadingGroup)
  if (Math.max(below + above, outside) < minimumGrowth && !(leads && below + above > 0)) return null
  const explained = explainedShare(beyond(shares, below, above), shares.baseline, shares.window, shares)
  return {
    cause: 'out-of-range',
    score: Math.max(weight * explained, leads ? fallback : 0.1),
    features: [feature],
    evidence: `${feature}: ${evidenceWords(summary, shares, below, above)}${outside > 0 ? `; ${formatShare(declared!.rate!)} outside the declared range` : ''}`,
    lookAt: `The extreme values of ${feature}: changed clipping or top coding, a new kind of case, entries that should have been refused.`,
    group: '',
  }
}

/** The baseline with the additional mass in the first and last cell. */
function beyond({ baseline }: Shares, below: number, above: number): number[] {
  const grown = below + above
  return baseline.map(
    (share, i) => (1 - grown) * share + (i === 0 ? below : 0) + (i === baseline.length - 1 ? above : 0),
  )
}

function evidenceWords({ baseline, window }: NumericSummary, shares: Shares, below: number, above: number): string {
  const words: string[] = []
  if (above > 0)
    words.push(
      `${formatShare(shares.window.at(-1)!)} of ${formatCount(shares.n)} values above ${formatNumber(baseline.max ?? 0)}, the largest of the baseline (now up to ${formatNumber(window.max ?? 0)})`,
    )
  if (below > 0)
    words.push(
      `${formatShare(shares.window[0]!)} of ${formatCount(shares.n)} values below ${formatNumber(baseline.min ?? 0)}, the smallest of the baseline (now down to ${formatNumber(window.min ?? 0)})`,
    )
  return words.length === 0 ? 'values inside the range of the baseline' : words.join(', ')
}
