import { quantileSorted } from 'simple-statistics'
import { requireSameCells, sumOf } from './histogram-cells.ts'
import { drawMultinomial } from './multinomial-draw.ts'
import { randomGenerator, type RandomGenerator } from './random-generator.ts'

/** A distance of two histograms over the same cells. */
export type HistogramDistance = (baseline: ArrayLike<number>, window: ArrayLike<number>) => number | null

export interface RedrawInterval {
  /** The distance of the two histograms as they are. */
  readonly estimate: number
  /** What chance adds to a distance: the median of the redraws minus the estimate. */
  readonly bias: number
  /** Of the distance between the distributions, not of the estimate: it may lie wholly below it. */
  readonly interval: readonly [number, number]
}

/**
 * Bootstrap interval of the distance between two distributions, by redrawing both histograms.
 *
 * Both histograms are drawn again, each with its own number of rows, and the distance is taken of every pair. Chance pushes a
 * distance up: the estimate lies above the truth by about as much as the redraws lie above the estimate, and the redraws by
 * twice that.
 * Formula: quantiles (1 - c) / 2 and (1 + c) / 2 of the redraws, less twice the bias, not below 0. The lower end is 0 too when
 * redraws of both from their common shares reach the estimate in more than (1 - c) / 2 of the cases: then chance explains it.
 * Variant: percentile bootstrap shifted by the median bias; 200 redraws, c = 0.90. For smooth distances (PSI, Jensen-Shannon,
 * Hellinger, total variation), not for maxima. Nothing asks for it by default.
 * Null when the distance is, or when fewer than half of the redraws have one. Approximate: of 10,000 rows in 22 cells against
 * 200 or 1000 rows shifted by 0 to 1 deviation, 71 to 100 % of the intervals held the true distance; against 50 rows shifted by
 * 1 deviation only 35 to 75 %.
 * Cost: redraws times four multinomial draws and two distances.
 *
 * @see Efron, Tibshirani, An Introduction to the Bootstrap (1993), chapters 10 and 13.
 * @example redrawInterval(totalVariationDistance, [600, 400], [40, 60], { seed: 'window 1' })?.estimate // 0.2
 */
export function redrawInterval(
  distance: HistogramDistance,
  baseline: ArrayLike<number>,
  window: ArrayLike<number>,
  {
    seed,
    redraws = 200,
    confidence = 0.9,
  }: { readonly seed: string; readonly redraws?: number; readonly confidence?: number },
): RedrawInterval | null {
  requireSameCells(baseline, window)
  const estimate = distance(baseline, window)
  const baselineSize = sumOf(baseline)
  const windowSize = sumOf(window)
  if (estimate === null || !Number.isFinite(estimate) || !(baselineSize > 0) || !(windowSize > 0)) return null
  const random = randomGenerator(seed)
  const own = sortedRedraws(distance, random, redraws, [baseline, window], [baselineSize, windowSize])
  const common = Float64Array.from(baseline, (count, i) => count + window[i]!)
  const byChance = sortedRedraws(distance, random, redraws, [common, common], [baselineSize, windowSize])
  if (own === null || byChance === null) return null
  const bias = quantileSorted(own, 0.5) - estimate
  const outside = (1 - confidence) / 2
  const explained = estimate <= quantileSorted(byChance, 1 - outside)
  const upper = Math.max(0, quantileSorted(own, 1 - outside) - 2 * bias)
  return {
    estimate,
    bias,
    interval: [explained ? 0 : Math.min(upper, Math.max(0, quantileSorted(own, outside) - 2 * bias)), upper],
  }
}

function sortedRedraws(
  distance: HistogramDistance,
  random: RandomGenerator,
  redraws: number,
  [first, second]: readonly [ArrayLike<number>, ArrayLike<number>],
  [firstSize, secondSize]: readonly [number, number],
): number[] | null {
  const one = new Float64Array(first.length)
  const two = new Float64Array(second.length)
  const values: number[] = []
  for (let i = 0; i < redraws; i++) {
    drawMultinomial(random, firstSize, first, one)
    drawMultinomial(random, secondSize, second, two)
    const value = distance(one, two)
    if (value !== null && Number.isFinite(value)) values.push(value)
  }
  if (values.length === 0 || values.length < redraws / 2) return null
  return values.sort((a, b) => a - b)
}
