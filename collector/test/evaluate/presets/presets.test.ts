import * as fc from 'fast-check'
import type { CategoricalSummary, NumericSummary } from '@driftline/instrumentation/contract'
import { describe, expect, it } from 'vitest'
import { presetNames, type PresetName } from '../../../src/evaluate/presets/preset-names.ts'
import type { PresetInput } from '../../../src/evaluate/presets/preset.ts'
import { summarisePreset } from '../../../src/evaluate/presets/preset-summary.ts'
import { presets, presetVerdicts } from '../../../src/evaluate/presets/presets.ts'
import type { PresetVerdict } from '../../../src/evaluate/result.ts'
import { result } from '../../diagnose/planted-results.ts'
import { deviation, reference, type Tolerance } from '../../reference.ts'

type Expected = Partial<Record<PresetName, Partial<PresetVerdict> & { raw?: number; rawDrift?: boolean }>>
interface CategoricalWindow {
  readonly counts: number[]
  readonly values: number
}
type NumericWindow = CategoricalWindow & { sum: number; sumOfSquares: number; min: number; max: number }
type Case =
  | { name: string; kind: 'numeric'; baseline: NumericSummary; window: NumericWindow; expected: Expected }
  | { name: string; kind: 'categorical'; baseline: CategoricalSummary; window: CategoricalWindow; expected: Expected }

const { cases } = reference<Case>('presets')
const tolerance: Tolerance = { relative: 1e-9, absolute: 1e-12 }

function inputOf(one: Case): PresetInput {
  const common = { signal: 'feature-drift', missing: null } as const
  const counts = Float64Array.from(one.window.counts)
  return one.kind === 'numeric'
    ? { ...common, kind: 'numeric', baseline: one.baseline, window: { kind: 'numeric', ...one.window, counts } }
    : {
        ...common,
        kind: 'categorical',
        baseline: one.baseline,
        window: { kind: 'categorical', values: one.window.values, counts },
      }
}

const numeric = (fields: Partial<NumericSummary>, window: Partial<NumericWindow>): PresetInput => {
  const baseline: NumericSummary = {
    bounds: [0, 10, 20],
    counts: [0, 500, 500, 0],
    values: 1000,
    mean: 10,
    variance: 25,
    min: 1,
    max: 20,
    ...fields,
  }
  const one: Case = {
    name: '',
    kind: 'numeric',
    baseline,
    window: { counts: [0, 50, 50, 0], values: 100, sum: 0, sumOfSquares: 2500, min: 1, max: 20, ...window },
    expected: {},
  }
  return inputOf(one)
}

const categorical = (before: number[], now: number[], chunks?: number[][]): PresetInput => {
  const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0)
  const categories = before.slice(1).map((_, i) => `c${i}`)
  return {
    kind: 'categorical',
    signal: 'feature-drift',
    missing: null,
    baseline: { categories, counts: before, values: total(before), ...(chunks === undefined ? {} : { chunks }) },
    window: { kind: 'categorical', counts: Float64Array.from(now), values: total(now) },
  }
}

const judge = (name: PresetName, input: PresetInput) => presetVerdicts([name], input)[name]!

