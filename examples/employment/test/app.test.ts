import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../app.ts'
import { monitored } from '../monitored.ts'
import { openModel, predict } from '../predict.ts'
import { readRows } from '../rows.ts'

let server: Server
let url: string
let recorded: { row: unknown; prediction: unknown }[]

beforeEach(async () => {
  recorded = []
  const monitor = {
    record: (row: unknown, prediction?: unknown) => void recorded.push({ row, prediction }),
    observe: <Value>(call: () => Value): Value => call(),
  }
  const session = await openModel()
  server = createServer(createApp(monitored((rows) => predict(session, rows), monitor)))
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
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(`${url}/predict`, { method: 'POST', body, headers: { 'content-type': type } })
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
        prediction: { class: employed ? 'employed' : 'not_employed', score: probability },
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

describe('GET /healthz', () => {
  it('is ok', async () => {
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' })
  })
})
