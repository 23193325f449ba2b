import { finiteOrNull } from './finite-or-null.ts'
import { meanInterval } from './mean-interval.ts'
import type { MetricWithInterval } from './residual-sums.ts'

/** A probability of 0 for what then happened would make the loss of all rows infinite. */
const smallestProbability = 1e-15

/** Sums over rows of the loss of one row. */
export interface LossSums {
  readonly rows: number
  readonly losses: number
  /** Needed for the interval only. */
  readonly squaredLosses?: number
}

/**
 * Loss of one row: -ln of the probability that the model gave to what happened, which is clipped to at least 1e-15.
 * Null when that is not a number from 0 to 1.
 *
 * @example logLossOfRow(0.5) // 0.6931472
 */
export function logLossOfRow(probabilityOfActual: number): number | null {
  if (!(probabilityOfActual >= 0 && probabilityOfActual <= 1)) return null
  // Not -Math.log(1), which is -0.
  return Math.abs(Math.log(Math.max(probabilityOfActual, smallestProbability)))
}

/**
 * Log loss (cross-entropy) of a probability score, in nats.
 *
 * The mean surprise at what happened: 0 when the model was certain and right, ln 2 for a coin's probabilities, growing without
 * limit for confident mistakes (34.5 at the clip).
 * Formula: sum of -ln p(actual) / n, from an accumulator: buckets lose the extreme scores that decide it. Any number of classes.
 * 95 % interval by Student's t when the sum of squared losses was kept; too short when few rows carry most of the loss.
 * Null without rows. Exact; constant cost.
 *
 * @see Good (1952), https://doi.org/10.1111/j.2517-6161.1952.tb00104.x; sklearn.metrics.log_loss (1.9.1).
 * @example logLoss({ rows: 2, losses: 2 * Math.LN2 })?.value // 0.6931472
 */
export function logLoss({ rows, losses, squaredLosses }: LossSums): MetricWithInterval | null {
  const value = rows > 0 ? finiteOrNull(losses / rows) : null
  if (value === null) return null
  const interval =
    squaredLosses === undefined ? null : meanInterval({ count: rows, sum: losses, sumOfSquares: squaredLosses })
  return { value, interval: interval === null ? null : [Math.max(0, interval[0]), interval[1]] }
}
