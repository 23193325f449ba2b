import { ofCells } from './cell-histogram.ts'
import { chiSquareOfCells, type ChiSquareStatistic } from './chi-square-test.ts'

/**
 * Cramer's V of the table of two histograms.
 *
 * How strongly a row's cell tells which of the two it comes from: 0 when all shares agree, 1 when no cell is used by both
 * and the sizes are equal. Unlike chi-square it does not grow with the number of rows.
 * Formula: sqrt(X^2 / (N + n)), X^2 the chi-square statistic (the smaller dimension of the table is 2).
 * Null when a histogram is empty or fewer than two cells are used. Exact; cost linear in the cells.
 *
 * @see Cramer, Mathematical Methods of Statistics (1946), 21.9; scipy.stats.contingency.association (1.17.1).
 * @example cramersV([10, 0], [0, 10]) // 1
 */
export function cramersV(baseline: ArrayLike<number>, window: ArrayLike<number>): number | null {
  return ofCells(baseline, window, (one, two) => cramersVOf(chiSquareOfCells(one, two), one.size + two.size))
}

/** The same from the statistic and the size N + n of the table. */
export function cramersVOf(test: ChiSquareStatistic | null, size: number): number | null {
  return test === null ? null : Math.sqrt(test.statistic / size)
}
