import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Bench, modelFile, registerFlag, sourceCondition } from './registered-process.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.start()
})
afterEach(() => bench.stop())

const once2 = (): string =>
  bench.write(
    'once.mjs',
    `import * as ort from 'onnxruntime-node'
     const session = await ort.InferenceSession.create(${JSON.stringify(modelFile)}, { intraOpNumThreads: 1 })
     await session.run({ features: new ort.Tensor('float32', new Float32Array(32).fill(1), [2, 16]) })`,
  )

describe('the environment', () => {
  it('names service, resource, headers and receiver as everywhere', async () => {
    await bench.run(once2(), {
      environment: {
        OTEL_SERVICE_NAME: 'shop',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=other',
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=k1',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${bench.receiver.url}/v1/metrics`,
      },
    })
    expect(bench.streams).toMatchObject([{ service: 'shop', resource: { 'deployment.environment.name': 'test' } }])
    expect(bench.receiver.requests[0]!.headers['api-key']).toBe('k1')
  })

  it('sets the interval, where one that does not divide an hour becomes a shorter one with a warning', async () => {
    const running = bench.start(
      bench.write(
        'alive.mjs',
        `import { instrument } from '@driftline/instrumentation'
         const model = instrument({ predict: (rows) => rows.map(() => 'a') }, { predict: 'predict', name: 'm' })
         setInterval(() => model.predict([[1]]), 5)`,
      ),
      { environment: { OTEL_METRIC_EXPORT_INTERVAL: '70' } },
    )
    await bench.receiver.received(4)
    running.kill('SIGTERM')
    const { errors } = await running.ended
    expect(errors).toContain('OTEL_METRIC_EXPORT_INTERVAL: 70 does not divide an hour; 64 is used')
    expect(errors).toContain('every 0.064 s')
  })

  it.each(['127.0.0.1:14318', 'notaurl'])('sent to localhost:4318 when the endpoint was %s', async (endpoint) => {
    const { code, errors } = await bench.run(once2(), { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } })
    expect(code).toBe(0)
    expect(
      errors.match(/^driftline: configuration: .*OTEL_EXPORTER_OTLP_ENDPOINT: an http or https URL is needed/gm),
    ).toHaveLength(1)
    expect(errors).not.toContain('metrics go to')
    expect(errors).not.toContain('export:')
  })

  it('did not heed OTEL_METRICS_EXPORTER=none', async () => {
    const { code, errors } = await bench.run(once2(), { environment: { OTEL_METRICS_EXPORTER: 'none' } })
    expect([code, errors]).toEqual([0, 'driftline: OTEL_METRICS_EXPORTER is none: nothing is watched\n'])
    expect(bench.receiver.requests).toEqual([])
  })

  it('sends by otlp only, and says so', async () => {
    const { errors } = await bench.run(once2(), { environment: { OTEL_METRICS_EXPORTER: 'console' } })
    expect(errors).toContain('OTEL_METRICS_EXPORTER: Driftline sends by otlp, and not by console')
    expect(bench.streams).toHaveLength(1)
  })

  it('keeps us quiet with DRIFTLINE_LOG=none', async () => {
    const { errors } = await bench.run(once2(), {
      environment: { DRIFTLINE_LOG: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
    })
    expect(errors).toBe('')
  })

  it('says once that nobody takes the metrics', async () => {
    const nobody = createServer().listen(0, '127.0.0.1')
    await once(nobody, 'listening')
    const { port } = nobody.address() as AddressInfo
    nobody.close()
    const { code, errors } = await bench.run(once2(), {
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:secret@127.0.0.1:${port}` },
    })
    expect(code).toBe(0)
    expect(errors.match(/driftline: export: model: /g)).toHaveLength(1)
    expect(errors).not.toContain('secret')
  })
})

const openTelemetry = ['--import', '@opentelemetry/auto-instrumentations-node/register']

describe('beside OpenTelemetry', () => {
  it.each([
    ['after', [...openTelemetry, ...registerFlag]],
    ['before', [...registerFlag, ...openTelemetry]],
  ])('%s its own register, both send what they see', async (_, flags) => {
    const file = bench.write(
      'server.mjs',
      `import * as ort from 'onnxruntime-node'
       import { createServer } from 'node:http'
       const session = await ort.InferenceSession.create(${JSON.stringify(modelFile)}, { intraOpNumThreads: 1 })
       const server = createServer(async (request, response) => {
         await session.run({ features: new ort.Tensor('float32', new Float32Array(32).fill(1), [2, 16]) })
         response.end('ok')
         server.close()
       }).listen(0, '127.0.0.1', async () => {
         console.log(await (await fetch('http://127.0.0.1:' + server.address().port)).text())
         setTimeout(() => process.kill(process.pid, 'SIGTERM'), 100)
       })`,
    )
    const { code, output, errors } = await bench.run(file, {
      flags: [...sourceCondition, ...flags],
      environment: { OTEL_METRIC_EXPORT_INTERVAL: '1000', OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'none' },
    })
    expect([code, output]).toEqual([0, 'ok\n'])
    expect(errors).toContain('driftline: watching onnxruntime-node')
    expect(bench.streams).toMatchObject([{ model: 'model', features: { 'input[0]': 2 }, durations: 1 }])
    const traces = bench.receiver.requests.filter(({ path }) => path === '/v1/traces')
    expect(traces.map(({ body }) => body.toString()).join('')).toContain('GET')
  })
})
