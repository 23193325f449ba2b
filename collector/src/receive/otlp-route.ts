import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Router } from 'express'
import { showsToken } from '../bearer-token.ts'
import type { Clock } from '../clock.ts'
import type { Block } from '../observation/block.ts'
import { StoreUnavailableError, type AppendReceipt } from '../store/store.ts'
import { OtlpDecodeError } from './decode-error.ts'
import { createJsonDecoder } from './decode-json.ts'
import { createProtobufDecoder } from './decode-protobuf.ts'
import { AbortedError, BodyError, ByteBudget, readBody, type BudgetAccount } from './read-body.ts'
import { createReceiveCounters, type ReceiveCounters } from './receive-counters.ts'
import { defaultLimits, type ReceiveLimits } from './receive-limits.ts'
import { encodeExportResponse, encodeStatus, rpcCode, type FieldViolation, type OtlpEncoding } from './rpc-status.ts'
import { createBlockBuilder, type BuiltBlocks } from './to-blocks.ts'

export interface ReceiverOptions {
  /** Makes blocks durable; a request is answered with 200 only after it resolved. */
  readonly sink: (blocks: readonly Block[]) => Promise<AppendReceipt>
  readonly clock: Clock
  /** Those given replace the defaults. */
  readonly limits?: Partial<ReceiveLimits>
  /** Bearer token that a client must show. */
  readonly token?: string | null
  /** Told of each error that is a fault of this program; the client gets a 503. */
  readonly onError?: (error: unknown) => void
}

export interface Receiver {
  readonly router: Router
  readonly counters: ReceiveCounters
}

/** Seconds after which a client shall try again. */
const retryAfterSeconds = 1

const contentTypes: Readonly<Record<OtlpEncoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}

const rpcCodes: Readonly<Record<number, number>> = {
  400: rpcCode.invalidArgument,
  401: rpcCode.unauthenticated,
  404: rpcCode.notFound,
  405: rpcCode.unimplemented,
  413: rpcCode.resourceExhausted,
  415: rpcCode.invalidArgument,
  503: rpcCode.unavailable,
}

