import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/contract/index.ts'
import { maxModels, ModelAgent } from '../../src/zero-code/agent.ts'
import type { ModelConfig } from '../../src/zero-code/instrument-config.ts'
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

function agentWith(config: Partial<LoadedConfig> = {}): { agent: ModelAgent; lines: string[]; clock: ManualClock } {
  const lines: string[] = []
  const clock = new ManualClock(1_000_000_003_000)
  const agent = new ModelAgent({
    config: { ...noConfig, collector: false, ...config },
    environment: {},
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
    expect(agent.statistics().models[0]!.sightings).toHaveLength(2)
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
    expect(warnings.find(({ kind }) => kind === 'unreadable-input')!.count).toBe(3)
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

describe('what is printed', () => {
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
