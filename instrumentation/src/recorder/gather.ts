import { numericInvalid, type NumericInvalid } from './numeric-block.ts'

/** Rows that are taken out of a tensor at once: a chunk of 30 columns of floats stays in the nearest cache. */
export const chunkRows = 128

/** Any array of row values, typed or not. */
export type Values = ArrayLike<unknown>

/** Called for each value that is not a number. */
export type OnInvalid = (reason: NumericInvalid, count: number) => void

/**
 * Copies data[positions[i] + offset] into target[i] for i < count. What is not a number becomes NaN and is reported by reason.
 *
 * The two common tensors have a loop of their own: one loop for all kinds of array would look up the kind at each value.
 */
export function gather(
  data: Values,
  positions: Int32Array,
  offset: number,
  count: number,
  target: Float64Array,
  onInvalid: OnInvalid,
): void {
  if (data instanceof Float32Array) gatherFloat32(data, positions, offset, count, target)
  else if (data instanceof Float64Array) gatherFloat64(data, positions, offset, count, target)
  else gatherAny(data, positions, offset, count, target, onInvalid)
}

function gatherFloat32(
  data: Float32Array,
  positions: Int32Array,
  offset: number,
  count: number,
  target: Float64Array,
): void {
  for (let i = 0; i < count; i++) target[i] = data[positions[i]! + offset]!
}

function gatherFloat64(
  data: Float64Array,
  positions: Int32Array,
  offset: number,
  count: number,
  target: Float64Array,
): void {
  for (let i = 0; i < count; i++) target[i] = data[positions[i]! + offset]!
}

function gatherAny(
  data: Values,
  positions: Int32Array,
  offset: number,
  count: number,
  target: Float64Array,
  onInvalid: OnInvalid,
): void {
  for (let i = 0; i < count; i++) {
    const value = readValue(data, positions[i]! + offset)
    if (typeof value === 'number') {
      target[i] = value
    } else if (typeof value === 'bigint') {
      target[i] = Number(value)
    } else {
      target[i] = Number.NaN
      onInvalid(value === undefined || value === null ? numericInvalid.missing : numericInvalid.wrongType, 1)
    }
  }
}

/** Stands for a value whose getter or proxy threw; of no type that a feature can have. */
export const unreadable: unique symbol = Symbol('unreadable')

export function readValue(data: Values, position: number): unknown {
  try {
    return data[position]
  } catch {
    return unreadable
  }
}
