import { cramersV } from '../../stats/cramers-v.ts'
import { cramersVExpected } from '../../stats/null-expectations.ts'
import type { Signal } from '../result.ts'
import { kolmogorovSmirnov } from './measure.ts'
import { verdictOn, type Preset } from './preset.ts'
import { usedCells } from './used-cells.ts'

const featureLimit = 0.2
const outcomeLimit = 0.15
const outcomes: readonly Signal[] = ['prediction-drift', 'label-drift']

/**
 * Deepchecks' default conditions: the drift score of a feature, Kolmogorov-Smirnov D of numbers and Cramér's V of categories,
 * is to stay below 0.2, that of the prediction and of the label below 0.15.
 *
 * Differences: V is the plain one, without joining categories below 1 % into one; whether Deepchecks corrects it for small
 * samples is not settled here. Categories not kept in the baseline are one. D is that of the cells, within the stated bound of the raw one. Deepchecks
 * asks for 10 rows and draws samples of 100,000. V of a window much smaller than the baseline can hardly reach 0.2: its
 * largest value is then about the square root of the window's share of all rows.
 *
 * Source: Deepchecks 9d6820f9a (2025-06-01), defaults as its documentation gives them.
 */
export const deepchecks02: Preset = {
  title: "Deepchecks' default condition (0.2, predictions and labels 0.15)",
  judge(input) {
    const { baseline, window } = input
    const threshold = outcomes.includes(input.signal) ? outcomeLimit : featureLimit
    if (input.kind === 'numeric') return verdictOn(input, { ...kolmogorovSmirnov(input), relation: '>=', threshold })
    const used = usedCells(baseline.counts, window.counts).baseline.length
    return verdictOn(input, {
      statistic: "Cramér's V",
      // Of one category there is no table; the two agree.
      value: used === 1 ? 0 : cramersV(baseline.counts, window.counts),
      relation: '>=',
      threshold,
      nullExpectation: cramersVExpected(baseline.values, window.values, used),
    })
  },
}
