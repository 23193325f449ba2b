/** Uniform in [0, 1). */
export type Random = () => number

/** Numbers drawn and thrown away at the start, so that seeds which differ little give sequences which differ much. */
const warmUp = 16

/**
 * A small seeded generator, so that a run can be repeated: xorshift with 128 bits of state, period 2^128 - 1. Good enough to choose
 * rows and to toss coins; not for cryptography.
 *
 * @param seed a whole number; only its low 32 bits count.
 * @see Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (2003), doi 10.18637/jss.v008.i14, section 4.
 */
export function seededRandom(seed: number): Random {
  // Constants that are not all zero, as the method asks, with the seed mixed into each.
  const state = Uint32Array.of(123456789, 362436069, 521288629, 88675123).map(
    (word, i) => word ^ Math.imul(seed, 2 * i + 1),
  )
  // A seed that cancels every word would stop the generator.
  if (state.every((word) => word === 0)) state[0] = 1
  const draw = (): number => {
    const oldest = state[0]!
    const newest = state[3]!
    const mixed = oldest ^ (oldest << 11)
    state.copyWithin(0, 1)
    state[3] = newest ^ (newest >>> 19) ^ mixed ^ (mixed >>> 8)
    return state[3] / 2 ** 32
  }
  for (let i = 0; i < warmUp; i++) draw()
  return draw
}
