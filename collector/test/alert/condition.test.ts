import { describe, expect, it } from 'vitest'
import { conditionOf } from '../../src/alert/condition.ts'
import type { PresetVerdict } from '../../src/evaluate/result.ts'
import type { LoadedBudgetRule, LoadedPresetRule, LoadedThresholdRule } from '../../src/rules/loaded.ts'
import { evidence, rate, result } from '../diagnose/planted-results.ts'

const common = {
  name: 'r',
  severity: 'warning',
  features: null,
  segment: null,
  forMs: 0,
  keepFiringForMs: 0,
  notify: null,
} as const
const budget: LoadedBudgetRule = { ...common, kind: 'budget', signal: 'feature-drift' }
const psi: LoadedThresholdRule = {
  ...common,
  kind: 'threshold',
  signal: 'feature-drift',
  test: 'psi',
  measure: 'distance',
  threshold: 0.25,
  minimumRows: 20,
  correction: 'none',
}
const sizes = { window: 1000, baseline: 20_000, windowRows: 1000, dispersion: 1, zEta: 4 }
const noRows = { ...sizes, window: 0, windowRows: 0 }
const incident = { sinceMs: 0, alarmedAtMs: 3_600_000 }
const calm = result({ sizes, evidence: evidence({ alarm: false }) })
const alarmed = result({ sizes, feature: 'age', status: 'drift', evidence: evidence({ alarm: true, incident }) })
const open = result({ sizes, feature: 'bmi', status: 'drift', evidence: evidence({ alarm: false, incident }) })

describe('a budget rule', () => {
  const of = (results: Parameters<typeof conditionOf>[0]['results'], rule = budget, openFeatures: string[] = []) =>
    conditionOf({ rule, results, atMs: 1, openFeatures })

  it('holds with an alarm and while an incident is open', () => {
    expect(of([calm, alarmed])).toMatchObject({ holds: true, known: true, results: [alarmed], fresh: [alarmed] })
    expect(of([calm, open])).toMatchObject({ holds: true, known: true, results: [open], fresh: [] })
    expect(of([calm])).toMatchObject({ holds: false, known: true, results: [] })
  })

  it('does not hold for evidence below the alarm, however many features share it', () => {
    expect(of(Array.from({ length: 50 }, (_, i) => ({ ...calm, feature: `f${i}` }))).holds).toBe(false)
  })

  it('is not known without rows, without evidence and without results', () => {
    expect(of([{ ...calm, sizes: noRows }]).known).toBe(false)
    expect(of([{ ...open, sizes: noRows }])).toMatchObject({ holds: false, known: false })
    expect(of([{ ...calm, evidence: null }]).known).toBe(false)
    expect(of([{ ...calm, status: 'error' }]).known).toBe(false)
    expect(of([]).known).toBe(false)
  })

  it('is not known to be over while a feature that the open alert rests on cannot be judged', () => {
    expect(of([calm, { ...calm, feature: 'age', sizes: noRows }], budget, ['age']).known).toBe(false)
    expect(of([calm, { ...calm, feature: 'age' }], budget, ['age']).known).toBe(true)
    expect(of([open, { ...calm, feature: 'age', sizes: noRows }], budget, ['age'])).toMatchObject({
      holds: true,
      known: true,
    })
  })

  it('looks only at its features and its signal; any-drift looks at inputs, predictions and confidence', () => {
    expect(of([alarmed], { ...budget, features: ['bmi'] })).toMatchObject({ holds: false, known: false })
    expect(of([{ ...alarmed, signal: 'prediction-drift' }]).holds).toBe(false)
    for (const signal of ['feature-drift', 'prediction-drift', 'confidence-drift'] as const) {
      expect(of([{ ...alarmed, signal }], { ...budget, signal: 'any-drift' }).holds).toBe(true)
    }
  })

  it('names fresh alarms before open incidents, the strongest first', () => {
    const strong = { ...alarmed, feature: 'strong', evidence: evidence({ log10Feature: 20 }) }
    expect(of([open, alarmed, strong]).results.map(({ feature }) => feature)).toEqual(['strong', 'age', 'bmi'])
  })
})

