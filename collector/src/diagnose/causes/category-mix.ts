import { chanceVariation, totalVariation } from '../histogram.ts'
import { sharesOf, type Candidate, type Suspect } from '../suspect.ts'
import { formatShare, quoted } from '../words.ts'

const weight = 0.6
const fallback = 0.3
/** Categories that the sentence names. */
const maximumNamed = 3

/** The known categories occur in other proportions. */
export function categoryMix(suspect: Suspect): Candidate | null {
  const { summary, feature } = suspect
  const shares = sharesOf(suspect)
  if (summary?.kind !== 'categorical' || shares === null) return null
  const { baseline, window, n, baselineSize } = shares
  const other = summary.categories.indexOf('_OTHER')
  const moved = totalVariation(baseline, window)
  const chance = chanceVariation(baseline, n, baselineSize)
  const leads = suspect.leadingGroup === 'category'
  if (moved <= 1.5 * chance && !leads) return null
  const isNew = other < 0 ? 0 : Math.max(0, window[other]! - baseline[other]!)
  const changes = summary.categories
    .map((category, i) => ({ category, before: baseline[i]!, after: window[i]! }))
    .filter((_, i) => i !== other)
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before))
    .slice(0, maximumNamed)
  // What went into new categories is their story, not that of the mix.
  const score = Math.max(moved <= 1.5 * chance ? 0 : weight * Math.max(0, 1 - isNew / moved), leads ? fallback : 0)
  if (score === 0 || changes.length === 0) return null
  const words = changes.map(
    ({ category, before, after }) => `${quoted(category)} ${formatShare(before)} -> ${formatShare(after)}`,
  )
  return {
    cause: 'category-mix',
    score,
    features: [feature],
    evidence: `${feature}: ${words.join(', ')}; ${formatShare(moved)} of the values would have to change category`,
    lookAt: `Where the traffic comes from now: a campaign, a new client or region, a filter or router before the model.`,
    group: '',
  }
}
