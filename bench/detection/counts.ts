import type { Random } from './random.ts'

/** Below this mean, walking up the probabilities is cheaper than rejection; the first one, q^n, is then far from underflow. */
const walkBelowMean = 10

/**
 * The number of successes in `trials` trials of one probability, exactly distributed.
 *
 * Small means: inversion by walking up from 0. Others: BTRS, rejection from a transformed uniform with a squeeze.
 *
 * @see Hörmann (1993), https://doi.org/10.1080/00949659308811496
 */
export function binomial(trials: number, probability: number, random: Random): number {
  if (trials <= 0 || probability <= 0) return 0
  if (probability >= 1) return trials
  if (probability > 0.5) return trials - binomial(trials, 1 - probability, random)
  return trials * probability < walkBelowMean
    ? walk(trials, probability, random)
    : rejection(trials, probability, random)
}

function walk(trials: number, probability: number, random: Random): number {
  const odds = probability / (1 - probability)
  let mass = Math.exp(trials * Math.log1p(-probability))
  let left = random.uniform()
  let successes = 0
  while (left > mass && successes < trials) {
    left -= mass
    successes++
    mass *= (odds * (trials - successes + 1)) / successes
  }
  return successes
}

function rejection(trials: number, probability: number, random: Random): number {
  const deviation = Math.sqrt(trials * probability * (1 - probability))
  const b = 1.15 + 2.53 * deviation
  const a = -0.0873 + 0.0248 * b + 0.01 * probability
  const centre = trials * probability + 0.5
  const squeeze = 0.92 - 4.2 / b
  for (;;) {
    const u = random.uniform() - 0.5
    let v = random.uniform()
    const edge = 0.5 - Math.abs(u)
    const successes = Math.floor(((2 * a) / edge + b) * u + centre)
    if (edge >= 0.07 && v <= squeeze) return successes
    if (successes < 0 || successes > trials) continue
    v *= ((2.83 + 5.1 / b) * deviation) / (a / (edge * edge) + b)
    const mode = Math.floor((trials + 1) * probability)
    const bound =
      logFactorial(mode) +
      logFactorial(trials - mode) -
      logFactorial(successes) -
      logFactorial(trials - successes) +
      (successes - mode) * Math.log(probability / (1 - probability))
    if (Math.log(v) <= bound) return successes
  }
}

const smallLogFactorials = Float64Array.from({ length: 16 }, (_, k) => {
  let sum = 0
  for (let i = 2; i <= k; i++) sum += Math.log(i)
  return sum
})

/** ln k!, by Stirling's series from 16 on: relative error below 1e-12. */
function logFactorial(k: number): number {
  if (k < smallLogFactorials.length) return smallLogFactorials[k]!
  const inverse = 1 / k
  const square = inverse * inverse
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
  return (k + 0.5) * Math.log(k) - k + 0.918_938_533_204_672_7 + series
}

/** Counts of `rows` rows over cells of these probabilities (which sum to 1): one binomial per cell, given those before. */
export function multinomial(rows: number, probabilities: ArrayLike<number>, random: Random): Float64Array {
  const counts = new Float64Array(probabilities.length)
  let left = rows
  let mass = 1
  const last = probabilities.length - 1
  for (let i = 0; i < last && left > 0; i++) {
    const probability = probabilities[i]!
    if (probability <= 0) continue
    // Rounding may leave a hair less than what the last cells need.
    const count = binomial(left, Math.min(probability / mass, 1), random)
    counts[i] = count
    left -= count
    mass -= probability
    if (mass <= 0) mass = Number.MIN_VALUE
  }
  // A last cell of probability 0 gets nothing even when rounding left something over.
  let end = last
  while (end > 0 && !(probabilities[end]! > 0)) end--
  counts[end]! += left
  return counts
}
