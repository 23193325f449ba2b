import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TrafficClient } from '../../src/traffic/client.ts'
import { seededRandom } from '../../src/random.ts'
import { Outcomes } from '../../src/traffic/outcomes.ts'
import type { LabelledRow } from '../../src/traffic/rows.ts'
import { rowsPerRequest, Traffic } from '../../src/traffic/traffic.ts'
import { FakeClock } from '../fake-clock.ts'

interface Sent {
  readonly id: string
  readonly n: number
}
interface Outcome {
  readonly id: string
  readonly employed: boolean
}

let server: Server
let url: string
let bodies: { rows: Sent[] }[]
let told: Outcome[]
let connections: Set<unknown>
let status: number

beforeEach(async () => {
  bodies = []
  told = []
  connections = new Set()
  status = 200
  server = createServer((request, response) => {
    connections.add(request.socket)
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const body = JSON.parse(text) as { rows: Sent[]; outcomes?: Outcome[] }
      if (request.url === '/outcomes') told.push(...body.outcomes!)
      else bodies.push(body)
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

const outcomes = { share: 0, label: 'employed', seed: 1 }
/** Rows with numbers of their own, of which the even ones have the label. */
function numbered(): () => LabelledRow {
  let n = 0
  return () => ({ row: { n: ++n, id: 7 }, label: n % 2 === 0 })
}

describe('Outcomes', () => {
  it('tells a share of them, one to four seconds after their predictions', async () => {
    const clock = new FakeClock()
    const all = new Outcomes({ url, label: 'employed', share: 0.8, random: seededRandom(1), clock })
    all.start()
    for (let i = 0; i < 5_000; i++) all.add(`p-${i}`, i % 3 === 0)
    const toldAfter = async (milliseconds: number): Promise<number> => {
      clock.turn(milliseconds)
      await all.idle()
      return told.length
    }
    expect(await toldAfter(990)).toBe(0)
    const half = await toldAfter(1_510)
    const whole = await toldAfter(1_500)
    expect(await toldAfter(60_000)).toBe(whole)
    expect(whole / 5_000).toBeCloseTo(0.8, 1)
    expect(half / whole).toBeCloseTo(0.5, 1)
    for (const { id, employed } of told) expect(employed).toBe(Number(id.slice(2)) % 3 === 0)
    expect(all.counts).toEqual({ told: whole, failed: 0, refused: false })
    all.stop()
    all.close()
  })

  it('asks for nothing with a share of zero, and forgets what waits when it is stopped', async () => {
    const clock = new FakeClock()
    const make = (share: number): Outcomes =>
      new Outcomes({ url, label: 'employed', share, random: seededRandom(1), clock })
    const [none, stopped] = [make(0), make(1)]
    for (const one of [none, stopped]) {
      one.start()
      one.add('p-1', true)
    }
    stopped.stop()
    clock.turn(10_000)
    await Promise.all([none.idle(), stopped.idle()])
    expect(told).toEqual([])
  })
})

describe('Traffic', () => {
  it('sends the rows in order at the rate asked for', async () => {
    const clock = new FakeClock()
    const traffic = new Traffic({ url, rate: 400, next: numbered(), outcomes, clock })
    traffic.start()
    clock.turn(500)
    await traffic.stop()
    const sent = bodies.flatMap(({ rows }) => rows.map(({ n }) => n))
    expect(sent.length).toBe(traffic.counts.sent)
    expect(sent.length).toBeGreaterThanOrEqual(200)
    expect(sent.length).toBeLessThanOrEqual(204)
    expect(new Set(sent).size).toBe(sent.length)
    // The data has one id for a person, each prediction about that person one of its own.
    expect(new Set(bodies.flatMap(({ rows }) => rows.map(({ id }) => id))).size).toBe(sent.length)
    expect(told).toEqual([])
  })

  /** Lets `milliseconds` pass, and requests be answered in between. */
  async function pass(clock: FakeClock, milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      clock.turn(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it('tells outcomes under the ids of their predictions, once each', async () => {
    const clock = new FakeClock()
    const traffic = new Traffic({ url, rate: 400, next: numbered(), outcomes: { ...outcomes, share: 0.8 }, clock })
    traffic.start()
    await pass(clock, 10_000)
    await traffic.stop()
    const labels = new Map(bodies.flatMap(({ rows }) => rows.map(({ id, n }) => [id, n % 2 === 0])))
    for (const { id, employed } of told) expect([id, employed]).toEqual([id, labels.get(id)])
    expect(told.length).toBeGreaterThan(100)
    expect(new Set(told.map(({ id }) => id)).size).toBe(told.length)
    expect(traffic.outcomes).toEqual({ told: told.length, failed: 0, refused: false })
  })

  it('asks a server without a route for outcomes once, and counts failures apart from those of predictions', async () => {
    const asked: (string | undefined)[] = []
    server.removeAllListeners('request').on('request', (request, response) => {
      asked.push(request.url)
      request.resume().on('end', () => response.writeHead(request.url === '/outcomes' ? 404 : 200).end('{}'))
    })
    const clock = new FakeClock()
    const traffic = new Traffic({ url, rate: 100, next: numbered(), outcomes: { ...outcomes, share: 1 }, clock })
    traffic.start()
    await pass(clock, 10_000)
    await traffic.stop()
    expect(traffic.counts).toMatchObject({ answered: traffic.counts.sent, failed: 0 })
    expect(traffic.outcomes).toMatchObject({ told: 0, refused: true })
    // A request may be under way when the first is answered.
    expect(asked.filter((path) => path === '/outcomes').length).toBeLessThanOrEqual(3)
  })

  it('tells nothing of predictions that failed', async () => {
    status = 503
    const clock = new FakeClock()
    const traffic = new Traffic({ url, rate: 100, next: numbered(), outcomes: { ...outcomes, share: 1 }, clock })
    traffic.start()
    await pass(clock, 6_000)
    await traffic.stop()
    expect(traffic.counts.failed).toBe(traffic.counts.sent)
    expect(told).toEqual([])
  })

  it('gives up a server that hangs', async () => {
    server.removeAllListeners('request')
    const clock = new FakeClock()
    const traffic = new Traffic({ url, rate: 100, next: numbered(), outcomes, clock })
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
