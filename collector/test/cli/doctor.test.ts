import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseInstrumentConfig } from '../../../instrumentation/src/zero-code/parse-config.ts'
import { runDriftline } from '../../src/cli/run-driftline.ts'
import { systemClock } from '../../src/clock.ts'

const example = fileURLToPath(new URL('../../../examples/employment', import.meta.url))

/** Counts what comes in: it is where metrics would go. */
let receiver: Server
let posts: number
/** Below the repository, so that servers find their libraries. */
let directory: string

beforeEach(async () => {
  directory = mkdtempSync(fileURLToPath(new URL('../../.doctor-test-', import.meta.url)))
  copyFileSync(join(example, 'model.onnx'), join(directory, 'model.onnx'))
  posts = 0
  receiver = createServer((request, response) => {
    if (request.method === 'POST') posts++
    response.end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
})
afterEach(async () => {
  rmSync(directory, { recursive: true })
  receiver.closeAllConnections()
  receiver.close()
  await once(receiver, 'close')
})

interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Runs `driftline doctor` as from a terminal; `stop` is Ctrl-C. */
async function doctor(
  args: readonly string[],
  {
    environment = {},
    cwd = directory,
    stop = new Promise<void>(() => undefined),
  }: { environment?: Record<string, string>; cwd?: string; stop?: Promise<void> } = {},
): Promise<Outcome> {
  let out = ''
  let err = ''
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(OTEL|DRIFTLINE|NODE_OPTIONS|VITEST)/.test(name)),
  )
  const { port } = receiver.address() as AddressInfo
  const status = await runDriftline(['doctor', ...args], {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    terminal: false,
    environment: { ...inherited, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, ...environment },
    directory: cwd,
    clock: systemClock,
    untilStopped: () => stop,
  })
  return { status, out, err }
}

interface Report {
  readonly ended: { readonly reason: string; readonly status: number | null }
  readonly process: { readonly config: string | null; readonly endpoint: string } | null
  readonly models: readonly Record<string, unknown>[]
  readonly routes: readonly { readonly method: string; readonly path: string; readonly requests: number }[]
  readonly advice: readonly { readonly kind: string; readonly text: string; readonly example?: object }[]
  readonly config: object
  readonly written: string | null
}
const report = ({ out, err }: Outcome): Report => {
  expect(out, err).toMatch(/^\{.*\}\n$/)
  return JSON.parse(out) as Report
}
const texts = ({ advice }: Report): string => advice.map(({ text }) => text).join('\n')

function write(name: string, text: string): string {
  writeFileSync(join(directory, name), text)
  return name
}

/** A port that is free, as far as one can know. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return String(port)
}

const node = process.execPath

/** Opens the model in its working directory. */
const sessionServer = `
import { createServer } from 'node:http'
import { InferenceSession, Tensor } from 'onnxruntime-node'
const session = await InferenceSession.create('model.onnx')
await session.run({ features: new Tensor('float32', new Float32Array(32), [2, 16]) })
createServer((request, response) => response.end()).listen(0, '127.0.0.1', () => console.log('up', process.pid))
`

const routeServer = `
import { createServer } from 'node:http'
createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const { rows } = JSON.parse(Buffer.concat(chunks).toString())
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ predictions: rows.map(({ id }) => ({ id, label: 'yes', probability: 0.7 })) }))
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
`

