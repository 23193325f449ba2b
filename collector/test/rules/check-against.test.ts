import type { Baseline } from '@driftline/instrumentation/contract'
import { describe, expect, it } from 'vitest'
import { checkAgainstBaseline } from '../../src/rules/check-baseline.ts'
import { checkNotifiers } from '../../src/rules/check-notifiers.ts'
import { parseRules } from '../../src/rules/parse.ts'

const numeric = { bounds: [0, 1], counts: [0, 5, 0], values: 5, mean: 0.5, variance: 0.1, min: 0.1, max: 1 }
const baseline: Baseline = {
  schema: 'driftline.baseline/1',
  model: { name: 'employment', version: '2' },
  createdAt: '2026-01-01T00:00:00Z',
  source: { name: 'train.csv', boundsRankError: 0 },
  rows: 5,
  features: [
    { name: 'AGEP', kind: 'numeric', missing: 0, invalid: {}, ...numeric },
    { name: 'SCHL', kind: 'numeric', missing: 0, invalid: {}, ...numeric },
  ],
  predictions: { classes: { categories: ['no', 'yes'], counts: [3, 2, 0], values: 5 }, score: numeric },
  segments: { column: 'ST', values: { MA: { rows: 5, features: [], predictions: {} } } },
}
const rulesWith = (rules: object[], more: object = {}) =>
  parseRules(
    {
      model: 'employment',
      window: { size: '1h' },
      falseAlarmBudget: '1 per 30d',
      rules: rules.map((rule, i) => ({ name: `rule ${i}`, severity: 'info', signal: 'feature-drift', ...rule })),
      ...more,
    },
    'test',
  )
const problemsOf = (...args: Parameters<typeof rulesWith>) =>
  checkAgainstBaseline(rulesWith(...args), baseline).map(({ path, message }) => `${path}: ${message}`)

describe('checkAgainstBaseline', () => {
  it('is content with rules that name what exists', () => {
    const rules = [
      { features: ['AGEP', 'SCHL'] },
      { signal: 'prediction-drift', features: ['class'] },
      { signal: 'any-drift', features: ['AGEP', 'score'], segment: 'MA' },
      { segment: '' },
    ]
    expect(problemsOf(rules, { version: '2' })).toEqual([])
    expect(problemsOf([{}], { model: '*' })).toEqual([])
  })

  it('knows labels when the baseline has them', () => {
    const rules = rulesWith([
      { signal: 'label-drift' },
      { signal: 'label-drift', features: ['label'], test: 'js', threshold: 0.2 },
      { signal: 'any-drift', features: ['label'] },
      { signal: 'label-drift', features: ['class'] },
    ])
    const labels = { categories: ['no', 'yes'], counts: [3, 2, 0], values: 5 }
    expect(checkAgainstBaseline(rules, { ...baseline, labels }).map(({ path }) => path)).toEqual([
      'rules[3].features[0]',
    ])
    expect(checkAgainstBaseline(rules, baseline).map(({ path }) => path)).toEqual([
      'rules[0].signal',
      'rules[1].features[0]',
      'rules[1].signal',
      'rules[2].features[0]',
      'rules[3].features[0]',
      'rules[3].signal',
    ])
  })

  it('reports every name that the baseline does not have', () => {
    const rules = [
      { features: ['AGEP', 'SHCL'] },
      { signal: 'prediction-drift', features: ['AGEP'] },
      { segment: 'NY' },
      { signal: 'confidence-drift' },
    ]
    expect(problemsOf(rules, { model: 'income', version: '1' })).toEqual([
      'model: "income" is not the baseline\'s model, which is "employment"',
      'version: "1" is not the baseline\'s version, which is "2"',
      'rules[0].features[1]: the baseline has no feature "SHCL", did you mean "SCHL"?; it has AGEP, SCHL',
      'rules[1].features[0]: the baseline has no feature "AGEP"; it has class, score',
      'rules[2].segment: the baseline has no segment "NY"; it has MA',
      'rules[3].signal: the baseline has nothing that confidence-drift could watch',
    ])
  })
})

describe('checkNotifiers', () => {
  it('reports every notifier that is not configured', () => {
    const rules = rulesWith([{ notify: ['console', 'slak-ml'] }, { notify: [] }, {}])
    expect(checkNotifiers(rules, ['console', 'slack-ml'])).toEqual([
      {
        path: 'rules[0].notify[1]',
        message: 'unknown notifier "slak-ml", did you mean "slack-ml"?; configured: console, slack-ml',
      },
    ])
  })
})
