import express from 'express'
import fastify from 'fastify'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { patchRoutes } from '../../../src/patch/http-routes/patch-routes.ts'
import { RecordingAgent } from '../../support/recording-agent.ts'
import {
  expressServer,
  fastifyServer,
  listen,
  plainListener,
  send,
  type ExpressModule,
  type FastifyModule,
  type Received,
  type Sent,
} from './inference-servers.ts'

/** Two real requests each. */
const fuzzCases = Math.ceil(Number(process.env['FUZZ_CASES'] ?? 5_000) / 10)

const good = fc.record({ id: fc.string(), age: fc.integer({ min: -1, max: 100 }) })
const row = fc.oneof(
  { weight: 8, arbitrary: good },
  { weight: 1, arbitrary: fc.jsonValue() },
  { weight: 1, arbitrary: fc.constant({ age: 30, constructor: 1, deep: { age: 2 } }) },
)
const text = fc.oneof(
  { weight: 6, arbitrary: fc.array(row, { maxLength: 5 }).map((rows) => JSON.stringify({ rows })) },
  {
    weight: 1,
    arbitrary: fc.array(row, { maxLength: 5 }).map((rows) => `{"rows":${JSON.stringify(rows)},"__proto__":{}}`),
  },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string() },
)
const mostly = (usual: string, ...others: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })

const request: fc.Arbitrary<Sent> = fc
  .record({
    body: text,
    method: mostly('POST', 'GET', 'HEAD', 'PUT', 'OPTIONS', 'DELETE'),
    path: mostly('/predict', '/predict/', '/predict?x=%', '/PREDICT', '/%70redict', '/other', '/predict%ff'),
    type: mostly('application/json', 'application/json; charset=utf-8', 'text/plain', 'multipart/form-data', ''),
    coding: mostly('', 'gzip', 'br', 'x'),
    chunked: fc.boolean(),
    size: fc.integer({ min: 1, max: 100 }),
  })
  .map(({ body, method, path, type, coding, chunked, size }) => {
    const bytes = method === 'GET' || method === 'HEAD' ? Buffer.alloc(0) : Buffer.from(body)
    const chunks: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
    const headers: Record<string, string> = {}
    if (type !== '') headers['content-type'] = type
    if (coding !== '') headers['content-encoding'] = coding
    if (chunked) headers['transfer-encoding'] = 'chunked'
    else headers['content-length'] = String(bytes.length)
    return { method, path, headers, chunks }
  })

/** All but the time of day. */
function comparable({ status, headers, body }: Received): unknown {
  return { status, headers: headers.filter((_, i) => headers[i - (i % 2)] !== 'Date'), body: body.toString('latin1') }
}

describe.each([
  ['node:http', () => listen(plainListener)],
  ['Express', () => expressServer(express as unknown as ExpressModule)],
  ['Fastify', () => fastifyServer(fastify as unknown as FastifyModule)],
])('answers of %s', (_name, start) => {
  it('are the same, byte for byte, with and without the patch', async () => {
    const server = await start()
    const agent = new RecordingAgent()
    try {
      await fc.assert(
        fc.asyncProperty(request, async (sent) => {
          const alone = await send(server.port, sent)
          const watched = patchRoutes(agent, [
            {
              match: { route: 'POST /predict' },
              request: { rows: '$.rows[*]', id: '$.id' },
              response: { rows: '$.predictions[*]', class: '$.label', score: '$.probability' },
            },
          ])
          try {
            expect(comparable(await send(server.port, sent))).toEqual(comparable(alone))
          } finally {
            watched.stop()
          }
        }),
        { numRuns: fuzzCases },
      )
      expect(agent.warnings).toEqual([])
      expect(agent.taps.some(({ rows }) => rows.length > 0)).toBe(true)
    } finally {
      await server.close()
    }
  })
})
