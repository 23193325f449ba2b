import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Bench, modelFile } from './registered-process.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.start()
})
afterEach(() => bench.stop())

const runModel = (rows: number): string => `
  const session = await ort.InferenceSession.create(${JSON.stringify(modelFile)}, { intraOpNumThreads: 1 })
  await session.run({ features: new ort.Tensor('float32', new Float32Array(${rows} * 16).fill(1), [${rows}, 16]) })`

/** Rows by instance. */
const received = (): Record<string, number> =>
  Object.fromEntries(bench.streams.map(({ instance, features }) => [instance, features['input[0]']!]))

describe('worker threads', () => {
  it('are watched, each as an instance of its own', async () => {
    bench.write('worker.mjs', `import * as ort from 'onnxruntime-node'; ${runModel(2)}`)
    const file = bench.write(
      'main.mjs',
      `import { Worker } from 'node:worker_threads'
       import * as ort from 'onnxruntime-node'
       ${runModel(3)}
       for (let i = 0; i < 2; i++) new Worker(new URL('worker.mjs', import.meta.url))`,
    )
    const { code, errors } = await bench.run(file)
    expect(code).toBe(0)
    expect(errors).not.toContain('internal')
    const rows = received()
    expect(Object.values(rows).toSorted((a, b) => a - b)).toEqual([2, 2, 3])
    expect(Object.keys(rows).filter((instance) => /:\d+:\d+$/.test(instance))).toHaveLength(2)
  })

  it('send what they have when the process is told to end', async () => {
    bench.write(
      'worker.mjs',
      `import * as ort from 'onnxruntime-node'
       import { parentPort } from 'node:worker_threads'
       ${runModel(2)}
       parentPort.on('message', () => {})
       parentPort.postMessage('recorded')`,
    )
    const running = bench.start(
      bench.write(
        'main.mjs',
        `import { Worker } from 'node:worker_threads'
         new Worker(new URL('worker.mjs', import.meta.url)).on('message', () => console.log('recorded'))`,
      ),
    )
    await running.said(/recorded/)
    running.kill('SIGTERM')
    expect((await running.ended).signal).toBe('SIGTERM')
    expect(Object.values(received())).toEqual([2])
  })

  it('keep apart although the environment names one instance for all', async () => {
    bench.write('worker.mjs', `import * as ort from 'onnxruntime-node'; ${runModel(2)}`)
    const file = bench.write(
      'main.mjs',
      `import { Worker } from 'node:worker_threads'
       import * as ort from 'onnxruntime-node'
       ${runModel(3)}
       new Worker(new URL('worker.mjs', import.meta.url))`,
    )
    await bench.run(file, { environment: { OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=a,service.name=shop' } })
    const rows = received()
    expect(rows['a']).toBe(3)
    expect(Object.keys(rows).filter((instance) => /^a:\d+:\d+$/.test(instance))).toHaveLength(1)
    expect(bench.streams.map(({ service }) => service)).toEqual(['shop', 'shop'])
  })
})

describe('forked processes', () => {
  it.each([
    [
      'cluster',
      `import cluster from 'node:cluster'
       import * as ort from 'onnxruntime-node'
       if (cluster.isPrimary) { cluster.fork(); cluster.fork() }
       else { ${runModel(2)}; cluster.worker.disconnect() }`,
    ],
    [
      'child_process.fork',
      `import { fork } from 'node:child_process'
       import * as ort from 'onnxruntime-node'
       if (process.send === undefined) { fork(process.argv[1]); fork(process.argv[1]) }
       else { ${runModel(2)} }`,
    ],
  ])('of %s inherit the flag, and each is an instance of its own', async (_, text) => {
    const { code } = await bench.run(bench.write('forks.mjs', text), {
      environment: { OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=a' },
    })
    expect(code).toBe(0)
    const rows = received()
    expect(Object.values(rows)).toEqual([2, 2])
    for (const instance of Object.keys(rows)) expect(instance).toMatch(/^a:\d+$/)
  })

  it('are watched through NODE_OPTIONS as pm2 and the like start them', async () => {
    const file = bench.write(
      'manager.mjs',
      `import { spawn } from 'node:child_process'
       import * as ort from 'onnxruntime-node'
       if (process.env.MANAGED === undefined)
         spawn(process.execPath, [process.argv[1]], { env: { ...process.env, MANAGED: '1' }, stdio: 'inherit' })
       else { ${runModel(2)} }`,
    )
    await bench.run(file, {
      flags: [],
      environment: { NODE_OPTIONS: '--conditions=@driftline/source --import=@driftline/instrumentation/register' },
    })
    expect(Object.values(received())).toEqual([2])
  })
})
