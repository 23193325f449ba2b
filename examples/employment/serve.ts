import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'

/** Listens on `PORT`, else 3000, and `HOST`, else loopback, since there is no authentication; until SIGINT or SIGTERM: then it answers what has been asked, and calls `stop`. */
export function serve(app: Express, stop: () => Promise<void> = () => Promise.resolve()): void {
  const server = createServer(app)
  server.on('error', (error) => {
    process.stderr.write(`employment server: ${error.message}\n`)
    process.exit(1)
  })
  const host = process.env['HOST'] ?? '127.0.0.1'
  server.listen(Number(process.env['PORT'] ?? 3000), host, () => {
    process.stdout.write(`employment server listening on http://${host}:${(server.address() as AddressInfo).port}\n`)
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close(() => void stop())
      server.closeIdleConnections()
    })
  }
}
