import { logLinearBound } from '../contract/index.ts'

/** Leading bits of the fraction that look up where its logarithm is nearly a polynomial: a table of 4 KB, which stays in the nearest cache. */
const lookupBits = 8

/**
 * What is within so much of a bound, in cells, is compared with the bound itself. The polynomial is off by 5.5e-6 of a cell at most, at
 * scale 20; of values that are no such number by design one in 8,000 is so near.
 */
const nearBound = 2 ** -14

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)
const high = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0

/** By the leading bits of a fraction, one over the middle of the numbers that have them, and the logarithm to base 2 of that middle. */
const middles = Float64Array.from({ length: 2 ** (lookupBits + 1) }, (_, i) => {
  const inverse = 1 / (1 + ((i >> 1) + 0.5) / 2 ** lookupBits)
  return i % 2 === 0 ? inverse : -Math.log2(inverse)
})

/** By the eleven bits of an exponent, the power of two that brings the number between 1 and 2; 0 for infinity, whose index is beyond all. */
const inverses = Float64Array.from({ length: 2048 }, (_, exponent) => (exponent === 2047 ? 0 : 2 ** (1023 - exponent)))

// Of log2(1 + r) about r = 0. The next term is below 5.3e-12 for |r| < 2^-9.
const c1 = Math.LOG2E
const c2 = -Math.LOG2E / 2
const c3 = Math.LOG2E / 3

/**
 * The finest scale at which a number between 1 and 2 with given leading bits has one bound at most among those that share them. Columns
 * whose values spread over more than a doubling are counted at such a scale.
 */
export const lookupScale = 7

/** By scale and leading bits of a fraction, how many of the bounds from 1 on are below all numbers between 1 and 2 that have them. */
const boundsBelow = new Uint8Array((lookupScale + 1) << lookupBits)

/** By scale, the bounds from 1 on, below 2; then infinity. */
const boundsOf = new Float64Array((lookupScale + 1) << lookupBits).fill(Infinity)

for (let scale = 0; scale <= lookupScale; scale++) {
  const table = scale << lookupBits
  for (let i = 0; i < 1 << scale; i++) {
    const bound = i === 0 ? 1 : logLinearBound(i - 1, scale)
    boundsOf[table + i] = bound
    const entry = Math.floor((bound - 1) * 2 ** lookupBits)
    for (let above = entry + 1; above < 2 ** lookupBits; above++) boundsBelow[table + above]!++
  }
}

/**
 * `exponentialIndex(magnitude, scale)` for normal doubles and scales from 0 to 20, agreeing with `logLinearBound` to the ulp. From the bits
 * of the number, in a fraction of the time that the logarithm takes, which every value pays of a model without a baseline.
 */
export function learningIndex(magnitude: number, scale: number): number {
  return scale > lookupScale ? fineIndex(magnitude, scale) : coarseIndex(magnitude, scale)
}

/** The same for scales up to `lookupScale`, with no branch and no call: for loops that have nothing else. */
export function coarseIndex(magnitude: number, scale: number): number {
  double[0] = magnitude
  const word = words[high]!
  const exponent = word >>> 20
  const table = scale << lookupBits
  const below = boundsBelow[table + ((word >>> (20 - lookupBits)) & (2 ** lookupBits - 1))]!
  // The product is exact: it moves the exponent.
  const isAbove = +(boundsOf[table + below]! < magnitude * inverses[exponent]!)
  return (((exponent - 1023) << scale) + below + isAbove - 1) | 0
}

/** By the logarithm, from a polynomial. */
function fineIndex(magnitude: number, scale: number): number {
  double[0] = magnitude
  const word = words[high]!
  const exponent = word >>> 20
  const entry = ((word >>> (20 - lookupBits)) & (2 ** lookupBits - 1)) << 1
  const r = magnitude * (middles[entry]! * inverses[exponent]!) - 1
  const position = (middles[entry + 1]! + r * (c1 + r * (c2 + r * c3))) * (1 << scale)
  const cell = position | 0
  const first = (exponent - 1023) << scale
  const rest = position - cell
  if (rest > nearBound && rest < 1 - nearBound) return first + cell
  // Whole numbers are often powers of two.
  if ((word & 0xfffff) === 0 && words[1 - high] === 0) return first - 1
  return first + besideBound(magnitude * inverses[exponent]!, Math.round(position), scale)
}

/** The cell of a number between 1 and 2 that is next to the lower bound of `cell`. */
function besideBound(number: number, cell: number, scale: number): number {
  if (cell <= 0) return 0
  if (cell >> scale === 1) return cell - 1
  return number > logLinearBound(cell - 1, scale) ? cell : cell - 1
}
