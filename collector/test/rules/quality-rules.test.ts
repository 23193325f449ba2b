import { describe, expect, it } from 'vitest'
import { conditionOf } from '../../src/alert/condition.ts'
import { explain } from '../../src/alert/explain.ts'
import type { AttributionRanking, MetricNumbers, Result } from '../../src/evaluate/result.ts'
import { checkAgainstBaseline } from '../../src/rules/check-baseline.ts'
import type { AttributionRule, PerformanceRule } from '../../src/rules/index.ts'
import type { LoadedRule, LoadedRules } from '../../src/rules/loaded.ts'
import { parseRules, tryParseRules } from '../../src/rules/parse.ts'
import { result } from '../diagnose/planted-results.ts'
import { smallBaseline } from '../support/small-model.ts'

const file = { model: 'small', window: { size: '1h' }, falseAlarmBudget: '1 per 30d' }
const fell = { name: 'quality fell', signal: 'performance', metric: 'F1', severity: 'critical' } as const
const changed = { name: 'top', signal: 'attribution', severity: 'warning' } as const
const loaded = (rule: PerformanceRule | AttributionRule): { rules: LoadedRules; rule: LoadedRule } => {
  const rules = parseRules({ ...file, rules: [rule] }, 'test')
  return { rules, rule: rules.rules[0]! }
}
const problemsOf = (rule: object) =>
  tryParseRules({ ...file, rules: [rule] }, 'test').problems.map(({ path, message }) => `${path}: ${message}`)

const sizes = { window: 1000, baseline: 10_000, windowRows: 1000, dispersion: 1, zEta: 4 }
const metric: MetricNumbers = {
  value: 0.75,
  interval: [0.72, 0.78],
  rows: 1000,
  offline: 0.84,
  baseline: 0.85,
  difference: -0.09,
  differenceInterval: [-0.12, -0.06],
  better: 'higher',
  statedLoss: 0.042,
}
const quality = (more: Partial<MetricNumbers> = {}, signal: Result['signal'] = 'performance', feature = 'f1') =>
  result({ signal, feature, sizes, evidence: null, metric: { ...metric, ...more } })
const ranking: AttributionRanking = {
  method: 'shap',
  window: ['b', 'a', 'c'],
  baseline: ['a', 'b', 'c'],
  ndcg: 0.9,
  ndcgByChance: 0.98,
}
const ranked = (more: Partial<AttributionRanking> = {}) =>
  result({ signal: 'attribution', feature: '', sizes, evidence: null, ranking: { ...ranking, ...more } })
const holds = (rule: PerformanceRule | AttributionRule, ...results: Result[]) => {
  const { holds: yes, known } = conditionOf({ rule: loaded(rule).rule, results, atMs: 1 })
  return yes ? 'holds' : known ? 'calm' : 'unknown'
}

describe('rules on quality', () => {
  it('come out with defaults and the known name of the metric', () => {
    expect(loaded({ ...fell, below: { offline: 0.95 } }).rule).toMatchObject({
      kind: 'performance',
      signal: 'performance',
      metric: 'f1',
      direction: 'below',
      limit: 0.95,
      relativeTo: 'offline',
      minimumRows: 20,
      features: null,
    })
    expect(loaded({ ...fell, metric: 'MAE', above: 2 }).rule).toMatchObject({
      metric: 'mae',
      limit: 2,
      relativeTo: null,
    })
    expect(loaded({ ...changed, top: 3 }).rule).toMatchObject({ kind: 'attribution', top: 3, minimumRows: 20 })
    expect(loaded(changed).rule).toMatchObject({ top: 5 })
  })

  it.each([
    [{ ...fell }, 'rules[0]: give one of below and above'],
    [{ ...fell, below: 0.8, above: 0.9 }, 'rules[0]: give one of below and above'],
    [{ ...fell, metric: 'acuracy', below: 0.8 }, 'rules[0].metric: unknown metric "acuracy", did you mean "accuracy"?'],
    [{ ...fell, above: 0.8 }, 'rules[0].above: f1 is better when it is higher; give below'],
    [{ ...fell, metric: 'rmse', below: 0.8 }, 'rules[0].below: rmse is better when it is lower; give above'],
    [
      { ...fell, below: { offline: 1.2 } },
      'rules[0].below.offline: expected a multiple above 0 and at most 1, got 1.2',
    ],
    [{ ...fell, metric: 'rmse', above: { offline: 0.9 } }, 'rules[0].above.offline: expected a multiple of at least 1'],
    [{ ...fell, below: 0.8, features: ['a'] }, 'rules[0].features: unknown setting'],
    [{ ...fell, signal: 'feature-drift', below: 0.8 }, 'rules[0].signal: unknown value "feature-drift"'],
    [{ name: 'x', severity: 'info', signal: 'performance', below: 0.8 }, 'rules[0].metric: is missing'],
    [{ ...changed, top: 0 }, 'rules[0].top'],
    [{ ...changed, top: 51 }, 'rules[0].top: expected at most 50'],
    [{ ...changed, threshold: 0.9 }, 'rules[0].threshold: unknown setting'],
    [{ ...changed, signal: 'calibration' }, 'rules[0].signal: unknown value "calibration"'],
  ])('are refused with the reason: %j', (rule, problem) => {
    expect(problemsOf(rule).join('\n')).toContain(problem)
  })

  it('are checked against what the baseline can say', () => {
    const problems = (rule: PerformanceRule | AttributionRule) =>
      checkAgainstBaseline(loaded(rule).rules, smallBaseline).map(({ message }) => message)
    expect(problems({ ...fell, below: 0.8 })).toEqual([])
    expect(problems({ ...fell, signal: 'estimated-performance', below: 0.8 })).toEqual([
      'the baseline has nothing that estimated-performance could watch',
    ])
    expect(problems(changed)).toEqual(['the baseline has nothing that attribution could watch'])
  })
})

