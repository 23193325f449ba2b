import type { Result } from '../../evaluate/result.ts'
import { liesFarther, meanErrors } from '../structure-change.ts'
import type { Candidate } from '../suspect.ts'
import { formatFactor, formatNumber } from '../words.ts'

const weight = 0.85
/** When most inputs could not be judged, their silence says less. */
const weightOfSilence = 0.5

/** Rows lie elsewhere from the structure of the baseline although no input moved by itself, so the inputs changed in how they go together. */
export function changedCorrelation(results: readonly Result[], suspects: readonly Result[]): Candidate | null {
  const together = suspects.filter((result) => result.signal === 'multivariate-drift')
  if (together.length === 0) return null
  const segments = new Set(together.map((result) => result.segment))
  const isInput = ({ signal, segment }: Result) =>
    (signal === 'feature-drift' || signal === 'data-health') && segments.has(segment)
  // An input that moved lies elsewhere from the structure, too: then this is a consequence.
  if ([...results, ...suspects].some((result) => isInput(result) && result.status === 'drift')) return null
  const inputs = results.filter((result) => result.signal === 'feature-drift' && segments.has(result.segment))
  const calm = inputs.filter((result) => result.status === 'ok').length
  const farther = liesFarther(together[0]!)
  return {
    cause: 'changed-correlation',
    score: calm * 2 >= inputs.length && calm > 0 ? weight : weightOfSilence,
    features: [...new Set(together.map((result) => result.feature))],
    evidence: `rows lie ${farther ? 'farther from' : 'closer to'} the structure of the baseline${errorChange(together[0]!)} while none of ${inputs.length} inputs moved by itself (${calm} found unchanged)`,
    lookAt: farther
      ? 'What brings the features of a row together: a join by a wrong or stale key, columns that were swapped or come from different times, one feature computed anew; or the population changed in how its features relate.'
      : 'What makes features follow each other: one feature now derived from another, values filled in by a rule, traffic from one group only.',
    group: '',
  }
}

function errorChange(result: Result): string {
  const means = meanErrors(result)
  if (means === null) return ''
  const { before, after } = means
  const factor = before > 0 && after > 0 ? `, ${formatFactor(after / before)}` : ''
  return ` (mean reconstruction error ${formatNumber(before)} -> ${formatNumber(after)}${factor})`
}
