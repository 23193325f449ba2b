import type { Finding, RateResult } from './result.ts'

/** Earlier windows of the same length that say how many rows are usual: a week of hours. */
export const volumeHistory = 168
/** With fewer, nothing is expected: a day of hours has every hour once. */
export const smallestVolumeHistory = 24

/** At most this share of the expected rows is a drop, ... */
export const trafficDropFactor = 0.5
/** ... at least this multiple a surge ... */
export const trafficSurgeFactor = 2
/** ... when it also differs by so many standard deviations of a Poisson count: 1 row instead of 4 is chance. */
export const trafficNoise = 3

export interface TrafficVolume {
  readonly rates: Readonly<Record<'rows' | 'expected' | 'ratio', RateResult>>
  readonly findings: readonly Finding[]
  /** Null while there are too few windows to compare with. */
  readonly expected: number | null
}

/**
 * How many rows came, against the median of earlier windows of the same length. Informational: traffic has its own seasons, so it
 * spends nothing of the false-alarm budget. Windows without rows do not count as usual.
 *
 * @param history rows of earlier windows, in any order
 * @example trafficVolume(40, Array(24).fill(100)).findings[0].kind // 'traffic-drop'
 */
export function trafficVolume(rows: number, history: readonly number[]): TrafficVolume {
  const usual = history.filter((one) => one > 0)
  const expected = usual.length >= smallestVolumeHistory ? median(usual) : null
  const ratio = expected === null ? null : rows / expected
  return {
    expected,
    rates: {
      rows: plainCount(rows, rows, null),
      expected: plainCount(expected ?? 0, rows, null),
      ratio: plainCount(rows, expected ?? 0, ratio),
    },
    findings: findingsOf(rows, expected, ratio),
  }
}

function findingsOf(rows: number, expected: number | null, ratio: number | null): Finding[] {
  if (rows === 0) {
    const usual = expected === null ? '' : `, where ${Math.round(expected)} are usual`
    return [{ kind: 'no-traffic', detail: `no rows${usual}`, value: 0 }]
  }
  if (expected === null || ratio === null || Math.abs(rows - expected) <= trafficNoise * Math.sqrt(expected)) return []
  const detail = `${rows} rows, where ${Math.round(expected)} are usual`
  if (ratio <= trafficDropFactor) return [{ kind: 'traffic-drop', detail, value: ratio }]
  if (ratio >= trafficSurgeFactor) return [{ kind: 'traffic-surge', detail, value: ratio }]
  return []
}

/** Counts that are no share of anything: no interval, nothing in the baseline. */
function plainCount(count: number, rows: number, rate: number | null): RateResult {
  return { count, rows, rate, interval: null, baselineRate: null, difference: null, differenceInterval: null }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
