import { populationStabilityIndexExpected } from '../../stats/population-stability-index.ts'
import { verdictOn, type Preset, type PresetInput } from './preset.ts'
import { usedCells, type UsedCells } from './used-cells.ts'

/** What an empty share is set to before the logarithm is taken. */
const emptyShare = 0.0001
const deciles = 10

/**
 * The customary rule of credit scoring: population stability index over the deciles of the baseline, at 0.1 ("some change") or
 * 0.25 ("shifted").
 *
 * Formula: sum of (q - p) ln(q / p), plain shares, an empty one set to 0.0001. Numbers: cells of the baseline joined at the
 * cell ends nearest to its 10 %, 20 %, ..., which are the deciles themselves where those are bounds (the built baselines have
 * them). Categories: one cell each.
 * Differences: deciles are joined cells, so a layout with few or equally wide cells gives fewer than ten; categories not kept
 * in the baseline are one cell. Neither limit depends on the number of rows: on 100 rows the index is about 0.09 by chance.
 *
 * Source: no single tool. Zero shares as Evidently a4aa4c2b3 sets them (`legacy/calculations/stattests/utils.py`).
 */
export function psiPreset(threshold: number): Preset {
  return {
    title: `the customary limit ${threshold} of the population stability index`,
    judge(input) {
      const { baseline, window } =
        input.kind === 'numeric' ? decileCells(input) : usedCells(input.baseline.counts, input.window.counts)
      const known = baseline.length > 1
      return verdictOn(input, {
        statistic: 'PSI',
        value: known ? index(baseline, window, input) : null,
        relation: '>=',
        threshold,
        nullExpectation: populationStabilityIndexExpected(input.window.values, input.baseline.values, baseline.length),
      })
    },
  }
}

function index(
  baseline: readonly number[],
  window: readonly number[],
  { baseline: b, window: w }: PresetInput,
): number {
  let sum = 0
  for (let cell = 0; cell < baseline.length; cell++) {
    const p = baseline[cell] === 0 ? emptyShare : baseline[cell]! / b.values
    const q = window[cell] === 0 ? emptyShare : window[cell]! / w.values
    sum += (q - p) * Math.log(q / p)
  }
  return sum
}

/** Both histograms with their cells joined to about ten of equal baseline share. */
function decileCells(input: PresetInput): UsedCells {
  const { counts, values } = input.baseline
  const ends = new Set<number>()
  for (let decile = 1; decile < deciles; decile++) {
    let nearest: number | null = null
    let distance = Number.POSITIVE_INFINITY
    let cumulative = 0
    for (let cell = 0; cell < counts.length - 1; cell++) {
      cumulative += counts[cell]!
      // Ends before the first and after the last row would cut off cells that the baseline leaves empty.
      if (cumulative <= 0 || cumulative >= values) continue
      const away = Math.abs(cumulative / values - decile / deciles)
      // Rounding must not prefer the later of two equally near ends, nor the second end of an empty cell.
      if (away < distance - 1e-12) {
        nearest = cell
        distance = away
      }
    }
    if (nearest !== null) ends.add(nearest)
  }
  const joined = { baseline: [0], window: [0] }
  for (let cell = 0; cell < counts.length; cell++) {
    const last = joined.baseline.length - 1
    joined.baseline[last]! += counts[cell]!
    joined.window[last]! += input.window.counts[cell]!
    if (!ends.has(cell)) continue
    joined.baseline.push(0)
    joined.window.push(0)
  }
  return joined
}
