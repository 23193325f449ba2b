import { describe, expect, it } from 'vitest'
import type { AlertRecord } from '../../src/alert/alert.ts'
import { conditionOf } from '../../src/alert/condition.ts'
import { explain, type ExplainInput } from '../../src/alert/explain.ts'
import { formatAlert } from '../../src/alert/format.ts'
import { diagnose } from '../../src/diagnose/diagnose.ts'
import type { LoadedRule } from '../../src/rules/loaded.ts'
import { parseRules } from '../../src/rules/parse.ts'
import {
  ages,
  evidence,
  health,
  normals,
  plantedCategories,
  plantedNumeric,
  rate,
} from '../diagnose/planted-results.ts'
import { alert, explanation } from './sample-alert.ts'

const rules = parseRules(
  {
    model: 'employment',
    window: { size: '5s' },
    falseAlarmBudget: '1 per 30d',
    rules: [
      { name: 'inputs moved', signal: 'feature-drift', severity: 'warning' },
      {
        name: 'age psi',
        signal: 'feature-drift',
        features: ['AGEP'],
        test: 'psi',
        threshold: 0.25,
        severity: 'critical',
      },
      { name: 'ks', signal: 'feature-drift', features: ['AGEP'], test: 'ks', threshold: 0.001, severity: 'critical' },
      { name: 'missing', signal: 'data-health', test: 'missing', threshold: 0.1, severity: 'critical' },
    ],
  },
  'test',
)
const [inputsMoved, agePsi, ageKs, missing] = rules.rules as [LoadedRule, LoadedRule, LoadedRule, LoadedRule]
const slice: ExplainInput['slice'] = {
  model: 'employment',
  version: '2018.1',
  segment: '',
  startMs: 1_700_000_000_000,
  endMs: 1_700_000_005_000,
  rows: 2000,
  comparedWith: {
    baselineDigest: 'sha256:aaaaaaaaaaaaaaaa',
    manifestDigest: 'sha256:bbbbbbbbbbbbbbbb',
    baselineRows: 20_000,
    detectorId: 'sha256:cccc',
  },
  units: new Map([['AGEP', 'years']]),
}
const baseline = ages(20_000, 2)
const age = {
  ...plantedNumeric({ baseline, window: baseline.slice(0, 2000).map((value) => value * 12), feature: 'AGEP' }),
  evidence: evidence({
    log10Feature: 13.2,
    log10Model: 12,
    threshold: 518_400,
    leadingGroup: 'range',
    incident: { sinceMs: 1_699_999_995_000, alarmedAtMs: 1_700_000_000_000 },
  }),
  distances: { psi: 8.25 },
  tests: { ks: { statistic: 0.8, pValue: 1e-30 } },
  effect: { kind: 'location-shift', unit: 'sd', value: 1.9, interval: null, of: null } as const,
}
const calm = {
  ...plantedCategories(['a', 'b', '_OTHER'], [1, 1, 0], [10, 10, 0]),
  status: 'ok',
  evidence: evidence({ alarm: false }),
} as const

function explained(rule: LoadedRule, results: ExplainInput['results'], more: Partial<ExplainInput['slice']> = {}) {
  const condition = conditionOf({ rule, results, atMs: slice.endMs })
  return explain({ rule, rules, condition, results, diagnosis: diagnose(results), slice: { ...slice, ...more } })
}

