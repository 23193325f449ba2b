import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../collector/src/config.ts'
import { makeSecrets } from '../../docker/make-secrets.ts'
import { checkStack, type Code } from './check-stack.ts'
import { mountsOf, parseCompose, readStack, type StackFiles } from './stack.ts'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const stack = readStack(root)

/** Asks the collector's configuration itself: what it reads out of an environment that writes down every question. */
async function askCode(): Promise<Code> {
  const asked = new Set<string>()
  const values: Record<string, string> = { DRIFTLINE_STORE: 'influx', DRIFTLINE_INFLUX_URL: 'http://127.0.0.1:1' }
  const environment = new Proxy(values, {
    get: (target, name: string) => {
      asked.add(name)
      return target[name]
    },
  })
  const { port } = await loadConfig({}, environment, '/')
  return { collectorVariables: asked, collectorPort: port }
}

describe('docker-compose.yml', () => {
  let code: Code
  let directory: string
  beforeAll(async () => {
    code = await askCode()
    directory = mkdtempSync(join(tmpdir(), 'driftline-compose-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  it('agrees with the code, the Dockerfile, .env.example and the provisioning', () => {
    expect(checkStack(stack, code)).toEqual([])
  })

  it.each(['collector', 'collector-influxdb3'])('gives %s an environment that it starts with', async (name) => {
    makeSecrets(directory, {})
    const service = parseCompose(stack.compose).services[name]!
    const mounts = mountsOf(service)
    // Paths of the container, as paths of this machine.
    const here = (text: string): string => {
      if (text.startsWith('/secrets/')) return join(directory, 'collector', text.slice('/secrets/'.length))
      const mount = mounts.find(({ target, bind }) => bind && target === text)
      return mount === undefined ? text : join(root, mount.source)
    }
    const environment = Object.fromEntries(
      Object.entries(service.environment!).map(([variable, value]) => [variable, here(value)]),
    )
    const config = await loadConfig({}, environment, '/')
    expect(config).toMatchObject({ store: 'influx', host: '0.0.0.0', port: 4318, dataDirectory: '/var/lib/driftline' })
    expect(config.influx).toMatchObject({ keepRawDays: 14, keepWindowsDays: 400, keepResultsDays: null })
    expect(config.influx?.token).toMatch(name === 'collector' ? /^[0-9a-f]{64}$/ : /^apiv3_/)
    expect(config.rules).toEqual([join(root, 'examples/employment/driftline.rules.ts')])
    expect(mounts.some(({ target, bind }) => !bind && target === config.dataDirectory)).toBe(true)
  })

  type Mistake = readonly [file: keyof StackFiles, what: string, instead: string, problem: RegExp]
  const mistakes: readonly Mistake[] = [
    ['compose', 'influxdb:2.9.1', 'influxdb:latest', /not pinned/],
    ['compose', 'influxdb:2.9.1', 'influxdb:2.9', /not pinned/],
    ['compose', 'grafana/grafana:13.1.3', 'grafana/grafana:13.2.0', /13\.2 cannot/],
    ['compose', '-4318}:4318', '-4318}:4317', /publishes 4317/],
    ['compose', "DRIFTLINE_PORT: '4318'", "DRIFTLINE_PORT: '4319'", /listens on 4319/],
    ['compose', 'COLLECTOR_INFLUX3_PORT:-4319', 'COLLECTOR_INFLUX3_PORT:-4318', /published twice/],
    ['compose', 'BIND_ADDRESS:-127.0.0.1}:${GRAFANA', 'BIND_ADDRESS:-0.0.0.0}:${GRAFANA', /beyond loopback/],
    ['compose', 'DRIFTLINE_INFLUX_ORG', 'DRIFTLINE_INFLUX_ORGANISATION', /nobody reads DRIFTLINE_INFLUX_ORGANISATION/],
    ['compose', 'OTEL_METRIC_EXPORT_INTERVAL', 'OTEL_METRICS_EXPORT_INTERVAL', /nobody reads OTEL_METRICS_EXPORT/],
    ['compose', 'DOCKER_INFLUXDB_INIT_ORG', 'DOCKER_INFLUXDB_INIT_ORGANISATION', /nobody reads DOCKER_INFLUXDB/],
    ['compose', '${ADMIN_TOKEN:-}', '${ADMIN_TOKEN:-change-me-please-now}', /has a value in the file/],
    [
      'compose',
      'ADMIN_TOKEN_FILE: /secrets/token',
      'ADMIN_TOKEN_FILE: /secrets/tokens',
      /nobody makes \/secrets\/tokens/,
    ],
    ['compose', 'grafana-secrets:/secrets:ro', 'collector-secrets:/secrets:ro', /nobody makes \/secrets\/password/],
    ['compose', "user: '1000:1000'", "user: '1001:1001'", /belongs to user 1000, not 1001/],
    ['compose', "user: '1000:1000'", "user: '0:0'", /runs as root/],
    ['compose', './examples/employment/baseline.json', './examples/employment/base.json', /does not exist/],
    ['compose', '/dashboards:ro', '/dashboards', /can be written/],
    ['compose', '  influxdb-config:\n', '', /volume influxdb-config is not declared/],
    ['compose', '  server-secrets:\n', '  server-secrets:\n  other:\n', /used by nobody/],
    ['compose', "'http://localhost:8086'", "'http://localhost:8087'", /asks port 8087/],
    ['compose', '[CMD, wget, -q, -O, /dev/null,', '[CMD, bash, -c,', /has no bash/],
    ['compose', 'answer.ok ? 0 : 1)', 'answer.ok ? 0 1)', /cannot be parsed/],
    ['compose', '    healthcheck: *collector-health\n', '', /collector-influxdb3: has no healthcheck/],
    ['compose', 'cap_drop: [ALL]', 'cap_drop: []', /keeps capabilities/],
    ['compose', 'read_only: true', 'read_only: false', /read-only root/],
    ['compose', "['no-new-privileges:true']", '[]', /may gain privileges/],
    ['compose', "options: { max-size: 10m, max-file: '3' }", 'options: {}', /endless logs/],
    ['compose', "restart: 'no'", 'restart: always', /which never ends/],
    [
      'compose',
      '      example: { condition: service_healthy }',
      '      example: { condition: service_started }',
      /started only/,
    ],
    [
      'compose',
      '      collector: { condition: service_healthy }',
      '      traffic: { condition: service_healthy }',
      /waits for/,
    ],
    ['compose', 'driftline-simulate.js', 'driftline-simulator.js', /not in the image/],
    ['compose', '    pull_policy: never\n', '', /would be pulled/],
    ['compose', 'DRIFTLINE_INFLUX_DATABASE: driftline', 'DRIFTLINE_INFLUX_DATABASE: other', /writes other/],
    ['compose', 'driftline-fleet.json', 'driftline-fleets.json', /there is no dashboard/],
    ['dockerfile', 'node:24.21.0-bookworm-slim', 'node:24-slim', /no pinned Node/],
    ['dockerfile', 'COPY collector/src collector/src', 'COPY collector/sources collector/src', /does not exist/],
    ['dockerfile', 'COPY examples/sentiment/package.json examples/sentiment/\n', '', /misses the workspace/],
    ['dockerfile', 'USER node\nENV DRIFTLINE', 'USER root\nENV DRIFTLINE', /collector runs as root/],
    ['dockerfile', 'bin/driftline.js', 'bin/drift.js', /drift\.js is not in the image/],
    ['dockerfile', 'EXPOSE 4318', 'EXPOSE 4317', /exposes 4317/],
    ['dockerfile', 'COPY docker/make-secrets.ts docker/\n', '', /make-secrets\.ts is not in the image/],
    ['dockerignore', '!examples/employment', '', /leaves examples\/employment/],
    ['envExample', '#TRAFFIC_RATE=20', '#TRAFFIC_RATE=30', /another default/],
    ['envExample', '#INGEST_TOKEN=', '#INGESTION_TOKEN=', /nobody reads INGESTION_TOKEN/],
    ['envExample', '#ADMIN_TOKEN=', 'ADMIN_TOKEN=secret', /sets ADMIN_TOKEN/],
    ['dataSources', 'http://influxdb:8086', 'http://influx:8086', /no service influx/],
    ['dataSources', 'http://influxdb:8086', 'http://influxdb:8181', /does not listen on 8181/],
    ['dataSources', '/secrets/influx-token', '/secrets/token', /nobody makes/],
    ['dataSources', '$__file{/secrets/influx-token}', '$INFLUX_TOKEN', /grafana does not have/],
    [
      'dashboardProvider',
      'path: /var/lib/driftline/dashboards',
      'path: /var/lib/grafana/dashboards',
      /nothing is mounted/,
    ],
  ]

  it.each(mistakes)('is found wrong when in %s %j becomes %j', (file, what, instead, problem) => {
    expect(stack[file]).toContain(what)
    const planted = { ...stack, [file]: stack[file].replaceAll(what, () => instead) }
    expect(checkStack(planted, code).join('\n')).toMatch(problem)
  })

  const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0
  it.skipIf(!hasCompose)('is a file that docker compose takes', () => {
    const { status, stderr } = spawnSync('docker', ['compose', '--profile', 'influxdb3', 'config', '--quiet'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([0, ''])
  })
})
