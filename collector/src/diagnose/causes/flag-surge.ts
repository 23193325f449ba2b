import type { RateResult } from '../../evaluate/result.ts'
import { chanceVariation, totalVariation } from '../histogram.ts'
import { sharesOf, type Suspect } from '../suspect.ts'

/** A flag that grew by less, in shares of the rows, is no surge unless the evidence points to it. */
const minimumGrowth = 0.01
/** Total variation between the values left over that still counts as "the others did not change", beyond chance. */
const unchangedVariation = 0.03

export interface FlagSurge {
  readonly rate: RateResult
  readonly before: number
  readonly after: number
  /** Between 0 and 1: less when the values that are left moved as well, so that the flag is not the whole story. */
  readonly score: number
}

/** Whether a rate of missing or invalid values rose, and how much of the drift that accounts for. */
export function flagSurge(suspect: Suspect, flag: 'missing' | 'invalid', weight: number): FlagSurge | null {
  const rate = suspect.rates[flag]
  if (rate === undefined || rate.rate === null || rate.baselineRate === null) return null
  const growth = rate.rate - rate.baselineRate
  const leads = suspect.leadingGroup === flag
  const certain = rate.differenceInterval === null || rate.differenceInterval[0] > 0
  if (growth <= 0 || !(leads || (growth >= minimumGrowth && certain))) return null
  return {
    rate,
    before: rate.baselineRate,
    after: rate.rate,
    score: weight * (leads || !valuesMoved(suspect) ? 1 : 0.8),
  }
}

function valuesMoved(suspect: Suspect): boolean {
  const shares = sharesOf(suspect)
  if (shares === null) return false
  const { baseline, window, n, baselineSize } = shares
  return totalVariation(baseline, window) > 1.5 * chanceVariation(baseline, n, baselineSize) + unchangedVariation
}
