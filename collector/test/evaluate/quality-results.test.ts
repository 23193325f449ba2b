import {
  attributes,
  metrics,
  parseBaseline,
  type Baseline,
  type LogLinearLayout,
  type Manifest,
} from '@driftline/instrumentation/contract'
import { describe, expect, it } from 'vitest'
import { compileModel } from '../../src/evaluate/compile-model.ts'
import { countsFromTotals } from '../../src/evaluate/counts-from-totals.ts'
import { qualityResults } from '../../src/evaluate/quality-results.ts'
import type { Result, Signal } from '../../src/evaluate/result.ts'
import { Totals } from '../../src/observation/totals.ts'
import { MadeTotals } from '../support/made-totals.ts'
import { smallBaseline } from '../support/small-model.ts'

const chunks = 40
/** Calibrated scores: the share of positives of a cell is about its middle. */
const scoreByLabel = { no: [1800, 1400, 550, 450, 600, 200], yes: [200, 600, 450, 550, 1400, 1800] }
const scoreCells = smallBaseline.predictions.score!
const baseline = parseBaseline({
  ...smallBaseline,
  predictions: {
    score: scoreCells,
    scoreByLabel,
    decision: { threshold: 0.5, rule: '>', positiveClass: 'yes', negativeClass: 'no' },
  },
  chunking: { column: 'time', rows: Array.from({ length: chunks }, () => 250) },
  attributions: {
    method: 'shap',
    rows: 10_000,
    features: ['age', 'colour'],
    meanAbsolute: [0.4, 0.2],
    chunks: Array.from({ length: chunks }, (_, k) => ({
      rows: 250,
      // Their means go up and down by 5 %.
      absoluteSums: [100 * (k % 2 === 0 ? 0.95 : 1.05), 50 * (k % 4 < 2 ? 0.95 : 1.05)],
    })),
  },
} satisfies Baseline)
const manifest: Manifest = {
  schema: 'driftline.manifest/1',
  model: { name: 'small', version: '1', task: 'binary-classification' },
  createdAt: '2026-01-01T00:00:00Z',
  features: [
    { name: 'age', kind: 'numeric' },
    { name: 'colour', kind: 'categorical' },
  ],
  offlineMetrics: { values: { accuracy: 0.7, F1: 0.7, auc: 0.78, mae: 2 } },
}
const slice = { startMs: 3_600_000, endMs: 7_200_000, windowStartMs: 0 }

function evaluated(
  made: MadeTotals,
  { of = baseline, by = manifest, slices = made }: { of?: Baseline; by?: Manifest | null; slices?: MadeTotals } = {},
): Result[] {
  const compiled = compileModel({ baseline: of, baselineDigest: 'sha256:b', everyMs: 3_600_000, budgetSteps: 720 })
  const windowTotals = new Map([...compiled.layouts.keys()].map((segment) => [segment, new Totals()]))
  windowTotals.set('', made.totals)
  const windowCounts = new Map(
    [...windowTotals].map(([segment, totals]) => [segment, countsFromTotals(compiled.layouts.get(segment)!, totals)]),
  )
  return qualityResults(compiled, {
    model: 'small',
    version: '1',
    slice,
    revision: 1,
    sliceTotals: slices.totals,
    windowTotals,
    windowCounts,
    manifest: by,
    detectorId: 'sha256:d',
  })
}
const find = (results: readonly Result[], signal: Signal, feature: string) =>
  results.find((result) => result.signal === signal && result.feature === feature)!

const pair = (predicted: string, actual: string) => ({
  [attributes.predictionClass.name]: predicted,
  [attributes.outcomeClass.name]: actual,
})
const outcomes = (made: MadeTotals, [tp, fp, tn, fn]: readonly [number, number, number, number]) =>
  made
    .sum(metrics.outcomes, pair('yes', 'yes'), tp)
    .sum(metrics.outcomes, pair('yes', 'no'), fp)
    .sum(metrics.outcomes, pair('no', 'no'), tn)
    .sum(metrics.outcomes, pair('no', 'yes'), fn)
