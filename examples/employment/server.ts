import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createMonitor } from '@driftline/instrumentation'
import { createApp } from './app.ts'
import { openModel } from './predict.ts'

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

const monitor = createMonitor({ manifest: beside('manifest.json'), baseline: beside('baseline.json') })
const server = createServer(createApp({ session: await openModel(), monitor }))

const port = Number(process.env['PORT'] ?? 3000)
// Loopback, unless a container asks for more: the server has no authentication.
const host = process.env['HOST'] ?? '127.0.0.1'
server.on('error', (error) => {
  process.stderr.write(`employment server: ${error.message}\n`)
  process.exit(1)
})
server.listen(port, host, () => {
  process.stdout.write(`employment server listening on http://${host}:${(server.address() as AddressInfo).port}\n`)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // Answers what has been asked, then sends the metrics of the last interval.
    server.close(() => void monitor.shutdown().finally(() => process.exit(0)))
    server.closeIdleConnections()
  })
}
