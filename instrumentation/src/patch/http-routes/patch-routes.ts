import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ModelConfig } from '../../zero-code/instrument-config.ts'
import type { Agent, ModelTap } from '../../zero-code/sighting.ts'
import { compileRequest, type ReadRows } from './body-rows.ts'
import { HeldBytes, type CollectedBody } from './collected-body.ts'
import { ExchangeQueue } from './exchange-queue.ts'
import { watchExchange, type Exchange } from './node-http.ts'
import { compileResponse, type ReadAnswers } from './response-answers.ts'
import { compileRoutePattern, RouteTable, type RoutePattern } from './route-pattern.ts'

/** Routes that are being watched. */
export interface RouteWatch {
  /** Reads the bodies that still wait for it, at once: before the last interval is sent. */
  drain(): void
  /** Later requests are not watched. */
  stop(): void
}

/** Bodies that are decompressed at the same time: the threads are also those of the server's files and host names. */
export const maxDecompressing = 8

/** Published by every server of node:http and node:https before it hands a request to its own listeners. */
const requestStart = 'http.server.request.start'

/**
 * Watches the configured routes of every HTTP/1 server of this process, whichever framework it is written with. Nothing is read of requests to other
 * routes; without routes nothing is done at all. Bodies are read after the answer was sent.
 *
 * Servers of node:http2 announce no such requests and are not watched.
 */
export function patchRoutes(agent: Agent, config: readonly ModelConfig[]): RouteWatch {
  const queue = new ExchangeQueue()
  const held = new HeldBytes()
  const routes = config.flatMap((model) => {
    const route = compileRoute(agent, model)
    return route === null ? [] : [route]
  })
  if (routes.length === 0) return { drain: () => undefined, stop: () => undefined }
  const decompressing = { count: 0 }
  const table = new RouteTable(
    routes.map(({ pattern, ...route }) => ({
      pattern,
      value: new WatchedRoute({ agent, name: pattern.text, queue, held, decompressing, ...route }),
    })),
  )
  // An error thrown here would end the process.
  const onStart = (message: unknown): void => {
    try {
      const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse }
      table.find(request.method, request.url)?.watch(request, response)
    } catch (error) {
      agent.warn('internal', requestStart, describe(error))
    }
  }
  subscribe(requestStart, onStart)
  agent.patched('node:http', process.versions.node)
  return {
    drain: () => queue.drain(),
    stop: () => {
      unsubscribe(requestStart, onStart)
    },
  }
}

interface CompiledRoute {
  readonly pattern: RoutePattern
  readonly readRows: ReadRows
  readonly readAnswers: ReadAnswers | null
}

function compileRoute(agent: Agent, model: ModelConfig): CompiledRoute | null {
  const { route } = model.match
  if (route === undefined || model.watch === false) return null
  try {
    return {
      pattern: compileRoutePattern(route),
      readRows: compileRequest(model.request),
      readAnswers: compileResponse(model.response),
    }
  } catch (error) {
    agent.warn('mismatched-model', route, `the route is not watched: ${describe(error)}`)
    return null
  }
}

interface RouteOptions {
  readonly agent: Agent
  readonly name: string
  readonly queue: ExchangeQueue
  readonly held: HeldBytes
  readonly readRows: ReadRows
  readonly readAnswers: ReadAnswers | null
  readonly decompressing: { count: number }
}

class WatchedRoute {
  readonly #options: RouteOptions
  /** Undefined until the first request. */
  #tap: ModelTap | null | undefined = undefined
  readonly #onError: (error: unknown) => void

  constructor(options: RouteOptions) {
    this.#options = options
    this.#onError = (error) => options.agent.warn('internal', options.name, describe(error))
  }

