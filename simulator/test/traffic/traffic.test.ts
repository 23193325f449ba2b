import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TrafficClient } from '../../src/traffic/client.ts'
import { rowsPerRequest, Traffic } from '../../src/traffic/traffic.ts'
import { FakeClock } from '../fake-clock.ts'

let server: Server
let url: string
let bodies: { rows: unknown[] }[]
let connections: Set<unknown>
let status: number

beforeEach(async () => {
  bodies = []
  connections = new Set()
  status = 200
  server = createServer((request, response) => {
    connections.add(request.socket)
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      bodies.push(JSON.parse(text) as { rows: unknown[] })
      response.writeHead(status).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/predict`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

describe('TrafficClient', () => {
  it('reuses its connections', async () => {
    const client = new TrafficClient({ url, connections: 2 })
    for (let i = 0; i < 20; i++) client.send([{ id: i }])
    await client.idle()
    client.close()
    expect(client.counts).toEqual({ sent: 20, answered: 20, failed: 0, skipped: 0, lastFailure: null })
    expect(connections.size).toBeLessThanOrEqual(2)
  })

  it('repeats a request whose idle connection was closed under it', async () => {
    const client = new TrafficClient({ url, connections: 1 })
    client.send([{ id: 1 }])
    await client.idle()
    server.prependOnceListener('request', (request) => request.socket.resetAndDestroy())
    client.send([{ id: 2 }])
    await client.idle()
    client.close()
    expect(client.counts).toEqual({ sent: 2, answered: 2, failed: 0, skipped: 0, lastFailure: null })
  })

  it('counts a connection that is closed again and again as a failure', async () => {
    server.removeAllListeners('request').on('request', (request) => request.socket.resetAndDestroy())
    const client = new TrafficClient({ url })
    client.send([{ id: 1 }])
    await client.idle()
    client.close()
    expect(client.counts).toMatchObject({ sent: 1, answered: 0, failed: 1 })
  })

  it('counts rows that were answered with an error', async () => {
    status = 503
    const client = new TrafficClient({ url })
    client.send([{ id: 1 }, { id: 2 }])
    await client.idle()
    client.close()
    expect(client.counts).toMatchObject({ sent: 2, answered: 0, failed: 2, lastFailure: 'HTTP 503' })
  })

  it('counts rows that nobody answered, and goes on', async () => {
    const client = new TrafficClient({ url: 'http://127.0.0.1:9/predict' })
    client.send([{ id: 1 }])
    await client.idle()
    client.close()
    expect(client.counts.failed).toBe(1)
    expect(client.counts.lastFailure).toMatch(/ECONNREFUSED/)
  })

  it('skips rows when the server hangs, so that memory stays bounded', () => {
    const client = new TrafficClient({ url, connections: 1 })
    for (let i = 0; i < 1_000; i++) client.send([{ id: i }])
    expect(client.counts.skipped).toBe(1_000 - 256)
    client.close()
  })
})

describe('Traffic', () => {
  it('sends the rows in order at the rate asked for', async () => {
    const clock = new FakeClock()
    let id = 0
    const traffic = new Traffic({ url, rate: 400, next: () => ({ id: id++ }), clock })
    traffic.start()
    clock.turn(500)
    await traffic.stop()
    const sent = bodies.flatMap(({ rows }) => rows.map((row) => (row as { id: number }).id))
    expect(sent.length).toBe(traffic.counts.sent)
    expect(sent.length).toBeGreaterThanOrEqual(200)
    expect(sent.length).toBeLessThanOrEqual(204)
    expect(new Set(sent).size).toBe(sent.length)
  })

  it('gives up a server that hangs', async () => {
    server.removeAllListeners('request')
    const clock = new FakeClock()
    const traffic = new Traffic({ url, rate: 100, next: () => ({ id: 1 }), clock })
    traffic.start()
    clock.turn(1_000)
    const stopped = traffic.stop()
    clock.turn(2_000)
    await stopped
    expect(traffic.counts).toMatchObject({ answered: 0, failed: traffic.counts.sent })
    expect(traffic.counts.sent).toBeGreaterThanOrEqual(100)
  })

  it.each([
    [0.5, 1],
    [50, 1],
    [400, 4],
    [450, 5],
    [5_000, 50],
  ])('puts at a rate of %d a second %d rows into a request', (rate, rows) => {
    expect(rowsPerRequest(rate)).toBe(rows)
  })
})
