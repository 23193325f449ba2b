import type { Candidate, Suspect } from '../suspect.ts'
import { formatCount, formatShare } from '../words.ts'
import { flagSurge } from './flag-surge.ts'

const weight = 0.95

/** Values that used to be there are absent. */
export function missingSurge(suspect: Suspect): Candidate | null {
  const surge = flagSurge(suspect, 'missing', weight)
  if (surge === null) return null
  const { feature } = suspect
  return {
    cause: 'missing-surge',
    score: surge.score,
    features: [feature],
    evidence: `${feature}: missing in ${formatShare(surge.after)} of ${formatCount(surge.rate.rows)} rows, ${formatShare(surge.before)} in the baseline`,
    lookAt: `The source and the join that bring ${feature}: a renamed field, a failing lookup, a client that no longer sends it.`,
    group: '',
  }
}
