/**
 * The value itself, or null when it is not a finite number: what leaves a statistic is a number or undefined, never NaN.
 *
 * @example finiteOrNull(0 / 0) // null
 */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
