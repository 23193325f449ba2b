import { createRequire } from 'node:module'
const { InferenceSession, Tensor } = createRequire(new URL('../../instrumentation/package.json', import.meta.url))('onnxruntime-node') as any
await import('@driftline/instrumentation/register')
const session = await InferenceSession.create(new URL('../fixtures/mlp-30-16-2.onnx', import.meta.url).pathname, {intraOpNumThreads: 1,interOpNumThreads: 1,executionMode: 'sequential'})
const rows = Number(process.argv[2]), calls = Number(process.argv[3])
const feeds = Array.from({ length: Math.ceil(2048 / rows) }, () => ({ features: new Tensor('float32', Float32Array.from({ length: rows * 30 }, Math.random), [rows, 30]) }))
for (let i = 0; i < calls; i++) await session.run(feeds[i % feeds.length]!)
process.exit(0)
