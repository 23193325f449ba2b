import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Batch, BatchLimits, Destination, SendOutcome } from '../../src/journal/destination.ts'

/** What the server does with one request. */
export type Answer =
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      /** Text, or indexes of lines that are refused by name. */
      readonly body?: string | readonly number[]
    }
  | 'reset'
  | 'silence'

export interface ScriptedServer {
  readonly url: string
  /** Lines of each request that was read, whatever the answer. */
  readonly requests: { readonly target: string; readonly lines: readonly string[] }[]
  /** Answered in turn; then `otherwise` decides. */
  readonly script: Answer[]
  otherwise: (lines: readonly string[]) => Answer
  close(): Promise<void>
}

/** A real HTTP server on loopback that answers as it was told. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const requests: { target: string; lines: string[] }[] = []
  const server = createServer()
  const scripted: Omit<ScriptedServer, 'url' | 'close'> = { requests, script: [], otherwise: () => ({ status: 204 }) }
  server.on('request', (request, response) => {
    void textOf(request).then((text) => {
      const lines = text.split('\n')
      requests.push({ target: request.url!.slice(1), lines })
      const answer = scripted.script.shift() ?? scripted.otherwise(lines)
      if (answer === 'reset') request.socket.destroy()
      else if (answer !== 'silence') {
        response.writeHead(answer.status, answer.headers)
        response.end(typeof answer.body === 'object' ? JSON.stringify(answer.body) : answer.body)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(scripted as ScriptedServer, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** A destination that posts lines as they are. A record's payload is its lines, each `target:text` or a text for the target `raw`. */
export function httpDestination(url: string, limits: BatchLimits, timeoutMs = 20_000): Destination {
  return {
    limits,
    *encode({ payload }) {
      const text = Buffer.from(payload).toString()
      if (text === '') return
      for (const line of text.split('\n')) {
        if (line === 'throw') throw new Error('cannot be read')
        const [target, rest] = line.includes(':') ? (line.split(':', 2) as [string, string]) : ['raw', line]
        yield { target, text: rest }
      }
    },
    async send({ target, lines }: Batch): Promise<SendOutcome> {
      const response = await fetch(`${url}/${target}`, {
        method: 'POST',
        body: lines.join('\n'),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const body = await response.text()
      return outcomeOf(response.status, body, response.headers.get('retry-after'))
    },
  }
}

function outcomeOf(status: number, body: string, retryAfter: string | null): SendOutcome {
  const reason = `${status} ${body}`.trim()
  if (status < 300) return { kind: 'accepted' }
  if (status === 400) {
    const named = body.startsWith('[') ? (JSON.parse(body) as number[]) : null
    return { kind: 'refused', reason, lines: named?.map((index) => ({ index, reason: `line ${index}` })) ?? null }
  }
  if (status === 401 || status === 403 || status === 404) return { kind: 'hold', reason }
  if (status === 413) return { kind: 'too-large', reason }
  return { kind: 'try-later', reason, ...(retryAfter === null ? {} : { retryAfterMs: Number(retryAfter) * 1000 }) }
}
