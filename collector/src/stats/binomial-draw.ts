import { logGamma } from './log-gamma.ts'
import type { RandomGenerator } from './random-generator.ts'

/** Below this mean, walking up the probabilities takes fewer steps than a rejection costs. */
const rejectionFrom = 10

/**
 * A random number of hits in n independent rows of one rate.
 *
 * Mean n p below 10: inversion, adding up probabilities from 0. Above: transformed rejection with a table mountain hat (BTRS),
 * about 1.15 tries whatever n. Rates above 1/2 are drawn as misses.
 * `trials` is rounded to a whole number; up to 1e12 the acceptance test keeps its digits.
 * Exactness: the binomial law up to rounding. Cost: about a tenth of a microsecond.
 *
 * @see Hormann (1993), https://doi.org/10.1080/00949659308811496
 * @example drawBinomial(() => 0.5, 10, 0.1) // 1, the median
 */
export function drawBinomial(random: RandomGenerator, trials: number, rate: number): number {
  const rows = Math.round(trials)
  if (!(rows > 0) || !(rate > 0)) return 0
  if (rate >= 1) return rows
  if (rate > 0.5) return rows - drawBinomial(random, rows, 1 - rate)
  return rows * rate < rejectionFrom ? byInversion(random, rows, rate) : byRejection(random, rows, rate)
}

function byInversion(random: RandomGenerator, rows: number, rate: number): number {
  const odds = rate / (1 - rate)
  const start = Math.exp(rows * Math.log1p(-rate))
  for (;;) {
    let rest = random()
    let probability = start
    for (let hits = 0; hits <= rows && probability > 0; hits++) {
      if (rest < probability) return hits
      rest -= probability
      probability *= (odds * (rows - hits)) / (hits + 1)
    }
    // Rounding left a sliver beyond the last probability: draw again.
  }
}

function byRejection(random: RandomGenerator, rows: number, rate: number): number {
  const deviation = Math.sqrt(rows * rate * (1 - rate))
  const b = 1.15 + 2.53 * deviation
  const a = -0.0873 + 0.0248 * b + 0.01 * rate
  const centre = rows * rate + 0.5
  const quickLimit = 0.92 - 4.2 / b
  const alpha = (2.83 + 5.1 / b) * deviation
  const logOdds = Math.log(rate / (1 - rate))
  const mode = Math.floor((rows + 1) * rate)
  const atMode = logGamma(mode + 1) + logGamma(rows - mode + 1)
  for (;;) {
    const u = random() - 0.5
    const v = random()
    const edge = 0.5 - Math.abs(u)
    const hits = Math.floor(((2 * a) / edge + b) * u + centre)
    if (edge >= 0.07 && v <= quickLimit) return hits
    if (hits < 0 || hits > rows || edge <= 0) continue
    const height = Math.log((v * alpha) / (a / (edge * edge) + b))
    if (height <= atMode - logGamma(hits + 1) - logGamma(rows - hits + 1) + (hits - mode) * logOdds) return hits
  }
}
