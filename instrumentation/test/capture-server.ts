import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Captured {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** An HTTP server that keeps what is posted to it and answers with a status that the test chooses. */
export class CaptureServer {
  readonly requests: Captured[] = []
  status = 200
  responseHeaders: Record<string, string> = {}
  responseBody: string | Uint8Array = ''
  readonly #server: Server
  readonly url: string
  #waiting: (() => void)[] = []

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(): Promise<CaptureServer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const capture = new CaptureServer(server)
    server.on('request', (request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        capture.requests.push({ path: request.url!, headers: request.headers, body: Buffer.concat(parts) })
        response.writeHead(capture.status, capture.responseHeaders).end(capture.responseBody)
        for (const wake of capture.#waiting.splice(0)) wake()
      })
    })
    return capture
  }

  /** Resolves when there have been so many requests. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