describe('a performance rule', () => {
  const rule: PerformanceRule = { ...fell, below: { offline: 0.95 } }

  it('holds when the whole interval lies below its limit, not by the value alone', () => {
    expect(holds(rule, quality())).toBe('holds')
    expect(holds(rule, quality({ interval: [0.7, 0.81] }))).toBe('unknown')
    expect(holds(rule, quality({ value: 0.8, interval: [0.79, 0.81] }))).toBe('calm')
    expect(holds({ ...fell, below: 0.75 }, quality())).toBe('calm')
    expect(holds({ ...fell, below: { baseline: 1 } }, quality())).toBe('holds')
  })

  it('takes the value of a metric that has no interval', () => {
    expect(holds(rule, quality({ interval: null }))).toBe('holds')
  })

  it('holds above its limit for errors', () => {
    const errors = quality({ value: 3, interval: [2.6, 3.4], offline: 2 }, 'performance', 'mae')
    expect(holds({ ...fell, metric: 'mae', above: { offline: 1.2 } }, errors)).toBe('holds')
    expect(holds({ ...fell, metric: 'mae', above: { offline: 2 } }, errors)).toBe('calm')
  })

  it('looks at its own metric and signal, and does not know without them, a reference or enough rows', () => {
    expect(holds(rule, quality({}, 'performance', 'accuracy'))).toBe('unknown')
    expect(holds(rule, quality({}, 'estimated-performance'))).toBe('unknown')
    expect(holds(rule, quality({ offline: null }))).toBe('unknown')
    expect(holds(rule, quality({ value: null, interval: null }))).toBe('unknown')
    expect(holds(rule, quality({ rows: 19 }))).toBe('unknown')
    expect(holds({ ...rule, minimumRows: 10 }, quality({ rows: 19 }))).toBe('holds')
  })
})

describe('an attribution rule', () => {
  it('holds when the top features are others by more than chance', () => {
    expect(holds(changed, ranked())).toBe('holds')
    expect(holds(changed, ranked({ ndcg: 0.985 }))).toBe('calm')
    expect(holds({ ...changed, top: 1 }, ranked({ window: ['a', 'c', 'b'] }))).toBe('calm')
    expect(holds(changed, ranked({ baseline: null }))).toBe('unknown')
    expect(holds(changed, ranked({ ndcgByChance: null }))).toBe('unknown')
    expect(holds({ ...changed, minimumRows: 2000 }, ranked())).toBe('unknown')
  })
})

describe('other rules', () => {
  it('on any drift look past quality, whose results have no evidence', () => {
    const rules = parseRules({ ...file, rules: [{ name: 'd', signal: 'any-drift', severity: 'info' }] }, 'test')
    const condition = conditionOf({ rule: rules.rules[0]!, results: [quality(), ranked()], atMs: 1 })
    expect(condition).toMatchObject({ holds: false, known: false })
  })
})

describe('the words of an alert', () => {
  const words = (given: PerformanceRule | AttributionRule, ...results: Result[]) => {
    const { rules, rule } = loaded(given)
    const comparedWith = { baselineDigest: 'b', manifestDigest: null, baselineRows: 10_000, detectorId: 'd' }
    return explain({
      rule,
      rules,
      condition: conditionOf({ rule, results, atMs: 1 }),
      results,
      diagnosis: [],
      slice: { model: 'small', version: '1', segment: '', startMs: 0, endMs: 1, rows: 1000, comparedWith },
    })
  }

  it('tell the metric, its interval, the limit and what that is relative to', () => {
    const explanation = words({ ...fell, below: { offline: 0.95 } }, quality())
    expect(explanation.summary).toBe(
      'small 1: quality fell: f1: 0.75 (0.72 to 0.78 at 95 %), below 0.798, which is 0.95 times the 0.84 of the held-out set',
    )
    expect(explanation.confidence).toBe(
      "From 1,000 outcomes, the whole 95 % interval lies below the rule's own limit. It is not covered by the false-alarm budget.",
    )
    expect(explanation).toMatchObject({
      evidence: null,
      threshold: 0.95 * 0.84,
      moved: [{ feature: 'f1', effect: -0.09 }],
    })
  })

  it('say of an estimate that it is one', () => {
    const { summary, confidence } = words(
      { ...fell, signal: 'estimated-performance', below: 0.8 },
      quality({}, 'estimated-performance'),
    )
    expect(summary).toContain('estimated without labels at 0.75')
    expect(confidence).toContain('takes scores to mean what they meant in the baseline')
  })

  it('tell which features changed places', () => {
    const { summary, confidence, lookFirst } = words({ ...changed, top: 2 }, ranked())
    expect(summary).toContain(
      'features that move predictions most: a, b -> b, a; NDCG 0.9, where chance leaves it above 0.98',
    )
    expect(confidence).toContain('1 in 1000')
    expect(lookFirst).toContain('attributions')
  })
})
