import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/contract/index.ts'
import { maxModels, ModelAgent } from '../../src/zero-code/agent.ts'
import type { ModelConfig } from '../../src/zero-code/instrument-config.ts'
import { reasonForNothing } from '../../src/zero-code/nothing-recorded.ts'
import { loadConfig, noConfig, type LoadedConfig, type LoadedModel } from '../../src/zero-code/load-config.ts'
import type { ModelSighting, TensorValue } from '../../src/zero-code/sighting.ts'
import { ManualClock } from '../manual-clock.ts'

const session: ModelSighting = {
  library: 'onnxruntime-node',
  libraryVersion: '1.30.0',
  kind: 'session',
  name: 'model.onnx',
  file: '/srv/models/a/model.onnx',
  artefactDigest: `sha256:${'ab'.repeat(32)}`,
  inputs: [{ name: 'x', type: 'float32', shape: ['N', 2] }],
  outputs: [{ name: 'label', type: 'int64', shape: ['N'] }],
}
const route: ModelSighting = {
  ...session,
  library: 'node:http',
  kind: 'route',
  name: 'POST /predict',
  file: null,
  artefactDigest: null,
  inputs: null,
  outputs: null,
}

function manifest(more: Partial<Manifest> = {}): Manifest {
  return {
    schema: 'driftline.manifest/1',
    model: { name: 'shop', version: '7', task: 'binary-classification' },
    createdAt: '2026-01-01T00:00:00Z',
    features: [
      { name: 'age', kind: 'numeric' },
      { name: 'income', kind: 'numeric' },
    ],
    ...more,
  }
}

const entry = (config: ModelConfig | null, more: Partial<LoadedModel> = {}): LoadedModel => ({
  config,
  manifest: null,
  baseline: null,
  ...more,
})

function agentWith(
  config: Partial<LoadedConfig> = {},
  environment: Readonly<Record<string, string>> = {},
): { agent: ModelAgent; lines: string[]; clock: ManualClock } {
  const lines: string[] = []
  const clock = new ManualClock(1_000_000_003_000)
  const agent = new ModelAgent({
    config: { ...noConfig, collector: false, ...config },
    environment,
    clock,
    print: (line) => lines.push(line),
  })
  return { agent, lines, clock }
}

const floats = (rows: number, columns: number): TensorValue => ({
  data: new Float32Array(rows * columns).fill(1),
  dims: [rows, columns],
  type: 'float32',
})
const labels = (rows: number): TensorValue => ({ data: new BigInt64Array(rows), dims: [rows], type: 'int64' })

describe('names', () => {
  it('come from file and digest, task, or route when nobody gives one', () => {
    const { agent } = agentWith()
    agent.sight(session)
    agent.sight({ ...route, library: '@huggingface/transformers', kind: 'pipeline', name: 'text-classification' })
    agent.sight(route)
    expect(agent.statistics().models.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'model abababababab',
      'text-classification unversioned',
      'POST /predict unversioned',
    ])
  })

  it('tell two files of one name apart, and take one file opened twice for one model', () => {
    const { agent } = agentWith()
    const other = { ...session, file: '/srv/models/b/model.onnx', artefactDigest: null }
    for (const sighting of [session, other, session]) agent.sight(sighting)
    expect(agent.statistics().models.map(({ name }) => name)).toEqual(['model', 'b/model'])
    expect(agent.statistics().models[0]!.sightings).toEqual(['onnxruntime-node model.onnx'])
  })

  it('are those of the first entry that matches: by the end of the path, a task, a route or a name', () => {
    const { agent } = agentWith({
      models: [
        entry({ match: { file: 'b/model.onnx' }, model: { name: 'wrong' } }),
        entry({ match: { file: './a/model.onnx' }, model: { name: 'right', version: '2' } }),
        entry({ match: { route: 'POST /predict' }, model: { name: 'by-route' } }),
        entry({ match: { task: 'feature-extraction' }, watch: false }),
      ],
    })
    expect(agent.sight(session)?.model).toBe('right')
    expect(agent.sight(route)?.model).toBe('by-route')
    expect(agent.sight({ ...route, kind: 'pipeline', name: 'feature-extraction' })).toBeNull()
    expect(agent.unmatched).toEqual(['file b/model.onnx'])
  })

  it('are all that is watched where discover is false', () => {
    const { agent } = agentWith({ discover: false, models: [entry({ match: { file: 'other.onnx' } })] })
    expect(agent.sight(session)).toBeNull()
  })
})