/**
 * The OTLP/HTTP metrics receiver: `POST /v1/metrics`.
 *
 * Never answers 500, because exporters do not send again after one: what is not the client's fault is a 503 with Retry-After.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function createReceiver(options: ReceiverOptions): Receiver {
  const counters = createReceiveCounters()
  const limits = limitsOf(options.limits ?? {})
  const endpoint = new MetricsEndpoint(options, limits, counters)
  const router = express.Router()
  router.all('/v1/metrics', (request, response) => endpoint.handle(request, response))
  router.all(['/v1/logs', '/v1/traces', '/v1development/profiles'], (request, response) => {
    request.resume()
    endpoint.refuse(
      response,
      404,
      encodingOf(request) ?? 'json',
      `${request.path} is not received here, only /v1/metrics is`,
    )
  })
  return { router, counters }
}

class MetricsEndpoint {
  readonly #options: ReceiverOptions
  readonly #limits: ReceiveLimits
  readonly #counters: ReceiveCounters
  readonly #budget: ByteBudget
  readonly #decoders: ReturnType<typeof createDecoders>
  readonly #build: ReturnType<typeof createBlockBuilder>

  constructor(options: ReceiverOptions, limits: ReceiveLimits, counters: ReceiveCounters) {
    this.#options = options
    this.#limits = limits
    this.#counters = counters
    this.#budget = new ByteBudget(limits.inFlightBytes)
    this.#decoders = createDecoders(limits)
    this.#build = createBlockBuilder({ clock: options.clock, limits, counters })
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const encoding = encodingOf(request)
    const refusal = this.#refusal(request, encoding)
    if (refusal !== null) {
      request.resume()
      this.refuse(response, refusal.status, encoding ?? 'json', refusal.message, refusal.headers)
      return
    }
    const account = this.#budget.open()
    try {
      await this.#receive(request, response, encoding!, account)
    } catch (error) {
      this.#answerError(response, encoding!, error)
    } finally {
      account.release()
    }
  }

  /** What can be said without reading the body. */
  #refusal(
    request: IncomingMessage,
    encoding: OtlpEncoding | null,
  ): { status: number; message: string; headers?: Record<string, string> } | null {
    const { token } = this.#options
    if (request.method !== 'POST')
      return { status: 405, message: `method ${request.method} is not POST`, headers: { Allow: 'POST' } }
    if (typeof token === 'string' && !showsToken(request.headers.authorization, token)) {
      return { status: 401, message: 'the ingest token is missing or wrong', headers: { 'WWW-Authenticate': 'Bearer' } }
    }
    if (encoding === null) {
      return {
        status: 415,
        message: `content type '${request.headers['content-type'] ?? ''}' is neither ${contentTypes.protobuf} nor ${contentTypes.json}`,
      }
    }
    return null
  }

  async #receive(
    request: IncomingMessage,
    response: ServerResponse,
    encoding: OtlpEncoding,
    account: BudgetAccount,
  ): Promise<void> {
    const body = await readBody(request, this.#limits.bodyBytes, account)
    this.#counters.bytes += body.length
    const built = this.#build(this.#decoders[encoding](body))
    await this.#store(built)
    const { rejections } = built
    this.#answer(response, 200, encoding, encodeExportResponse(encoding, rejections.total, rejections.message()))
  }

  async #store(built: BuiltBlocks): Promise<void> {
    const { blocks, points, rejections } = built
    const counters = this.#counters
    if (blocks.length > 0) {
      try {
        const { duplicateSeries } = await this.#options.sink(blocks)
        counters.duplicates += duplicateSeries
        counters.accepted += points - duplicateSeries
      } catch (error) {
        built.rollBack()
        throw error
      }
    }
    for (const [reason, count] of rejections.counts) counters.rejected[reason] += count
  }

  #answerError(response: ServerResponse, encoding: OtlpEncoding, error: unknown): void {
    const retry = { 'Retry-After': String(retryAfterSeconds) }
    if (error instanceof AbortedError) {
      response.destroy()
    } else if (error instanceof OtlpDecodeError) {
      this.refuse(response, 400, encoding, error.message, {}, { field: error.path, description: error.message })
    } else if (error instanceof BodyError) {
      this.refuse(response, error.status, encoding, error.message, error.status === 503 ? retry : {})
    } else if (error instanceof StoreUnavailableError) {
      this.refuse(response, 503, encoding, 'the store can not take data now', retry)
    } else {
      this.#counters.unexpectedErrors++
      this.#options.onError?.(error)
      this.refuse(response, 503, encoding, 'the request could not be handled now', retry)
    }
  }

  refuse(
    response: ServerResponse,
    status: number,
    encoding: OtlpEncoding,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    violation?: FieldViolation,
  ): void {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    this.#answer(response, status, encoding, encodeStatus(encoding, rpcCodes[status]!, message, violation))
  }

  /** Plain node:http calls: Express would add a charset and an ETag. */
  #answer(response: ServerResponse, status: number, encoding: OtlpEncoding, body: Buffer): void {
    this.#counters.requests[status] = (this.#counters.requests[status] ?? 0) + 1
    response.statusCode = status
    response.setHeader('Content-Type', contentTypes[encoding])
    response.setHeader('Content-Length', body.length)
    response.end(body)
  }
}

/** A larger body limit also needs more room for bodies in flight, or no such body would ever be taken. */
function limitsOf(given: Partial<ReceiveLimits>): ReceiveLimits {
  const limits = { ...defaultLimits, ...given }
  const inFlightBytes = given.inFlightBytes ?? Math.max(limits.inFlightBytes, 4 * limits.bodyBytes)
  return { ...limits, inFlightBytes }
}

function createDecoders(limits: ReceiveLimits) {
  return { protobuf: createProtobufDecoder(limits), json: createJsonDecoder(limits) }
}

/** The encoding by the content type, null for any other. Parameters are let pass, but a charset must be UTF-8. */
function encodingOf(request: IncomingMessage): OtlpEncoding | null {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';')
  for (const parameter of parameters) {
    if (parameter.trim().startsWith('charset=') && !/^charset="?utf-8"?$/.test(parameter.trim())) return null
  }
  if (type.trim() === contentTypes.protobuf) return 'protobuf'
  return type.trim() === contentTypes.json ? 'json' : null
}
