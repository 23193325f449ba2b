import { chiSquareTest } from '../stats/chi-square-test.ts'
import { gTest } from '../stats/g-test.ts'
import type { MergedCells } from '../stats/merge-cells.ts'
import { practicallyUnchangedTest } from '../stats/practically-unchanged.ts'
import { tooFewCells, type ComparisonOptions } from './comparison.ts'
import type { TestResult } from './result.ts'

/** The tests whose p-values need expected counts of at least 5, on cells merged for it. */
export function contingencyTests(
  merged: MergedCells | null,
  { zEta }: ComparisonOptions,
): { readonly chiSquare: TestResult; readonly gTest: TestResult; readonly practicallyUnchanged: TestResult } {
  if (merged === null) return { chiSquare: tooFewCells, gTest: tooFewCells, practicallyUnchanged: tooFewCells }
  const { baseline, window } = merged
  return {
    chiSquare: shown(chiSquareTest(baseline, window)),
    gTest: shown(gTest(baseline, window)),
    practicallyUnchanged: shown(practicallyUnchangedTest(baseline, window, { zEta })),
  }
}

function shown(
  test: { readonly statistic: number; readonly degreesOfFreedom: number; readonly pValue: number } | null,
): TestResult {
  if (test === null) return tooFewCells
  return { statistic: test.statistic, pValue: test.pValue, degreesOfFreedom: test.degreesOfFreedom }
}
