import { jensenShannonDivergence } from '../../stats/jensen-shannon-divergence.ts'
import { chunkSpreadOf, isOfChunkSize } from './baseline-chunks.ts'
import { noVerdict, verdictOn, type Preset } from './preset.ts'

const red = 7
const yellow = 4
const statistic = 'pull of the Jensen-Shannon divergence'

const divergenceSpread = chunkSpreadOf(jensenShannonDivergence)

/**
 * popmon's traffic light on one of its comparisons: the pull (value - mean) / sd of the Jensen-Shannon divergence from the
 * reference, mean and standard deviation (divisor n) over the baseline's chunks. Beyond 7 red, which is drift here; beyond 4
 * yellow.
 *
 * popmon compares time bins whatever their number of rows; a window of another size than the chunks is marked
 * `chunk-size-differs`, because the divergence then has another level without any drift.
 * Differences: popmon has a light for each of some twenty statistics, here is one; its limits are two-sided, but a distance
 * that is too small is no drift, so only the upper one counts; its bins are equally wide.
 *
 * Source: popmon 493921a (2025-09-04), `config.py` (`*_pull`: [7, 4, -4, -7]), `analysis/profiling/pull_calculator.py`.
 */
export const popmon: Preset = {
  title: "popmon's red traffic light (pull above 7)",
  judge(input) {
    const spread = divergenceSpread(input.baseline)
    if (spread === null) return noVerdict(statistic, input.window.values, 'no-chunks')
    if (spread.deviation <= 0) return noVerdict(statistic, input.window.values, 'chunks-do-not-vary')
    const divergence = jensenShannonDivergence(input.baseline.counts, input.window.counts)
    const pull = divergence === null ? null : (divergence - spread.mean) / spread.deviation
    return verdictOn(input, {
      statistic,
      value: pull,
      relation: '>',
      threshold: red,
      nullExpectation: isOfChunkSize(input, spread) ? 0 : null,
      level: pull === null ? undefined : pull > red ? 'red' : pull > yellow ? 'yellow' : 'green',
      note: isOfChunkSize(input, spread) ? undefined : 'chunk-size-differs',
    })
  },
}
