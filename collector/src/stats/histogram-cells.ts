/** The sum of a histogram's counts. */
export function sumOf(counts: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < counts.length; i++) sum += counts[i]!
  return sum
}

/** Two histograms are only ever compared cell by cell over the same cells. */
export function requireSameCells(baseline: ArrayLike<number>, window: ArrayLike<number>): void {
  if (baseline.length !== window.length) {
    throw new RangeError(`histograms of ${baseline.length} and ${window.length} cells can not be compared cell by cell`)
  }
}