const scores = (made: MadeTotals, counts: readonly number[]) =>
  made.histogram(metrics.predictionScore, {}, scoreCells.bounds, counts, { min: 0, max: 1 })
const usual = [200, 200, 100, 100, 200, 200].map((count) => count * 4)

describe('realised performance', () => {
  it('compares the metrics of outcomes with those of the held-out set', () => {
    const results = evaluated(outcomes(scores(new MadeTotals(), usual), [1500, 450, 1350, 500]))
    const accuracy = find(results, 'performance', 'accuracy')
    expect(accuracy).toMatchObject({ segment: '', status: 'ok', reason: null, evidence: null, startMs: 0 })
    expect(accuracy.metric).toMatchObject({ value: 0.75, rows: 3800, offline: 0.7, better: 'higher' })
    expect(accuracy.metric!.difference).toBeCloseTo(0.05, 12)
    expect(accuracy.metric!.differenceInterval![0]).toBeCloseTo(accuracy.metric!.interval![0] - 0.7, 12)
    expect(accuracy.metric!.statedLoss).toBeCloseTo(0.035, 12)
    expect(accuracy.rates['completeness']).toMatchObject({ count: 3800, rows: 4000, rate: 0.95 })
    expect(find(results, 'performance', 'f1').metric).toMatchObject({ offline: 0.7 })
    expect(find(results, 'performance', 'mcc')).toMatchObject({ status: 'insufficient', reason: 'no-offline-metric' })
  })

  it.each([
    ['drift', 'beyond-stated-loss', [1200, 800, 1200, 800]],
    // 0.66 is beyond the limit of 0.665, its interval reaches back across it.
    ['insufficient', 'undecided', [1320, 680, 1320, 680]],
    ['ok', null, [1380, 620, 1380, 620]],
    ['insufficient', 'too-few-rows', [35, 15, 35, 15]],
  ] as const)('says %s (%s) for outcomes %j', (status, reason, table) => {
    const rows = table.reduce((sum, one) => sum + one, 0)
    const results = evaluated(
      outcomes(
        scores(
          new MadeTotals(),
          usual.map((count) => (count * rows) / 4000),
        ),
        table,
      ),
    )
    expect(find(results, 'performance', 'accuracy')).toMatchObject({ status, reason })
  })

  it('gives the numbers, and no verdict, while few outcomes are known', () => {
    const results = evaluated(outcomes(scores(new MadeTotals(), usual), [400, 100, 400, 100]))
    expect(find(results, 'performance', 'accuracy')).toMatchObject({
      status: 'insufficient',
      reason: 'labels-incomplete',
      metric: { value: 0.8, rows: 1000 },
    })
  })

  it('compares nothing without a manifest, and reports nothing without outcomes', () => {
    const results = evaluated(outcomes(scores(new MadeTotals(), usual), [1500, 500, 1500, 500]), { by: null })
    expect(find(results, 'performance', 'accuracy')).toMatchObject({
      status: 'insufficient',
      reason: 'no-offline-metric',
      metric: { offline: null, difference: null },
    })
    expect(evaluated(scores(new MadeTotals(), usual)).filter(({ signal }) => signal === 'performance')).toEqual([])
  })

  it('has the errors of regressions, of which lower is better', () => {
    const layout: LogLinearLayout = {
      kind: 'log-linear',
      scale: 3,
      zeroThreshold: 0,
      negative: { offset: 16, length: 8 },
      positive: { offset: 16, length: 8 },
    }
    // Residuals between -8 and -4, and between 4 and 8.
    const counts = [50, 50, 50, 50, 50, 50, 50, 50, 0, 50, 50, 50, 50, 50, 50, 50, 50]
    const made = scores(new MadeTotals(), usual).histogram(metrics.outcomeError, {}, layout, counts, {
      min: -8,
      max: 8,
    })
    const mae = find(evaluated(made), 'performance', 'mae')
    expect(mae.metric!.value).toBeGreaterThan(5.6)
    expect(mae.metric!.value).toBeLessThan(6)
    expect(mae.metric).toMatchObject({ rows: 800, offline: 2, better: 'lower' })
    const complete = evaluated(
      scores(
        new MadeTotals().histogram(metrics.outcomeError, {}, layout, counts, { min: -8, max: 8 }),
        usual.map((count) => count / 5),
      ),
    )
    expect(find(complete, 'performance', 'mae')).toMatchObject({ status: 'drift', reason: 'beyond-stated-loss' })
  })
})