describe('the rules of other tools', () => {
  it.each(cases.map((one) => [one.name, one] as const))('agree with scipy: %s', (_, one) => {
    const verdicts = presetVerdicts(presetNames, inputOf(one))
    for (const [name, { raw, rawDrift, ...expected }] of Object.entries(one.expected)) {
      const verdict = verdicts[name]!
      expect(deviation(verdict, expected, tolerance, name)).toBeNull()
      expect(verdict.n).toBe(one.window.values)
      if (raw === undefined) continue
      expect(verdict.drift, `${name} on the raw values`).toBe(rawDrift)
      expect(verdict.bound![0]).toBeLessThanOrEqual(raw * (1 + 1e-9))
      expect(verdict.bound![1]).toBeGreaterThanOrEqual(raw * (1 - 1e-9))
    }
    for (const name of presetNames) expect(verdicts[name], name).toBeDefined()
  })

  it('decide by hand-made numbers', () => {
    // Shares 0.5 / 0.5 against 0.7 / 0.3: 0.2 ln(0.7 / 0.5) + 0.2 ln(0.5 / 0.3).
    const input = categorical([500, 500, 0], [70, 30, 0])
    expect(judge('psi-0.1', input)).toMatchObject({ drift: true, threshold: 0.1 })
    expect(judge('psi-0.1', input).value).toBeCloseTo(0.2 * Math.log(1.4) + 0.2 * Math.log(5 / 3), 12)
    expect(judge('psi-0.25', input).drift).toBe(false)
    expect(judge('sagemaker', input)).toMatchObject({ drift: true, statistic: 'largest difference of a share' })
    expect(judge('vertex-0.3', input).drift).toBe(false)
    expect(judge('psi-0.1', input).nullExpectation).toBeCloseTo(0.011, 12)
  })

  it('set an empty share to 0.0001', () => {
    const { value } = judge('psi-0.25', categorical([500, 500, 0], [100, 0, 0]))
    expect(value).toBeCloseTo(0.5 * Math.log(2) + (0.0001 - 0.5) * Math.log(0.0002), 12)
  })

  it('join cells to deciles, whatever the layout', () => {
    const fine = numeric(
      { bounds: [0, 1, 2, 3, 4, 5], counts: [0, 100, 100, 300, 300, 200, 0] },
      { counts: [2, 8, 10, 30, 30, 20, 0] },
    )
    // The window's two rows below the baseline join the first decile.
    expect(judge('psi-0.1', fine).value).toBeCloseTo(0, 12)
  })

  it('mark a window whose raw values could lie on the other side of the threshold', () => {
    const { bound, note } = judge('sagemaker', numeric({}, { counts: [0, 55, 45, 0] }))
    expect(bound![0]).toBeCloseTo(0.05, 12)
    expect(bound![1]).toBeCloseTo(0.55, 12)
    expect(note).toBe('bound-includes-threshold')
  })

  it('hold predictions and labels to the stricter limit of Deepchecks', () => {
    const input = numeric({}, { counts: [0, 67, 33, 0] })
    expect(judge('deepchecks-0.2', input)).toMatchObject({ drift: false, threshold: 0.2 })
    expect(judge('deepchecks-0.2', { ...input, signal: 'prediction-drift' })).toMatchObject({
      drift: true,
      threshold: 0.15,
    })
  })

  it('show completeness and null rate beside the drift rule', () => {
    const missing = { baseline: { missing: 0, rows: 1000 }, window: { missing: 5, rows: 105 } }
    const input = { ...numeric({}, {}), missing }
    expect(judge('azure', input)).toMatchObject({ drift: false, also: [{ statistic: 'null rate', drift: true }] })
    expect(judge('sagemaker', input).also).toMatchObject([
      { statistic: 'completeness', threshold: 1, relation: '<', drift: true },
    ])
  })

  it('refuse NannyML on another window size than the chunks, and mark popmon', () => {
    const chunks = Array.from({ length: 10 }, (_, k) => [50 + k, 50 - k, 0])
    const before = [545, 455, 0]
    expect(judge('nannyml-3std', categorical(before, [54, 46, 0], chunks)).drift).toBe(false)
    expect(judge('nannyml-3std', categorical(before, [100, 0, 0], chunks)).drift).toBe(true)
    for (const now of [
      [66, 55, 0],
      [40, 39, 0],
    ]) {
      expect(judge('nannyml-3std', categorical(before, now, chunks))).toMatchObject({
        drift: null,
        note: 'not-comparable',
      })
      expect(judge('popmon', categorical(before, now, chunks))).toMatchObject({
        drift: false,
        note: 'chunk-size-differs',
        nullExpectation: null,
      })
    }
    expect(judge('nannyml-3std', categorical(before, [54, 46, 0]))).toMatchObject({ drift: null, note: 'no-chunks' })
    expect(judge('popmon', categorical(before, [54, 46, 0]))).toMatchObject({ drift: null, note: 'no-chunks' })
    const same = Array.from({ length: 3 }, () => [50, 50, 0])
    expect(judge('popmon', categorical([150, 150, 0], [54, 46, 0], same))).toMatchObject({
      drift: null,
      note: 'chunks-do-not-vary',
    })
  })

  it('call every category that whylogs expects less than once drift', () => {
    expect(judge('whylogs', categorical([9990, 10, 0], [99, 1, 0]))).toMatchObject({ drift: true, value: 0 })
    expect(judge('whylogs', categorical([9990, 10, 0], [100, 0, 0]))).toMatchObject({ drift: true, value: 0 })
  })

  it('say why when nothing can be said, of empty windows, absent features and constant baselines', () => {
    const empty = numeric({}, { counts: [0, 0, 0, 0], values: 0, min: Number.NaN, max: Number.NaN })
    const constant = numeric(
      { bounds: [4.9, 5], counts: [0, 1000, 0], mean: 5, variance: 0, min: 5, max: 5 },
      { counts: [0, 100, 0], min: 5, max: 5 },
    )
    for (const name of presetNames) {
      expect(judge(name, empty)).toMatchObject({ drift: null, value: null, note: 'empty-window' })
      expect(presetVerdicts([name], { reason: 'feature-absent', values: 0 })[name]).toMatchObject({
        drift: null,
        note: 'feature-absent',
      })
      expect(judge(name, constant).drift === true, name).toBe(false)
    }
    expect(judge('azure', constant)).toMatchObject({ drift: null, note: 'undefined' })
    expect(judge('psi-0.1', constant)).toMatchObject({ drift: null, note: 'undefined' })
    expect(judge('evidently-default', constant)).toMatchObject({ drift: false, value: 1 })
    const other = numeric({}, { counts: [0, 100, 0] })
    expect(judge('sagemaker', other)).toMatchObject({ drift: null, note: 'layout-mismatch' })
  })

  it('never throw, and never give a verdict without a value', () => {
    const count = fc.oneof(
      fc.nat({ max: 50 }),
      fc.nat({ max: 1e6 }),
      fc.constantFrom(0, 1, Number.NaN, Infinity, 2 ** 60, 1e-300, -1),
    )
    const counts = fc.array(count, { minLength: 1, maxLength: 8 })
    const number = fc.oneof(fc.double(), fc.constantFrom(0, 1, Number.NaN, -Infinity, 1e308))
    const values = (all: number[]) => all.reduce((sum, one) => sum + one, 0)
    const input = fc
      .record({
        kind: fc.constantFrom('numeric', 'categorical'),
        before: counts,
        now: counts,
        chunks: fc.array(counts, { maxLength: 4 }),
        numbers: fc.array(number, { minLength: 6, maxLength: 6 }),
        same: fc.boolean(),
      })
      .map(({ kind, before, now, chunks, numbers, same }): PresetInput => {
        const [mean, variance, min, max, least, most] = numbers as [number, number, number, number, number, number]
        const cells = same ? before.map((_, i) => now[i] ?? 0) : now
        const shared = { counts: before, values: values(before), chunks }
        const window = { counts: Float64Array.from(cells), values: values(cells) }
        const bounds = before.slice(1).map((_, i) => i)
        const missing = { baseline: { missing: before[0]!, rows: min }, window: { missing: now[0]!, rows: max } }
        return kind === 'numeric'
          ? {
              kind: 'numeric',
              signal: 'feature-drift',
              missing,
              baseline: { ...shared, bounds, mean, variance, min, max },
              window: { kind: 'numeric', ...window, sum: mean, sumOfSquares: variance, min: least, max: most },
            }
          : {
              kind: 'categorical',
              signal: 'label-drift',
              missing,
              baseline: { ...shared, categories: before.slice(1).map(String) },
              window: { kind: 'categorical', ...window },
            }
      })
    fc.assert(
      fc.property(input, (one) => {
        for (const [name, verdict] of Object.entries(presetVerdicts(presetNames, one))) {
          const known = verdict.value !== null && Number.isFinite(verdict.value)
          expect(verdict.drift === null, name).toBe(!known)
          expect(known || verdict.note !== undefined, name).toBe(true)
          expect(JSON.parse(JSON.stringify(verdict)), name).toEqual(verdict)
        }
      }),
      { numRuns: 500, seed: 5 },
    )
  })
})

describe('the summary of a preset over a window', () => {
  const said = (feature: string, drift: boolean | null, segment = '') =>
    result({
      feature,
      segment,
      presets: { 'evidently-default': { ...judge('evidently-default', numeric({}, {})), drift, note: 'why' } },
    })

  it("applies Evidently's share to the whole model, and names what was flagged", () => {
    const half = [said('a', true), said('b', false), said('c', null), said('a', true, 'north')]
    expect(summarisePreset('evidently-default', half)).toEqual({
      flagged: ['a', 'north/a'],
      judged: 3,
      asked: 4,
      reasons: ['why'],
      datasetDrift: true,
    })
    expect(summarisePreset('evidently-default', [...half, said('d', false)]).datasetDrift).toBe(false)
  })

  it('is silent on what was not judged, and on data sets where the peer has no rule', () => {
    expect(summarisePreset('evidently-default', [said('a', null)]).datasetDrift).toBeNull()
    expect(summarisePreset('azure', [said('a', true)])).toMatchObject({ judged: 0, asked: 0, datasetDrift: null })
    expect(presetNames.filter((name) => presets[name].datasetShare !== undefined)).toEqual(['evidently-default'])
  })
})
