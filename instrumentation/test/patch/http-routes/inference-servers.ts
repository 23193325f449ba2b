import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server of one framework, listening on a port of its own. */
export interface RunningServer {
  readonly port: number
  readonly close: () => Promise<void>
}

interface Row {
  readonly id?: unknown
  readonly age?: unknown
}

/** The model of all servers: one answer per row; throws for a row whose age is -1. */
export function answer(body: unknown): { readonly predictions: readonly unknown[] } {
  const { rows } = body as { readonly rows: readonly Row[] }
  return {
    predictions: rows.map(({ id, age }) => {
      if (age === -1) throw new Error('the model failed')
      return { id, label: Number(age) > 40, probability: Number(age) / 100, note: 'é' }
    }),
  }
}

export async function listen(listener: http.RequestListener): Promise<RunningServer> {
  const server = http.createServer(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
    },
  }
}

/** Without a framework; `GET /health` and every path but `/predict` have plain answers. */
export function plainListener(request: http.IncomingMessage, response: http.ServerResponse): void {
  if (request.url !== '/predict') {
    response.end('fine')
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    let body: unknown
    try {
      body = JSON.parse(Buffer.concat(chunks).toString())
    } catch {
      response.statusCode = 400
      response.end('bad JSON')
      return
    }
    try {
      const text = JSON.stringify(answer(body))
      response.setHeader('content-type', 'application/json')
      response.end(text)
    } catch {
      response.statusCode = 500
      response.end('{"error":"failed"}')
    }
  })
}

/** The part of Express that these tests use: 5.0 and 5.3 have it. */
export interface ExpressModule {
  (): ((request: http.IncomingMessage, response: http.ServerResponse) => void) & {
    use(handler: unknown): void
    post(path: string, handler: (request: { body: unknown }, response: { json(body: unknown): void }) => void): void
  }
  json(options: { limit: string }): unknown
}

export function expressServer(express: ExpressModule): Promise<RunningServer> {
  const app = express()
  app.use(express.json({ limit: '10mb' }))
  app.post('/predict', (request, response) => response.json(answer(request.body)))
  // Without this Express writes the stack of an error to the console.
  app.use((error: { readonly status?: number }, _request: unknown, response: http.ServerResponse, _next: unknown) => {
    response.statusCode = error.status ?? 500
    response.end('{"error":"failed"}')
  })
  return listen(app)
}

/** The part of Fastify that these tests use: 5.0 and 5.12 have it. */
export type FastifyModule = (options: { bodyLimit: number }) => {
  post(path: string, handler: (request: { body: unknown }) => Promise<unknown>): unknown
  listen(options: { port: number; host: string }): Promise<string>
  close(): Promise<unknown>
  readonly server: { address(): unknown; closeAllConnections(): void }
}

export async function fastifyServer(fastify: FastifyModule): Promise<RunningServer> {
  const app = fastify({ bodyLimit: 10_000_000 })
  app.post('/predict', async ({ body }) => answer(body))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    port: (app.server.address() as AddressInfo).port,
    close: async () => {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

export interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Written one by one. */
  readonly chunks?: readonly (string | Uint8Array)[]
}

export interface Received {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** One request on a connection of its own, or of the agent given. */
export function send(port: number, sent: Sent, agent: http.Agent | false = false): Promise<Received> {
  return new Promise((resolve, reject) => {
    const { method = 'POST', path = '/predict', headers = { 'content-type': 'application/json' }, chunks = [] } = sent
    const request = http.request({ port, host: '127.0.0.1', method, path, headers, agent }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.rawHeaders, body: Buffer.concat(parts) })
      })
    })
    request.on('error', reject)
    for (const chunk of chunks) request.write(chunk)
    request.end()
  })
}

export function sendJson(port: number, body: unknown, agent: http.Agent | false = false): Promise<Received> {
  return send(port, { chunks: [JSON.stringify(body)] }, agent)
}
