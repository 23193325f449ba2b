import type { Result } from '../../evaluate/result.ts'
import type { Candidate } from '../suspect.ts'

const weight = 0.85
/** When most inputs could not be judged, their silence says less. */
const weightOfSilence = 0.5

/** The predictions moved although no input did, so the change lies between the inputs and the answer. */
export function predictionShiftWithoutInputShift(
  results: readonly Result[],
  suspects: readonly Result[],
): Candidate | null {
  const outputs = suspects.filter((result) => result.signal === 'prediction-drift')
  if (outputs.length === 0) return null
  const segments = new Set(outputs.map((result) => result.segment))
  const isInput = (result: Result) => ['feature-drift', 'data-health', 'multivariate-drift'].includes(result.signal)
  if (suspects.some((result) => isInput(result) && segments.has(result.segment))) return null
  const inputs = results.filter((result) => result.signal === 'feature-drift' && segments.has(result.segment))
  if (inputs.some((result) => result.status === 'drift')) return null
  const calm = inputs.filter((result) => result.status === 'ok').length
  if (calm === 0) return null
  const names = [...new Set(outputs.map((result) => result.feature))]
  return {
    cause: 'prediction-shift-without-input-shift',
    score: calm * 2 >= inputs.length ? weight : weightOfSilence,
    features: names,
    evidence: `predicted ${names.join(', ')} moved while ${calm} of ${inputs.length} inputs were found unchanged`,
    lookAt:
      'What stands between the recorded inputs and the answer: the model file and its version, preprocessing after the monitor, the decision threshold, a feature that is not monitored.',
    group: '',
  }
}
