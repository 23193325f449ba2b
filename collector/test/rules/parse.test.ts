import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conditionOf } from '../../src/alert/condition.ts'
import { compareCategorical } from '../../src/evaluate/compare-categorical.ts'
import { compareNumeric } from '../../src/evaluate/compare-numeric.ts'
import { dataHealth } from '../../src/evaluate/data-health.ts'
import { defaultRuleFile, defaultRules } from '../../src/rules/default-rules.ts'
import { defineRules, type RuleFile } from '../../src/rules/index.ts'
import { measures } from '../../src/rules/measures.ts'
import { presetsOf } from '../../src/rules/presets-of.ts'
import { maximumProblems, maximumRules, parseRules, tryParseRules } from '../../src/rules/parse.ts'
import { RuleFileError } from '../../src/rules/problem.ts'
import { closest } from '../../src/rules/suggest.ts'
import { result } from '../diagnose/planted-results.ts'

const file: RuleFile = defineRules({
  model: 'employment',
  window: { size: '1h', every: '5m' },
  falseAlarmBudget: '1 per 30d',
  rules: [
    { name: 'inputs moved', signal: 'feature-drift', severity: 'warning' },
    {
      name: 'glucose psi',
      signal: 'feature-drift',
      features: ['glucose'],
      test: 'psi',
      threshold: 0.25,
      for: '2h',
      severity: 'critical',
    },
  ],
})

const problemsOf = (content: unknown) =>
  tryParseRules(content, 'rules.json').problems.map(({ path, message }) => `${path}: ${message}`)
const withRule = (rule: object) => problemsOf({ ...file, rules: [rule] })
const withFields = (fields: object) => problemsOf({ ...file, ...fields })

describe('a sound rule file', () => {
  const rules = parseRules(file, 'driftline.rules.ts')

  it('comes out in milliseconds, with defaults', () => {
    expect(rules).toMatchObject({
      model: 'employment',
      version: null,
      window: { sizeMs: 3_600_000, everyMs: 300_000, graceMs: 30_000 },
      budget: { count: 1, periodMs: 2_592_000_000 },
      alarmThreshold: 8640,
      source: 'driftline.rules.ts',
      rules: [
        {
          kind: 'budget',
          name: 'inputs moved',
          signal: 'feature-drift',
          features: null,
          segment: null,
          forMs: 0,
          keepFiringForMs: 0,
          notify: null,
        },
        {
          kind: 'threshold',
          test: 'psi',
          measure: 'distance',
          threshold: 0.25,
          minimumRows: 20,
          forMs: 7_200_000,
          features: ['glucose'],
        },
      ],
    })
  })

  it('waits for late data for a tenth of a slice, and for 2 s at least', () => {
    const grace = (window: object) => parseRules({ ...file, window }, '').window.graceMs
    expect(grace({ size: '1h' })).toBe(360_000)
    expect(grace({ size: '5s' })).toBe(2000)
    expect(grace({ size: '5s', grace: '0s' })).toBe(0)
  })

  it('has a digest of what it means, not of how it is written', () => {
    const { digest } = rules
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    const rewritten = {
      ...file,
      window: { every: '300s', size: '60m' },
      falseAlarmBudget: '1 per month',
      model: ' employment ',
    }
    expect(parseRules(rewritten, 'other.yaml').digest).toBe(digest)
    expect(parseRules({ ...file, falseAlarmBudget: '2 per month' }, '').digest).not.toBe(digest)
    expect(parseRules({ ...file, rules: file.rules.toReversed() }, '').digest).not.toBe(digest)
  })

  it('may be the default one', () => {
    expect(parseRules(defaultRuleFile, 'defaults')).toEqual(defaultRules)
    expect(defaultRules).toMatchObject({ model: '*', alarmThreshold: 720, source: 'defaults' })
    expect(defaultRules.rules.map(({ kind, signal }) => `${kind} ${signal}`)).toEqual([
      'budget feature-drift',
      'budget prediction-drift',
      'budget multivariate-drift',
      'budget confidence-drift',
      'budget label-drift',
    ])
  })
})

