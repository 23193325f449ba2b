import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Bench, modelFile } from './registered-process.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.start()
})
afterEach(() => bench.stop())

/** Opens a session for every request, and closes it. */
const server = (): string =>
  bench.write(
    'server.mjs',
    `import * as ort from 'onnxruntime-node'
     import { createServer } from 'node:http'
     createServer(async (request, response) => {
       const session = await ort.InferenceSession.create(${JSON.stringify(modelFile)}, { intraOpNumThreads: 1 })
       await session.run({ features: new ort.Tensor('float32', new Float32Array(16).fill(1), [1, 16]) })
       await session.release()
       response.end('ok')
     }).listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port) })`,
  )

async function answered(
  requests: number,
  /** What is said before the first of them. */
  before: RegExp | null,
  environment: Readonly<Record<string, string>>,
): Promise<{ code: number | null; lines: readonly string[] }> {
  const running = bench.start(server(), { environment })
  const [, port] = await running.said(/port (\d+)/)
  if (before !== null) await running.said(before, 'errors')
  for (let i = 0; i < requests; i++) expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('ok')
  running.kill('SIGTERM')
  const { code, errors } = await running.ended
  return { code, lines: errors.split('\n').filter((line) => line !== '') }
}

/** Rows and durations of all versions: on a busy machine the digest that names the version may come after the first run. */
function recorded(): readonly [rows: number, durations: number] {
  let [rows, durations] = [0, 0]
  for (const stream of bench.streams) {
    rows += stream.features['input[0]'] ?? 0
    durations += stream.durations
  }
  return [rows, durations]
}

describe('what is said', () => {
  it('used to be that there is no model where it is opened at the first request, and never its name', async () => {
    const { lines } = await answered(3, /no model seen yet/, { OTEL_METRIC_EXPORT_INTERVAL: '100' })
    expect(lines.slice(0, 2)).toEqual([
      expect.stringMatching(/^driftline: onnxruntime-node \S+ found, but no model seen yet; metrics go to/),
      expect.stringMatching(/^driftline: watching onnxruntime-node \S+ \(model\.onnx as model \w+\); metrics go to/),
    ])
    expect(recorded()).toEqual([3, 3])
  })

  it('used to be that models are watched where the protocol is one that nothing can be sent by', async () => {
    const { lines } = await answered(2, /nothing is watched/, {
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    })
    expect(lines).toEqual([
      "driftline: configuration: nothing is watched: OTEL_EXPORTER_OTLP_PROTOCOL: http/protobuf or http/json is needed, not 'grpc'",
    ])
    expect(bench.receiver.requests).toHaveLength(0)
  })

  it('used to be nothing of a misspelled file or route beside a model that is recorded', async () => {
    const models = [
      { match: { file: 'mpl.onnx' } },
      { match: { route: 'POST /predcit' }, response: { score: '$.score' } },
    ]
    const configuration = bench.write('typo.json', JSON.stringify({ schema: 'driftline.instrument/1', models }))
    const { lines } = await answered(101, null, { DRIFTLINE_INSTRUMENT: configuration })
    expect(lines.filter((line) => line.includes('configuration'))).toEqual([
      'driftline: configuration: file mpl.onnx, route POST /predcit: nothing matched that entry of the configuration so far; seen, but not listed there: model.onnx',
    ])
    expect(recorded()).toEqual([101, 101])
  })

  it('is that other threads may have the model, where the one of the server has none', async () => {
    bench.write('worker.mjs', `import 'node:worker_threads'`)
    const file = bench.write(
      'main.mjs',
      `import { createServer } from 'node:http'
       import { Worker } from 'node:worker_threads'
       new Worker(new URL('worker.mjs', import.meta.url)).on('exit', () => {
         createServer((request, response) => response.end('ok'))
           .listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port) })
       })`,
    )
    const running = bench.start(file)
    const [, port] = await running.said(/port (\d+)/)
    for (let i = 0; i < 101; i++) await (await fetch(`http://127.0.0.1:${port}/`)).text()
    running.kill('SIGTERM')
    const { errors } = await running.ended
    expect(errors).toMatch(/^driftline: nothing-recorded: .* in this thread \(it has started others, .*\)\n$/)
  })
})
