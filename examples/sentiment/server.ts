import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { env, pipeline } from '@huggingface/transformers'
import { createApp } from './app.ts'

// The model lies beside this file; nothing is fetched.
env.allowRemoteModels = false

const classify = await pipeline('text-classification', fileURLToPath(new URL('model', import.meta.url)), {
  dtype: 'fp32',
})
const server = createServer(createApp((texts) => classify([...texts])))

const port = Number(process.env['PORT'] ?? 3001)
server.on('error', (error) => {
  process.stderr.write(`sentiment server: ${error.message}\n`)
  process.exit(1)
})
server.listen(port, '127.0.0.1', () => {
  process.stdout.write(`sentiment server listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
