import { jensenShannonDistance } from '../../stats/jensen-shannon-divergence.ts'
import { chunkSpreadOf, isOfChunkSize } from './baseline-chunks.ts'
import { noVerdict, verdictOn, type Preset } from './preset.ts'

const deviations = 3
const statistic = 'Jensen-Shannon distance (base 2)'

const distanceSpread = chunkSpreadOf(jensenShannonDistance)

/**
 * NannyML's default: Jensen-Shannon distance (base 2) from the reference above mean + 3 standard deviations (divisor n) of the
 * same distance over the reference's chunks. No lower limit.
 *
 * Not comparable, and not judged, when the window has 20 % more or fewer values than the chunks on average: the distance then
 * has another level without any drift, and NannyML would have cut the reference into chunks of the window's size.
 * Differences: cells are quantiles of the baseline where NannyML takes Doane's equal-width bins; chunks are those of the
 * baseline where NannyML makes ten; the distance of cells is at most that of the distributions behind them.
 *
 * Source: NannyML 4c86ee35 (2025-07-12), `drift/univariate/{calculator,methods}.py`, `thresholds.py`.
 */
export const nannyml3Std: Preset = {
  title: "NannyML's default rule (mean + 3 standard deviations over chunks)",
  judge(input) {
    const spread = distanceSpread(input.baseline)
    if (spread === null) return noVerdict(statistic, input.window.values, 'no-chunks')
    if (!isOfChunkSize(input, spread)) return noVerdict(statistic, input.window.values, 'not-comparable')
    return verdictOn(input, {
      statistic,
      value: jensenShannonDistance(input.baseline.counts, input.window.counts),
      relation: '>',
      threshold: spread.mean + deviations * spread.deviation,
      nullExpectation: spread.mean,
    })
  },
}
