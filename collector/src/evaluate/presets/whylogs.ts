import { chiSquareUpperTail } from '../../stats/chi-square-distribution.ts'
import { hellingerDistance } from '../../stats/hellinger-distance.ts'
import { kolmogorovSmirnovProbability, uniformMean } from './measure.ts'
import { checkOf, verdictOn, type CategoricalInput, type Preset } from './preset.ts'

const significance = 0.05
const possible = 0.15
const hellingerLimit = 0.4

/**
 * whylogs' default drift algorithms: Kolmogorov-Smirnov p < 0.05 of numbers, chi-square p < 0.05 of categories; up to 0.15
 * `possible` drift. Beside it, and not part of `drift`: the Hellinger distance of numbers at 0.4, which whylogs offers and does
 * not take by default.
 *
 * Its chi-square is kept as it is: expected counts are the baseline's shares of n, rounded down, and a category of the window
 * with an expected count of 0 makes the statistic infinite, so that every new or rare category is drift; degrees of freedom
 * are the categories of the window less one, at least 1.
 * Differences: whylogs compares sketches at 100 quantiles with scipy's finite-sample law, here the cells with the limit law,
 * within the stated bound; its Hellinger bins are equally wide. Categories not kept in the baseline are one.
 *
 * Source: whylogs c9b9b8b15 (2024-10-23), `python/whylogs/viz/drift/{configs,column_drift_algorithms}.py`.
 */
export const whylogs: Preset = {
  title: "whylogs' default rule (p below 0.05)",
  judge(input) {
    const reading =
      input.kind === 'numeric'
        ? kolmogorovSmirnovProbability(input)
        : { statistic: 'chi-square p-value', value: chiSquareProbability(input), nullExpectation: uniformMean }
    const { value } = reading
    const hellinger = input.kind === 'numeric' ? hellingerDistance(input.baseline.counts, input.window.counts) : null
    return verdictOn(input, {
      ...reading,
      relation: '<',
      threshold: significance,
      level: value === null ? undefined : value < significance ? 'drift' : value < possible ? 'possible' : 'none',
      also: hellinger === null ? [] : [checkOf('Hellinger distance', hellinger, '>=', hellingerLimit)],
    })
  },
}

function chiSquareProbability({ baseline, window }: CategoricalInput): number {
  let statistic = 0
  let categories = 0
  for (let cell = 0; cell < window.counts.length; cell++) {
    const count = window.counts[cell]!
    const before = baseline.counts[cell]!
    if (!(count + before > 0)) continue
    if (count > 0) categories++
    const expected = Math.floor((before / baseline.values) * window.values)
    if (expected === 0) return 0
    statistic += (count - expected) ** 2 / expected
  }
  return chiSquareUpperTail(statistic, Math.max(categories - 1, 1))
}
