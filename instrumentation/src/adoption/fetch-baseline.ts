import type http from 'node:http'
import { quietAgent } from '../quiet-agent.ts'

/** What a collector answered when it was asked for a baseline. */
export type BaselineAnswer =
  | { readonly kind: 'found'; readonly text: string; readonly tag: string | null }
  | { readonly kind: 'unchanged' }
  /** The collector counts rows of this model, and will have one. */
  | { readonly kind: 'learning' }
  /** No connection, no such address, or another kind of receiver. */
  | { readonly kind: 'none' }
  /** Larger than what a server should be made to read. */
  | { readonly kind: 'too-large'; readonly limit: number }

/** @param tag of the answer that is known already */
export type FetchBaseline = (tag: string | null) => Promise<BaselineAnswer>

/** A thousand features with 168 chunks are 10 MB. */
export const maxBaselineBytes: number = 32 * 1024 * 1024
/** An answer that is not a baseline is a few lines of JSON. */
const maxRefusalBytes = 64 * 1024
/** Of silence. A collector reads a baseline from its disk in milliseconds. */
const idleTimeoutMillis = 10_000

/** Asks over HTTP, on connections that do not keep the process alive. Never rejects. */
export function fetchBaseline({
  baselineUrl,
  headers,
}: {
  readonly baselineUrl: string
  readonly headers: Readonly<Record<string, string>>
}): FetchBaseline {
  const { protocol } = new URL(baselineUrl)
  let agent: http.Agent | undefined
  return (tag) =>
    new Promise((resolve) => {
      const none = (): void => resolve({ kind: 'none' })
      try {
        agent ??= quietAgent(protocol)
        const request = process.getBuiltinModule(protocol === 'https:' ? 'node:https' : 'node:http').get(
          baselineUrl,
          {
            agent,
            headers: { ...headers, accept: 'application/json', ...(tag === null ? {} : { 'if-none-match': tag }) },
          },
          (response) => {
            request.off('close', none)
            read(response).then(resolve, none)
          },
        )
        request.setTimeout(idleTimeoutMillis, () =>
          request.destroy(new Error(`no answer within ${idleTimeoutMillis} ms`)),
        )
        request.on('error', none)
        // Should it end without an answer in a way that is no error.
        request.on('close', none)
      } catch {
        none()
      }
    })
}

async function read(response: http.IncomingMessage): Promise<BaselineAnswer> {
  const { statusCode: status } = response
  if (status === 304) {
    response.resume()
    return { kind: 'unchanged' }
  }
  const limit = status === 200 ? maxBaselineBytes : maxRefusalBytes
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > limit) {
      response.destroy()
      return status === 200 ? { kind: 'too-large', limit } : { kind: 'none' }
    }
    pieces.push(piece)
  }
  const text = Buffer.concat(pieces).toString('utf8')
  // A proxy or another kind of receiver may say 200 to anything, with no body or a page.
  if (status === 200 && text.trimStart().startsWith('{'))
    return { kind: 'found', text, tag: response.headers.etag ?? null }
  return status === 404 && isLearning(text) ? { kind: 'learning' } : { kind: 'none' }
}

function isLearning(text: string): boolean {
  try {
    return typeof (JSON.parse(text) as { learning?: unknown } | null)?.learning === 'object'
  } catch {
    return false
  }
}
