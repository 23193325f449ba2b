import type { CategoricalSummary, NumericSummary } from '@driftline/instrumentation/contract'
import type { SeasonReference } from './evidence/season-reference.ts'
import type { Distribution } from './window-counts.ts'

/** Moments of a numeric monitor in one phase, about the mean of its baseline; NaN where the source did not send them. */
export interface PhaseMoments {
  readonly sum: number
  readonly sumOfSquares: number
  readonly min: number
  readonly max: number
}

export function momentsOf(distribution: Distribution | undefined): PhaseMoments | null {
  if (distribution?.kind !== 'numeric') return null
  const { sum, sumOfSquares, min, max } = distribution
  return { sum, sumOfSquares, min, max }
}

/**
 * What distances, tests and effect compare a window with under a season: the baseline's summary with the counts and moments of
 * the reference, and the window's sums about the reference's mean. Where the source sent no sums, both sides do without.
 */
export function seasonComparison<Summary extends NumericSummary | CategoricalSummary>(
  baseline: Summary,
  reference: SeasonReference,
  phases: readonly (PhaseMoments | null)[],
  window: Distribution,
): { readonly baseline: Summary; readonly window: Distribution } {
  const summary = { ...baseline, counts: [...reference.counts], values: reference.values }
  if (!('bounds' in baseline) || window.kind !== 'numeric') return { baseline: summary, window }
  let sum = 0
  let sumOfSquares = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const phase of phases) {
    sum += phase?.sum ?? Number.NaN
    sumOfSquares += phase?.sumOfSquares ?? Number.NaN
    min = Math.min(min, phase?.min ?? Number.NaN)
    max = Math.max(max, phase?.max ?? Number.NaN)
  }
  if (!Number.isFinite(sum + sumOfSquares + min + max)) {
    return { baseline: summary, window: { ...window, sum: Number.NaN, sumOfSquares: Number.NaN } }
  }
  const offset = sum / reference.values
  const variance = Math.max(0, sumOfSquares / reference.values - offset * offset)
  return {
    baseline: { ...summary, mean: baseline.mean + offset, variance, min, max },
    window: {
      ...window,
      sum: window.sum - window.values * offset,
      sumOfSquares: window.sumOfSquares - 2 * offset * window.sum + window.values * offset * offset,
    },
  }
}
