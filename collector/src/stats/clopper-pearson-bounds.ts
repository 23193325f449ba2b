import { betaInverse } from './incomplete-functions.ts'
import { normalUpperTail } from './normal-distribution.ts'

export interface RateBounds {
  readonly lower: number
  readonly upper: number
}

/**
 * Clopper-Pearson bounds of a rate: the rates that x hits in N rows do not contradict.
 *
 * Each bound holds with probability at least P(Z <= z), whatever the true rate: exact, hence somewhat wide.
 * Formula: lower = inverse incomplete beta of P(Z > z) at (x, N - x + 1), upper = that of P(Z <= z) at (x + 1, N - x).
 * 0 hits: lower bound 0. Only hits: upper bound 1. x and N need not be whole (effective sizes). No rows: [0, 1].
 * Cost: two inverse incomplete beta functions, some microseconds.
 *
 * @see Clopper, Pearson (1934), https://doi.org/10.1093/biomet/26.4.404; scipy.special.betaincinv (1.17.1).
 * @example clopperPearsonBounds(0, 100, 1.959963984540054) // { lower: 0, upper: 0.0362167 }
 */
export function clopperPearsonBounds(hits: number, rows: number, z: number): RateBounds {
  const outside = normalUpperTail(z)
  const inside = normalUpperTail(-z)
  return {
    lower: hits <= 0 || rows <= 0 ? 0 : betaInverse(hits, rows - hits + 1, outside, inside)[0],
    upper: hits >= rows ? 1 : betaInverse(hits + 1, rows - hits, inside, outside)[0],
  }
}
