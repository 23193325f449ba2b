import { readFileSync } from 'node:fs'
import type http from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * A connection that does not come about in this time is given up: while it is being made it keeps the process alive, and
 * that shall not outlast the time that export.ts allows at the end of a process. Long enough for TCP's first repetition, after 1 s.
 */
const connectTimeoutMillis = 1_500

/** Answers after which an OTLP exporter would wait and try again by itself. */
const retryableStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * Makes an HTTP agent under which an OTLP exporter never keeps the process alive. The exporters have no setting for that, but
 * let their users choose the agent. It differs from the default in two things: its sockets do not hold the event loop, and failures
 * reach the exporter in a form that it does not retry, because its waiting between attempts (up to 10 s) holds the event
 * loop too. Intervals are kept and resent by `export.ts`, so nothing is lost by that.
 */
export function quietAgent(protocol: string): http.Agent {
  // Loaded only now: processes without models are not to wait for it at their start.
  if (protocol !== 'https:') return quiet(new (process.getBuiltinModule('node:http').Agent)({ keepAlive: true }))
  // With an agent of our own the exporters do not read these variables themselves.
  const read = (name: string): Buffer | undefined => {
    const file = process.env[`OTEL_EXPORTER_OTLP_METRICS_${name}`] || process.env[`OTEL_EXPORTER_OTLP_${name}`]
    return file === undefined || file === '' ? undefined : readFileSync(file)
  }
  const [ca, cert, key] = [read('CERTIFICATE'), read('CLIENT_CERTIFICATE'), read('CLIENT_KEY')]
  const { Agent } = process.getBuiltinModule('node:https')
  return quiet(new Agent({ keepAlive: true, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }))
}

/** The parts of an agent that its users may replace but that its type does not tell. */
interface AgentInternals {
  createConnection(options: object, callback?: unknown): (Duplex & { unref?(): void }) | undefined
  reuseSocket(socket: { unref?(): void }, request: http.ClientRequest): void
  addRequest(request: http.ClientRequest, ...rest: unknown[]): void
}

function quiet<Agent extends http.Agent>(agent: Agent): Agent {
  const internals = agent as unknown as AgentInternals
  const { createConnection, reuseSocket, addRequest } = internals
  internals.createConnection = function (this: unknown, options, callback) {
    const socket = createConnection.call(this, options, callback)
    if (socket !== undefined) {
      socket.unref?.()
      const timer = setTimeout(
        () => socket.destroy(new Error(`no connection within ${connectTimeoutMillis} ms`)),
        connectTimeoutMillis,
      )
      timer.unref()
      for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(timer))
    }
    return socket
  }
  internals.reuseSocket = function (this: unknown, socket, request) {
    reuseSocket.call(this, socket, request)
    socket.unref?.()
  }
  internals.addRequest = function (this: unknown, request, ...rest) {
    // Both run before the exporter's own listeners, which are added after the request was made or come later in the list.
    request.prependListener('error', (error: Error & { code?: string }) => {
      // The exporter knows network failures that pass by their code.
      if (error.code !== undefined) delete error.code
    })
    request.prependListener('response', (response) => {
      const status = response.statusCode ?? 0
      if (retryableStatuses.has(status))
        request.emit('error', new PostponedExport(status, response.headers['retry-after']))
    })
    addRequest.call(this, request, ...rest)
  }
  return agent
}

/** The receiver asked to try again later. */
export class PostponedExport extends Error {
  override readonly name = 'PostponedExport'
  readonly status: number
  /** As the header says it: seconds, or a date. */
  readonly retryAfter: string | undefined

  constructor(status: number, retryAfter: string | undefined) {
    super(`the receiver answered ${status}${retryAfter === undefined ? '' : `, retry after ${retryAfter}`}`)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** The time (ms since the epoch) before which the receiver does not want to be asked again; null when it did not say. */
export function retryTime(retryAfter: string | undefined, now: number): number | null {
  if (retryAfter === undefined) return null
  const seconds = Number(retryAfter)
  const time = Number.isFinite(seconds) ? now + seconds * 1000 : Date.parse(retryAfter)
  return Number.isFinite(time) ? time : null
}