describe('the explanation of a budget rule', () => {
  const results = [calm, age, health(age, { above_maximum: rate(1700, 2000, 0) })]
  const text = explained(inputsMoved, results)

  it('says what moved, by how much and in which unit', () => {
    expect(text.moved).toHaveLength(1)
    expect(text.moved[0]).toMatchObject({ signal: 'feature-drift', feature: 'AGEP', effect: 1.9, log10Evidence: 13.2 })
    expect(text.moved[0]?.change).toMatch(
      /^range 0 to 93 -> 0 to 1,116, mean \d+(\.\d)? years -> \d+ years \(x1[12]\.\d\)/,
    )
    expect(text.summary).toMatch(/^employment 2018\.1: inputs moved: AGEP: range/)
  })

  it('says since when, how sure, compared with what and where to look', () => {
    expect(text.onsetMs).toBe(1_699_999_995_000)
    expect(text.confidence).toBe(
      'Evidence 10^12.0 where 10^5.7 raises the alarm that may happen falsely once in 30 days.',
    )
    expect(text.evidence).toBe(12)
    expect(text.threshold).toBeCloseTo(Math.log10(518_400), 12)
    expect(text.comparedWith).toEqual({ ...slice.comparedWith, rulesDigest: rules.digest })
    expect(text.window).toEqual({ startMs: slice.startMs, endMs: slice.endMs, rows: 2000 })
    expect(text.diagnosis[0]?.cause).toBe('unit-or-scale-change')
    expect(text.lookFirst).toBe(text.diagnosis[0]?.lookAt)
  })

  it('speaks of the open incident when the slice itself raised no alarm', () => {
    const open = { ...age, evidence: { ...age.evidence, alarm: false, log10Model: 0.2 } }
    expect(explained(inputsMoved, [open]).confidence).toContain(
      'The incident opened by the alarm of 2023-11-14T22:13:20Z goes on',
    )
  })

  it('dates the onset to the start of the slice when no incident knows better', () => {
    expect(explained(inputsMoved, [{ ...age, evidence: { ...age.evidence, incident: null } }]).onsetMs).toBe(
      slice.startMs,
    )
  })

  it('names the segment, and bounds what it lists', () => {
    const many = Array.from({ length: 60 }, (_, i) => ({ ...age, feature: `f${i}` }))
    const wide = explained(inputsMoved, many, { segment: 'MA' })
    expect(wide.moved).toHaveLength(20)
    expect(wide.summary).toMatch(/segment "MA": inputs moved: f0: .*; also f1, f10 and 57 more$/)
    expect(wide.confidence).toContain('carried by 60 features.')
  })
})

describe('the explanation of a threshold rule', () => {
  it('gives the value, the threshold and the sizes, and says that the budget does not cover it', () => {
    const text = explained(agePsi, [age])
    expect(text.confidence).toBe(
      "The rule's own threshold was crossed: population stability index 8.25, at or above 0.25, from 2,000 values of the window and 20,000 of the baseline. It is not covered by the false-alarm budget.",
    )
    expect(text).toMatchObject({ evidence: null, threshold: 0.25 })
    expect(explained(ageKs, [age]).confidence).toContain(
      'p-value of the Kolmogorov-Smirnov test 1e-30, at or below 0.001',
    )
  })

  it('counted the values of the baseline where a rate rests on its rows', () => {
    const drift = plantedNumeric({ baseline: normals(19_780, 5, 1, 1), window: normals(30, 5, 1, 2), feature: 'PINCP' })
    const rates = { missing: rate(30, 60, 0.01), invalid: rate(0, 60, 0.001) }
    const flagged = health(drift, rates, { sizes: { ...drift.sizes, windowRows: 60 } })
    expect(explained(missing, [drift, flagged]).confidence).toContain(
      'from 60 rows of the window and 20,000 of the baseline',
    )
  })

  it('takes the effect from missing values when they are what moved', () => {
    const drift = plantedNumeric({ baseline, window: baseline.slice(0, 250), feature: 'AGEP', leadingGroup: 'missing' })
    const text = explained(inputsMoved, [drift, health(drift, { missing: rate(750, 1000, 0.5) })])
    expect(text.moved[0]).toMatchObject({ effect: 0.25, effectUnit: 'share' })
  })

  it('joins a rate with the drift of the same feature', () => {
    const drift = plantedNumeric({
      baseline: normals(2000, 5, 1, 1),
      window: normals(900, 5, 1, 2),
      feature: 'PINCP',
      status: 'ok',
    })
    const text = explained(missing, [drift, health(drift, { missing: rate(250, 1000, 0.001) })])
    expect(text.summary).toContain('missing: PINCP: share of missing values 0.25, at or above 0.1; ')
    expect(text.summary).toContain('missing 0.1 % -> 25 %')
    expect(text.lookFirst).not.toBe('')
  })
})

