import { logGamma } from '../../collector/src/stats/log-gamma.ts'

/** ln P(X = k) of the binomial distribution, to hold the sampler against. */
export function binomialLogMass(k: number, trials: number, probability: number): number {
  const choose = logGamma(trials + 1) - logGamma(k + 1) - logGamma(trials - k + 1)
  return choose + k * Math.log(probability) + (trials - k) * Math.log1p(-probability)
}
