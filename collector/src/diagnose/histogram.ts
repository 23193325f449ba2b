import type { Moments } from '../evaluate/result.ts'

/** x -> scale * x + offset on a share of the rows; the others stay as they are. */
export interface AffineChange {
  readonly scale: number
  readonly offset: number
  /** Between 0 and 1. */
  readonly share: number
}

/** Counts as shares of their sum; all 0 when there are none. */
export function shares(counts: readonly number[]): number[] {
  let total = 0
  for (const count of counts) total += count
  return counts.map((count) => (total > 0 ? count / total : 0))
}

/** Half the sum of |p - q|: the share of rows that would have to change cell. */
export function totalVariation(p: readonly number[], q: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < p.length; i++) sum += Math.abs(p[i]! - q[i]!)
  return sum / 2
}

/**
 * The total variation that chance alone puts between a sample of n from `expected` and one of `baselineSize`: sum over cells of
 * half the mean absolute deviation of a normal, sqrt(2/pi)/2 = 0.399 standard deviations.
 */
export function chanceVariation(expected: readonly number[], n: number, baselineSize: number): number {
  if (n <= 0 || baselineSize <= 0) return 1
  const perRow = 1 / n + 1 / baselineSize
  let sum = 0
  for (const share of expected) sum += Math.sqrt(Math.max(0, share * (1 - share)) * perRow)
  return Math.min(1, 0.399 * sum)
}

/**
 * How much of the way from the baseline to the window a prediction covers, from 0 (none of it) to 1 (all but chance).
 * 0 too when chance alone could have made the difference: then there is nothing to explain.
 */
export function explainedShare(
  predicted: readonly number[],
  baseline: readonly number[],
  window: readonly number[],
  sizes: { n: number; baselineSize: number },
): number {
  const { n, baselineSize } = sizes
  const whole = totalVariation(baseline, window)
  if (whole <= 1.5 * chanceVariation(baseline, n, baselineSize)) return 0
  const left = Math.max(0, totalVariation(predicted, window) - chanceVariation(predicted, n, baselineSize))
  return Math.min(1, Math.max(0, 1 - left / whole))
}

/** Shares of a mixture: the baseline for all but `share` of the rows, which are all in one cell. */
export function withSurge(baseline: readonly number[], cell: number, share: number): number[] {
  return baseline.map((one, i) => (1 - share) * one + (i === cell ? share : 0))
}

/** A histogram of a number whose open cells are closed by min and max. */
export class ClosedHistogram {
  readonly #lower: number[]
  readonly #upper: number[]
  readonly #shares: number[]
  readonly bounds: readonly number[]

  constructor(bounds: readonly number[], counts: readonly number[], { min, max }: Pick<Moments, 'min' | 'max'>) {
    this.bounds = bounds
    this.#shares = shares(counts)
    const first = bounds[0]!
    const last = bounds.at(-1)!
    this.#lower = [Math.min(min ?? first, first), ...bounds]
    this.#upper = [...bounds, Math.max(max ?? last, last)]
  }

  /** Share of rows at or below x, mass uniform inside a cell. */
  atOrBelow(x: number): number {
    let sum = 0
    for (let i = 0; i < this.#shares.length; i++) {
      const lower = this.#lower[i]!
      const upper = this.#upper[i]!
      if (x >= upper) sum += this.#shares[i]!
      else {
        if (x > lower) sum += (this.#shares[i]! * (x - lower)) / (upper - lower)
        break
      }
    }
    return sum
  }

  /** The shares that the cells would have after a change. */
  changed({ scale, offset, share }: AffineChange): number[] {
    const cells: number[] = []
    let below = 0
    for (const bound of [...this.bounds, Infinity]) {
      const source = (bound - offset) / scale
      const moved = scale > 0 ? this.atOrBelow(source) : 1 - this.atOrBelow(source)
      const atOrBelow = (1 - share) * this.atOrBelow(bound) + share * moved
      cells.push(atOrBelow - below)
      below = atOrBelow
    }
    return cells
  }

  /** The smallest bound with at least this share of the rows at or below it. */
  boundAbove(share: number): number {
    return this.bounds.find((bound) => this.atOrBelow(bound) >= share) ?? this.bounds.at(-1)!
  }

  /** The largest bound with at most this share of the rows at or below it. */
  boundBelow(share: number): number {
    return this.bounds.findLast((bound) => this.atOrBelow(bound) <= share) ?? this.bounds[0]!
  }

  width(cell: number): number {
    return this.#upper[cell]! - this.#lower[cell]!
  }

  /** Whether a value lies in a cell, the closed ends included. */
  holds(cell: number, value: number): boolean {
    return value > this.#lower[cell]! - Number.EPSILON * Math.abs(value) && value <= this.#upper[cell]!
  }
}