describe('formatAlert', () => {
  it('printed a second figure, without unit, for the same shift', () => {
    const text = formatAlert(alert({ explanation: explained(inputsMoved, [age]) }))
    expect(text).not.toContain('effect')
    expect(explained(inputsMoved, [age]).moved[0]).toMatchObject({ effect: 1.9, effectUnit: 'sd' })
  })

  it('puts everything an alert must say into lines', () => {
    const record: AlertRecord = alert({ explanation: explained(inputsMoved, [age]) })
    const lines = formatAlert(record).split('\n')
    expect(lines[0]).toMatch(/^\[FIRING\] warning: employment 2018\.1: inputs moved: AGEP/)
    const heads = ['moved', 'since', 'how sure', 'against', 'cause?', 'look at', 'alert']
    expect(heads.map((head) => lines.filter((line) => line.startsWith(`  ${head} `)).length)).toEqual(
      heads.map(() => 1),
    )
    expect(formatAlert(record)).toContain(
      'since     2023-11-14T22:13:15Z (window 2023-11-14T22:13:20Z to 2023-11-14T22:13:25Z, 2,000 rows)',
    )
    expect(formatAlert(record)).toContain(
      'against   baseline sha256:aaaaaaaaaaaa of 20,000 rows, manifest sha256:bbbbbbbbbbbb, rules sha256:',
    )
  })

  it('says when a resolved alert was over, and survives senseless times', () => {
    expect(formatAlert(alert({ state: 'resolved', resolvedAtMs: 7_200_000 }))).toContain(
      'over      1970-01-01T02:00:00Z',
    )
    expect(formatAlert(alert({ explanation: explanation({ onsetMs: 1e300 }) }))).toContain('since     1e+300 ms')
  })
})

describe('the explanation of a preset rule', () => {
  const rule: LoadedRule = {
    ...inputsMoved,
    kind: 'preset',
    name: 'as Evidently',
    signal: 'feature-drift',
    preset: 'evidently-default',
    share: null,
    minimumRows: 20,
  }
  const drifted = {
    ...age,
    presets: {
      'evidently-default': {
        drift: true,
        statistic: 'Wasserstein distance / sd',
        value: 0.42,
        relation: '>=',
        threshold: 0.1,
        bound: [0.3, 0.5],
        n: 2000,
        nullExpectation: 0.02,
      },
    },
  } as const

  it('says what the preset is, what it expects without drift, and that it has no error control', () => {
    const text = explained(rule, [drifted])
    expect(text.moved[0]!.change).toMatch(
      /^Wasserstein distance \/ sd 0\.42 \(of the raw values 0\.3 to 0\.5\), at or above 0\.1; range/,
    )
    expect(text.confidence).toMatch(/^This is Evidently's default rule, computed from histograms: /)
    expect(text.confidence).toContain('Without drift about 0.02 is to be expected from so many values.')
    expect(text.confidence).toMatch(/It controls no error rate and is not covered by the false-alarm budget\.$/)
    expect(text).toMatchObject({ evidence: null, threshold: 0.1 })
    expect(explained({ ...rule, share: 0.5 }, [drifted]).confidence).toContain(
      '1 thing flagged, a share of at least 0.5.',
    )
  })
})

describe('the explanation of a corrected threshold', () => {
  it('shows the p-value before and after', () => {
    const rule: LoadedRule = {
      ...inputsMoved,
      kind: 'threshold',
      signal: 'feature-drift',
      test: 'ks',
      measure: 'p-value',
      threshold: 0.05,
      minimumRows: 20,
      correction: 'bonferroni',
    }
    const one = { ...age, tests: { ks: { statistic: 0.1, pValue: 0.01 } } }
    const other = { ...age, feature: 'other', tests: { ks: { statistic: 0.1, pValue: 0.5 } } }
    expect(explained(rule, [one, other]).confidence).toContain(
      'p-value of the Kolmogorov-Smirnov test 0.01 (0.02 after Bonferroni correction for 2 of them), at or below 0.05',
    )
  })
})
