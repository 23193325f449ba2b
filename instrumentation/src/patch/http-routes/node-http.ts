import type { IncomingMessage, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { CollectedBody, type HeldBytes } from './collected-body.ts'

/** What was seen of one request and its answer, once that was sent. */
export interface Exchange {
  /** Seconds from the last byte of the request to the end of the answer as the server wrote it: no time of the client's network. */
  readonly seconds: number
  /** Null when the connection broke off before the answer was sent. */
  readonly status: number | null
  readonly request: CollectedBody
  /** Value of Content-Encoding. */
  readonly requestEncoding: string | undefined
  /** Null when it was not asked for. */
  readonly response: CollectedBody | null
  readonly responseEncoding: string | undefined
}

export interface WatchOptions {
  readonly held: HeldBytes
  /** `false`: nothing is read of the response but its status. */
  readonly readResponse: boolean
  /** The answer was sent, or will never be. */
  readonly onClose: (exchange: Exchange) => void
  /** An error of this code, never of the server. */
  readonly onError: (error: unknown) => void
}

/**
 * Watches one request and its answer without changing the flow of either: `push` of the request is what Node's parser calls with every
 * chunk, `write` and `end` of the response are what every framework ends up calling. Throws when the objects cannot be changed.
 */
export function watchExchange(request: IncomingMessage, response: ServerResponse, options: WatchOptions): void {
  if (!Object.isExtensible(request) || !Object.isExtensible(response)) {
    throw new TypeError('a request or response of node:http is not extensible')
  }
  const watched = new WatchedExchange(request, response, options)
  try {
    const { push: realPush } = request
    const { write: realWrite, end: realEnd } = response
    define(request, 'push', function push(this: IncomingMessage, chunk: unknown, _encoding: unknown): boolean {
      watched.pushed(chunk)
      return Reflect.apply(realPush, this, arguments)
    })
    if (options.readResponse) {
      define(
        response,
        'write',
        function write(this: ServerResponse, chunk: unknown, encoding: unknown, _callback: unknown): boolean {
          const result = Reflect.apply(realWrite, this, arguments)
          watched.written(chunk, encoding)
          return result
        },
      )
    }
    define(
      response,
      'end',
      function end(this: ServerResponse, chunk: unknown, encoding: unknown, _callback: unknown): ServerResponse {
        const first = watched.ending()
        const result = Reflect.apply(realEnd, this, arguments)
        if (first) watched.written(chunk, encoding)
        return result
      },
    )
  } catch (error) {
    watched.giveUp()
    throw error
  }
  response.on('close', () => watched.closed())
}

/**
 * Defined and not assigned: where a server froze the prototypes of `node:http`, assigning throws. Listed only where it was before: loggers
 * and `{ ...response }` see the members that they always saw.
 */
function define(target: object, name: string, value: (...parameters: never[]) => unknown): void {
  const enumerable = Object.prototype.propertyIsEnumerable.call(target, name)
  Object.defineProperty(target, name, { value, writable: true, enumerable, configurable: true })
}

/**
 * Gives back what was held for answers that end without a word: Node 22 emits no 'close' for a pipelined answer that was still waiting
 * for its turn when the connection broke (22.23 does not, 24.21 does).
 */
const forgotten = new FinalizationRegistry((bodies: readonly CollectedBody[]) => {
  for (const body of bodies) body.giveUp('it was forgotten')
})

const jsonType = /[/+]json\b/i
const contentType = /^content-type: *(.*?)\r?$/im
const contentEncoding = /^content-encoding: *(.*?)\r?$/im

class WatchedExchange {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #options: WatchOptions
  readonly #requestBody: CollectedBody
  readonly #responseBody: CollectedBody | null
  #start = performance.now()
  #end: number | null = null
  #requestEnded = false
  #headersRead = false
  #responseEncoding: string | undefined = undefined

  constructor(request: IncomingMessage, response: ServerResponse, options: WatchOptions) {
    this.#request = request
    this.#response = response
    this.#options = options
    this.#requestBody = new CollectedBody(options.held)
    this.#responseBody = options.readResponse ? new CollectedBody(options.held) : null
    forgotten.register(
      response,
      this.#responseBody === null ? [this.#requestBody] : [this.#requestBody, this.#responseBody],
      this,
    )
  }

  pushed(chunk: unknown): void {
    try {
      if (chunk === null) {
        this.#requestEnded = true
        if (this.#end === null) this.#start = performance.now()
        // The parser hands out a buffer of its own for every chunk.
      } else if (chunk instanceof Uint8Array) this.#requestBody.add(chunk, false)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Whether this is the first call; what a second one carries is not sent. */
  ending(): boolean {
    if (this.#end !== null) return false
    this.#end = performance.now()
    return true
  }

  /** After the server's own call, which has made the headers: Node takes a chunk as text, bytes, or not at all. */
  written(chunk: unknown, encoding: unknown): void {
    const body = this.#responseBody
    if (body === null) return
    try {
      if (!this.#headersRead) this.#readHeaders(body)
      if (typeof chunk === 'string') {
        if (chunk === '') return
        const plain = typeof encoding !== 'string' || /^utf-?8$/i.test(encoding)
        if (plain) body.add(chunk, false)
        else body.add(Buffer.from(chunk, encoding as BufferEncoding), false)
        // The server may use its buffer again.
      } else if (chunk instanceof Uint8Array) body.add(chunk, true)
    } catch (error) {
      this.#failed(error)
    }
  }

  closed(): void {
    try {
      forgotten.unregister(this)
      const response = this.#response
      if (!this.#requestEnded) this.#requestBody.giveUp('the server answered before it had all of it')
      this.#options.onClose({
        seconds: ((this.#end ?? performance.now()) - this.#start) / 1000,
        status: response.writableFinished ? response.statusCode : null,
        request: this.#requestBody,
        requestEncoding: this.#request.headers['content-encoding'],
        response: this.#responseBody,
        responseEncoding: this.#responseEncoding,
      })
    } catch (error) {
      this.#failed(error)
    }
  }

  /**
   * `_header` is the head as it is sent. `getHeader` does not know what was handed to `writeHead`, as Fastify does.
   */
  #readHeaders(body: CollectedBody): void {
    const head: unknown = (this.#response as unknown as { readonly _header?: unknown })._header
    if (typeof head !== 'string') return
    this.#headersRead = true
    const type = contentType.exec(head)?.[1]
    this.#responseEncoding = contentEncoding.exec(head)?.[1]
    if (this.#response.statusCode < 200 || this.#response.statusCode >= 300) body.giveUp('its status is not 2xx')
    // Small servers often leave the type out.
    else if (type !== undefined && !jsonType.test(type)) body.giveUp(`its Content-Type is ${type.slice(0, 80)}`)
  }

  giveUp(): void {
    this.#requestBody.giveUp('reading it failed')
    this.#responseBody?.giveUp('reading it failed')
  }

  #failed(error: unknown): void {
    this.giveUp()
    try {
      this.#options.onError(error)
    } catch {
      // Nothing may reach the server.
    }
  }
}
