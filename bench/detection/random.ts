/** A seeded source of randomness; draws depend on the seed alone, so a run can be repeated number by number. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** Gamma of scale 1; shape at least 1. */
  gamma(shape: number): number
  /** A whole number from 0 to below `limit`, which is at most 2^32. */
  below(limit: number): number
}

/**
 * The generator xoshiro128** behind normal and gamma deviates.
 *
 * Mulberry32 would be enough to fill one histogram, but a run draws some 10^9 numbers and its period is only 2^32.
 *
 * @see Blackman, Vigna (2021), https://doi.org/10.1145/3460772; normals: Marsaglia, Bray (1964), polar; gamma: Marsaglia,
 * Tsang (2000), https://doi.org/10.1145/358407.358414
 */
export function createRandom(seed: string): Random {
  let [a, b, c, d] = stateOf(seed)
  let spare = Number.NaN

  function word(): number {
    const scrambled = Math.imul(b, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result >>> 0
  }

  function uniform(): number {
    return ((word() >>> 5) * 67_108_864 + (word() >>> 6)) / 9_007_199_254_740_992
  }

  function normal(): number {
    if (!Number.isNaN(spare)) {
      const kept = spare
      spare = Number.NaN
      return kept
    }
    for (;;) {
      const x = 2 * uniform() - 1
      const y = 2 * uniform() - 1
      const radius = x * x + y * y
      if (radius >= 1 || radius === 0) continue
      const factor = Math.sqrt((-2 * Math.log(radius)) / radius)
      spare = y * factor
      return x * factor
    }
  }

  function gamma(shape: number): number {
    const shifted = shape - 1 / 3
    const slope = 1 / Math.sqrt(9 * shifted)
    for (;;) {
      const x = normal()
      const root = 1 + slope * x
      if (root <= 0) continue
      const cube = root * root * root
      if (Math.log(1 - uniform()) < 0.5 * x * x + shifted * (1 - cube + Math.log(cube))) return shifted * cube
    }
  }

  return { uniform, normal, gamma, below: (limit) => Math.floor((word() * limit) / 4_294_967_296) }
}

/** Four words from a text: FNV-1a, then the finaliser of MurmurHash3 over a counter, so that near seeds share nothing. */
function stateOf(seed: string): [number, number, number, number] {
  let hash = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193)
  const mixed = (counter: number): number => {
    let value = (hash + Math.imul(counter, 0x9e3779b9)) | 0
    value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
    return value ^ (value >>> 16)
  }
  return [mixed(1), mixed(2), mixed(3), mixed(4) | 1]
}
