import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AlertRecord } from '../../collector/src/alert/alert.ts'
import type { Result } from '../../collector/src/evaluate/result.ts'
import { compileAlertRules } from '../../collector/src/grafana/compile-alert-rules.ts'
import type { GrafanaRule } from '../../collector/src/grafana/provisioning-format.ts'
import { defaultRules } from '../../collector/src/rules/default-rules.ts'
import { loadRuleSet } from '../../collector/src/rules/rule-set.ts'
import { GrafanaRuleEvaluator, type Ask } from '../../collector/test/support/grafana-rules.ts'
import { hasInfluxd } from '../../collector/test/support/influxd.ts'
import { hourMs, oddModel, runEmployment, schedule, secondVersion, type EmploymentRun } from './employment-run.ts'
import { ask } from './influxql-request.ts'

const rulesFile = fileURLToPath(new URL('../../examples/employment/driftline.rules.ts', import.meta.url))
/** The files that `npm run provisioning` compiles. */
const { files } = await loadRuleSet([rulesFile])
const shipped = compileAlertRules([...files.filter(({ model }) => model !== '*'), defaultRules])
const rules = shipped.groups!.flatMap((group) => group.rules)
const ofModels = rules.filter(({ title }) => !title.startsWith('driftline collector'))
const silence = (title: string) => title.includes('no evaluation')

