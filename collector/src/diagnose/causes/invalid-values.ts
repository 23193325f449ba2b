import type { Candidate, Suspect } from '../suspect.ts'
import { formatCount, formatShare } from '../words.ts'
import { flagSurge } from './flag-surge.ts'

const weight = 0.94

const reasons: readonly (readonly [key: string, words: string])[] = [
  ['nan', 'NaN'],
  ['infinite', 'infinite'],
  ['wrong_type', 'of a wrong type'],
]

/** Values arrive that are no values of this feature: NaN, infinite, wrong type. */
export function invalidValues(suspect: Suspect): Candidate | null {
  const surge = flagSurge(suspect, 'invalid', weight)
  if (surge === null) return null
  const { feature, rates } = suspect
  const parts = reasons.flatMap(([key, words]) => {
    const rate = rates[key]?.rate
    return typeof rate === 'number' && rate > 0 ? [`${formatShare(rate)} ${words}`] : []
  })
  return {
    cause: 'invalid-values',
    score: surge.score,
    features: [feature],
    evidence: `${feature}: invalid in ${formatShare(surge.after)} of ${formatCount(surge.rate.rows)} rows, ${formatShare(surge.before)} in the baseline${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`,
    lookAt: `How ${feature} is parsed and computed: a changed format or decimal sign, text in a number's place, a division by zero, a logarithm of 0.`,
    group: '',
  }
}