  watch(request: IncomingMessage, response: ServerResponse): void {
    const { agent, name, held, readAnswers } = this.#options
    if (this.#tap === undefined) {
      this.#tap = agent.sight({
        library: 'node:http',
        libraryVersion: process.versions.node,
        kind: 'route',
        name,
        file: null,
        artefactDigest: null,
        inputs: null,
        outputs: null,
      })
    }
    const tap = this.#tap
    if (tap === null) return
    try {
      watchExchange(request, response, {
        held,
        readResponse: readAnswers !== null,
        onClose: (exchange) => this.#closed(tap, exchange),
        onError: this.#onError,
      })
    } catch (error) {
      agent.warn('not-patchable', name, describe(error))
    }
  }

  #closed(tap: ModelTap, exchange: Exchange): void {
    const { status, seconds } = exchange
    if (status !== null && status >= 200 && status < 300) {
      this.#decompress(exchange, () => {
        if (this.#options.queue.add(() => this.#read(tap, exchange))) return
        this.#unread(tap, exchange, 'request bodies wait to be read faster than the server leaves time for it')
      })
      return
    }
    release(exchange)
    // A redirect, or "not modified", is neither an answer of the model nor a failure.
    if (status === null) tap.duration(seconds, Number.NaN, 'aborted')
    else if (status >= 400) tap.duration(seconds, Number.NaN, status >= 500 ? '5xx' : '4xx')
  }

  #decompress(exchange: Exchange, done: () => void): void {
    const { decompressing } = this.#options
    const bodies: [CollectedBody, string | undefined][] = [[exchange.request, exchange.requestEncoding]]
    if (exchange.response !== null) bodies.push([exchange.response, exchange.responseEncoding])
    const next = (): void => {
      const body = bodies.shift()
      if (body === undefined) done()
      else if (!body[0].isCompressed(body[1])) next()
      else if (decompressing.count >= maxDecompressing) {
        body[0].giveUp('too many bodies are being decompressed at once')
        next()
      } else {
        decompressing.count++
        body[0].decompress(body[1], () => {
          decompressing.count--
          next()
        })
      }
    }
    next()
  }

  #read(tap: ModelTap, exchange: Exchange): void {
    try {
      const { readRows, readAnswers } = this.#options
      const request = parse(exchange.request)
      if ('unreadable' in request) {
        this.#unread(tap, exchange, `a request body could not be read: ${request.unreadable}`)
        return
      }
      const asked = readRows(request.value)
      if ('mismatch' in asked) {
        tap.drop('unmatched_body', 1, `a request body does not fit the configuration: ${asked.mismatch}`)
        tap.duration(exchange.seconds, Number.NaN, undefined)
        return
      }
      const { rows, ids, segments } = asked
      tap.duration(exchange.seconds, rows.length, undefined)
      if (rows.length === 0) return
      if (readAnswers === null || exchange.response === null) {
        tap.record(rows, { ids, segments })
        return
      }
      const response = parse(exchange.response)
      if ('unreadable' in response) {
        tap.drop('unreadable_body', rows.length, `a response body could not be read: ${response.unreadable}`)
        return
      }
      const output = readAnswers(response.value, rows.length)
      if ('mismatch' in output) {
        tap.drop('unmatched_body', rows.length, `a response body does not fit the configuration: ${output.mismatch}`)
      } else tap.record(rows, { ...output, ids: output.ids ?? ids, segments })
    } catch (error) {
      this.#onError(error)
    } finally {
      release(exchange)
    }
  }

  /** How many rows it held is not known: at least one. */
  #unread(tap: ModelTap, exchange: Exchange, reason: string): void {
    release(exchange)
    tap.drop('unreadable_body', 1, reason)
    tap.duration(exchange.seconds, Number.NaN, undefined)
  }
}

function parse(body: CollectedBody): { readonly value: unknown } | { readonly unreadable: string } {
  const text = body.text()
  if ('unreadable' in text) return text
  if (text.text === '') return { unreadable: 'it is empty' }
  try {
    return { value: JSON.parse(text.text) as unknown }
  } catch {
    return { unreadable: 'it is not JSON' }
  }
}

function release({ request, response }: Exchange): void {
  request.giveUp('it was released')
  response?.giveUp('it was released')
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
