import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRows } from '../rows.ts'

const script = fileURLToPath(new URL('../server.ts', import.meta.url))

let receiver: Server
let received: { path: string | undefined; bytes: number }[]
let child: ChildProcess | undefined

beforeEach(async () => {
  received = []
  receiver = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    request.on('end', () => {
      received.push({ path: request.url, bytes })
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
})
afterEach(async () => {
  child?.kill('SIGKILL')
  receiver.closeAllConnections()
  receiver.close()
  await once(receiver, 'close')
})

async function startServer(environment: Record<string, string>): Promise<{ process: ChildProcess; line: string }> {
  const process_ = spawn(process.execPath, ['-C', '@driftline/source', script], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child = process_
  const [text] = (await once(process_.stdout, 'data')) as [Buffer]
  return { process: process_, line: text.toString() }
}

describe('the server process', () => {
  it('says where it listens, predicts, and sends the last interval when it is ended', async () => {
    const { process: server, line } = await startServer({
      PORT: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
      // Longer than the test: what arrives was sent at the end.
      OTEL_METRIC_EXPORT_INTERVAL: '3600000',
    })
    const [, url] = /^employment server listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line) ?? []
    const rows = readRows('held-out').slice(0, 20)
    const response = await fetch(`${url}/predict`, {
      method: 'POST',
      body: JSON.stringify({ rows }),
      headers: { 'content-type': 'application/json', connection: 'close' },
    })
    expect(((await response.json()) as { predictions: unknown[] }).predictions).toHaveLength(20)
    expect(received).toEqual([])
    server.kill('SIGTERM')
    expect(await once(server, 'exit')).toEqual([0, null])
    expect(received.map(({ path }) => path)).toEqual(['/v1/metrics'])
    expect(received[0]!.bytes).toBeGreaterThan(1_000)
  })

  it('says in one line that its port is taken', async () => {
    const taken = spawn(process.execPath, ['-C', '@driftline/source', script], {
      env: { ...process.env, PORT: String((receiver.address() as AddressInfo).port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child = taken
    let words = ''
    taken.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
    const [code] = (await once(taken, 'close')) as [number]
    expect(code).toBe(1)
    expect(words).toMatch(/^employment server: listen EADDRINUSE[^\n]*\n$/)
  })
})