describe('a manifest alone', () => {
  const only = (given: Manifest): Partial<LoadedConfig> => ({ models: [entry(null, { manifest: given })] })

  it('is that of the first model of its shape, and of the same model opened again', () => {
    const { agent } = agentWith(only(manifest()))
    const wide = { ...session, file: '/srv/wide.onnx', inputs: [{ name: 'x', type: 'float32', shape: ['N', 9] }] }
    expect(agent.sight(wide)?.model).toBe('wide')
    expect(agent.sight(session)?.model).toBe('shop')
    expect(agent.sight({ ...session })?.model).toBe('shop')
    expect(agent.sight({ ...session, file: '/srv/c.onnx', artefactDigest: null })?.model).toBe('c')
  })

  it('is checked against the file, which is recorded all the same', () => {
    const digest = `sha256:${'cd'.repeat(32)}`
    const { agent, lines } = agentWith(only(manifest({ artefact: { name: 'model.onnx', digest } })))
    const tap = agent.sight(session)!
    tap.begin({ x: floats(3, 2) })!.end({ label: labels(3) })
    expect(lines).toEqual([
      `driftline: artefact-mismatch: shop: model.onnx has digest ${session.artefactDigest}, but the manifest says ${digest}`,
    ])
    expect(agent.statistics().models[0]).toMatchObject({ rows: 3, calls: 1, dropped: {} })
  })

  it('that has other features than the tensor drops its rows with one warning and a count', () => {
    const { agent, lines } = agentWith(only(manifest()))
    const tap = agent.sight({ ...session, inputs: null })!
    for (let i = 0; i < 3; i++) tap.begin({ x: floats(2, 5) })!.end({ label: labels(2) })
    expect(lines.filter((line) => line.includes('mismatched-model: shop'))).toHaveLength(1)
    const { models, warnings } = agent.statistics()
    expect(models[0]).toMatchObject({ rows: 0, calls: 3, dropped: { unexpected_shape: 6 } })
    expect(models[0]!.monitor!.dropped).toEqual({ unexpected_shape: 6 })
    expect(warnings.map(({ kind }) => kind)).toEqual(['mismatched-model'])
  })
})

describe('rows of unknown features', () => {
  const row = (i: number): Record<string, unknown> => ({
    age: i,
    sector: 'a',
    member: i % 2 === 0,
    nested: { a: 1 },
    gone: null,
  })

  it('wait for 100 of them, then all are recorded', () => {
    const { agent } = agentWith()
    const tap = agent.sight(route)!
    for (let i = 0; i < 99; i++) {
      const mutable = row(i)
      tap.record([mutable], { classes: ['yes'] })
      mutable.age = 'changed later'
    }
    tap.duration(0.1, 1, undefined)
    expect(agent.statistics().models[0]).toMatchObject({ rows: 99, monitor: null })
    tap.record([row(99), row(100)], { classes: ['yes', 'no'] })
    expect(agent.statistics().models[0]).toMatchObject({ rows: 101, monitor: { rows: 101, dropped: {} } })
  })

  it('are decided on at the export boundary, or when they are to be sent', async () => {
    const { agent, clock } = agentWith()
    const tap = agent.sight(route)!
    tap.record([row(1)], {})
    expect(clock.due).toContain(1_000_000_010_000)
    while (agent.statistics().models[0]!.monitor === null) await clock.fireNext()
    expect(clock.now()).toBe(1_000_000_010_000)
    expect(agent.statistics().models[0]!.monitor!.rows).toBe(1)

    const other = agentWith()
    other.agent.sight(route)!.record(
      [
        [1, 'a'],
        [2, 'b'],
      ],
      {},
    )
    expect(other.agent.settle()).toBe(true)
    expect(other.agent.settle()).toBe(false)
    expect(other.agent.statistics().models[0]!.monitor!.rows).toBe(2)
  })
})

