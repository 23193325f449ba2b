import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Express } from 'express'
import type { OnnxRuntime } from './onnxruntime.ts'

/** An inference server as anyone would write it: Express, and one run of the model for each request. It knows nothing of Driftline. */
const require = createRequire(new URL('../../instrumentation/package.json', import.meta.url))
const express = require('express') as typeof import('express')
const { InferenceSession, Tensor } = require('onnxruntime-node') as OnnxRuntime

const model = fileURLToPath(new URL('../fixtures/mlp-30-16-2.onnx', import.meta.url))
const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 })
const app: Express = express()
app.disable('x-powered-by')
app.use(express.json())
app.post('/predict', async (request, response) => {
  const { features } = request.body as { features: number[] }
  const { scores } = await session.run({ features: new Tensor('float32', Float32Array.from(features), [1, 30]) })
  response.json({ score: scores!.data[1] })
})
const server = app.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit(0))
