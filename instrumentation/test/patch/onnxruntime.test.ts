import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type * as Onnxruntime from 'onnxruntime-node'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { patchOnnxruntime } from '../../src/patch/onnxruntime.ts'
import { runSuppressed } from '../../src/patch/suppression.ts'
import { RecordingAgent } from '../support/recording-agent.ts'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const modelFile = fileURLToPath(new URL('../../../examples/employment/model.onnx', import.meta.url))
const model = readFileSync(modelFile)
const digest = `sha256:${createHash('sha256').update(model).digest('hex')}`
const directory = mkdtempSync(join(tmpdir(), 'driftline-onnxruntime-'))
afterAll(() => rmSync(directory, { recursive: true }))

interface Seen {
  readonly answers: unknown
  readonly failure: string
  readonly seen: readonly Record<string, unknown>[]
  readonly warnings: unknown
  readonly libraries: unknown
}

async function runChild(task: Readonly<Record<string, unknown>>): Promise<Seen> {
  const child = fileURLToPath(new URL('../support/run-session.ts', import.meta.url))
  const { stdout } = await run(process.execPath, ['-C', '@driftline/source', child, JSON.stringify(task)])
  return JSON.parse(stdout) as Seen
}

describe.each([
  ['onnxruntime-node', 'require'],
  ['onnxruntime-node', 'import'],
  ['onnxruntime-web', 'require'],
  ['onnxruntime-web', 'import'],
])('%s by %s', (library, by) => {
  it('is seen, with answers and errors as they are without', async () => {
    const task = { library, by, from: import.meta.filename }
    const plain = await runChild({ ...task, watched: false })
    const watched = await runChild({ ...task, watched: true })
    expect(watched.answers).toEqual(plain.answers)
    expect(watched.failure).toBe(plain.failure)
    expect(plain.failure).toMatch(/invalid dimensions|ERROR_CODE/i)
    expect(watched.warnings).toEqual([])
    expect(watched.libraries).toEqual([{ library, version: expect.stringMatching(/^1\.30\./) as unknown }])
    expect(watched.seen).toHaveLength(1)
    expect(watched.seen[0]).toMatchObject({
      library,
      kind: 'session',
      name: 'model.onnx',
      file: modelFile,
      artefactDigest: digest,
      inputs: [{ name: 'features', type: 'float32', shape: [null, 16] }],
      outputs: [
        { name: 'label', type: 'int64', shape: [null] },
        { name: 'probabilities', type: 'float32', shape: [null, 2] },
      ],
    })
    const answers = watched.answers as [string, string, number[], ...string[]][]
    expect(watched.seen[0]!['calls']).toEqual([
      ...[1, 3].map((rows, i) => ({
        inputs: [['features', [rows, 16]]],
        outputs: answers.slice(2 * i, 2 * i + 2).map(([name, , , ...data]) => [name, ...data]),
        failed: false,
      })),
      { inputs: [['features', [1, 3]]], outputs: null, failed: true },
    ])
  })
})