describe('calls', () => {
  it('may fail, have tensors elsewhere, or change their shape, and never throw', () => {
    const { agent } = agentWith()
    const tap = agent.sight(session)!
    tap.begin({ x: floats(2, 2) })!.fail(undefined)
    tap.begin({ x: null })!.end({})
    tap.begin({ x: floats(1, 3) })!.end({ label: labels(1) })
    tap.begin({ x: floats(2, 2) })!.end({ label: null })
    tap.begin(null as never)?.end(null as never)
    expect(agent.statistics().models[0]).toMatchObject({
      rows: 4,
      dropped: { not_on_cpu: expect.any(Number) as number, unexpected_shape: expect.any(Number) as number },
    })
  })

  it('of more models than a process has are not watched', () => {
    const { agent, lines } = agentWith()
    for (let i = 0; i < maxModels; i++) agent.sight({ ...route, name: `POST /${i}` })
    expect(agent.sight(route)).toBeNull()
    expect(agent.sight(route)).toBeNull()
    expect(lines).toEqual([
      `driftline: internal: models: more than ${maxModels} different models; later ones are not watched`,
    ])
  })
})

describe('rows that cannot be read', () => {
  const unknown: ModelSighting = { ...session, inputs: null, outputs: null }
  const scores = (rows: number): TensorValue => ({
    data: new Float32Array(rows).fill(0.5),
    dims: [rows],
    type: 'float32',
  })

  it('until features are known are told within an interval, and once, and the features are watched when they come', async () => {
    const { agent, clock } = agentWith()
    const tap = agent.sight(unknown)!
    for (let i = 0; i < 3; i++) tap.begin({ x: null })!.end({ score: scores(1) })
    expect(agent.statistics().models[0]!.monitor).toBeNull()
    while (agent.statistics().models[0]!.monitor === null) await clock.fireNext()
    expect(clock.now()).toBe(1_000_000_010_000)
    expect(agent.statistics().models[0]!.monitor!.dropped).toEqual({ not_on_cpu: 3 })
    tap.begin({ x: floats(2, 2) })!.end({ score: scores(2) })
    expect(agent.statistics().models[0]).toMatchObject({
      rows: 2,
      dropped: { not_on_cpu: 3 },
      monitor: { rows: 2, dropped: {} },
    })
    expect(agent.settle()).toBe(false)
  })

  it('of a route are told within an interval although no row ever came', async () => {
    const { agent, clock } = agentWith()
    const tap = agent.sight(route)!
    tap.drop('unmatched_body', 2, 'nothing at $.rows')
    tap.duration(0.1, 1, undefined)
    while (agent.statistics().models[0]!.monitor === null) await clock.fireNext()
    expect(agent.statistics().models[0]!.monitor!.dropped).toEqual({ unmatched_body: 2 })
    tap.record([{ age: 1 }], {})
    expect(agent.settle()).toBe(true)
    expect(agent.statistics().models[0]).toMatchObject({ rows: 1, monitor: { rows: 1, dropped: {} } })
  })
})

