import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/** A request that the doctor makes of the server. */
export interface GivenRequest {
  readonly method: string
  readonly url: string
  /** JSON; null for none. */
  readonly body: string | null
}

/**
 * Reads `URL`, `METHOD URL`, `URL BODY` or `METHOD URL BODY`; the body is JSON, or `@` and the path of a file that holds it. With a body and
 * without a method it is a POST.
 *
 * @returns what is wrong with it, in words, or the request
 */
export async function readGivenRequest(text: string, directory: string): Promise<GivenRequest | string> {
  const match = /^(?:([A-Z]+)\s+)?(\S+)(?:\s+(.+))?$/s.exec(text.trim())
  const [, method, address = '', given] = match ?? []
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || !/^https?:$/.test(url.protocol)) return `expected [METHOD ]URL[ BODY], got '${text}'`
  let body = given ?? null
  if (body !== null) {
    try {
      if (body.startsWith('@')) body = await readFile(resolve(directory, body.slice(1)), 'utf8')
      JSON.parse(body)
    } catch (error) {
      return `the body of '${address}' cannot be used: ${(error as Error).message}`
    }
  }
  return { method: method ?? (body === null ? 'GET' : 'POST'), url: url.href, body }
}

/** What came of it. */
export interface RequestOutcome {
  readonly method: string
  readonly url: string
  /** Null when the server did not answer in time. */
  readonly status: number | null
}

/** Makes a request; null when nobody answered. */
export async function makeRequest({ method, url, body }: GivenRequest, timeoutMs: number): Promise<number | null> {
  try {
    const response = await fetch(url, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      headers: { connection: 'close', ...(body === null ? {} : { 'content-type': 'application/json' }) },
      ...(body === null ? {} : { body }),
    })
    await response.arrayBuffer()
    return response.status
  } catch {
    return null
  }
}
