/**
 * The largest double below a finite value: the bound that makes a value equal to `value` fall above it, because a bucket
 * holds its upper bound.
 *
 * @example nextDown(1) // 0.9999999999999999
 * @example nextDown(0) // -5e-324
 */
export function nextDown(value: number): number {
  if (value === 0) return -Number.MIN_VALUE
  word.setFloat64(0, value)
  // Doubles of one sign are ordered as their bits are: one less towards zero, one more away from it.
  word.setBigInt64(0, word.getBigInt64(0) + (value > 0 ? -1n : 1n))
  return word.getFloat64(0)
}

const word = new DataView(new ArrayBuffer(8))