describe('estimated performance', () => {
  it('gives the accuracy of the baseline for scores like those of the baseline', () => {
    const accuracy = find(evaluated(scores(new MadeTotals(), usual)), 'estimated-performance', 'accuracy')
    expect(accuracy.metric!.baseline).toBe(0.75)
    expect(accuracy.metric!.value).toBeCloseTo(0.75, 3)
    expect(accuracy).toMatchObject({ status: 'ok', metric: { rows: 4000, offline: 0.7 } })
    expect(accuracy.metric!.note).toContain('blind to concept drift')
  })

  it('falls with scores that are less sure, without any label', () => {
    const unsure = find(
      evaluated(scores(new MadeTotals(), [0, 0, 2000, 2000, 0, 0])),
      'estimated-performance',
      'accuracy',
    )
    expect(unsure.metric!.value).toBeCloseTo(0.55, 3)
    expect(unsure).toMatchObject({ status: 'drift', reason: 'beyond-stated-loss' })
  })

  it('is left out when the baseline has no labels, or the window no scores', () => {
    const unlabelled = { ...smallBaseline }
    expect(evaluated(scores(new MadeTotals(), usual), { of: unlabelled })).toEqual([])
    expect(evaluated(new MadeTotals())).toEqual([])
  })
})

describe('calibration', () => {
  const scored = (positives: readonly number[], negatives: readonly number[], max = 1) => {
    const of = (actual: string) => ({ [attributes.outcomeClass.name]: actual })
    return new MadeTotals()
      .histogram(metrics.outcomeScore, of('yes'), scoreCells.bounds, positives, { min: 0, max })
      .histogram(metrics.outcomeScore, of('no'), scoreCells.bounds, negatives, { min: 0, max })
  }

  it('is as good as the baseline for the scores of the baseline, and tells the area under the curve with its interval', () => {
    const results = evaluated(scored(scoreByLabel.yes, scoreByLabel.no))
    const error = find(results, 'calibration', 'expected_calibration_error')
    expect(error.metric!.value).toBeLessThan(0.01)
    expect(error.metric!.value).toBe(error.metric!.baseline)
    expect(error.distances['eceByChance']).toBeGreaterThan(0)
    expect(find(results, 'calibration', 'brier').metric!.value).toBeCloseTo(0.17, 2)
    const area = find(results, 'performance', 'roc_auc').metric!
    expect(area.value).toBeGreaterThan(0.8)
    expect(area.interval![0]).toBeLessThan(area.value!)
    expect(area.offline).toBe(0.78)
  })

  it('is lost when the labels do not follow the scores any more', () => {
    const results = evaluated(scored(scoreByLabel.no, scoreByLabel.yes))
    expect(find(results, 'calibration', 'expected_calibration_error').metric!.value).toBeGreaterThan(0.4)
    expect(find(results, 'performance', 'roc_auc').metric!.value).toBeLessThan(0.2)
  })

  it('is not asked of scores that are no probabilities', () => {
    const results = evaluated(scored(scoreByLabel.yes, scoreByLabel.no, 3))
    expect(results.map(({ signal }) => signal)).toEqual(['performance'])
  })
})

