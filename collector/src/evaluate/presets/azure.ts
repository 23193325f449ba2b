import { jensenShannonDistanceExpected } from '../../stats/null-expectations.ts'
import { jensenShannonDistanceIn, missingShare, scaledWasserstein } from './measure.ts'
import { checkOf, verdictOn, type Preset, type PresetInput } from './preset.ts'
import { usedCells } from './used-cells.ts'

const limit = 0.1

/**
 * Azure Machine Learning's default thresholds: Wasserstein distance / baseline sd of numbers and Jensen-Shannon distance of
 * categories, at 0.1. Beside it, and not part of `drift`: a null rate above 0.
 *
 * Differences: the distance is estimated from cells and means, within the stated bound of the raw one; of a
 * constant baseline it has no scale and gives no verdict. The base of the logarithm is not documented, 2 is assumed. Null values
 * are the missing rows here; type errors and values out of bounds have rates of their own in data health.
 *
 * Source: azure-sdk-for-python, `azure/ai/ml/entities/_monitoring/thresholds.py`.
 */
export const azure: Preset = {
  title: "Azure Machine Learning's default threshold 0.1",
  judge(input) {
    const also = nullRate(input)
    if (input.kind === 'numeric') {
      return verdictOn(input, { ...scaledWasserstein(input, 0), relation: '>=', threshold: limit, also })
    }
    const used = usedCells(input.baseline.counts, input.window.counts)
    const expected = jensenShannonDistanceExpected(input.baseline.values, input.window.values, used.baseline.length)
    return verdictOn(input, {
      statistic: 'Jensen-Shannon distance (base 2)',
      value: jensenShannonDistanceIn('bits', used.baseline, used.window),
      relation: '>=',
      threshold: limit,
      nullExpectation: expected === null ? null : expected / Math.sqrt(Math.LN2),
      also,
    })
  },
}

function nullRate(input: PresetInput) {
  const share = missingShare(input, 'window')
  return share === null ? [] : [checkOf('null rate', share, '>', 0)]
}