describe('a threshold rule', () => {
  const of = (rule: LoadedThresholdRule, ...results: Parameters<typeof conditionOf>[0]['results']) =>
    conditionOf({ rule, results, atMs: 1 })

  it('compares a distance: at or above', () => {
    const at = (value: number | null) => of(psi, { ...calm, distances: { psi: value } })
    expect(at(0.2499)).toMatchObject({ holds: false, known: true })
    expect(at(0.25).holds).toBe(true)
    expect(at(null)).toMatchObject({ holds: false, known: false })
    expect(at(Number.NaN)).toMatchObject({ holds: false, known: false })
  })

  it('compares a p-value: at or below', () => {
    const rule: LoadedThresholdRule = { ...psi, test: 'ks', measure: 'p-value', threshold: 0.01 }
    const at = (pValue: number | null) => of(rule, { ...calm, tests: { ks: { statistic: 0.1, pValue } } })
    expect(at(0.011)).toMatchObject({ holds: false, known: true })
    expect(at(0.01).holds).toBe(true)
    expect(at(null).known).toBe(false)
  })

  it('compares a rate of the data-health results: at or above', () => {
    const rule: LoadedThresholdRule = {
      ...psi,
      signal: 'data-health',
      test: 'out-of-range',
      measure: 'rate',
      threshold: 0.05,
    }
    const at = (count: number) =>
      of(rule, { ...calm, signal: 'data-health', evidence: null, rates: { out_of_range: rate(count, 1000, 0) } })
    expect(at(49)).toMatchObject({ holds: false, known: true })
    expect(at(50).holds).toBe(true)
  })

  it('takes a reason of invalid values that is not listed for a rate of 0', () => {
    const rule: LoadedThresholdRule = {
      ...psi,
      signal: 'data-health',
      test: 'wrong-type',
      measure: 'rate',
      threshold: 0.05,
    }
    const healthy = { ...calm, signal: 'data-health', evidence: null } as const
    expect(of(rule, { ...healthy, rates: { invalid: rate(0, 1000, 0) } })).toMatchObject({ holds: false, known: true })
    expect(of(rule, { ...healthy, rates: {} }).known).toBe(false)
    expect(of({ ...rule, test: 'out-of-range' }, { ...healthy, rates: { invalid: rate(0, 1000, 0) } }).known).toBe(
      false,
    )
  })

  it('does not judge windows with fewer values than the minimum', () => {
    const small = { ...sizes, window: 19, windowRows: 30 }
    const missing: LoadedThresholdRule = {
      ...psi,
      signal: 'data-health',
      test: 'missing',
      measure: 'rate',
      threshold: 0.05,
    }
    expect(of(psi, { ...calm, sizes: small, distances: { psi: 9 } })).toMatchObject({ holds: false, known: false })
    expect(of(psi, { ...calm, sizes: { ...small, window: 20 }, distances: { psi: 9 } }).holds).toBe(true)
    expect(
      of(missing, { ...calm, sizes: small, signal: 'data-health', rates: { missing: rate(11, 30, 0) } }).holds,
    ).toBe(true)
  })

  it("needs no evidence: the threshold is the user's own", () => {
    expect(of(psi, { ...calm, evidence: null, distances: { psi: 1 } }).holds).toBe(true)
  })
})