describe('attributions', () => {
  const layout: LogLinearLayout = {
    kind: 'log-linear',
    scale: 3,
    zeroThreshold: 0,
    negative: { offset: -24, length: 16 },
    positive: { offset: -24, length: 16 },
  }
  /** Half of the rows at -size, half at size. */
  const attributed = (made: MadeTotals, feature: string, size: number, rows: number, method = 'shap') => {
    const cell = Math.ceil(Math.log2(size) * 8) - 1 + 24
    const counts = Array.from({ length: 33 }, () => 0)
    counts[17 + cell] = rows / 2
    counts[15 - cell] = rows / 2
    const at = { [attributes.featureName.name]: feature, [attributes.attributionMethod.name]: method }
    return made.histogram(metrics.attributionValue, at, layout, counts)
  }
  const both = (age: number, colour: number, rows = 1000, method = 'shap') =>
    attributed(attributed(new MadeTotals(), 'age', age, rows, method), 'colour', colour, rows, method)

  it('ranks the features by their size and compares their shares with the baseline', () => {
    const results = evaluated(both(0.4, 0.2))
    expect(find(results, 'attribution', '')).toMatchObject({
      status: 'ok',
      ranking: { method: 'shap', window: ['age', 'colour'], baseline: ['age', 'colour'], ndcg: 1 },
      sizes: { window: 1000, baseline: 10_000 },
    })
    const age = find(results, 'attribution', 'age')
    expect(age.attribution).toMatchObject({ rows: 1000, rank: 1, baselineRank: 1, baselineMeanAbsolute: 0.4, mean: 0 })
    expect(age.attribution!.meanAbsolute).toBeGreaterThan(0.38)
    expect(age.attribution!.meanAbsolute).toBeLessThan(0.42)
    expect(age.attribution!.share).toBeCloseTo(2 / 3, 1)
    expect(age.pValue).toBeGreaterThan(0.001)
  })

  it('sees the order change by more than chance', () => {
    const results = evaluated(both(0.2, 0.4))
    const whole = find(results, 'attribution', '')
    expect(whole).toMatchObject({ status: 'drift', reason: 'top-features-changed' })
    expect(whole.ranking!.window).toEqual(['colour', 'age'])
    expect(whole.ranking!.ndcg).toBeLessThan(whole.ranking!.ndcgByChance!)
    expect(whole.distances['totalVariation']).toBeCloseTo(1 / 3, 1)
    expect(find(results, 'attribution', 'age')).toMatchObject({ attribution: { rank: 2, baselineRank: 1 } })
    expect(find(results, 'attribution', 'age').pValue).toBeLessThan(0.001)
  })

  it('is the same for the same window', () => {
    expect(evaluated(both(0.35, 0.22))).toEqual(evaluated(both(0.35, 0.22)))
  })

  it('says why it does not judge', () => {
    const { attributions, ...without } = baseline
    const { chunks: _, ...whole } = attributions!
    const reasonOf = (results: readonly Result[]) => find(results, 'attribution', '').reason
    expect(reasonOf(evaluated(both(0.4, 0.2, 10)))).toBe('too-few-rows')
    expect(reasonOf(evaluated(both(0.4, 0.2), { of: without }))).toBe('no-baseline-attributions')
    expect(reasonOf(evaluated(both(0.4, 0.2), { of: { ...without, attributions: whole } }))).toBe('too-few-chunks')
    expect(reasonOf(evaluated(both(0.4, 0.2, 1000, 'lime')))).toBe('other-method')
    const two = attributed(both(0.4, 0.2), 'age', 0.3, 5000, 'lime')
    expect(find(evaluated(two), 'attribution', '')).toMatchObject({
      status: 'ok',
      findings: [{ kind: 'other-methods' }],
    })
  })
})

describe('serving', () => {
  it('is of the slice, not of the sliding window', () => {
    const calls = (count: number) =>
      new MadeTotals().histogram(
        metrics.inferenceDuration,
        { [attributes.runtimeName.name]: 'tfjs' },
        [0.01, 0.1],
        [count, 0, 0],
        {
          sum: count * 0.005,
          min: 0.001,
          max: 0.01,
        },
      )
    const results = evaluated(calls(1000), { slices: calls(100) })
    expect(results.map(({ signal, feature, startMs, serving }) => [signal, feature, startMs, serving!.calls])).toEqual([
      ['serving', '', slice.startMs, 100],
      ['serving', 'tfjs', slice.startMs, 100],
    ])
    expect(results[0]).toMatchObject({ status: 'ok', rates: { error: { count: 0, rows: 100, rate: 0 } } })
  })
})
