import { z95 } from './wilson-interval.ts'

/**
 * Interval of a value between 0 and 1, symmetric on the logit scale.
 *
 * For an estimate with a standard error that is no simple proportion, such as the area under the ROC curve: it stays inside
 * (0, 1) and is longer towards 1/2.
 * Formula: logit^-1(logit(v) ± z se / (v (1 - v))), the error carried over by the delta method.
 * Null at 0 and 1, where the logit is not defined, and without a standard error above 0. Approximate; constant cost.
 *
 * @see Pepe, The Statistical Evaluation of Medical Tests (2003), 5.2.
 * @example logitInterval(0.9, 0.02) // [0.8534196, 0.9329412]
 */
export function logitInterval(
  value: number,
  standardError: number | null,
  z: number = z95,
): readonly [number, number] | null {
  if (!(value > 0 && value < 1) || standardError === null || !(standardError > 0)) return null
  if (!Number.isFinite(standardError)) return null
  const logit = Math.log(value / (1 - value))
  const half = (z * standardError) / (value * (1 - value))
  return [logistic(logit - half), logistic(logit + half)]
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x))
}
