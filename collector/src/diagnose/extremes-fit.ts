import type { AffineChange, ClosedHistogram } from './histogram.ts'
import type { MomentPair, NumericSummary } from './suspect.ts'

/** What is left of a fit when an extreme of the window contradicts it. Not 0: tails of a sample are fickle. */
const contradicted = 0.6
/** Of this many values expected beyond a point, at least one appears all but surely (1 - e^-5 = 0.993). */
const expectedBeyond = 5

/**
 * Whether smallest and largest value of the window go with a change: 1 when they do, {@link contradicted} when one does not.
 *
 * They must lie within what the change makes of the baseline's range (plus half a converted standard deviation and a tenth of the
 * range, for a sample may reach farther than another), and must reach as far as so many converted rows surely would. This is what tells
 * a placeholder of 0 from division by 1000, and a few odd values beyond the range from a conversion of a few rows.
 */
export function extremesFit(
  change: AffineChange,
  histogram: ClosedHistogram,
  summary: NumericSummary,
  { deviation }: MomentPair,
  n: number,
): number {
  const { baseline, window } = summary
  if (baseline.min === null || baseline.max === null || window.min === null || window.max === null) return 1
  const { scale, offset, share } = change
  const convert = (value: number) => scale * value + offset
  const ends = [convert(baseline.min), convert(baseline.max)].sort((a, b) => a - b)
  const slack = Math.abs(scale) * (0.5 * deviation + 0.1 * (baseline.max - baseline.min))
  const keepsSome = share < 1
  const lowest = keepsSome ? Math.min(baseline.min, ends[0]! - slack) : ends[0]! - slack
  const highest = keepsSome ? Math.max(baseline.max, ends[1]! + slack) : ends[1]! + slack
  if (window.min < lowest || window.max > highest) return contradicted

  const rank = expectedBeyond / (n * share)
  if (rank >= 0.5) return 1
  const inner = [histogram.boundAbove(rank), histogram.boundBelow(1 - rank)].map(convert).sort((a, b) => a - b)
  return window.min > inner[0]! || window.max < inner[1]! ? contradicted : 1
}
