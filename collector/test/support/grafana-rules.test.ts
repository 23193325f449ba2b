import { describe, expect, it } from 'vitest'
import { compileAlertRules } from '../../src/grafana/compile-alert-rules.ts'
import type { GrafanaRule } from '../../src/grafana/provisioning-format.ts'
import { parseRules } from '../../src/rules/parse.ts'
import { GrafanaRuleEvaluator, type LabelledSeries } from './grafana-rules.ts'

const file = parseRules(
  {
    model: 'm',
    window: { size: '1h' },
    falseAlarmBudget: '1 per 30d',
    rules: [{ name: 'moved', signal: 'feature-drift', for: '2h', keepFiringFor: '1h', severity: 'warning' }],
  },
  'test',
)
const rule = compileAlertRules([file]).groups![0]!.rules[0]!
const minute = 60_000

/** The states of a rule that is asked once a minute, the answers being given. */
async function states(changes: Partial<GrafanaRule>, answers: readonly (number | null | 'none' | 'error')[]) {
  let turn = 0
  const evaluator = new GrafanaRuleEvaluator({ ...rule, ...changes }, async () => {
    const answer = answers[turn]!
    if (answer === 'error') throw new Error('down')
    const one: LabelledSeries = { labels: { model: 'm' }, values: answer === 'none' ? [] : [0, answer, null] }
    return answer === 'none' ? [] : [one]
  })
  const found: string[] = []
  for (; turn < answers.length; turn++) found.push((await evaluator.evaluate(turn * minute)).state)
  return found
}

describe('the evaluator of Grafana rules', () => {
  it('waits for as long as `for` says, anew after a calm look', async () => {
    expect(await states({ for: '2m' }, [1, 1, 0, 1, 1, 1])).toEqual([
      'Pending',
      'Pending',
      'Normal',
      'Pending',
      'Pending',
      'Alerting',
    ])
  })

  it('keeps firing for as long as `keepFiringFor` says', async () => {
    expect(await states({ for: '0s', keepFiringFor: '2m' }, [1, 0, 0, 0])).toEqual([
      'Alerting',
      'Alerting',
      'Normal',
      'Normal',
    ])
  })

  it('takes no data and errors as the rule says', async () => {
    expect(await states({ for: '0s', noDataState: 'KeepLast' }, [1, 'none', 0, 'none'])).toEqual([
      'Alerting',
      'Alerting',
      'Alerting',
      'Alerting',
    ])
    expect(await states({ for: '0s', noDataState: 'Alerting', execErrState: 'Error' }, ['none', 'error'])).toEqual([
      'Alerting',
      'Error',
    ])
    expect(await states({ for: '0s', noDataState: 'OK' }, [null, 'none'])).toEqual(['Normal', 'Normal'])
  })
})