describe.skipIf(!hasInfluxd)('the shipped alert rules on models, against a real InfluxDB', () => {
  let run: EmploymentRun
  beforeAll(async () => {
    run = await runEmployment()
  }, 180_000)
  afterAll(() => run?.dispose())

  /** What was there at the time: the points of a slice lie at its start, and were written three minutes after its end. */
  const asking: Ask = async ({ query }, fromMs, now) => {
    const { influxd, database } = run
    const toMs = now - hourMs - 3 * 60_000
    const answer = await ask(query, { url: influxd.url, database, fromMs, toMs, interval: '1m', variables: {} })
    return answer.map(({ tags, values }) => ({ labels: tags, values: values.map((row) => row[1] as number | null) }))
  }
  /** Looks every ten minutes of some hours. */
  async function states(rule: GrafanaRule, fromHour: number, toHour: number) {
    const evaluator = new GrafanaRuleEvaluator(rule, asking)
    const found: string[] = []
    for (let at = fromHour * hourMs; at <= toHour * hourMs; at += hourMs / 6)
      found.push((await evaluator.evaluate(run.startMs + at)).state)
    return found
  }

  it('are those of the example, the defaults, and one on silence for each', () => {
    expect(ofModels.map(({ title }) => title)).toEqual([
      'employment: inputs moved',
      'employment: predictions moved',
      'employment: values missing',
      'employment: quality fell',
      'employment: no evaluation for 3 windows',
      'any model: inputs moved',
      'any model: predictions moved',
      'any model: inputs changed together',
      'any model: confidence moved',
      'any model: labels moved',
      'any model: no evaluation for 3 windows',
    ])
  })

  it.each(ofModels.map((rule): [string, GrafanaRule] => [rule.title, rule]))(
    '%s: stays quiet before its fault, also over a deployment',
    async (_title, rule) => {
      expect(new Set(await states(rule, 1.5, schedule.drift + 0.9))).toEqual(new Set(['Normal']))
    },
  )

  it.each(ofModels.filter(({ title }) => !silence(title)).map((rule): [string, GrafanaRule] => [rule.title, rule]))(
    '%s: fires on its planted fault',
    async (_title, rule) => {
      const evaluator = new GrafanaRuleEvaluator(rule, asking)
      const { state, instances } = await evaluator.evaluate(run.startMs + (schedule.drift + 1.5) * hourMs)
      expect(state).toBe('Alerting')
      const own = rule.title.startsWith('any model')
        ? { model: oddModel, version: '1', segment: '_all' }
        : { model: 'employment', version: secondVersion, segment: '_all' }
      const firing = instances.filter((one) => one.state === 'Alerting')
      expect(firing.map(({ labels }) => labels)).toEqual([own])
      // What the annotation shows: without it, Grafana would print [no value].
      expect(Number.isFinite(firing[0]!.values['W'])).toBe(true)
    },
  )

  it.each(ofModels.filter(({ title }) => silence(title)).map((rule): [string, GrafanaRule] => [rule.title, rule]))(
    '%s: fires when nothing comes any more, and not at once',
    async (_title, rule) => {
      const found = await states(rule, schedule.drift, schedule.silent)
      const hours = found.indexOf('Alerting') / 6 + schedule.drift - schedule.end
      expect(hours).toBeGreaterThan(3)
      expect(hours).toBeLessThan(6)
      expect(new Set(found.slice(found.indexOf('Alerting')))).toEqual(new Set(['Alerting']))
    },
  )

  it('leave silence of other models alone where there are none, for which the rule once fired for ever', async () => {
    const rule = rules.find(({ title }) => title === 'any model: no evaluation for 3 windows')!
    const evaluator = new GrafanaRuleEvaluator(rule, async () => [])
    expect((await evaluator.evaluate(run.startMs)).state).toBe('Normal')
  })

  it('show the same number as the panel, the results and the alert', async () => {
    const get = async <Answer>(path: string) => (await (await fetch(`${run.collector.url}${path}`)).json()) as Answer
    const { alerts } = await get<{ alerts: AlertRecord[] }>('/api/v1/alerts')
    expect(alerts).toHaveLength(9)
    for (const alert of alerts) {
      const { model, version, rule: name, firedAtMs, explanation } = alert
      const startMs = firedAtMs! - hourMs
      const path = `/api/v1/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}/results`
      const from = new Date(startMs).toISOString()
      const to = new Date(firedAtMs!).toISOString()
      const { results } = await get<{ results: Result[] }>(`${path}?limit=1000&from=${from}&to=${to}`)
      const compiled = ofModels.find(
        ({ title }) => title === `${model === 'employment' ? model : 'any model'}: ${name}`,
      )!
      const { instances } = await new GrafanaRuleEvaluator(compiled, asking).evaluate(firedAtMs! + 5 * 60_000)
      const inGrafana = instances.find(({ state }) => state === 'Alerting')!.values['W']
      const panel = await ask(
        `SELECT "value" FROM "results"."ml_rule" WHERE "rule" = '${name}' AND "model" =~ /^(?:\${model:regex})$/ AND time = ${startMs}ms`,
        { url: run.influxd.url, database: run.database, fromMs: 0, toMs: 0, interval: '1m', variables: { model } },
      )
      expect(panel[0]!.values[0]![1], name).toBe(inGrafana)
      if (name === 'values missing') {
        const rates = results
          .filter(({ signal }) => signal === 'data-health')
          .map(({ rates }) => rates['missing']?.rate)
        expect(inGrafana).toBe(Math.max(...rates.map((rate) => rate ?? 0)))
        expect(explanation.moved[0]!.effect).toBeCloseTo(inGrafana!, 1)
        continue
      }
      if (name === 'quality fell') {
        const accuracy = results.find(({ signal, feature }) => signal === 'performance' && feature === 'accuracy')
        expect(inGrafana).toBe(accuracy!.metric!.value)
        continue
      }
      const { evidence } = results.find((one) => one.evidence?.alarm === true)!
      expect(inGrafana, name).toBe(evidence!.log10Model)
      expect(explanation.evidence, name).toBeGreaterThanOrEqual(inGrafana!)
      const drift = await ask(
        `SELECT "model_evidence" FROM "results"."ml_drift" WHERE "model" =~ /^(?:\${model:regex})$/ AND time = ${startMs}ms`,
        { url: run.influxd.url, database: run.database, fromMs: 0, toMs: 0, interval: '1m', variables: { model } },
      )
      expect(drift.flatMap(({ values }) => values.map((row) => row[1]))).toContain(inGrafana)
    }
  })
})
