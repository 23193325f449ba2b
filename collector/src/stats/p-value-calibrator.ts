const powers: readonly number[] = [0.1, 0.3, 0.5, 0.7]

/**
 * An e-value made from a p-value: the mean of k p^(k - 1) over four powers k.
 *
 * Its expectation is at most 1 when nothing has changed, so it may be multiplied over time where a p-value may not. 1 or less
 * says nothing; 20 is about what a p-value of 0.001 gives. The detector has stronger e-values of its own (rows): this one is
 * for signals that come with a p-value only.
 *
 * @see Vovk, Wang (2021), https://doi.org/10.1214/20-AOS2020
 * @example calibratePValue(1) // 0.4
 */
export function calibratePValue(pValue: number): number {
  const bounded = Math.max(pValue, 1e-300)
  let sum = 0
  for (const power of powers) sum += power * bounded ** (power - 1)
  return sum / powers.length
}
