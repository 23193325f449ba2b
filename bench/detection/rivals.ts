import { horizons } from './cases.ts'
import { statisticsOfNoPreset, type StatisticName } from './rules.ts'
import type { DetectionFigure } from './simulate.ts'

export interface FastestRival {
  readonly statistic: StatisticName
  readonly median: number
  /** False when even the fastest did not find the change within the horizon in half of the repetitions. */
  readonly found: boolean
}

/**
 * The other statistic that finds a change first when its threshold is the best one at this false-alarm rate; of the presets
 * alone, or of all.
 */
export function fastestRival(
  { calibrated, windowRows }: DetectionFigure,
  at: 'atOurRate' | 'atBudget',
  among: 'presets' | 'all',
): FastestRival {
  let fastest: FastestRival | null = null
  for (const { statistic, [at]: delay } of calibrated) {
    if (among === 'presets' && statisticsOfNoPreset.has(statistic)) continue
    if (delay === null || (fastest !== null && delay.median >= fastest.median)) continue
    fastest = { statistic, median: delay.median, found: delay.median <= horizons[windowRows]! }
  }
  if (fastest === null) throw new Error('no other rule judges these windows')
  return fastest
}
