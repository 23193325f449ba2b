import { explainedShare, withSurge } from '../histogram.ts'
import { sharesOf, type Candidate, type Suspect } from '../suspect.ts'
import { formatCount, formatShare } from '../words.ts'

const weight = 0.92
const fallback = 0.4

/** Categories appear that the baseline does not have. */
export function newCategory(suspect: Suspect): Candidate | null {
  const { summary, feature } = suspect
  const shares = sharesOf(suspect)
  if (summary?.kind !== 'categorical' || shares === null) return null
  const cell = summary.categories.indexOf('_OTHER')
  if (cell < 0) return null
  const before = shares.baseline[cell]!
  const after = shares.window[cell]!
  const leads = suspect.leadingGroup === 'unseen'
  // Three standard errors of the difference, so that the usual few of a truncated list are not called new.
  const error = Math.sqrt((before * (1 - before)) / shares.baselineSize + (after * (1 - after)) / shares.n)
  if (after - before <= 0 || (after - before < 3 * error && !leads)) return null
  const share = (after - before) / (1 - before)
  const explained = explainedShare(withSurge(shares.baseline, cell, share), shares.baseline, shares.window, shares)
  return {
    cause: 'new-category',
    score: Math.max(weight * explained, leads ? fallback : 0.1),
    features: [feature],
    evidence: `${feature}: ${formatShare(after)} of ${formatCount(shares.n)} values are in categories that the baseline does not list, ${formatShare(before)} in the baseline`,
    lookAt: `The list of values of ${feature} at its source: a new product, country or code, a renamed category, changed upper and lower case or spelling.`,
    group: '',
  }
}