describe('driftline doctor', () => {
  it('describes a session without names, says how to add them, and writes a first configuration; nothing is sent', async () => {
    const file = write('server.mjs', sessionServer)
    const outcome = await doctor(['--json', '--write', 'driftline.instrument.json', '--', node, file])
    const seen = report(outcome)
    expect(outcome.status).toBe(0)
    expect(seen.ended.reason).toBe('seen')
    expect(seen.process).toMatchObject({ config: null })
    expect(seen.models).toMatchObject([
      {
        library: 'onnxruntime-node',
        version: expect.stringMatching(/^1\.\d+/),
        kind: 'session',
        name: 'model.onnx',
        inputs: [{ name: 'features', type: 'float32', shape: [null, 16] }],
        called: { named: false, tensors: [{ shape: [2, 16] }] },
        answered: { roles: { class: 'label', probabilities: 'probabilities', score: null } },
      },
    ])
    // The receiver answers, and the exporter is installed.
    expect(seen.advice).toMatchObject([
      {
        kind: 'missing',
        text: expect.stringContaining('no names: the features of model.onnx are called input[0] to input[15]'),
        example: { match: { file: 'model.onnx' }, inputs: { features: expect.arrayContaining(['name of input[0]']) } },
      },
    ])
    expect(posts).toBe(0)

    const written = join(directory, 'driftline.instrument.json')
    expect(seen.written).toBe(written)
    const config = parseInstrumentConfig(JSON.parse(readFileSync(written, 'utf8')))
    expect(config.models[0]!.inputs?.features).toHaveLength(16)
    expect(config.models[0]!.outputs).toEqual({ class: 'label', probabilities: 'probabilities' })

    // What was written is read by the next run, and never overwritten by accident.
    const again = await doctor(['--write', 'driftline.instrument.json', '--', node, file])
    expect(again).toMatchObject({ status: 2, err: expect.stringContaining('exists; --force overwrites it') })
    const named = config.models[0]!.inputs!.features!.map((_, i) => `column ${i}`)
    writeFileSync(
      written,
      JSON.stringify({ ...config, models: [{ ...config.models[0], inputs: { features: named } }] }),
    )
    const complete = report(await doctor(['--json', '--', node, file]))
    expect(complete.process?.config).toBe(written)
    expect(complete.advice).toEqual([])
    expect(complete.models[0]).toMatchObject({ called: { named: true } })
  })

  it('says in words what the example would be watched as, and leaves no process behind', async () => {
    const port = await freePort()
    const body = JSON.stringify({ rows: [{ id: 1, AGEP: 43, SCHL: '21' }] })
    const outcome = await doctor(
      ['--request', `http://127.0.0.1:${port}/predict ${body}`, '--', 'npm', 'run', 'plain'],
      { environment: { PORT: port }, cwd: example },
    )
    expect(outcome.status).toBe(0)
    expect(outcome.out).toMatch(/onnxruntime-node [\d.]+: session model\.onnx, recorded as employment 1\n/)
    expect(outcome.out).toContain('input features float32 [N, 16]\n')
    expect(outcome.out).toContain('output probabilities float32 [N, 2]: probabilities\n')
    expect(outcome.out).toContain('16 features: AGEP (numeric), SCHL (categorical)')
    expect(outcome.out).toContain('POST /predict: 1 request\n')
    expect(outcome.out).toContain('Everything works.')
    expect(outcome.err).toContain('employment server listening')
    expect(outcome.err).not.toContain('driftline:')
    expect(posts).toBe(0)
    // Node answers on the port no more.
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed')
  })

  it('points to a manifest that has the digest of the model', async () => {
    const file = write('server.mjs', sessionServer)
    writeFileSync(join(directory, 'manifest.json'), readFileSync(join(example, 'manifest.json')))
    const seen = report(await doctor(['--json', '--', node, file]))
    expect(seen.advice).toMatchObject([
      { text: expect.stringContaining('manifest.json describes model.onnx'), example: { manifest: 'manifest.json' } },
    ])
    expect(seen.config).toMatchObject({ models: [{ match: { file: 'model.onnx' }, manifest: 'manifest.json' }] })
  })

  it('suggests the routes of a server that has no model of its own', async () => {
    const port = await freePort()
    const body = JSON.stringify({ rows: [{ id: 'a', age: 41, plan: 'gold', tags: [1] }] })
    const outcome = await doctor(
      ['--json', '--write', 'first.json', '--request', `http://127.0.0.1:${port}/v1/churn?debug=1 ${body}`].concat([
        '--',
        node,
        write('server.mjs', routeServer),
      ]),
      { environment: { PORT: port } },
    )
    const seen = report(outcome)
    expect(outcome.status).toBe(1)
    expect(seen.models).toEqual([])
    expect(seen.routes).toMatchObject([{ method: 'POST', path: '/v1/churn', requests: 1 }])
    expect(texts(seen)).toContain('POST /v1/churn takes and gives JSON')
    expect(parseInstrumentConfig(JSON.parse(readFileSync(join(directory, 'first.json'), 'utf8'))).models).toEqual([
      {
        match: { route: 'POST /v1/churn' },
        model: { name: 'churn' },
        request: { rows: '$.rows[*]', features: ['age', 'plan'], id: '$.id' },
        response: { rows: '$.predictions[*]', class: '$.label', score: '$.probability' },
      },
    ])
    // No value of a row is told.
    expect(outcome.out.replaceAll(body, '')).not.toContain('gold')
  })

  it('says that a server crashed, with its last words', async () => {
    const file = write('server.mjs', `throw new Error('no such database')`)
    const outcome = await doctor(['--', node, file])
    expect(outcome.status).toBe(1)
    expect(outcome.out).toContain('the command ended by itself with status 1')
    expect(outcome.out).toMatch(/The last lines of its standard error\n[^]*no such database/)
    expect(existsSync(join(directory, 'driftline.instrument.json'))).toBe(false)
  })

  it('ends a server that does not want to, and says that it loads nothing known', async () => {
    const file = write(
      'server.mjs',
      `process.on('SIGTERM', () => console.log('no'))\nsetInterval(() => undefined, 1000)\nconsole.log('pid', process.pid)`,
    )
    const outcome = await doctor(['--json', '--wait', '2s', '--write', 'first.json', '--', node, file])
    const seen = report(outcome)
    expect(seen.ended).toMatchObject({ reason: 'waited', signal: 'SIGKILL' })
    expect(texts(seen)).toContain('no supported library was loaded')
    expect(texts(seen)).toContain('make one with --request')
    expect(outcome.err).toContain('no\n')
    const pid = Number(/pid (\d+)/.exec(outcome.err)![1])
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(seen.written).toBeNull()
    expect(existsSync(join(directory, 'first.json'))).toBe(false)
  })

  it('names a missing collector, a wrong configuration, and what switches Driftline off', async () => {
    const file = write('server.mjs', `setInterval(() => undefined, 1000)`)
    const nowhere = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` }
    writeFileSync(join(directory, 'driftline.instrument.json'), '{"schema":"driftline.instrument/1","models":[{}]}')
    const wrong = report(await doctor(['--json', '--wait', '1s', '--', node, file], { environment: nowhere }))
    expect(texts(wrong)).toMatch(/nothing is watched: .*driftline\.instrument\.json: models\[0\]\.match/)
    expect(texts(wrong)).toMatch(/no collector answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)/)
    const off = await doctor(['--wait', '1s', '--', node, file], { environment: { OTEL_SDK_DISABLED: 'true' } })
    expect(off.out).toContain('OTEL_SDK_DISABLED is set')
  })

  it('ends at Ctrl-C, also what is no Node program', async () => {
    const outcome = await doctor(['--wait', '1h', '--', 'sleep', '600'], { stop: Promise.resolve() })
    expect(outcome.status).toBe(1)
    expect(outcome.out).toContain('Driftline was not loaded')
  })

  it('refuses what makes no sense', async () => {
    for (const [args, reason] of [
      [[], "after '--'"],
      [['--wait', 'soon', '--', 'node'], '--wait'],
      [['--request', 'nowhere', '--', 'node'], 'expected [METHOD ]URL[ BODY]'],
      [['--request', 'http://127.0.0.1/ {', '--', 'node'], "the body of 'http://127.0.0.1/' cannot be used"],
    ] as const)
      expect(await doctor(args)).toMatchObject({ status: 2, err: expect.stringContaining(reason) })
    expect(await doctor(['--', 'no-such-program'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('no-such-program cannot be started'),
    })
  })
})