describe('a session that is opened anew for every request', () => {
  it('is watched after 10,000 times, and leaves nothing behind', () => {
    const { agent, lines } = agentWith()
    const first = agent.sight(session)!
    for (let i = 0; i < 20_000; i++) {
      const tap = agent.sight({ ...session, inputs: [...session.inputs!] })!
      if (tap !== first) expect(tap).toBe(first)
    }
    first.begin({ x: floats(3, 2) })!.end({ label: labels(3) })
    expect(lines).toEqual([])
    expect(agent.statistics().models).toMatchObject([
      { sightings: ['onnxruntime-node model.onnx'], calls: 1, rows: 3, dropped: {} },
    ])
  })

  it('no longer puts off the line that names it for as long as requests come', async () => {
    const { agent, lines, clock } = agentWith()
    agent.sight(session)
    const { due } = clock
    clock.set(clock.now() + 200)
    agent.sight(session)
    expect(clock.due).toEqual(due)
    await clock.fireNext()
    expect(lines).toEqual([expect.stringContaining('watching onnxruntime-node')])
  })

  it('has a reader of its own where it has another shape', () => {
    const { agent } = agentWith({ models: [entry({ match: { file: 'model.onnx' } })] })
    const tap = agent.sight({ ...session, inputs: null })!
    expect(agent.sight({ ...session, inputs: null })).toBe(tap)
    expect(agent.sight(session)).not.toBe(tap)
    expect(agent.sight({ ...session, inputs: null, file: '/srv/b/model.onnx' })).not.toBe(tap)
  })
})

describe('an entry of the configuration that matches nothing', () => {
  const told = `driftline: configuration: file mpl.onnx, route POST /predcit: nothing matched`
  const models = [entry({ match: { file: 'mpl.onnx' } }), entry({ match: { route: 'POST /predcit' } })]

  it('was ignored whenever another model was recorded, and is told once after the first requests', () => {
    const { agent, lines } = agentWith({ models: [...models, entry({ match: { file: 'model.onnx' } })] })
    agent
      .sight(session)!
      .begin({ x: floats(3, 2) })!
      .end({ label: labels(3) })
    agent.warnOfUnmatched(true)
    agent.warnOfUnmatched(true)
    expect(lines).toEqual([`${told} that entry of the configuration so far`])
  })

  it('is told an interval after a model of its kind that no entry means', async () => {
    const { agent, lines, clock } = agentWith({ models })
    agent.sight(session)
    agent.sight({ ...session, name: 'b.onnx', file: '/srv/b.onnx' })
    while (clock.now() < 1_000_000_013_000) await clock.fireNext()
    expect(lines.filter((line) => !line.includes('watching'))).toEqual([
      'driftline: configuration: file mpl.onnx: nothing matched that entry of the configuration so far; seen, but not listed there: model.onnx, b.onnx',
    ])
    agent.warnOfUnmatched(true)
    expect(lines.at(-1)).toContain('configuration: route POST /predcit: nothing matched')
  })

  it('is not told of where everything that was seen is listed, or it is listed not to be watched', async () => {
    const { agent, lines, clock } = agentWith({
      models: [
        ...models,
        entry({ match: { file: 'model.onnx' } }),
        entry({ match: { file: 'no.onnx' }, watch: false }),
      ],
    })
    agent.sight(session)
    while (clock.due.length > 0) await clock.fireNext()
    agent.warnOfUnmatched(false)
    expect(lines.filter((line) => !line.includes('watching'))).toEqual([])
    expect(agent.unmatched).toEqual(['file mpl.onnx', 'route POST /predcit'])
  })

  it('as a manifest alone does not, is told with its name', async () => {
    const { agent, lines } = agentWith({ models: [entry(null, { manifest: manifest() })] })
    const wide = { ...session, file: '/srv/wide.onnx', inputs: [{ name: 'x', type: 'float32', shape: ['N', 9] }] }
    agent.sight(wide)
    agent.warnOfUnmatched(false)
    expect(lines).toEqual([expect.stringContaining('configuration: the shape of shop: nothing matched')])
  })
})