describe('a session of onnxruntime-node', () => {
  const agent = new RecordingAgent({ watch: ({ name }) => name !== 'ignored.onnx' })
  patchOnnxruntime(agent)
  const { InferenceSession, Tensor } = require('onnxruntime-node') as typeof Onnxruntime
  const feeds = () => ({ features: new Tensor('float32', new Float32Array(16), [1, 16]) })
  beforeEach(() => {
    agent.taps.length = 0
    agent.warnings.length = 0
  })

  it('from memory is named by its digest', async () => {
    await InferenceSession.create(model)
    await InferenceSession.create(new Uint8Array(model).buffer)
    const padded = Buffer.concat([Buffer.alloc(8), model, Buffer.alloc(8)])
    await InferenceSession.create(new Uint8Array(padded).buffer, 8, model.length)
    expect(agent.taps.map(({ sighting }) => [sighting.name, sighting.file, sighting.artefactDigest])).toEqual(
      Array.from({ length: 3 }, () => [`buffer-${digest.slice(7, 19)}`, null, digest]),
    )
  })

  it('that is not to be watched runs as ever', async () => {
    const file = join(directory, 'ignored.onnx')
    cpSync(modelFile, file)
    const session = await InferenceSession.create(file)
    expect(Object.keys(await session.run(feeds()))).toEqual(['label', 'probabilities'])
    expect(agent.taps).toEqual([])
  })

  it('shows the features as they were when the call was made', async () => {
    const session = await InferenceSession.create(modelFile)
    const input = feeds()
    const running = session.run(input)
    input.features.data.fill(9)
    await running
    expect(agent.tap.calls[0]!.inputs['features']!.data).toEqual(new Float32Array(16))
  })

  it('takes fetches and options, as names or tensors', async () => {
    const session = await InferenceSession.create(modelFile)
    expect(Object.keys(await session.run(feeds(), ['label']))).toEqual(['label'])
    expect(Object.keys(await session.run(feeds(), { tag: 'x' }))).toEqual(['label', 'probabilities'])
    expect(Object.keys(await session.run(feeds(), ['probabilities'], { tag: 'x' }))).toEqual(['probabilities'])
    expect(agent.tap.calls.map(({ outputs }) => Object.keys(outputs!))).toEqual([
      ['label'],
      ['label', 'probabilities'],
      ['probabilities'],
    ])
  })

  it('refuses what is no feed with the words of the library', async () => {
    const session = await InferenceSession.create(modelFile)
    for (const wrong of [null, undefined, 5, [], {}]) {
      await expect(session.run(wrong as never)).rejects.toThrow(/'feeds' must be|is missing in 'feeds'/)
    }
    expect(agent.warnings).toEqual([])
  })

  it('read getters of the feeds seven times', async () => {
    const session = await InferenceSession.create(modelFile)
    const { features } = feeds()
    const reads = async (run: (given: object) => Promise<unknown>): Promise<number> => {
      let count = 0
      await run({
        get features() {
          count++
          return features
        },
      })
      return count
    }
    const watched = await reads((given) => session.run(given as never))
    const plain = await reads((given) => runSuppressed(() => session.run(given as never)))
    expect(watched).toBe(plain + 1)
    expect(agent.tap.calls).toHaveLength(1)
  })

  it("told an error of the application's own getter as one of Driftline", async () => {
    const session = await InferenceSession.create(modelFile)
    const ownError = new Error('no session of that user')
    const given = {
      get features(): never {
        throw ownError
      },
    }
    await expect(session.run(given)).rejects.toBe(ownError)
    expect(agent.warnings).toEqual([])
    expect(agent.tap.drops).toEqual([
      { reason: 'unexpected_type', rows: 1, detail: "input 'features' could not be read" },
    ])
    expect(agent.tap.durations).toEqual([{ seconds: expect.any(Number) as number, rows: 1, error: ownError }])
  })

  it.each([
    ['an array', [1], /array/],
    ['a number in place of a tensor', { features: 5 }, /'features' is no tensor/],
    ['null in place of a tensor', { features: null }, /'features' is no tensor/],
  ])('counted %s as a tensor that is not in the memory of the CPU', async (_, given, detail) => {
    const session = await InferenceSession.create(modelFile)
    await expect(session.run(given as never)).rejects.toThrow(/'feeds' must be|must be an object/)
    expect(agent.tap.drops).toEqual([
      { reason: 'unexpected_type', rows: 1, detail: expect.stringMatching(detail) as string },
    ])
    expect(agent.tap.calls).toEqual([])
  })

  it('leaves members alone that are no inputs, as the library does', async () => {
    const session = await InferenceSession.create(modelFile)
    await session.run({ ...feeds(), note: 'from a test', none: null, absent: undefined } as never)
    expect(agent.tap.drops).toEqual([])
    expect(Object.keys(agent.tap.calls[0]!.inputs)).toEqual(['features'])
  })

  it('hides tensors that are not in the memory of the CPU', async () => {
    const session = await InferenceSession.create(modelFile)
    const outside = Tensor.fromGpuBuffer({} as never, { dataType: 'float32', dims: [1, 16] })
    await expect(session.run({ features: outside })).rejects.toThrow(/location|tensor|data/i)
    expect(agent.tap.calls[0]!.inputs).toEqual({ features: null })
    expect(agent.tap.calls[0]!.error).toBeInstanceOf(Error)
  })

  it('is not recorded inside a call that is suppressed', async () => {
    const session = await runSuppressed(() => InferenceSession.create(modelFile))
    expect(agent.taps).toEqual([])
    await runSuppressed(async () => {
      await Promise.resolve()
      await session.run(feeds())
    })
    expect(agent.taps).toEqual([])
    await session.run(feeds())
    expect(agent.tap.calls).toHaveLength(1)
  })

  it('looks from outside as it did', () => {
    expect(InferenceSession.create.name).toBe('create')
    expect(InferenceSession.create).toHaveLength(4)
    // oxlint-disable-next-line typescript/unbound-method -- only looked at
    const { run: patched } = (InferenceSession as unknown as { prototype: Onnxruntime.InferenceSession }).prototype
    expect(patched.name).toBe('run')
    expect(patched).toHaveLength(3)
    expect(Object.keys(InferenceSession)).toEqual([])
  })

  it('runs on when the agent fails, which is told', async () => {
    const session = await InferenceSession.create(modelFile)
    await session.run(feeds())
    const failing = new RecordingAgent()
    failing.sight = () => {
      throw new Error('no tap')
    }
    patchOnnxruntime(failing)
    const other = await InferenceSession.create(modelFile)
    expect(Object.keys(await other.run(feeds()))).toEqual(['label', 'probabilities'])
    await other.run(feeds())
    expect(failing.warnings.filter(({ kind }) => kind === 'internal')).toHaveLength(1)
  })
})

