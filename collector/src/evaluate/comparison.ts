import type { Effect, TestResult } from './result.ts'

/** What descriptive statistics say about a window against its baseline. Alarms come from evidence, not from here. */
export interface Comparison {
  readonly distances: Readonly<Record<string, number | null>>
  readonly tests: Readonly<Record<string, TestResult>>
  readonly effect: Effect | null
  /** min(1, m times the smallest p-value) over the m tests that have one; null when none has. */
  readonly pValue: number | null
}

export interface ComparisonOptions {
  /** The detector's credibility multiplier: how far a truth may lie from the baseline and count as unchanged. */
  readonly zEta: number
}

/** Below this many values in the window only counts and evidence are shown: distances would be noise. */
export const fewestShownValues = 20

/** The note of tests that were not made because of `fewestShownValues`. */
export const tooFewValues: TestResult = { statistic: null, note: `fewer than ${fewestShownValues} values` }

/** The note of chi-square tests whose cells can not be merged to an expected count of 5. */
export const tooFewCells: TestResult = { statistic: null, note: 'fewer than two cells with an expected count of 5' }

/** Bonferroni over the tests of one feature. */
export function smallestPValue(tests: Readonly<Record<string, TestResult>>): number | null {
  let smallest = Number.POSITIVE_INFINITY
  let count = 0
  for (const name in tests) {
    const pValue = tests[name]!.pValue
    if (pValue === undefined || pValue === null) continue
    smallest = Math.min(smallest, pValue)
    count++
  }
  return count === 0 ? null : Math.min(1, count * smallest)
}