describe('settings with which nothing can be watched', () => {
  it('are told once, and nothing says that models are watched', async () => {
    const { agent, lines, clock } = agentWith({}, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })
    agent.patched('onnxruntime-node', '1.30.0')
    expect(lines).toEqual([])
    expect([agent.sight(session), agent.sight(route)]).toEqual([null, null])
    while (clock.due.length > 0) await clock.fireNext()
    agent.announce()
    expect(lines).toEqual([
      "driftline: configuration: nothing is watched: OTEL_EXPORTER_OTLP_PROTOCOL: http/protobuf or http/json is needed, not 'grpc'",
    ])
    expect(await reasonForNothing(agent)).toMatch(/^nothing is watched: OTEL_EXPORTER_OTLP_PROTOCOL/)
  })

  it('are not a bad DRIFTLINE_COLLECTOR_URL, which only turns off frozen baselines', () => {
    const environment = { DRIFTLINE_COLLECTOR_URL: 'nonsense' }
    const { agent, lines } = agentWith({ collector: null }, environment)
    process.env.DRIFTLINE_COLLECTOR_URL = 'nonsense'
    try {
      agent
        .sight(session)!
        .begin({ x: floats(3, 2) })!
        .end({ label: labels(3) })
    } finally {
      delete process.env.DRIFTLINE_COLLECTOR_URL
    }
    expect(agent.statistics().models[0]).toMatchObject({ rows: 3, monitor: { rows: 3 } })
    expect(lines).toEqual([
      'driftline: configuration: DRIFTLINE_COLLECTOR_URL: an http or https URL or false is needed; frozen baselines are not fetched',
    ])
  })

  it('of one model alone leave it out of the line', async () => {
    const given = {
      features: [
        { name: 'a', kind: 'numeric' },
        { name: 'a', kind: 'numeric' },
      ],
    } as const
    const { agent, lines } = agentWith()
    agent.sight({ ...route, kind: 'object', name: 'twice', given })
    agent.announce()
    expect(lines).toEqual([
      "driftline: configuration: twice: it is not watched: features[1].name: 'a' was declared before",
      'driftline: no model can be watched; the warnings before say why; metrics go to http://localhost:4318 every 10 s',
    ])
  })
})

describe('what is printed', () => {
  it('no longer ends with "no model seen yet" where a model is opened at the first request', async () => {
    const { agent, lines, clock } = agentWith()
    agent.patched('onnxruntime-node', '1.30.0')
    await clock.fireNext()
    agent.sight(session)
    await clock.fireNext()
    agent.sight(session)
    agent.patched('@tensorflow/tfjs', '4.22.0')
    expect(lines).toEqual([
      'driftline: onnxruntime-node 1.30.0 found, but no model seen yet; metrics go to http://localhost:4318 every 10 s',
      'driftline: watching onnxruntime-node 1.30.0 (model.onnx as model abababababab); metrics go to http://localhost:4318 every 10 s',
    ])
    expect(clock.due).toEqual([])
    for (let i = 0; i < 20; i++) {
      agent.sight({ ...route, name: `POST /${i}` })
      if (clock.due.length > 0) await clock.fireNext()
    }
    expect(lines).toHaveLength(6)
    expect(lines.at(-1)).toContain('POST /3 as')
  })

  it('is one line once the models are there, and one line a warning without control characters', async () => {
    const { agent, lines, clock } = agentWith()
    agent.patched('onnxruntime-node', '1.30.0')
    agent.patched('onnxruntime-node', '1.30.0')
    agent.sight(session)
    agent.sight(route)
    await clock.fireNext()
    agent.announce()
    agent.warn('unreadable-input', 'a\nb', 'c\u001b[31md')
    agent.warn('unreadable-input', 'a\nb', 'again')
    expect(lines).toEqual([
      'driftline: watching onnxruntime-node 1.30.0 (model.onnx as model abababababab), node:http 1.30.0 (POST /predict as POST /predict unversioned); metrics go to http://localhost:4318 every 10 s',
      'driftline: unreadable-input: a b: c [31md',
    ])
    expect(agent.statistics().libraries).toEqual([{ name: 'onnxruntime-node', version: '1.30.0' }])
  })
})

describe('the configuration', () => {
  const directory = mkdtempSync(join(tmpdir(), 'driftline-config-'))
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('may be absent, but not when it is named', () => {
    const problems: string[] = []
    expect(loadConfig({}, directory, problems)).toBe(noConfig)
    expect(loadConfig({ DRIFTLINE_INSTRUMENT: 'none.json' }, directory, problems)).toBeNull()
    expect(loadConfig({ DRIFTLINE_MANIFEST: 'none.json' }, directory, problems)).toBeNull()
    expect(problems).toHaveLength(2)
  })
})
