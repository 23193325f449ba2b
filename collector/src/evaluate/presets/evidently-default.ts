import { chiSquareUpperTail } from '../../stats/chi-square-distribution.ts'
import { jensenShannonDistanceExpected } from '../../stats/null-expectations.ts'
import { rateDifferenceTest } from '../../stats/rate-difference-test.ts'
import type { PresetVerdict } from '../result.ts'
import { jensenShannonDistanceIn, kolmogorovSmirnovProbability, scaledWasserstein, uniformMean } from './measure.ts'
import { verdictOn, type Preset, type PresetInput } from './preset.ts'
import { usedCells, type UsedCells } from './used-cells.ts'

/** Up to so many reference rows a test is made, beyond them a distance is taken. */
const fewRows = 1000
/** Numbers with so few distinct values are treated as categories. */
const fewDistinct = 5
const significance = 0.05
const distanceLimit = 0.1
/** The standard deviation that a distance is divided by is at least this. */
const smallestDeviation = 0.001

/**
 * Evidently's default choice of test, by the type and size of the reference.
 *
 * Up to 1000 reference values: numbers Kolmogorov-Smirnov p <= 0.05; categories, and numbers with up to 5 distinct values,
 * chi-square goodness of fit p < 0.05 (the reference, scaled to n, taken as exact), with up to 2 values the pooled z-test.
 * More: numbers Wasserstein distance / max(sd, 0.001) >= 0.1, the others Jensen-Shannon distance in nats >= 0.1.
 * The data set has drifted when at least half of the columns have.
 *
 * Differences: distinct numbers are counted as cells in use, which is at most their number; D is that of the cells and the Wasserstein
 * distance estimated from cells and means, within the stated bound of the raw ones; p-values of D are the limit law's, where scipy takes the exact
 * law up to 10,000 rows; categories not kept in the baseline are one. The legacy test suite's other data set rule (a third of the
 * columns) is left out, and text columns do not exist here.
 *
 * Source: Evidently a4aa4c2b3 (2026-05-02), `legacy/calculations/stattests/registry.py` and a file per test, `presets/drift.py`.
 */
export const evidentlyDefault: Preset = {
  title: "Evidently's default rule",
  datasetShare: 0.5,
  judge(input) {
    const used = usedCells(input.baseline.counts, input.window.counts)
    const many = input.kind === 'numeric' && used.baseline.length > fewDistinct
    if (input.baseline.values <= fewRows) {
      if (many) {
        return verdictOn(input, { ...kolmogorovSmirnovProbability(input), relation: '<=', threshold: significance })
      }
      return used.baseline.length > 2 ? goodnessOfFit(input, used) : rateDifference(input, used)
    }
    if (many) {
      return verdictOn(input, {
        ...scaledWasserstein(input, smallestDeviation),
        relation: '>=',
        threshold: distanceLimit,
      })
    }
    return verdictOn(input, {
      statistic: 'Jensen-Shannon distance (nats)',
      value: jensenShannonDistanceIn('nats', used.baseline, used.window),
      relation: '>=',
      threshold: distanceLimit,
      nullExpectation: jensenShannonDistanceExpected(input.baseline.values, input.window.values, used.baseline.length),
    })
  },
}

function goodnessOfFit(input: PresetInput, { baseline, window }: UsedCells): PresetVerdict {
  const scale = input.window.values / input.baseline.values
  let statistic = 0
  for (let cell = 0; cell < baseline.length; cell++) {
    const expected = baseline[cell]! * scale
    // A value that the reference lacks makes the statistic infinite and the p-value 0.
    statistic += (window[cell]! - expected) ** 2 / expected
  }
  return verdictOn(input, {
    statistic: 'chi-square p-value',
    value: statistic === Number.POSITIVE_INFINITY ? 0 : chiSquareUpperTail(statistic, baseline.length - 1),
    relation: '<',
    threshold: significance,
    nullExpectation: uniformMean,
  })
}

function rateDifference(input: PresetInput, { baseline, window }: UsedCells): PresetVerdict {
  const test = rateDifferenceTest(
    { hits: baseline[1] ?? 0, rows: input.baseline.values },
    { hits: window[1] ?? 0, rows: input.window.values },
  )
  return verdictOn(input, {
    statistic: 'z-test p-value',
    value: test?.pValue ?? null,
    relation: '<',
    threshold: significance,
    nullExpectation: uniformMean,
  })
}
