import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../app.ts'

let server: Server
let given: (readonly string[])[]
beforeEach(async () => {
  given = []
  const app = createApp(async (texts) => {
    given.push(texts)
    if (texts.includes('fail')) throw new Error('a secret of the model')
    return texts.map(() => ({ label: 'positive', score: 0.9 }))
  })
  server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

async function post(body: string, type = 'application/json'): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/classify`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  })
  return { status: response.status, body: await response.json() }
}

describe('POST /classify', () => {
  it('classifies one text or several', async () => {
    const sentiment = { label: 'positive', score: 0.9 }
    expect(await post('{"text":"a"}')).toEqual({ status: 200, body: { sentiments: [sentiment] } })
    expect(await post('{"texts":["a","b"]}')).toEqual({ status: 200, body: { sentiments: [sentiment, sentiment] } })
    expect(given).toEqual([['a'], ['a', 'b']])
  })

  it.each([
    ['{"texts":[]}', 'texts: there is none'],
    ['{"texts":[1]}', 'texts: each must be a string'],
    ['{"words":"a"}', 'send { "text": "..." } or { "texts": ["...", ...] }'],
    [JSON.stringify({ texts: Array.from({ length: 101 }, () => 'a') }), 'texts: 101 are too many, 100 are allowed'],
  ])('refuses %.30s', async (body, error) => {
    expect(await post(body)).toEqual({ status: 400, body: { error } })
    expect(given).toEqual([])
  })

  it('refuses what is no JSON, and what does not say that it is', async () => {
    expect((await post('{')).status).toBe(400)
    expect(await post('{"text":"a"}', 'text/plain')).toEqual({
      status: 400,
      body: { error: 'send a JSON object, with content-type application/json' },
    })
  })

  it('does not tell what went wrong in the model', async () => {
    expect(await post('{"text":"fail"}')).toEqual({ status: 500, body: { error: 'the model could not answer' } })
  })
})
