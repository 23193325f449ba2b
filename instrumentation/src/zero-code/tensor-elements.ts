import type { TensorValue } from './sighting.ts'

/** What the values of a tensor are, however many bits they have. */
export type Elements = 'float' | 'integer' | 'text' | 'boolean'

const byType: ReadonlyMap<string, Elements> = new Map([
  ['float32', 'float'],
  ['float64', 'float'],
  ['float16', 'float'],
  ['int8', 'integer'],
  ['int16', 'integer'],
  ['int32', 'integer'],
  ['int64', 'integer'],
  ['uint8', 'integer'],
  ['uint16', 'integer'],
  ['uint32', 'integer'],
  ['uint64', 'integer'],
  ['string', 'text'],
  ['bool', 'boolean'],
])

/** Null for types that are not read: packed 4-bit integers, complex numbers, and whatever is new. */
export function elementsOf({ type }: { readonly type: string }): Elements | null {
  return byType.get(type) ?? null
}

/** One value as a number, bigint, text or undefined. Float16 values that come as their bits are decoded. */
export function readElement({ data, type }: TensorValue, index: number): unknown {
  const value = data[index]
  return type === 'float16' && data instanceof Uint16Array ? halfFloat(value as number) : value
}

/**
 * The number that 16 bits stand for.
 *
 * @see IEEE 754-2008, binary16: 1 bit of sign, 5 of exponent with bias 15, 10 of fraction.
 */
export function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
