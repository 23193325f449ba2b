import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createMonitor, DriftlineConfigError, type MonitorOptions } from '../src/index.ts'
import type { Manifest } from '../src/contract/index.ts'
import { version } from '../src/version.ts'
import { smallBaseline } from './small-baseline.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'driftline-options-'))
})
afterAll(() => rmSync(directory, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

function problemsOf(options: unknown): readonly string[] {
  try {
    void createMonitor({ export: false, ...(options as MonitorOptions) }).shutdown()
  } catch (error) {
    if (error instanceof DriftlineConfigError) return error.problems
    throw error
  }
  return []
}

const manifest: Manifest = {
  schema: 'driftline.manifest/1',
  model: { name: 'small', version: '2', task: 'other' },
  createdAt: '2026-01-01T00:00:00Z',
  features: [{ name: 'age', kind: 'numeric' }],
  baselineDigest: `sha256:${'0'.repeat(64)}`,
}

describe('createMonitor', () => {
  it('reads baseline and manifest from a path or a URL', () => {
    const file = join(directory, 'baseline.json')
    writeFileSync(file, JSON.stringify(smallBaseline()))
    expect(problemsOf({ baseline: file })).toEqual([])
    expect(problemsOf({ baseline: pathToFileURL(file) })).toEqual([])
  })

  it('lists every problem of options, files and environment at once, secrets not among them', () => {
    vi.stubEnv('OTEL_METRIC_EXPORT_INTERVAL', '7000')
    const file = join(directory, 'broken.json')
    writeFileSync(file, '{"schema": ')
    const problems = problemsOf({
      baseline: file,
      manifest: { ...manifest, features: 'none' },
      serviceName: '',
      endpoint: 'ftp://collector',
      headers: { authorization: ['secret'] },
      protocol: 'grpc',
      modelAttributesOn: 'resource',
      onError: true,
      exporter: {},
      intervall: 5,
    })
    const text = problems.join('\n')
    for (const part of [
      'broken.json',
      'manifest: features',
      'serviceName',
      'endpoint',
      'headers.authorization',
      'protocol',
      'modelAttributesOn',
      'onError',
      'exporter',
      'intervall',
      'OTEL_METRIC_EXPORT_INTERVAL',
    ]) {
      expect(text).toContain(part)
    }
    expect(text).not.toContain('secret')
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', '127.0.0.1:14318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318'],
    ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'user:secret'],
  ])('was sent to localhost:4318 when %s was %s', (variable, text) => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://collector:4318')
    vi.stubEnv(variable, text)
    const problem = `${variable}: an http or https URL is needed, such as http://collector:4318`
    expect(problemsOf({ baseline: smallBaseline(), export: true })).toEqual([problem])
    const exporter = { export: () => {}, shutdown: () => Promise.resolve() }
    for (const other of [{ export: false }, { endpoint: 'http://127.0.0.1:9' }, { exporter }])
      expect(problemsOf({ baseline: smallBaseline(), export: true, ...other })).toEqual([])
  })

  it('refuses a manifest and a baseline that do not belong together', () => {
    expect(problemsOf({ baseline: smallBaseline(), manifest })).toEqual([
      "baseline: model.version is '1', but in 'manifest' it is '2'",
      "manifest: features[1] is absent, but in 'baseline' it is sector (categorical)",
      "manifest: features[2] is absent, but in 'baseline' it is member (boolean)",
    ])
    const same = {
      ...manifest,
      model: { ...manifest.model, version: '1' },
      features: smallBaseline().features.map(({ name, kind }) => ({ name, kind })),
    }
    expect(problemsOf({ baseline: smallBaseline(), manifest: same })[0]).toContain('baselineDigest')
  })

  it('needs a model and features', () => {
    expect(problemsOf({})).toHaveLength(2)
    expect(
      problemsOf({
        model: { name: '', version: 1 },
        features: [
          { name: 'a', kind: 'text' },
          { name: 'a', kind: 'numeric', range: { min: Number.NaN } },
        ],
      }),
    ).toEqual([
      'model.name: a text that is not empty is needed',
      'model.version: a text that is not empty is needed',
      'features[0].kind: numeric, categorical or boolean is needed',
      "features[1].name: 'a' was declared before",
      'features[1].range: finite numbers are needed',
    ])
    for (const options of [null, 5]) expect(() => createMonitor(options as never)).toThrow(DriftlineConfigError)
  })

  it.each([0, -1, 1.5, 7000, Number.NaN, 7_200_000])('refuses an export interval of %s ms', (exportIntervalMillis) => {
    expect(problemsOf({ baseline: smallBaseline(), exportIntervalMillis })[0]).toContain('exportIntervalMillis')
  })
})

describe('the version of the scope', () => {
  it('is that of the package', () => {
    const { version: published } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(version).toBe(published)
  })
})
