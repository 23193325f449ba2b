import { jensenShannonDivergence } from '../../stats/jensen-shannon-divergence.ts'
import { largestShareDifference } from '../../stats/largest-share-difference.ts'
import { verdictOn, type Preset } from './preset.ts'

const limit = 0.3

/**
 * Vertex AI's default of model monitoring v1: Jensen-Shannon divergence (base 2) of numbers, largest difference of a share of
 * categories, both at 0.3.
 *
 * Without drift the divergence is about (cells - 1)(1 / n + 1 / N) / (8 ln 2).
 * Differences: equal-width bins there, quantiles here; the base of the logarithm is not documented, 2 is assumed (in nats the
 * limit would be 1.44 times as far).
 *
 * Source: googleapis/python-aiplatform 91cc8ce4f, default threshold 0.3 where none is given; v2 has no numeric default.
 */
export const vertex03: Preset = {
  title: "Vertex AI's default threshold 0.3",
  judge(input) {
    const { baseline, window } = input
    if (input.kind === 'categorical') {
      return verdictOn(input, {
        statistic: 'largest difference of a share',
        value: largestShareDifference(baseline.counts, window.counts),
        relation: '>=',
        threshold: limit,
      })
    }
    const divergence = jensenShannonDivergence(baseline.counts, window.counts)
    const cells = baseline.counts.filter((count) => count > 0).length
    return verdictOn(input, {
      statistic: 'Jensen-Shannon divergence (base 2)',
      value: divergence === null ? null : divergence / Math.LN2,
      relation: '>=',
      threshold: limit,
      nullExpectation: ((cells - 1) * (1 / baseline.values + 1 / window.values)) / (8 * Math.LN2),
    })
  },
}
