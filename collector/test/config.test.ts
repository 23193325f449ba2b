import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../src/config.ts'

describe('configuration', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-config-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const problemsOf = async (flags: Parameters<typeof loadConfig>[0], environment: Record<string, string> = {}) => {
    const error: unknown = await loadConfig(flags, environment, directory).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).problems
  }

  it('has defaults that listen on loopback only', async () => {
    const config = await loadConfig({}, {}, directory)
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 4318,
      dataDirectory: join(directory, 'driftline-data'),
      ingestToken: null,
      tls: null,
    })
  })

  it('takes flags before the environment, and that before the file', async () => {
    writeFileSync(join(directory, 'driftline.yaml'), 'port: 1\nhost: 127.0.0.2\nkeepBlocksDays: 3\nrules: [rules.ts]\n')
    const config = await loadConfig(
      { config: 'driftline.yaml', port: '3' },
      { DRIFTLINE_PORT: '2', DRIFTLINE_DATA_DIR: 'data' },
      directory,
    )
    expect(config).toMatchObject({
      port: 3,
      host: '127.0.0.2',
      keepBlocksDays: 3,
      dataDirectory: join(directory, 'data'),
      rules: [join(directory, 'rules.ts')],
    })
  })

  it('learns baselines after 10,000 rows or a day, unless told otherwise', async () => {
    const learn = async (flags: Parameters<typeof loadConfig>[0], environment: Record<string, string> = {}) =>
      (await loadConfig(flags, environment, directory)).learn
    writeFileSync(join(directory, 'some.yaml'), 'learn: { rows: 7000, hours: 2 }\n')
    writeFileSync(join(directory, 'off.yaml'), 'learn: false\n')
    expect(await learn({})).toEqual({ rows: 10_000, hours: 24, minimumRows: 500 })
    expect(await learn({ config: 'some.yaml', 'learn-rows': '300' }, { DRIFTLINE_LEARN_HOURS: '0.5' })).toEqual({
      rows: 300,
      hours: 0.5,
      minimumRows: 300,
    })
    expect(await learn({ config: 'off.yaml' })).toBe(false)
    expect(await learn({ config: 'off.yaml' }, { DRIFTLINE_LEARN: 'true' })).toMatchObject({ rows: 10_000 })
    expect(await learn({ 'no-learn': true }, { DRIFTLINE_LEARN: 'true' })).toBe(false)
    const wrong = { DRIFTLINE_LEARN: 'maybe', DRIFTLINE_LEARN_HOURS: '-1' }
    const problems = await problemsOf({ 'learn-rows': 'many', 'learn-minimum-rows': '20000' }, wrong)
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'DRIFTLINE_LEARN',
      '--learn-rows',
      'DRIFTLINE_LEARN_HOURS',
      'learn',
    ])
  })

  it('lists every problem with its place', async () => {
    writeFileSync(
      join(directory, 'driftline.json'),
      '{ "port": "x", "prot": 1, "notifiers": [{ "name": "a", "url": "ftp://x" }] }',
    )
    const problems = await problemsOf({ config: 'driftline.json', port: '70000' })
    expect(problems.join('\n')).toContain('--port')
    expect(problems.join('\n')).toContain('prot')
    expect(problems.join('\n')).toContain('notifiers.0.url')
    expect(problems.length).toBeGreaterThanOrEqual(4)
  })

  it('refuses to listen beyond loopback without tokens, and short tokens', async () => {
    expect((await problemsOf({ host: '0.0.0.0' }))[0]).toContain('DRIFTLINE_INGEST_TOKEN')
    expect((await problemsOf({}, { DRIFTLINE_ADMIN_TOKEN: 'short' }))[0]).toContain('at least 16')
    const tokens = { DRIFTLINE_ADMIN_TOKEN: 'a'.repeat(16), DRIFTLINE_INGEST_TOKEN: 'b'.repeat(16) }
    expect(await loadConfig({ host: '0.0.0.0' }, tokens, directory)).toMatchObject({ host: '0.0.0.0' })
  })

  it('names a webhook whose token is not set, and a file that is not there', async () => {
    writeFileSync(
      join(directory, 'driftline.json'),
      JSON.stringify({ notifiers: [{ name: 'ops', url: 'https://x.test', tokenVariable: 'OPS_TOKEN' }] }),
    )
    expect((await problemsOf({ config: 'driftline.json' }))[0]).toContain('OPS_TOKEN')
    expect((await problemsOf({ config: 'absent.json' }))[0]).toContain('absent.json')
  })

  it('has no InfluxDB until it is told of one', async () => {
    expect(await loadConfig({}, { DRIFTLINE_STORE: '' }, directory)).toMatchObject({ store: 'sqlite', influx: null })
    expect(await problemsOf({ store: 'influx' })).toEqual([expect.stringContaining('DRIFTLINE_INFLUX_URL')])
    expect(await problemsOf({ store: 'mysql' })).toEqual([`--store: expected sqlite or influx, got 'mysql'`])
  })

  it('takes the settings of InfluxDB from the environment before the file, credentials from there only', async () => {
    writeFileSync(
      join(directory, 'driftline.yaml'),
      `store: influx
keepBlocksDays: 2.5
influx:
  url: http://influx:8086
  org: acme
  database: other
  keepResultsDays: 800
  instances: [a, b]
  read: [{ layout: telegraf-prometheus-v1, database: telegraf }]
`,
    )
    const environment = {
      DRIFTLINE_INFLUX_TOKEN: 'secret',
      DRIFTLINE_INFLUX_DATABASE: 'ours',
      DRIFTLINE_INFLUX_KEEP_WINDOWS_DAYS: 'forever',
    }
    const config = await loadConfig({ config: 'driftline.yaml' }, environment, directory)
    expect(config.store).toBe('influx')
    expect(config.influx).toEqual({
      url: 'http://influx:8086',
      token: 'secret',
      username: null,
      password: null,
      org: 'acme',
      database: 'ours',
      keepRawDays: 3,
      keepWindowsDays: null,
      keepResultsDays: 800,
      instances: ['a', 'b'],
      instanceSlots: 64,
      timeoutMs: 30_000,
      read: [{ layout: 'telegraf-prometheus-v1', database: 'telegraf' }],
    })
  })

  it('names every problem with InfluxDB, and shows no secret', async () => {
    const problems = await problemsOf(
      {},
      {
        DRIFTLINE_INFLUX_URL: 'ftp://user:hidden@influx',
        DRIFTLINE_INFLUX_DATABASE: 'a b',
        DRIFTLINE_INFLUX_TOKEN: 'hidden\n',
        DRIFTLINE_INFLUX_PASSWORD: 'hidden',
        DRIFTLINE_INFLUX_KEEP_RAW_DAYS: '-1',
      },
    )
    expect(problems).toHaveLength(6)
    expect(problems.join()).not.toContain('hidden')
  })

  it('takes a secret from the file that a variable names', async () => {
    const path = join(directory, 'token')
    writeFileSync(path, `${'t'.repeat(20)}\n`)
    const environment = {
      DRIFTLINE_INGEST_TOKEN_FILE: path,
      DRIFTLINE_ADMIN_TOKEN_FILE: path,
      DRIFTLINE_INFLUX_TOKEN_FILE: path,
      DRIFTLINE_INFLUX_URL: 'http://influx:8086',
    }
    const config = await loadConfig({ host: '0.0.0.0' }, environment, directory)
    expect(config).toMatchObject({ ingestToken: 't'.repeat(20), adminToken: 't'.repeat(20) })
    expect(config.influx?.token).toBe('t'.repeat(20))
  })

  it('names a file of a secret that is empty, absent or one too many, and shows no secret', async () => {
    writeFileSync(join(directory, 'empty'), '\n')
    writeFileSync(join(directory, 'short'), 'hidden')
    const problems = await problemsOf(
      {},
      {
        DRIFTLINE_INGEST_TOKEN_FILE: join(directory, 'empty'),
        DRIFTLINE_ADMIN_TOKEN_FILE: join(directory, 'short'),
        DRIFTLINE_INFLUX_URL: 'http://influx:8086',
        DRIFTLINE_INFLUX_USERNAME: 'me',
        DRIFTLINE_INFLUX_TOKEN: 'hidden',
        DRIFTLINE_INFLUX_TOKEN_FILE: join(directory, 'short'),
        DRIFTLINE_INFLUX_PASSWORD_FILE: join(directory, 'absent'),
      },
    )
    expect(problems).toEqual([
      'DRIFTLINE_INFLUX_TOKEN_FILE: set it or DRIFTLINE_INFLUX_TOKEN, not both',
      expect.stringMatching(/^DRIFTLINE_INFLUX_PASSWORD_FILE: .*absent/),
      expect.stringMatching(/^DRIFTLINE_INGEST_TOKEN_FILE: .*is empty$/),
      'DRIFTLINE_ADMIN_TOKEN: a token needs at least 16 characters',
    ])
  })

  it('is what the README says it is', () => {
    const readme = ['../../README.md', '../../docs/influxdb.md']
      .map((path) => readFileSync(new URL(path, import.meta.url), 'utf8'))
      .join('')
    const source = readFileSync(new URL('../src/config.ts', import.meta.url), 'utf8')
    const settings = [...source.matchAll(/environment\.(DRIFTLINE_\w+)|'(DRIFTLINE_\w+)'/g)].map(
      (match) => match[1] ?? match[2]!,
    )
    const fields = [
      ...(/const fileSchema = zod\s*\.strictObject\(\{([\s\S]*?)\n {0,4}\}\)/.exec(source)?.[1] ?? '').matchAll(
        /^ {2,4}(\w+):/gm,
      ),
    ].map((match) => match[1]!)
    expect(fields.length).toBeGreaterThan(8)
    for (const name of new Set([...settings, ...fields])) expect(readme, name).toContain(`\`${name}\``)
  })
})
