import { exponentialIndex, nextDown } from '../contract/index.ts'

/** 2^3 = 8 cells per doubling, each 9 % wide: quantile bounds derived from them later are off by less than that. */
export const learningScale = 3

const cellsPerDoubling = 2 ** learningScale

/** Leading bits of the fraction that look up the cell: 256 entries, of which 8 hold a bound. */
const lookupBits = 8

/** Marks an entry that holds a bound, so that the rest of the fraction decides. */
const holdsBound = 0x40

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)
const high = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0

/** By cell of the doubling from 1 to 2, the largest number below the cell: `exponentialIndex` begins it just above. */
const lastBelow = Float64Array.from({ length: cellsPerDoubling }, (_, cell) => {
  let bound = 2 ** (cell / cellsPerDoubling) * (1 + 8 * Number.EPSILON)
  while (exponentialIndex(bound, learningScale) >= cell) bound = nextDown(bound)
  return bound
})

/** By the leading bits of a fraction, 1 + the cell that its smallest number lies in; 0 is the cell below 1. */
const lookup = Uint8Array.from({ length: 2 ** lookupBits }, (_, entry) => {
  const start = 1 + entry / 2 ** lookupBits
  const end = 1 + (entry + 1) / 2 ** lookupBits
  const below = lastBelow.filter((bound) => bound < start).length
  return below | (lastBelow.some((bound) => bound >= start && bound < end) ? holdsBound : 0)
})

/**
 * `exponentialIndex(magnitude, learningScale)` for normal doubles, from their bits: a tenth of the time that the logarithm takes, which
 * every value pays of a model without a baseline.
 */
export function learningIndex(magnitude: number): number {
  double[0] = magnitude
  const word = words[high]!
  const exponent = (word >>> 20) - 1023
  const entry = lookup[(word >>> (20 - lookupBits)) & (2 ** lookupBits - 1)]!
  if (entry < holdsBound) return (exponent << learningScale) + entry - 1
  words[high] = (word & 0xfffff) | 0x3ff00000
  const below = entry - holdsBound
  return (exponent << learningScale) + below - (double[0] > lastBelow[below]! ? 0 : 1)
}
