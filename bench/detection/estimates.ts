import { chiSquareLowerQuantile, chiSquareUpperQuantile } from '../../collector/src/stats/chi-square-distribution.ts'

/** Alarms per budget period, with a 95 % interval. */
export interface RateEstimate {
  readonly rate: number
  readonly lower: number
  readonly upper: number
  readonly alarms: number
  readonly models: number
  readonly modelsWithAlarm: number
}

/** z of a two-sided 95 % interval. */
const interval = 1.959963984540054

/**
 * The realised rate of false alarms from the alarms of independent models.
 *
 * Alarms of one model are not independent: all come from the same draw of its baseline, and one unlucky baseline may give many.
 * The interval is therefore the wider one, at each end, of Poisson's exact interval and of the mean over models plus and
 * minus 1.96 standard errors.
 */
export function estimateRate(alarmsPerModel: readonly number[], periodsPerModel: number): RateEstimate {
  const models = alarmsPerModel.length
  let alarms = 0
  let squares = 0
  for (const count of alarmsPerModel) {
    alarms += count
    squares += count * count
  }
  const mean = alarms / models
  const error = models < 2 ? mean : Math.sqrt(Math.max(squares / models - mean * mean, 0) / (models - 1))
  const periods = models * periodsPerModel
  const poissonLower = alarms === 0 ? 0 : chiSquareLowerQuantile(0.025, 2 * alarms) / 2 / periods
  const poissonUpper = chiSquareUpperQuantile(0.025, 2 * (alarms + 1)) / 2 / periods
  return {
    rate: alarms / periods,
    lower: Math.max(Math.min(poissonLower, (mean - interval * error) / periodsPerModel), 0),
    upper: Math.max(poissonUpper, (mean + interval * error) / periodsPerModel),
    alarms,
    models,
    modelsWithAlarm: alarmsPerModel.filter((count) => count > 0).length,
  }
}

/** The middle of a set of delays, with the 95 % interval that order statistics give. */
export interface DelayEstimate {
  readonly median: number
  readonly lower: number
  readonly upper: number
  /** Lower limit that one of many medians falls below by chance once in a thousand. */
  readonly cautiousLower: number
  /** Power: the share of the repetitions found within 24 windows, a day of hourly ones. */
  readonly withinDay: number
}

const dayInWindows = 24

/** z of a one-sided limit of 99.9 %: some fifty medians are held against a goal, and chance alone should miss none. */
const cautious = 3.090232306167813

/** Delays that were not reached within the horizon count as one more than it: the median is then only a lower bound. */
export function estimateDelay(delays: readonly number[]): DelayEstimate {
  const sorted = delays.toSorted((a, b) => a - b)
  const size = sorted.length
  const at = (rank: number): number => sorted[Math.min(Math.max(rank, 1), size) - 1]!
  const half = (interval * Math.sqrt(size)) / 2
  return {
    median: (at(Math.floor((size + 1) / 2)) + at(Math.ceil((size + 1) / 2))) / 2,
    lower: at(Math.floor(size / 2 - half)),
    cautiousLower: at(Math.floor(size / 2 - (cautious * Math.sqrt(size)) / 2)),
    upper: at(Math.ceil(size / 2 + half) + 1),
    withinDay: sorted.filter((delay) => delay <= dayInWindows).length / size,
  }
}
