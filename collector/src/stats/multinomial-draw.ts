import { drawBinomial } from './binomial-draw.ts'
import { sumOf } from './histogram-cells.ts'
import type { RandomGenerator } from './random-generator.ts'

/**
 * A random histogram: n independent rows over cells whose shares are those of `weights`.
 *
 * One binomial draw a cell, each given what the cells before have taken: the multinomial law, at a cost that does not depend
 * on n. All 0 when there is no weight. The result is written to `target` when one is given, so that redraws need no memory.
 *
 * @see Davis (1993), https://doi.org/10.1016/0167-9473(93)90115-A
 * @example drawMultinomial(random, 10, [1, 0, 1]) // for example [4, 0, 6]
 */
export function drawMultinomial(
  random: RandomGenerator,
  trials: number,
  weights: ArrayLike<number>,
  target: Float64Array = new Float64Array(weights.length),
): Float64Array {
  let rows = Math.round(trials)
  let rest = sumOf(weights)
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!
    target[i] = rows > 0 && weight > 0 ? drawBinomial(random, rows, weight >= rest ? 1 : weight / rest) : 0
    rows -= target[i]!
    rest -= weight
  }
  // By rounding, the last weight may be a little less than what is left, and leave rows over.
  for (let i = weights.length - 1; rows > 0 && i >= 0; i--) {
    if (!(weights[i]! > 0)) continue
    target[i]! += rows
    rows = 0
  }
  return target
}
