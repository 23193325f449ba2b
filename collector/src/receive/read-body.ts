import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib'

/** A body that was not read, and the HTTP status that says why. */
export class BodyError extends Error {
  override name = 'BodyError'
  readonly status: 400 | 413 | 415 | 503

  constructor(status: 400 | 413 | 415 | 503, message: string) {
    super(message)
    this.status = status
  }
}

/** The client went away before its body was complete: there is nobody to answer. */
export class AbortedError extends Error {
  override name = 'AbortedError'
}

/** Bytes that may be held at one time, by all requests together. */
export class ByteBudget {
  readonly #capacity: number
  #used = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get used(): number {
    return this.#used
  }

  /** Opens an account, from which one request takes and which gives all back at once. */
  open(): BudgetAccount {
    let held = 0
    return {
      take: (bytes) => {
        if (this.#used + bytes > this.#capacity) return false
        this.#used += bytes
        held += bytes
        return true
      },
      release: () => {
        this.#used -= held
        held = 0
      },
    }
  }
}

export interface BudgetAccount {
  /** False when there is no room; nothing was taken then. */
  take(bytes: number): boolean
  release(): void
}

/** Inflated bytes per step; the default of 16 KiB makes a request of 1,000 points hop between threads 30 times. */
const chunkSize = 128 * 1024

/**
 * Reads a request's body, inflated. Bytes are counted while they come, so neither a long body nor one that inflates to
 * gigabytes is ever held.
 *
 * @throws BodyError 413 above `limit` bytes, 415 for an unknown content encoding, 400 when inflation fails, 503 when the budget is spent.
 * @throws AbortedError when the connection ended first.
 */
export function readBody(request: IncomingMessage, limit: number, account: BudgetAccount): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0)
  const inflater = createInflater(request.headers['content-encoding'])
  if (inflater === undefined) {
    request.resume()
    return Promise.reject(
      new BodyError(
        415,
        `content encoding '${request.headers['content-encoding']}' is none of identity, gzip, deflate and zstd`,
      ),
    )
  }
  if (declared > limit) {
    request.resume()
    return Promise.reject(tooLarge(limit))
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const source = inflater === null ? request : request.pipe(inflater)

    const stop = (error: Error) => {
      source.off('data', take)
      request.off('close', closed)
      if (inflater !== null) {
        request.unpipe(inflater)
        inflater.destroy()
      }
      // What the client still sends is thrown away, so that it gets to read the answer.
      request.resume()
      reject(error)
    }
    const take = (chunk: Buffer) => {
      length += chunk.length
      if (length > limit) stop(tooLarge(limit))
      else if (!account.take(chunk.length)) stop(new BodyError(503, 'too many bytes are in flight'))
      else chunks.push(chunk)
    }
    const closed = () => {
      if (!request.complete) stop(new AbortedError('the connection ended before the body did'))
    }
    source.on('data', take)
    request.on('close', closed)
    request.on('error', () => stop(new AbortedError('the connection broke before the body ended')))
    inflater?.on('error', (error) =>
      stop(new BodyError(400, `the body is not valid ${request.headers['content-encoding']}: ${error.message}`)),
    )
    source.on('end', () => {
      request.off('close', closed)
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length))
    })
  })
}

function tooLarge(limit: number): BodyError {
  return new BodyError(413, `the body is larger than ${limit} bytes after inflation`)
}

/** Null for a body that is not compressed, undefined for an encoding that is not known. */
function createInflater(encoding: string | undefined): Duplex | null | undefined {
  switch ((encoding ?? 'identity').trim().toLowerCase()) {
    case 'identity':
    case '':
      return null
    case 'gzip':
    case 'x-gzip':
      return createGunzip({ chunkSize })
    case 'deflate':
      return createInflate({ chunkSize })
    case 'zstd':
      return createZstdDecompress({ chunkSize })
    default:
      return undefined
  }
}