describe('problems', () => {
  it('are all reported at once, each with its path', () => {
    const problems = problemsOf({
      model: 4,
      window: { size: '1h', every: '7m', graze: '1s' },
      falseAlarmBudget: 'rarely',
      rules: [
        { name: 'a', signal: 'feature-drift', severity: 'loud' },
        { name: 'b', signal: 'feature-drift', severity: 'warning', test: 'psi', treshold: 0.25 },
        { name: 'a', signal: 'feature-drift', severity: 'warning', test: 'psi', threshold: '0,25' },
        'no rule',
      ],
    })
    expect(problems).toEqual([
      'model: expected a text, got 4; put it in quotes',
      'window.graze: unknown setting, did you mean "grace"?; known: size, every, grace',
      'window.every: must divide size: 1h is not a multiple of 7m',
      'falseAlarmBudget: expected a budget like "1 per 30d" or "2 per week", got "rarely"',
      'rules[0].severity: unknown value "loud"; valid: info, warning, critical',
      'rules[1].threshold: is missing; expected a number',
      'rules[1].treshold: unknown setting, did you mean "threshold"?; known: name, severity, features, segment, for, keepFiringFor, notify, signal, test, threshold, minimumRows, correction',
      'rules[2].threshold: expected a number, got "0,25"',
      'rules[2].name: "a" is the name of rules[0] already; names of rules must differ',
      'rules[3]: expected a rule, got "no rule"',
    ])
  })

  it('are thrown together as one error', () => {
    const attempt = () => parseRules({ ...file, model: '', rules: [] }, 'my.rules.json')
    expect(attempt).toThrow(RuleFileError)
    expect(attempt).toThrow('my.rules.json: 2 problems\n  model: must not be empty\n  rules: must not be an empty list')
  })

  it('name unknown signals and tests, with those that exist', () => {
    expect(withRule({ name: 'a', signal: 'feature-drif', severity: 'info' })).toEqual([
      'rules[0].signal: unknown value "feature-drif", did you mean "feature-drift"?; valid: feature-drift, prediction-drift, confidence-drift, label-drift, multivariate-drift, any-drift',
    ])
    const [problem] = withRule({ name: 'a', signal: 'feature-drift', severity: 'info', test: 'pis', threshold: 1 })
    expect(problem).toMatch(
      /^rules\[0\]\.test: unknown test "pis", did you mean "psi"\?; valid for "feature-drift": psi, .*chi-square/,
    )
    expect(problem).not.toContain('missing')
  })

  it('say which signal a test belongs to', () => {
    expect(withRule({ name: 'a', signal: 'feature-drift', severity: 'info', test: 'missing', threshold: 0.1 })).toEqual(
      ['rules[0].test: "missing" needs signal data-health, not "feature-drift"'],
    )
    expect(withRule({ name: 'a', signal: 'data-health', severity: 'info', test: 'psi', threshold: 0.1 })).toEqual([
      'rules[0].test: "psi" needs signal feature-drift, prediction-drift, confidence-drift, label-drift or multivariate-drift, not "data-health"',
    ])
    expect(withRule({ name: 'a', signal: 'data-health', severity: 'info' })).toEqual([
      'rules[0].test: is missing; expected a text',
      'rules[0].threshold: is missing; expected a number',
    ])
  })

  it('hold thresholds to what their test can give', () => {
    const at = (test: string, threshold: unknown, signal = 'feature-drift') =>
      withRule({ name: 'a', signal, severity: 'info', test, threshold })
    for (const threshold of [0, 1, 1.5, -0.1])
      expect(at('ks', threshold)[0]).toContain('compares a p-value: expected a number between 0 and 1')
    for (const threshold of [0, 1.01, -1])
      expect(at('missing', threshold, 'data-health')[0]).toContain('is a share of rows')
    expect(at('psi', 0)[0]).toContain('is a distance: expected a number above 0')
    expect(at('psi', Number.NaN)).toHaveLength(1)
    expect(at('psi', Infinity)).toHaveLength(1)
    for (const sound of [at('ks', 0.05), at('missing', 1, 'data-health'), at('psi', 3)]) expect(sound).toEqual([])
  })

  it('check durations', () => {
    expect(withFields({ window: { size: '1 hour' } })).toEqual([
      'window.size: expected a duration like "30s", "5m", "1h" or "7d", got "1 hour"',
    ])
    expect(withFields({ window: { size: '0s' } })).toEqual(['window.size: expected a duration above 0, got "0s"'])
    expect(withFields({ window: { size: '100ms' } })).toEqual(['window.size: expected at least 1s, got "100ms"'])
    expect(withFields({ window: {} })).toEqual(['window.size: is missing; expected a text'])
    expect(withRule({ name: 'a', signal: 'any-drift', severity: 'info', for: 5, keepFiringFor: 'soon' })).toEqual([
      'rules[0].for: expected a text, got 5; put it in quotes',
      'rules[0].keepFiringFor: expected a duration like "30s", "5m", "1h" or "7d", got "soon"',
    ])
  })

  it('refuse a budget that allows an alarm in every slice', () => {
    expect(withFields({ falseAlarmBudget: '12 per hour' })).toEqual([
      'falseAlarmBudget: allows an alarm in every slice of 5m; allow fewer, or take shorter slices',
    ])
    expect(withFields({ falseAlarmBudget: '11 per hour' })).toEqual([])
  })

  it('are bounded, and so are rules', () => {
    const many = Array.from({ length: maximumRules }, () => ({ name: 'same', signal: 'nope', severity: 'nope' }))
    const problems = problemsOf({ ...file, rules: many })
    expect(problems).toHaveLength(maximumProblems + 1)
    expect(problems.at(-1)).toMatch(/and \d+ more/)
    expect(
      problemsOf({
        ...file,
        rules: Array.from({ length: maximumRules + 1 }, (_, i) => ({ ...file.rules[0], name: `rule ${i}` })),
      }),
    ).toEqual([`rules: has more than ${maximumRules} entries`])
    expect(withRule({ name: 'x'.repeat(201), signal: 'any-drift', severity: 'info' })).toEqual([
      'rules[0].name: is longer than 200 characters',
    ])
  })

  it('are found in any content without a crash', () => {
    for (const content of [undefined, null, 4, 'text', [], [file], () => file, new Date(0), Number.NaN])
      expect(problemsOf(content).length).toBeGreaterThan(0)
    fc.assert(
      fc.property(fc.anything(), (content) => {
        expect(problemsOf(content).length).toBeGreaterThan(0)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(
        fc.record({ window: fc.anything(), falseAlarmBudget: fc.anything(), rules: fc.array(fc.anything()) }),
        (fields) => {
          tryParseRules({ ...file, ...fields }, '')
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('every test that a rule may name', () => {
  for (const { name, kind, key } of measures) {
    it(`${name} reads ${key}`, () => {
      const signal = kind === 'rate' ? 'data-health' : 'feature-drift'
      const rules = parseRules(
        { ...file, rules: [{ name: 'a', signal, severity: 'info', test: name, threshold: 0.5 }] },
        '',
      )
      const sizes = { window: 100, baseline: 100, windowRows: 100, dispersion: 1, zEta: 4 }
      const at = (value: number) =>
        conditionOf({
          rule: rules.rules[0]!,
          atMs: 1,
          results: [
            result({
              signal,
              sizes,
              distances: kind === 'distance' ? { [key]: value } : {},
              tests: kind === 'p-value' ? { [key]: { statistic: 1, pValue: value } } : {},
              rates:
                kind === 'rate'
                  ? {
                      [key]: {
                        count: 1,
                        rows: 100,
                        rate: value,
                        interval: null,
                        baselineRate: 0,
                        difference: null,
                        differenceInterval: null,
                      },
                    }
                  : {},
            }),
          ],
        })
      expect([0.4, 0.5, 0.6].map((value) => at(value).holds)).toEqual(
        kind === 'p-value' ? [true, true, false] : [false, true, true],
      )
    })
  }
})

describe('the names of tests', () => {
  it('are those that evaluation gives', () => {
    const summary = {
      bounds: [0, 1, 2, 3],
      counts: [0, 100, 100, 100, 0],
      values: 300,
      mean: 1.5,
      variance: 1,
      min: 0.5,
      max: 3,
    }
    const numeric = {
      kind: 'numeric',
      counts: Float64Array.of(0, 90, 100, 110, 5),
      values: 305,
      sum: 20,
      sumOfSquares: 400,
      min: 0.5,
      max: 4,
    } as const
    const two = { categories: ['a', 'b'], counts: [100, 100, 0], values: 200 }
    const categorical = { kind: 'categorical', counts: Float64Array.of(120, 80, 0), values: 200 } as const
    const comparisons = [
      compareNumeric(summary, numeric, { zEta: 3 }),
      compareCategorical(two, categorical, { zEta: 3 }),
    ]
    const declared = {
      ...summary,
      name: 'x',
      kind: 'numeric',
      missing: 1,
      invalid: { nan: 1, infinite: 1, wrong_type: 1 },
      range: { max: 3 },
    } as const
    const health = [
      dataHealth(declared, { distribution: numeric, missing: 2, invalid: { out_of_range: 5 } }, 304),
      dataHealth(
        { ...two, name: 'y', kind: 'categorical', missing: 0, invalid: {} },
        { distribution: categorical, missing: 0, invalid: {} },
        200,
      ),
    ]
    const given = {
      distance: new Set(
        comparisons.flatMap(({ distances }) =>
          Object.keys(distances).filter((name) => typeof distances[name] === 'number'),
        ),
      ),
      'p-value': new Set(
        comparisons.flatMap(({ tests }) =>
          Object.keys(tests).filter((name) => typeof tests[name]?.pValue === 'number'),
        ),
      ),
      rate: new Set(health.flatMap(({ rates }) => Object.keys(rates))),
    }
    for (const { name, kind, key } of measures) expect([...given[kind]], `${kind} ${name}`).toContain(key)
    expect(
      [...given['p-value']].filter((key) => !measures.some((one) => one.kind === 'p-value' && one.key === key)),
    ).toEqual([])
    expect([...given.rate].filter((key) => !measures.some((one) => one.kind === 'rate' && one.key === key))).toEqual([])
  })

  it('may be the keys of results, and mean the same then', () => {
    const digestOf = (signal: string, test: string) =>
      parseRules({ ...file, rules: [{ name: 'a', signal, severity: 'info', test, threshold: 0.5 }] }, '').digest
    expect(digestOf('feature-drift', 'jsDistance')).toBe(digestOf('feature-drift', 'js'))
    expect(digestOf('data-health', 'out_of_range')).toBe(digestOf('data-health', 'out-of-range'))
  })
})

describe('closest', () => {
  it('finds what a mistyped word was meant to be, and nothing far away', () => {
    expect(closest('treshold', ['test', 'threshold', 'for'])).toBe('threshold')
    expect(closest('keepfiringfor', ['keepFiringFor'])).toBe('keepFiringFor')
    expect(closest('nmae', ['name', 'notify'])).toBe('name')
    expect(closest('elephant', ['name', 'notify'])).toBeNull()
    expect(closest('x'.repeat(1000), ['x'.repeat(1000)])).toBeNull()
  })
})

describe('a preset rule', () => {
  const rule = { name: 'as Evidently', preset: 'evidently-default', severity: 'info' }
  const parsed = (more: object) => parseRules({ ...file, rules: [{ ...rule, ...more }] }, 'r').rules[0]

  it('looks at features unless it says otherwise', () => {
    expect(parsed({})).toMatchObject({
      kind: 'preset',
      preset: 'evidently-default',
      signal: 'feature-drift',
      share: null,
      minimumRows: 20,
      features: null,
    })
    expect(parsed({ signal: 'any-drift', share: 0.5, minimumRows: 1, features: ['a'], for: '1h' })).toMatchObject({
      signal: 'any-drift',
      share: 0.5,
      minimumRows: 1,
      features: ['a'],
      forMs: 3_600_000,
    })
  })

  it('names unknown presets and settings that do not belong to it', () => {
    expect(withRule({ ...rule, preset: 'evidently-defalt' })[0]).toMatch(
      /^rules\[0\]\.preset: unknown value "evidently-defalt", did you mean "evidently-default"\?; valid: evidently-default, .*popmon$/,
    )
    expect(withRule({ ...rule, threshold: 0.1 })[0]).toContain('rules[0].threshold: unknown setting')
    expect(withRule({ ...rule, signal: 'data-health' })[0]).toContain('rules[0].signal: unknown value "data-health"')
    for (const share of [0, 1.1, -1]) {
      expect(withRule({ ...rule, share })).toEqual([
        `rules[0].share: is a share of features: expected a number above 0 and at most 1, got ${share}`,
      ])
    }
  })

  it('makes its preset be computed, and only its own', () => {
    expect(presetsOf(parseRules(file, 'r'))).toEqual([])
    const twice = [rule, { ...rule, name: 'again' }, { ...rule, name: 'other', preset: 'azure' }]
    expect(presetsOf(parseRules({ ...file, rules: twice }, 'r'))).toEqual(['evidently-default', 'azure'])
  })
})

describe('a correction', () => {
  const rule = { name: 'ks', signal: 'feature-drift', test: 'ks', threshold: 0.05, severity: 'info' }

  it('is none unless it says otherwise', () => {
    const [one] = parseRules({ ...file, rules: [rule] }, 'r').rules
    expect(one).toMatchObject({ kind: 'threshold', correction: 'none' })
    const [other] = parseRules({ ...file, rules: [{ ...rule, correction: 'benjamini-hochberg' }] }, 'r').rules
    expect(other).toMatchObject({ correction: 'benjamini-hochberg' })
  })

  it('needs p-values', () => {
    expect(withRule({ ...rule, test: 'psi', correction: 'bonferroni' })).toEqual([
      'rules[0].correction: "bonferroni" corrects p-values, and psi has none',
    ])
    expect(withRule({ ...rule, test: 'psi', correction: 'none' })).toEqual([])
    expect(withRule({ ...rule, correction: 'bonferoni' })[0]).toContain('did you mean "bonferroni"?')
    expect(withRule({ name: 'a', signal: 'feature-drift', correction: 'bonferroni', severity: 'info' })).toEqual([
      'rules[0].test: is missing; expected a text',
      'rules[0].threshold: is missing; expected a number',
    ])
  })
})

describe('a season', () => {
  it('is none unless a file asks for one, and none means the same as nothing', () => {
    const without = parseRules(file, 'driftline.rules.ts')
    expect(without.season).toBeUndefined()
    expect(parseRules({ ...file, season: 'none' }, 'driftline.rules.ts')).toEqual(without)
    const weekly = parseRules({ ...file, season: 'hour-of-week' }, 'driftline.rules.ts')
    expect(weekly.season).toBe('hour-of-week')
    expect(weekly.digest).not.toBe(without.digest)
  })

  it('is checked against the slices', () => {
    expect(withFields({ season: 'hour-of-weeks' })).toEqual([
      'season: unknown value "hour-of-weeks", did you mean "hour-of-week"?; valid: hour-of-week, hour-of-day, none',
    ])
    expect(withFields({ season: 'hour-of-day', window: { size: '7m' } })).toEqual([
      "season: 'hour-of-day' needs slices that divide an hour, or of whole hours that divide a day and are shorter; got slices of 7m",
    ])
    expect(withFields({ season: 'hour-of-week', window: { size: '1d' } })).toEqual([])
  })
})
