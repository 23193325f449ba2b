import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Bench, modelFile } from './registered-process.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.start()
})
afterEach(() => bench.stop())

const answer = `
  async function answer(ort, rows) {
    session ??= await ort.InferenceSession.create(${JSON.stringify(modelFile)}, { intraOpNumThreads: 1 })
    const data = new Float32Array(rows * 16).fill(1)
    const { probabilities } = await session.run({ features: new ort.Tensor('float32', data, [rows, 16]) })
    return probabilities.data.length
  }
  let session
  const serve = (ort, createServer) => createServer(async (request, response) => {
    response.end(String(await answer(ort, Number(request.url.slice(1)))))
  }).listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port) })`

const servers: readonly (readonly [kind: string, file: string, text: string])[] = [
  [
    'ESM',
    'server.mjs',
    `import * as ort from 'onnxruntime-node'\nimport { createServer } from 'node:http'\n${answer}\nserve(ort, createServer)`,
  ],
  [
    'CommonJS',
    'server.cjs',
    `const ort = require('onnxruntime-node')\nconst { createServer } = require('node:http')\n${answer}\nserve(ort, createServer)`,
  ],
  [
    'TypeScript',
    'server.mts',
    `import * as ort from 'onnxruntime-node'
     import { createServer } from 'node:http'
     let session: ort.InferenceSession | undefined
     createServer(async (request, response) => {
       const rows: number = Number(request.url!.slice(1))
       session ??= await ort.InferenceSession.create(${JSON.stringify(modelFile)}, { intraOpNumThreads: 1 })
       const { probabilities } = await session.run({ features: new ort.Tensor('float32', new Float32Array(rows * 16).fill(1), [rows, 16]) })
       response.end(String(probabilities!.data.length))
     }).listen(0, '127.0.0.1', function (this: import('node:net').Server) { console.log('port ' + (this.address() as { port: number }).port) })`,
  ],
]

describe('a server under --import', () => {
  it.each(servers)(
    'that is %s is watched unchanged, and its last interval arrives when it is told to end',
    async (_, file, text) => {
      const server = bench.start(bench.write(file, text))
      const [, port] = await server.said(/port (\d+)/)
      for (const rows of [1, 3, 1]) {
        const response = await fetch(`http://127.0.0.1:${port}/${rows}`)
        expect(await response.text()).toBe(String(rows * 2))
      }
      server.kill('SIGTERM')
      const { signal, errors } = await server.ended
      expect(signal).toBe('SIGTERM')
      expect(errors).toMatch(
        /^driftline: watching onnxruntime-node [\d.]+ \(model\.onnx as model [0-9a-f]{12}\); metrics go to http:\/\/127\.0\.0\.1:\d+ every 10 s\n$/,
      )
      expect(bench.streams).toHaveLength(1)
      const [stream] = bench.streams
      expect(stream).toMatchObject({ model: 'model', durations: 3, runtimes: ['onnxruntime-node'], dropped: {} })
      expect(Object.keys(stream!.features)).toHaveLength(16)
      expect(stream!.features['input[0]']).toBe(5)
      expect(Object.values(stream!.classes).reduce((sum, count) => sum + count, 0)).toBe(5)
    },
  )

  it('takes names and buckets from a manifest alone, and from a configuration in its folder', async () => {
    const text = `import * as ort from 'onnxruntime-node'
      const session = await ort.InferenceSession.create(${JSON.stringify(modelFile)})
      await session.run({ features: new ort.Tensor('float32', new Float32Array(32).fill(1), [2, 16]) })`
    const beside = (name: string): string => modelFile.replace('model.onnx', name)
    const file = bench.write('once.mjs', text)
    const environment = { DRIFTLINE_MANIFEST: beside('manifest.json'), DRIFTLINE_BASELINE: beside('baseline.json') }
    await bench.run(file, { environment })
    const byManifest = bench.streams[0]!
    expect(byManifest).toMatchObject({ model: 'employment', version: '1', scores: 2, features: { AGEP: 2, SCHL: 2 } })

    bench.receiver.requests.length = 0
    bench.write(
      'driftline.instrument.json',
      JSON.stringify({
        schema: 'driftline.instrument/1',
        models: [
          { match: { file: 'model.onnx' }, manifest: beside('manifest.json'), baseline: beside('baseline.json') },
        ],
      }),
    )
    await bench.run(file)
    const byConfiguration = bench.streams[0]!
    expect({ ...byConfiguration, instance: '', resource: {} }).toEqual({ ...byManifest, instance: '', resource: {} })
  })

  it('names every problem of a wrong configuration, and serves as if nothing were there', async () => {
    const configuration = bench.write(
      'wrong.json',
      JSON.stringify({
        schema: 'driftline.instrument/1',
        models: [
          { match: { file: 'a.onnx', task: 'b' } },
          { match: { file: 'c.onnx' }, manifest: 'absent.json', inputs: { ordre: [] } },
        ],
      }),
    )
    const file = bench.write('quiet.mjs', `console.log('served')`)
    const { code, output, errors } = await bench.run(file, { environment: { DRIFTLINE_INSTRUMENT: configuration } })
    expect([code, output]).toEqual([0, 'served\n'])
    expect(errors).toContain('wrong.json: models[0].match: exactly one of file, task, route, name is needed, not 2')
    expect(errors).toContain('wrong.json: models[1].inputs.ordre: unknown field; known here: order')
    expect(errors).toContain('nothing is watched until that is put right')
    expect(bench.receiver.requests).toHaveLength(0)
  })

  it('is told why nothing was recorded after 100 requests', async () => {
    const server = bench.start(
      bench.write(
        'idle.cjs',
        `require('express')
         require('node:http').createServer((request, response) => response.end('ok'))
           .listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port) })`,
      ),
    )
    const [, port] = await server.said(/port (\d+)/)
    for (let i = 0; i < 120; i++) await (await fetch(`http://127.0.0.1:${port}/`)).text()
    server.kill('SIGTERM')
    const { errors } = await server.ended
    expect(errors).toMatch(
      /^driftline: nothing-recorded: 100 requests: no supported library was loaded \(loaded: express, .*\n$/,
    )
  })
})
