import { describe, expect, it } from 'vitest'
import type { CategoricalSummary, NumericSummary } from '@driftline/instrumentation/contract'
import { multinomial } from '../../bench/detection/counts.ts'
import {
  cellProbabilities,
  drawExtremes,
  drawNumericBaseline,
  shiftedAndScaled,
  unchanged,
} from '../../bench/detection/distributions.ts'
import { createRandom } from '../../bench/detection/random.ts'
import {
  categoricalStatistics,
  fixedRules,
  missingStatistics,
  numericStatistics,
  ruleBaseline,
  statisticsOf,
  type WindowKind,
} from '../../bench/detection/rules.ts'
import { presetNames } from '../../collector/src/evaluate/presets/preset-names.ts'
import { presets } from '../../collector/src/evaluate/presets/presets.ts'

/** Presets whose rule needs the baseline's chunks: the benchmark deals its own. */
const withChunks = new Set(['nannyml-3std', 'popmon'])

function verdicts(kind: WindowKind, values: readonly number[]): Map<string, boolean> {
  return new Map(
    fixedRules(kind, 30).map(({ name, statistic, threshold }) => [
      name,
      values[statisticsOf[kind].indexOf(statistic)]! >= threshold,
    ]),
  )
}

describe('the fixed rules are the presets', () => {
  it('of numbers', () => {
    const random = createRandom('presets of numbers')
    const seen = new Map<string, Set<boolean>>()
    for (let i = 0; i < 400; i++) {
      const baseline = drawNumericBaseline(5000, random)
      const rows = [50, 200, 1000][i % 3]!
      const change = i % 4 === 0 ? unchanged : shiftedAndScaled('', random.uniform() * 0.6, 1 + 0.5 * random.uniform())
      const probabilities = cellProbabilities(baseline, i % 10 === 0 ? shiftedAndScaled('', 2.5, 1) : change)
      const counts = multinomial(rows, probabilities, random)
      const extremes = drawExtremes(counts, probabilities, change, random)
      const [min, max] = [baseline.bounds[0]!, baseline.bounds[22]!]
      const summary: NumericSummary = {
        bounds: [...baseline.bounds],
        counts: [...baseline.counts],
        values: 5000,
        mean: 0,
        variance: 1,
        min,
        max,
      }
      const judge = ruleBaseline(baseline.counts, baseline.bounds, rows, random)
      const ours = verdicts('numeric', numericStatistics(judge, { min, max }, counts, extremes))
      for (const name of presetNames) {
        if (withChunks.has(name)) continue
        const verdict = presets[name].judge({
          kind: 'numeric',
          signal: 'feature-drift',
          missing: null,
          baseline: summary,
          // Windows drawn as counts have no sum: the presets then leave it out.
          window: { kind: 'numeric', counts, values: rows, sum: Number.NaN, sumOfSquares: Number.NaN, ...extremes },
        })
        expect(ours.get(name), `${name} on window ${i}`).toBe(verdict.drift)
        seen.set(name, (seen.get(name) ?? new Set()).add(verdict.drift!))
      }
    }
    for (const [name, both] of seen) expect(both.size, `verdicts of ${name}`).toBe(2)
  })

  it('of categories', () => {
    const random = createRandom('presets of categories')
    const seen = new Map<string, Set<boolean>>()
    for (let i = 0; i < 400; i++) {
      const shares = [0.4, 0.3, 0.2, 0.1, 0]
      const moved = i % 4 === 0 ? 0 : i % 5 === 0 ? 0.35 : 0.15 * random.uniform()
      const after = [0.4 - moved, 0.3 + moved, 0.2, i % 7 === 0 ? 0.05 : 0.1, i % 7 === 0 ? 0.05 : 0]
      const rows = [50, 200, 1000][i % 3]!
      const baselineCounts = multinomial(5000, shares, random)
      const counts = multinomial(rows, after, random)
      const summary: CategoricalSummary = {
        categories: ['a', 'b', 'c', 'd'],
        counts: [...baselineCounts],
        values: 5000,
      }
      const judge = ruleBaseline(baselineCounts, null, rows, random)
      const ours = verdicts('categorical', categoricalStatistics(judge, counts))
      for (const name of presetNames) {
        if (withChunks.has(name)) continue
        const verdict = presets[name].judge({
          kind: 'categorical',
          signal: 'feature-drift',
          missing: null,
          baseline: summary,
          window: { kind: 'categorical', counts, values: rows },
        })
        expect(ours.get(name), `${name} on window ${i}`).toBe(verdict.drift)
        seen.set(name, (seen.get(name) ?? new Set()).add(verdict.drift!))
      }
    }
    for (const [name, both] of seen) expect(both.size, `verdicts of ${name}`).toBe(2)
  })
})

it('says of missing values what azure and sagemaker say of completeness', () => {
  const judge = (hits: number): Map<string, boolean> =>
    verdicts('missing', missingStatistics({ hits: 100, rows: 10_000 }, { hits, rows: 1000 }))
  expect(judge(0).get('azure: null rate > 0')).toBe(false)
  expect(judge(1).get('azure: null rate > 0')).toBe(true)
  expect(judge(10).get('sagemaker: completeness')).toBe(false)
  expect(judge(11).get('sagemaker: completeness')).toBe(true)
})

it('measures the pull against chunks of the size of the window, and refuses without two of them', () => {
  const random = createRandom('chunks')
  const counts = multinomial(10_000, Float64Array.of(0.5, 0.3, 0.2, 0), random)
  const pull = statisticsOf.categorical.indexOf('pull')
  const { chunkDistance } = ruleBaseline(counts, null, 200, random)
  // The mean distance of 200 rows from what they were drawn from: about sqrt(df / (8 n ln 2)), a little less.
  expect(chunkDistance.mean).toBeGreaterThan(0.02)
  expect(chunkDistance.mean).toBeLessThan(0.045)
  const window = Float64Array.of(60, 80, 60, 0)
  expect(categoricalStatistics(ruleBaseline(counts, null, 200, random), window)[pull]).toBeGreaterThan(3)
  expect(categoricalStatistics(ruleBaseline(counts, null, 6000, random), window)[pull]).toBeNaN()
})
