import type { CellHistogram } from '../stats/cell-histogram.ts'
import { chiSquareOfCells, withPValue } from '../stats/chi-square-test.ts'
import { gTestOfCells } from '../stats/g-test.ts'
import { practicallyUnchangedOfCells } from '../stats/practically-unchanged.ts'
import { tooFewCells, type ComparisonOptions } from './comparison.ts'
import type { TestResult } from './result.ts'

export interface ContingencyTests {
  readonly chiSquare: TestResult
  readonly gTest: TestResult
  readonly practicallyUnchanged: TestResult
}

/** What is said when fewer than two cells are left. */
export const noContingencyTests: ContingencyTests = {
  chiSquare: tooFewCells,
  gTest: tooFewCells,
  practicallyUnchanged: tooFewCells,
}

/** The tests whose p-values need expected counts of at least 5, on cells merged for it. */
export function contingencyTests(
  baseline: CellHistogram,
  window: CellHistogram,
  { zEta }: ComparisonOptions,
): ContingencyTests {
  return {
    chiSquare: shown(withPValue(chiSquareOfCells(baseline, window))),
    gTest: shown(gTestOfCells(baseline, window)),
    practicallyUnchanged: shown(practicallyUnchangedOfCells(baseline, window, zEta, 0)),
  }
}

function shown(
  test: { readonly statistic: number; readonly degreesOfFreedom: number; readonly pValue: number } | null,
): TestResult {
  if (test === null) return tooFewCells
  return { statistic: test.statistic, pValue: test.pValue, degreesOfFreedom: test.degreesOfFreedom }
}
