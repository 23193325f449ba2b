import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { rulesGrafanaCommand } from '../../src/cli/rules-grafana.ts'
import { compileAlertRules } from '../../src/grafana/compile-alert-rules.ts'
import type { AlertingFile, GrafanaRule } from '../../src/grafana/provisioning-format.ts'
import type { RuleFile } from '../../src/rules/rule.ts'
import { parseRules } from '../../src/rules/parse.ts'
import { memoryIo } from '../cli/memory-io.ts'
import { alertingFile, dashboardsFile, datasourcesFile } from './provisioning-schema.ts'

const rules: RuleFile = {
  model: "o'brien",
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
      keepFiringFor: '30m',
      severity: 'critical',
      segment: '',
      notify: ['pager'],
    },
    { name: 'peers', preset: 'psi-0.25', severity: 'info' },
  ],
}

function everyRule(file: AlertingFile): GrafanaRule[] {
  return file.groups!.flatMap((group) => group.rules)
}

function ruleNamed(file: AlertingFile, title: string): GrafanaRule {
  const found = everyRule(file).find((rule) => rule.title.endsWith(title))
  if (found === undefined) throw new Error(`there is no rule ${title}`)
  return found
}

describe('compiling rules to Grafana', () => {
  const compiled = compileAlertRules([parseRules(rules, 'test'), parseRules({ ...rules, model: '*' }, 'test')])

  it('gives files that Grafana takes', () => {
    expect(alertingFile.safeParse(compiled).error?.issues ?? []).toEqual([])
  })

  it('reads what the collector found the rule to say, of this model and segment', () => {
    const { data, for: pending, keepFiringFor, labels, notification_settings: to } = ruleNamed(compiled, 'glucose psi')
    expect((data[0]!.model as { query: string }).query).toBe(
      `SELECT last("holds") FROM "results"."ml_rule" WHERE "model" = 'o\\'brien' AND "rule" = 'glucose psi' AND "segment" = '_all' AND $timeFilter GROUP BY time(5m), "model", "version", "segment" fill(none)`,
    )
    expect({ pending, keepFiringFor, severity: labels['severity'], to }).toEqual({
      pending: '2h',
      keepFiringFor: '30m',
      severity: 'critical',
      to: { receiver: 'pager' },
    })
  })

  it('leaves a model that has rules of its own out of the rules for all others', () => {
    const query = (
      everyRule(compiled).find(({ title }) => title === 'any model: inputs moved')!.data[0]!.model as {
        query: string
      }
    ).query
    expect(query).toContain(`"model" != 'o\\'brien'`)
  })

  it('has a rule on silence for every file and rules on the collector', () => {
    expect(everyRule(compiled).filter(({ title }) => title.includes('no evaluation for'))).toHaveLength(2)
    expect(ruleNamed(compiled, 'data waits for InfluxDB').noDataState).toBe('Alerting')
  })

  it('keeps the uid of a rule whose threshold changed', () => {
    const [, psi] = rules.rules
    const changed = { ...rules, rules: [{ ...psi!, threshold: 0.5 }] } as RuleFile
    expect(ruleNamed(compileAlertRules([parseRules(changed, 'test')]), 'glucose psi').uid).toBe(
      ruleNamed(compiled, 'glucose psi').uid,
    )
  })
})

describe('driftline rules grafana', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'driftline-grafana-'))
    await writeFile(join(directory, 'rules.json'), JSON.stringify(rules))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  async function run(...args: string[]): Promise<string> {
    const io = memoryIo(directory)
    expect(await rulesGrafanaCommand.run(args, io)).toBe(0)
    return io.out()
  }
  const written = async (path: string) => parse(await readFile(join(directory, 'out', path), 'utf8')) as AlertingFile

  it('writes alert rules, data source and dashboard provider that Grafana takes', async () => {
    await run(
      '--rules',
      'rules.json',
      '--out',
      'out',
      '--token-variable',
      'INFLUX_TOKEN',
      '--policies',
      '--contact-points',
    )
    const problems = [
      alertingFile.safeParse(await written('alerting/driftline-rules.yaml')),
      alertingFile.safeParse(await written('alerting/driftline-contact-points.yaml')),
      alertingFile.safeParse(await written('alerting/driftline-policies.yaml')),
      datasourcesFile.safeParse(await written('datasources/driftline.yaml')),
      dashboardsFile.safeParse(await written('dashboards/driftline.yaml')),
    ].flatMap(({ error }) => error?.issues ?? [])
    expect(problems).toEqual([])
  })

  it('lets Grafana read the token from a file, and refuses a path that it could not', async () => {
    await run('--rules', 'rules.json', '--out', 'out', '--token-file', '/secrets/token')
    const text = await readFile(join(directory, 'out', 'datasources/driftline.yaml'), 'utf8')
    expect(text).toContain('Token $__file{/secrets/token}')
    expect(datasourcesFile.safeParse(parse(text)).error?.issues ?? []).toEqual([])
    await expect(run('--token-file', 'token')).rejects.toThrow('--token-file: an absolute path')
    await expect(run('--token-file', '/a}b')).rejects.toThrow('--token-file: an absolute path')
    await expect(run('--token-file', '/a', '--token-variable', 'A')).rejects.toThrow('not both')
  })

  it('asks Grafana to delete the rules that are no more, also after a third run', async () => {
    await run('--rules', 'rules.json', '--out', 'out')
    const gone = ruleNamed(await written('alerting/driftline-rules.yaml'), ': peers').uid
    await writeFile(join(directory, 'rules.json'), JSON.stringify({ ...rules, rules: rules.rules.slice(0, 2) }))
    for (let i = 0; i < 2; i++) {
      expect(await run('--rules', 'rules.json', '--out', 'out')).toContain('1 to delete')
      expect((await written('alerting/driftline-rules.yaml')).deleteRules).toEqual([{ orgId: 1, uid: gone }])
    }
    await writeFile(join(directory, 'rules.json'), JSON.stringify(rules))
    await run('--rules', 'rules.json', '--out', 'out')
    expect((await written('alerting/driftline-rules.yaml')).deleteRules).toBeUndefined()
  })

  it('does not replace a file that is not its own', async () => {
    await run('--rules', 'rules.json', '--out', 'out')
    await writeFile(join(directory, 'out/alerting/driftline-rules.yaml'), 'policies: []\n')
    await expect(run('--rules', 'rules.json', '--out', 'out')).rejects.toThrow('give another --out')
  })
})
