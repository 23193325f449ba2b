import { jensenShannonDivergence } from '../../stats/jensen-shannon-divergence.ts'
import {
  kolmogorovSmirnovPValue,
  kolmogorovSmirnovStatistic,
  kolmogorovSmirnovUpperBound,
} from '../../stats/kolmogorov-smirnov.ts'
import { kolmogorovSmirnovExpected, wassersteinExpected } from '../../stats/null-expectations.ts'
import { interpolatedCdfGap, type ClosedHistogram } from '../../stats/interpolated-cdf.ts'
import { wassersteinErrorBound } from '../../stats/wasserstein-distance.ts'
import type { Measured, NumericInput, PresetInput } from './preset.ts'

/** A number of a window with what is known about it. */
export type Reading = Pick<Measured, 'statistic' | 'value' | 'bound' | 'nullExpectation'>

/** Kolmogorov-Smirnov D at the bounds of the cells; the raw rows would have given a value within `bound`. */
export function kolmogorovSmirnov({ baseline, window }: NumericInput): Reading {
  const value = kolmogorovSmirnovStatistic(baseline.counts, window.counts)
  const highest = kolmogorovSmirnovUpperBound(baseline.counts, window.counts)
  return {
    statistic: 'Kolmogorov-Smirnov D',
    value,
    bound: value === null || highest === null ? null : [value, highest],
    nullExpectation: kolmogorovSmirnovExpected(baseline.values, window.values),
  }
}

/** Its p-value by Kolmogorov's limit: at most this on the raw rows, because their D is at least that of the cells. */
export function kolmogorovSmirnovProbability(input: NumericInput): Reading {
  const { value, bound } = kolmogorovSmirnov(input)
  const pValue = (statistic: number) => kolmogorovSmirnovPValue(statistic, input.baseline.values, input.window.values)
  return {
    statistic: 'Kolmogorov-Smirnov p-value',
    value: value === null ? null : pValue(value),
    bound: bound === null || bound === undefined ? null : [pValue(bound[1]), pValue(bound[0])],
    nullExpectation: uniformMean,
  }
}

/** The mean of a p-value when nothing has changed, as far as its distribution is uniform. */
export const uniformMean = 0.5

/**
 * Wasserstein-1 distance in baseline standard deviations of at least `smallestDeviation`; the raw rows would have given a value
 * within `bound`.
 *
 * The value is meant to be near the raw one, also with heavy tails, and is therefore not the distance that results show. There,
 * the rows of an outermost cell are spread evenly up to the largest value of each histogram; two samples of one heavy-tailed
 * distribution have very different maxima, and 1 % of the rows then look like a shift. Here both are spread over at most twice
 * the width of the neighbouring cell. No distance is below the difference of the means, which is known exactly.
 *
 * @see Villani (2009), Optimal Transport, remark 6.5, for the difference of the means as a lower bound.
 */
export function scaledWasserstein({ baseline, window }: NumericInput, smallestDeviation: number): Reading {
  const reference = { bounds: baseline.bounds, counts: baseline.counts, min: baseline.min, max: baseline.max }
  const now = { bounds: baseline.bounds, counts: window.counts, min: window.min, max: window.max }
  const expected = wassersteinExpected(reference, window.values)
  const scale = Math.max(Math.sqrt(baseline.variance), smallestDeviation)
  const distance = nearWasserstein(reference, now, window.sum / window.values)
  const usable = distance !== null && scale > 0
  return {
    statistic: 'Wasserstein distance / sd',
    value: usable ? distance.value / scale : null,
    bound: usable ? [distance.lowest / scale, distance.highest / scale] : null,
    nullExpectation: usable && expected !== null ? expected / scale : null,
  }
}

function nearWasserstein(reference: ClosedHistogram, now: ClosedHistogram, meanShift: number) {
  const own = interpolatedCdfGap(reference, now)
  const error = wassersteinErrorBound(reference, now)
  const near = interpolatedCdfGap(...withShortTails(reference, now))
  if (own === null || near === null || error === null) return null
  const least = Number.isFinite(meanShift) ? Math.abs(meanShift) : 0
  const highest = Math.max(own.absolute + error, least)
  const lowest = Math.min(Math.max(own.absolute - error, least), highest)
  return { value: Math.min(Math.max(near.absolute, lowest), highest), lowest, highest }
}

/** Widths of the neighbouring cell that the outermost cells of a baseline are taken to reach. */
const tailReach = 2

/** Both histograms with common ends, and a further bound in each outermost cell that the baseline uses, beyond which nothing lies. */
function withShortTails(reference: ClosedHistogram, now: ClosedHistogram): [ClosedHistogram, ClosedHistogram] {
  const ends = { min: Math.min(reference.min, now.min), max: Math.max(reference.max, now.max) }
  const inUse = Array.from(reference.counts, (count, cell) => (count > 0 ? cell : -1)).filter((cell) => cell >= 0)
  const first = inUse[0] ?? 0
  const last = inUse.at(-1) ?? 0
  const bounds = Array.from(reference.bounds)
  const counts = [Array.from(reference.counts), Array.from(now.counts)] as const
  // Without a cell between the two there is no width to go by.
  if (last - first >= 2) {
    const farthest = bounds[last - 1]! + tailReach * (bounds[last - 1]! - bounds[last - 2]!)
    const nearest = bounds[first]! - tailReach * (bounds[first + 1]! - bounds[first]!)
    // The upper end first: the lower one shifts all cells.
    if (farthest < (bounds[last] ?? ends.max)) {
      bounds.splice(last, 0, farthest)
      for (const one of counts) one.splice(last + 1, 0, 0)
    }
    if (nearest > (bounds[first - 1] ?? ends.min)) {
      bounds.splice(first, 0, nearest)
      for (const one of counts) one.splice(first, 0, 0)
    }
  }
  return [
    { ...ends, bounds, counts: counts[0] },
    { ...ends, bounds, counts: counts[1] },
  ]
}

/** Jensen-Shannon distance: the square root of the divergence in nats, or in bits. */
export function jensenShannonDistanceIn(
  unit: 'nats' | 'bits',
  baseline: ArrayLike<number>,
  window: ArrayLike<number>,
): number | null {
  const divergence = jensenShannonDivergence(baseline, window)
  return divergence === null ? null : Math.sqrt(unit === 'nats' ? divergence : divergence / Math.LN2)
}

/** Share of rows without a value; null where that is not known. */
export function missingShare(input: PresetInput, of: 'baseline' | 'window'): number | null {
  const flagged = input.missing?.[of]
  if (flagged === undefined || !(flagged.rows > 0)) return null
  const share = flagged.missing / flagged.rows
  return share >= 0 && share <= 1 ? share : null
}