describe('a library of another shape', () => {
  /** A package of this name whose entry is this text, as any server may have it installed. */
  function install(name: string, source: string, version = '1.30.0'): NodeJS.Require {
    const folder = mkdtempSync(join(directory, 'app-'))
    const packageFolder = join(folder, 'node_modules', name)
    mkdirSync(packageFolder, { recursive: true })
    writeFileSync(join(packageFolder, 'package.json'), JSON.stringify({ name, version, main: 'index.js' }))
    writeFileSync(join(packageFolder, 'index.js'), source)
    return createRequire(pathToFileURL(join(folder, 'app.js')))
  }
  const sessionClass =
    'class InferenceSession { static async create() { return new InferenceSession() } async run() { return {} } }\n'

  it('is left alone when its class is frozen or is not there', async () => {
    const agent = new RecordingAgent()
    patchOnnxruntime(agent)
    const frozen = install(
      'onnxruntime-common',
      `${sessionClass}Object.freeze(InferenceSession.prototype)\nmodule.exports = { InferenceSession }`,
    )('onnxruntime-common') as { InferenceSession: { create(): Promise<{ run(feeds: object): Promise<object> }> } }
    expect(await (await frozen.InferenceSession.create()).run({})).toEqual({})
    install('onnxruntime-common', 'module.exports = {}')('onnxruntime-common')
    expect(
      agent.warnings.map(({ kind, reason }) => [kind, reason.replace(/^.*(is frozen|has no class).*$/, '$1')]),
    ).toEqual([
      ['not-patchable', 'is frozen'],
      ['not-patchable', 'has no class'],
    ])
    expect(agent.taps).toEqual([])
  })

  it('is watched twice when there are two copies, and when its version was not tested, with one warning each', async () => {
    const agent = new RecordingAgent()
    patchOnnxruntime(agent)
    agent.warnings.length = 0
    const source = `${sessionClass}module.exports = { InferenceSession }`
    for (const version of ['1.31.0', '1.30.1']) {
      const copy = install('onnxruntime-common', source, version)('onnxruntime-common') as {
        InferenceSession: { create(path: string): Promise<{ run(feeds: object): Promise<object> }> }
      }
      await (await copy.InferenceSession.create(modelFile)).run({})
    }
    expect(agent.warnings.map(({ kind, subject }) => [kind, subject])).toEqual(
      expect.arrayContaining([
        ['unsupported-version', 'onnxruntime 1.31.0'],
        ['second-copy', 'onnxruntime 1.30.1'],
      ]),
    )
    expect(agent.taps.map(({ calls }) => calls.length)).toEqual([1, 1])
  })
})
