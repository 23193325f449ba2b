export interface UsedCells {
  readonly baseline: readonly number[]
  readonly window: readonly number[]
}

/**
 * Cells with a count in one of the two: what a peer that looks at the values themselves would know. Of numbers the count of
 * such cells is a lower bound of the number of distinct values.
 *
 * @example usedCells([3, 0, 0], [1, 2, 0]) // { baseline: [3, 0], window: [1, 2] }
 */
export function usedCells(baseline: ArrayLike<number>, window: ArrayLike<number>): UsedCells {
  const used: { baseline: number[]; window: number[] } = { baseline: [], window: [] }
  for (let cell = 0; cell < baseline.length; cell++) {
    if (!(baseline[cell]! + window[cell]! > 0)) continue
    used.baseline.push(baseline[cell]!)
    used.window.push(window[cell]!)
  }
  return used
}
