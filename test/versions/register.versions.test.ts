import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Bench, modelFile } from '../../instrumentation/test/register/registered-process.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const nodes = [
  ['22', here('nodes/node_modules/node22/bin/node')],
  ['24', process.execPath],
  ['26', here('nodes/node_modules/node26/bin/node')],
] as const
const libraries = [
  ['oldest', here('oldest')],
  ['newest', here('../../instrumentation')],
] as const

const register = ['-C', '@driftline/source', '--import', here('../../instrumentation/src/register.ts')]
const body = `
  const session = await ort.InferenceSession.create(${JSON.stringify(modelFile)}, { intraOpNumThreads: 1 })
  const server = createServer(async (request, response) => {
    const { probabilities } = await session.run({ features: new ort.Tensor('float32', new Float32Array(32).fill(1), [2, 16]) })
    response.end(String(probabilities.data.length))
  }).listen(0, '127.0.0.1', () => console.log('port ' + server.address().port))`
const programs = [
  ['ESM', 'server.mjs', `import * as ort from 'onnxruntime-node'\nimport { createServer } from 'node:http'\n${body}`],
  [
    'CommonJS',
    'server.cjs',
    `const ort = require('onnxruntime-node')\nconst { createServer } = require('node:http')\nvoid (async () => {${body}})()`,
  ],
  [
    'TypeScript',
    'server.mts',
    `import * as ort from 'onnxruntime-node'\nimport { createServer } from 'node:http'\n${body.replace("'/')", "'/' as string)").replace('createServer(async (request, response)', 'createServer(async (request: unknown, response: any)').replace('server.address().port', '(server.address() as { port: number }).port')}`,
  ],
  [
    'a worker',
    'server.mjs',
    `import { createServer } from 'node:http'
     import { isMainThread, Worker } from 'node:worker_threads'
     import * as ort from 'onnxruntime-node'
     if (isMainThread) new Worker(new URL(import.meta.url))
     else {${body}}`,
  ],
] as const

describe.each(nodes)('Node %s', (major, node) => {
  it('is the release that it is called', () => {
    expect(execFileSync(node, ['--version'], { encoding: 'utf8' })).toMatch(new RegExp(`^v${major}\\.`))
  })

  describe.each(libraries)('with the %s onnxruntime-node', (_, folder) => {
    let bench: Bench
    beforeEach(async () => {
      bench = await Bench.start(folder)
    })
    afterEach(() => bench.stop())

    it.each(programs)('watches a server of %s, and ends by the signal', async (_, file, text) => {
      const server = bench.start(bench.write(file, text), { node, flags: register })
      const [, port] = await server.said(/port (\d+)/)
      for (let i = 0; i < 3; i++) expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('4')
      server.kill('SIGTERM')
      const { signal, errors } = await server.ended
      expect(signal).toBe('SIGTERM')
      // A line that is not ours is a warning of Node's, which a server did not have before.
      expect(errors.split('\n').filter((line) => !line.startsWith('driftline: watching onnxruntime-node'))).toEqual([
        '',
      ])
      expect(bench.streams).toMatchObject([
        { model: 'model', durations: 3, features: { 'input[0]': 6 }, runtimes: ['onnxruntime-node'], dropped: {} },
      ])
    })
  })
})
