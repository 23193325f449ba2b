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
import { derivedLine, derivedPoint } from '../../src/store/influx/derived/derived-point.ts'
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
  const compiled = compileAlertRules([parseRules(rules, 'test'), parseRules({ ...rules, model: '*' }, 'test')], {
    receivers: ['pager'],
  })
  const compiledOf = (changes: Partial<RuleFile>, ...names: string[]) => {
    const named = names.map((name) => ({ ...rules.rules[0]!, name }))
    return parseRules({ ...rules, ...(names.length === 0 ? {} : { rules: named }), ...changes }, 'test')
  }
  const problems = (file: AlertingFile) => alertingFile.safeParse(file).error?.issues ?? []

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

  it('gives a rule named as one of ours a uid and a title of its own, where both were the same', () => {
    const silence = 'no evaluation for 3 windows'
    const file = compileAlertRules([
      compiledOf({ model: 'a' }, silence, 'moved'),
      compiledOf({ model: 'collector' }, 'data was lost'),
      compiledOf({ model: 'driftline collector' }, 'data was refused'),
    ])
    expect(problems(file)).toEqual([])
    const [own, , watch] = file.groups![0]!.rules
    expect(own!.title).toMatch(/^a: no evaluation for 3 windows #[0-9a-f]{8}$/)
    expect(watch!.title).toBe('a: no evaluation for 3 windows')
    // Ours stays what it was to Grafana.
    expect(watch!.uid).toBe(compileAlertRules([compiledOf({ model: 'a' }, 'moved')]).groups![0]!.rules[1]!.uid)
  })

  it('keeps groups apart that had one name, of which Grafana took the last', () => {
    const file = compileAlertRules([
      compiledOf({ model: 'a b' }),
      compiledOf({ model: 'a', version: 'b' }),
      compiledOf({ model: 'collector' }),
      compiledOf({ model: 'all other models' }),
      compiledOf({ model: '*' }),
    ])
    expect(problems(file)).toEqual([])
    expect(file.groups!.at(-1)!.name).toBe('driftline collector')
  })

  it('names the version, without which two files of a model had rules of one title', () => {
    const file = compileAlertRules([
      compiledOf({ model: 'a' }),
      compiledOf({ model: 'a', version: '1' }),
      compiledOf({ model: 'a', version: '2' }),
    ])
    expect(problems(file)).toEqual([])
    expect(everyRule(file).filter(({ title }) => title === 'a 2: inputs moved')).toHaveLength(1)
    expect(ruleNamed(file, 'a 1: no evaluation for 3 windows').annotations['summary']).toContain('a 1: no')
  })

  it('cuts titles that were longer than Grafana takes, and keeps them apart', () => {
    const long = '数据'.repeat(99)
    const file = compileAlertRules([
      compiledOf({ model: `${long}a` }, `${long}a`, `${long}b`),
      compiledOf({ model: `${long}b` }),
    ])
    expect(problems(file)).toEqual([])
    expect(file.groups![0]!.rules[0]!.title).toMatch(/^数据.* #[0-9a-f]{8}$/)
    expect(compileAlertRules([compiledOf({ model: `${long}a` }, `${long}a`)]).groups![0]!.rules[0]!.title).toBe(
      file.groups![0]!.rules[0]!.title,
    )
  })

  it('escapes $ and braces of names, which Grafana took for variables and templates', () => {
    const name = '$HOME {{ .Labels }} ${PATH} $__file{/etc/passwd} {'
    const [own] = [
      { ...rules.rules[0]!, name, notify: ['$pager'], segment: 'a$timeFilter/b' },
    ] as unknown as RuleFile['rules']
    const file = compileAlertRules([parseRules({ ...rules, model: '$model', version: '$1', rules: [own!] }, 'test')], {
      receivers: ['$pager'],
    })
    expect(problems(file)).toEqual([])
    const [rule] = file.groups![0]!.rules
    expect(file.groups![0]!.name).toBe('driftline $$model $$1')
    expect(rule!.title).toBe('$$model $$1: $$HOME {{ .Labels }} $${PATH} $$__file{/etc/passwd} {')
    expect(rule!.notification_settings).toEqual({ receiver: '$$pager' })
    expect(rule!.annotations['summary']).toBe(
      `{{ $labels.model }} {{ $labels.version }}: ${name
        .replaceAll('{', 'BRACE')
        .replaceAll('$', '{{ "\\u0024" }}')
        .replaceAll('BRACE', '{{ "\\u007b" }}')}`,
    )
    const { query } = rule!.data[0]!.model as { query: string }
    expect(query).toContain(String.raw`"version" =~ /\A\x{24}1\z/`)
    expect(query).toContain(String.raw`"segment" =~ /\Aa\x{24}timeFilter\x{2f}b\z/`)
  })

  it('asks for names as they stand in tags: long ones and such with line breaks were never found', () => {
    const name = `${'long '.repeat(39)}x\ny\\`
    const segment = 'é\n1\\'
    const [own] = [{ ...rules.rules[0]!, name, segment }]
    const queries = [
      compileAlertRules([
        parseRules({ ...rules, model: name, version: name, rules: [own] }, 'test'),
        parseRules({ ...rules, model: name }, 'test'),
        parseRules({ ...rules, model: '*' }, 'test'),
      ]),
    ].flatMap((file) =>
      file.groups!.flatMap((group) => group.rules.map(({ data }) => (data[0]!.model as { query: string }).query)),
    )
    const tags = { model: name, version: name, segment, rule: name, severity: 'info' }
    const line = derivedLine(derivedPoint('rule', 0, tags, { holds: 1 }))!
    const tag = (key: string) => new RegExp(`,${key}=((?:[^\\\\ ,]|\\\\.)+)`).exec(line)![1]!.replaceAll('\\ ', ' ')
    for (const key of ['model', 'version', 'segment', 'rule']) expect(queries[0]).toContain(`"${key}" = '${tag(key)}'`)
    expect(queries[2]).toContain(`"version" != '${tag('version')}'`)
    expect(queries.some((query) => query.includes(`"model" != '${tag('model')}'`))).toBe(true)
    const empty = derivedLine(derivedPoint('rule', 0, { ...tags, rule: '\u0001' }, { holds: 1 }))!
    expect(empty).toContain('rule=(empty)')
    const { data } = compileAlertRules([compiledOf({ model: 'a' }, '\u0001')]).groups![0]!.rules[0]!
    expect((data[0]!.model as { query: string }).query).toContain(`"rule" = '(empty)'`)
  })

  it('leaves receivers out that Grafana may not have, for which it refused the whole file', () => {
    const [, psi] = rules.rules
    const receiverOf = (notify: string[], receivers: string[]) =>
      compileAlertRules([parseRules({ ...rules, rules: [{ ...psi!, notify }] }, 'test')], { receivers }).groups![0]!
        .rules[0]!.notification_settings?.receiver
    expect(receiverOf(['console'], [])).toBeUndefined()
    expect(receiverOf(['pager'], [])).toBeUndefined()
    expect(receiverOf(['console', 'pager'], ['pager'])).toBe('pager')
    expect(receiverOf(['mail', 'pager'], ['pager', 'mail'])).toBeUndefined()
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

  it('names a former file that cannot be read, for which it ended with a TypeError', async () => {
    await run('--rules', 'rules.json', '--out', 'out')
    const path = join(directory, 'out/alerting/driftline-rules.yaml')
    for (const [text, reason] of [
      ['groups: [{ name: a }]\n', 'has no alert rules'],
      ['groups: [null]\n', 'has no alert rules'],
      ['', 'has no alert rules'],
      ['groups: [\n', 'cannot be read as YAML'],
    ] as const) {
      await writeFile(path, text)
      await expect(run('--rules', 'rules.json', '--out', 'out')).rejects.toThrow(`${path} is there and ${reason}`)
    }
  })

  it('does not ask Grafana to delete rules of others, as it did', async () => {
    await run('--rules', 'rules.json', '--out', 'out')
    const path = join(directory, 'out/alerting/driftline-rules.yaml')
    const own = `driftline-${'0'.repeat(24)}`
    const others = ['made-by-hand', 'driftline-mine', 7]
    await writeFile(
      path,
      JSON.stringify({
        groups: [{ rules: [...others, own].map((uid) => ({ uid })) }, { rules: [null] }],
        deleteRules: [{ uid: 'x' }],
      }),
    )
    expect(await run('--rules', 'rules.json', '--out', 'out')).toContain('1 to delete')
    expect((await written('alerting/driftline-rules.yaml')).deleteRules).toEqual([{ orgId: 1, uid: own }])
  })

  it('takes the database of the configuration, which it ignored', async () => {
    const config = { influx: { url: 'http://127.0.0.1:8086', database: 'shop' }, rules: ['rules.json'] }
    await writeFile(join(directory, 'driftline.json'), JSON.stringify(config))
    const databaseOf = async (...args: string[]) => {
      await run('--config', 'driftline.json', '--out', 'out', ...args)
      const text = await readFile(join(directory, 'out/datasources/driftline.yaml'), 'utf8')
      return (parse(text) as { datasources: { jsonData: { dbName: string } }[] }).datasources[0]!.jsonData.dbName
    }
    expect(await databaseOf()).toBe('shop')
    expect(await databaseOf('--database', 'other')).toBe('other')
  })

  it('routes to contact points that it writes or is told of, and says once which it does not know', async () => {
    await writeFile(
      join(directory, 'driftline.json'),
      JSON.stringify({ notifiers: [{ name: 'pager', url: 'http://127.0.0.1:9/a$b' }] }),
    )
    const [, psi] = rules.rules
    const notified = ['console', 'pager', 'mail'].map((name) => ({ ...psi!, name: `to ${name}`, notify: [name] }))
    await writeFile(join(directory, 'rules.json'), JSON.stringify({ ...rules, rules: notified }))
    const receivers = async (...args: string[]) => {
      const out = await run(
        '--rules',
        'rules.json',
        '--config',
        'driftline.json',
        '--out',
        'out',
        '--policies',
        ...args,
      )
      const file = await written('alerting/driftline-rules.yaml')
      const { policies } = await written('alerting/driftline-policies.yaml')
      const { receiver, routes } = policies![0]!
      return {
        rules: everyRule(file).flatMap(({ notification_settings: to }) => (to === undefined ? [] : [to.receiver])),
        policies: [...new Set([receiver, ...routes.map((route) => route.receiver)])],
        unknown: [...out.matchAll(/no contact points of Grafana[^:]*: ([^;]*);/g)].map((match) => match[1]),
      }
    }
    expect(await receivers()).toEqual({
      rules: [],
      policies: ['grafana-default-email'],
      unknown: ['console, mail, pager'],
    })
    expect(await receivers('--contact-points')).toEqual({
      rules: ['pager'],
      policies: ['pager'],
      unknown: ['console, mail'],
    })
    const points = await written('alerting/driftline-contact-points.yaml')
    expect(alertingFile.safeParse(points).error?.issues ?? []).toEqual([])
    expect(points.contactPoints![0]!.receivers[0]!.settings['url']).toBe('http://127.0.0.1:9/a$$b')
    expect(await receivers('--contact-points', '--receivers', 'mail, console')).toEqual({
      rules: ['console', 'pager', 'mail'],
      policies: ['console', 'mail', 'pager'],
      unknown: [],
    })
  })

  it('prints alert rules alone with --out -, and the remark on receivers beside them', async () => {
    const io = memoryIo(directory)
    expect(await rulesGrafanaCommand.run(['--rules', 'rules.json', '--out', '-'], io)).toBe(0)
    expect(alertingFile.safeParse(parse(io.out())).error?.issues ?? []).toEqual([])
    expect(io.err()).toContain('as far as is known: pager;')
  })
})
