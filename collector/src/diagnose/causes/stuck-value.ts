import { sharesOf, type Candidate, type Suspect } from '../suspect.ts'
import { formatCount, formatNumber, formatShare, quoted } from '../words.ts'

/** As in STATISTICS section 2: one cell with nearly everything, in a baseline that was not like that, from 20 values on. */
const stuckShare = 0.99
const baselineShare = 0.9
const minimumValues = 20
/** A cell can be wide; values are called stuck when the variance, too, has all but gone. */
const remainingVariance = 0.02
/** Score when not every value is the same: a strong reduction in scale, which leaves little variance too, then wins if it fits. */
const frozenWeight = 0.95

/** (Nearly) every value is the same. */
export function stuckValue(suspect: Suspect): Candidate | null {
  const { summary, feature } = suspect
  const shares = sharesOf(suspect)
  if (summary === null || shares === null || shares.n < minimumValues) return null
  const largest = Math.max(...shares.window)
  if (Math.max(...shares.baseline) >= baselineShare) return null
  const cell = shares.window.indexOf(largest)
  let value: string
  let score = 1
  if (summary.kind === 'numeric') {
    const { window, baseline } = summary
    const constant = window.min !== null && window.min === window.max
    const { standardDeviation: now, mean } = window
    const frozen =
      largest >= stuckShare &&
      now !== null &&
      baseline.standardDeviation !== null &&
      now ** 2 <= remainingVariance * baseline.standardDeviation ** 2
    if (!constant && !frozen) return null
    if (!constant) score = frozenWeight
    value = constant ? formatNumber(window.min) : `about ${formatNumber(mean!)}`
  } else {
    // `_OTHER` is all that the baseline does not list, and may be a hundred different values.
    if (largest < stuckShare || summary.categories[cell] === '_OTHER') return null
    value = quoted(summary.categories[cell]!)
  }
  return {
    cause: 'stuck-value',
    score,
    features: [feature],
    evidence: `${feature}: ${formatShare(largest)} of ${formatCount(shares.n)} values are ${value}; the baseline has ${formatShare(shares.baseline[cell]!)} there`,
    lookAt: `Whether ${feature} is still computed: a frozen cache, a dead sensor, a constant left in by a deployment, or one request replayed.`,
    group: '',
  }
}
