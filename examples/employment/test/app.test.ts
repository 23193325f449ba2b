import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMonitor } from '@driftline/instrumentation'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../app.ts'
import { monitored, recordOutcomes } from '../monitored.ts'
import { openModel, predict } from '../predict.ts'
import { readRows } from '../rows.ts'

let server: Server
let url: string
let recorded: { row: unknown; prediction: unknown }[]
let outcomes: [id: unknown, actual: unknown][]

beforeEach(async () => {
  recorded = []
  outcomes = []
  const monitor = {
    record: (row: unknown, prediction?: unknown) => void recorded.push({ row, prediction }),
    observe: <Value>(call: () => Value): Value => call(),
    outcome: (id: unknown, actual: unknown) => void outcomes.push([id, actual]),
  }
  const session = await openModel()
  const app = createApp(
    monitored((rows) => predict(session, rows), monitor),
    (some) => recordOutcomes(some, monitor),
  )
  server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

async function post(
  body: string,
  type = 'application/json',
  route = '/predict',
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(`${url}${route}`, { method: 'POST', body, headers: { 'content-type': type } })
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> }
}

describe('POST /predict', () => {
  it('answers rows in their order and records each with its prediction', async () => {
    const rows = readRows('held-out')
      .slice(0, 3)
      .map(({ employed: _employed, year: _year, ...row }) => row)
    const { status, answer } = await post(JSON.stringify({ rows }))
    expect(status).toBe(200)
    const predictions = answer['predictions'] as { id: number; employed: boolean; probability: number }[]
    expect(predictions.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
    expect(recorded).toEqual(
      predictions.map(({ employed, probability }, i) => ({
        row: rows[i],
        prediction: { id: rows[i]!.id, class: employed ? 'employed' : 'not_employed', score: probability },
      })),
    )
  })

  it('answers a single row, with unknown features', async () => {
    const { status, answer } = await post(JSON.stringify({ AGEP: null, SCHL: '21' }))
    expect(status).toBe(200)
    expect(answer['predictions']).toEqual([
      { id: null, employed: expect.any(Boolean) as boolean, probability: expect.any(Number) as number },
    ])
  })

  it.each([
    ['{"rows":', /JSON/],
    ['[1]', /object/],
    ['{"rows": 7}', /rows: an array/],
    ['{"rows": []}', /rows: there is none/],
    ['{"rows": [{"AGEP": 4}, null]}', /rows\[1\]: an object/],
    ['{"rows": [{"age": 4}]}', /rows\[0\]: has none of the features AGEP/],
    ['{"AGEP": {"years": 4}}', /the row\.AGEP: a single value/],
    [JSON.stringify({ rows: Array.from({ length: 1_001 }, () => ({ AGEP: 1 })) }), /1001 are too many/],
  ])('answers %.40s with 400 and a reason', async (body, reason) => {
    const { status, answer } = await post(body)
    expect(status).toBe(400)
    expect(answer['error']).toMatch(reason)
    expect(recorded).toEqual([])
  })

  it('refuses other content and large bodies', async () => {
    expect(await post('AGEP=4', 'application/x-www-form-urlencoded')).toMatchObject({ status: 400 })
    expect(await post(JSON.stringify({ AGEP: 'x'.repeat(2e6) }))).toMatchObject({ status: 413 })
  })
})

describe('POST /outcomes', () => {
  const tell = (body: unknown) => post(JSON.stringify(body), 'application/json', '/outcomes')

  it('hands on what became of predictions', async () => {
    const told = [
      { id: 7, employed: true },
      { id: 'a-8', employed: false },
    ]
    expect(await tell({ outcomes: told })).toEqual({ status: 200, answer: { taken: 2 } })
    expect(outcomes).toEqual([
      [7, 'employed'],
      ['a-8', 'not_employed'],
    ])
  })

  it('reaches a real monitor under the ids that were predicted, and no others', async () => {
    const monitor = createMonitor({
      manifest: new URL('../manifest.json', import.meta.url),
      baseline: new URL('../baseline.json', import.meta.url),
      export: false,
    })
    const answers = [true, false, true, true].map((employed) => ({ employed, probability: employed ? 0.9 : 0.1 }))
    const answer = monitored(() => Promise.resolve(answers), monitor)
    // An id that is none, or null, waits for nothing.
    await answer([
      { id: 1, AGEP: 40 },
      { id: 'x', AGEP: 41 },
      { id: { no: 'id' }, AGEP: 42 },
      { id: null, AGEP: 43 },
    ])
    expect(monitor.statistics().outcomes).toEqual({ joined: 0, pending: 2 })
    recordOutcomes(
      [
        { id: '1', employed: true },
        { id: 'y', employed: true },
      ],
      monitor,
    )
    expect(monitor.statistics()).toMatchObject({
      rows: 4,
      outcomes: { joined: 1, pending: 1 },
      dropped: { outcome_unmatched: 1 },
    })
    await monitor.shutdown()
  })

  it.each([
    [7, /JSON/],
    [{ rows: [] }, /outcomes: an array/],
    [{ outcomes: [] }, /outcomes: there is none/],
    [{ outcomes: [null] }, /outcomes\[0\]: an object/],
    [{ outcomes: [{ employed: true }] }, /outcomes\[0\]\.id: the id/],
    [{ outcomes: [{ id: '', employed: true }] }, /outcomes\[0\]\.id: the id/],
    [
      {
        outcomes: [
          { id: 1, employed: true },
          { id: 2, employed: 1 },
        ],
      },
      /outcomes\[1\]\.employed: true or false/,
    ],
    [{ outcomes: Array.from({ length: 1_001 }, (_, id) => ({ id, employed: true })) }, /1001 are too many/],
  ])('answers %.40j with 400 and a reason, and takes none', async (body, reason) => {
    const { status, answer } = await tell(body)
    expect(status).toBe(400)
    expect(answer['error']).toMatch(reason)
    expect(outcomes).toEqual([])
  })

  it('is not there without anybody to tell', async () => {
    server.removeAllListeners('request').on(
      'request',
      createApp(() => Promise.resolve([])),
    )
    const response = await fetch(`${url}/outcomes`, { method: 'POST', body: '{}' })
    expect(response.status).toBe(404)
    await response.text()
  })
})

describe('GET /healthz', () => {
  it('is ok', async () => {
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' })
  })
})