describe('a threshold rule with a correction', () => {
  const ks: LoadedThresholdRule = { ...psi, test: 'ks', measure: 'p-value', threshold: 0.05 }
  const pValues = [0.001, 0.02, 0.03, 0.2, 0.9]
  const results = pValues.map((pValue, i) =>
    result({ sizes, feature: `f${i}`, tests: { ks: { statistic: 0.1, pValue } } }),
  )
  const flagged = (rule: LoadedThresholdRule, some = results) =>
    conditionOf({ rule, results: some, atMs: 1 }).results.map(({ feature }) => feature)

  it('asks more of each feature, the more there are', () => {
    expect(flagged(ks)).toEqual(['f0', 'f1', 'f2'])
    // 5 x 0.001 = 0.005; 5 x 0.02 = 0.1.
    expect(flagged({ ...ks, correction: 'bonferroni' })).toEqual(['f0'])
    // 0.03 x 5 / 3 = 0.05 pulls 0.02 x 5 / 2 along.
    expect(flagged({ ...ks, correction: 'benjamini-hochberg' })).toEqual(['f0', 'f1', 'f2'])
    expect(flagged({ ...ks, correction: 'benjamini-hochberg', threshold: 0.0499 })).toEqual(['f0'])
  })

  it('counts only features that the rule looks at and that can be judged', () => {
    const rule: LoadedThresholdRule = { ...ks, correction: 'bonferroni' }
    expect(flagged({ ...rule, features: ['f0', 'f1'] })).toEqual(['f0', 'f1'])
    const unjudged = [
      result({ sizes: { ...sizes, window: 19 }, feature: 'small', tests: { ks: { statistic: 1, pValue: 0 } } }),
      result({ sizes, feature: 'broken', status: 'error', tests: { ks: { statistic: 1, pValue: 0 } } }),
      result({ sizes, feature: 'none', tests: { ks: { statistic: null } } }),
    ]
    const condition = conditionOf({ rule, results: [...results.slice(0, 2), ...unjudged], atMs: 1 })
    expect(condition.results.map(({ feature }) => feature)).toEqual(['f0', 'f1'])
    expect([...condition.adjustedPValues!.values()]).toEqual([0.002, 0.04])
    expect(conditionOf({ rule, results: unjudged, atMs: 1 })).toMatchObject({ holds: false, known: false })
  })
})

describe('a preset rule', () => {
  const rule: LoadedPresetRule = {
    ...common,
    kind: 'preset',
    signal: 'feature-drift',
    preset: 'evidently-default',
    share: null,
    minimumRows: 20,
  }
  const verdict = (drift: boolean | null, value: number | null): PresetVerdict => ({
    drift,
    statistic: 'Wasserstein distance / sd',
    value,
    relation: '>=',
    threshold: 0.1,
    n: 1000,
    nullExpectation: 0.02,
  })
  const said = (feature: string, drift: boolean | null, value: number | null = drift ? 0.2 : 0.01) =>
    result({ sizes, feature, presets: { 'evidently-default': verdict(drift, value) } })
  const of = (results: Parameters<typeof conditionOf>[0]['results'], more: Partial<LoadedPresetRule> = {}) =>
    conditionOf({ rule: { ...rule, ...more }, results, atMs: 1 })

  it('holds when the preset flags something, the furthest beyond its threshold first', () => {
    const condition = of([said('a', false), said('b', true, 0.15), said('c', true, 0.9)])
    expect(condition).toMatchObject({ holds: true, known: true })
    expect(condition.results.map(({ feature }) => feature)).toEqual(['c', 'b'])
    expect(of([said('a', false)])).toMatchObject({ holds: false, known: true })
  })

  it('waits for the share of the judged features that it asks for', () => {
    const results = [said('a', true), said('b', false), said('c', false), said('d', null, null)]
    expect(of(results, { share: 0.33 })).toMatchObject({ holds: true })
    expect(of(results, { share: 0.5 })).toMatchObject({ holds: false, known: true, results: [], fresh: [] })
  })

  it('does not take "not judged" for "no drift"', () => {
    expect(of([said('a', null, null)])).toMatchObject({ holds: false, known: false })
    expect(of([calm])).toMatchObject({ holds: false, known: false })
    expect(of([{ ...said('a', true), sizes: { ...sizes, window: 19 } }]).known).toBe(false)
    expect(of([{ ...said('a', true), status: 'error' }]).known).toBe(false)
    expect(of([said('a', true)], { preset: 'azure' }).known).toBe(false)
  })
})
