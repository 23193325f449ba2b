import { createRequire } from 'node:module'
import { describe, expect, it, vi } from 'vitest'
import { patchRoutes } from '../../instrumentation/src/patch/http-routes/patch-routes.ts'
import {
  answer,
  expressServer,
  fastifyServer,
  sendJson,
  type ExpressModule,
  type FastifyModule,
} from '../../instrumentation/test/patch/http-routes/inference-servers.ts'
import { RecordingAgent } from '../../instrumentation/test/support/recording-agent.ts'

const oldest = createRequire(new URL('./oldest/package.json', import.meta.url))

describe.each([
  ['Express', 'express', '5.0.1', () => expressServer(oldest('express') as ExpressModule)],
  ['Fastify', 'fastify', '5.0.0', () => fastifyServer(oldest('fastify') as FastifyModule)],
])('routes of the oldest supported %s', (_name, library, version, start) => {
  it(`are read, ${version}`, async () => {
    expect((oldest(`${library}/package.json`) as { version: string }).version).toBe(version)
    const agent = new RecordingAgent()
    const watched = patchRoutes(agent, [
      {
        match: { route: 'POST /predict' },
        request: { rows: '$.rows[*]', id: '$.id' },
        response: { rows: '$.predictions[*]', class: '$.label', score: '$.probability' },
      },
    ])
    const server = await start()
    try {
      const body = { rows: [{ id: 'a', age: 30 }, { id: 'b', age: 50 }] } // prettier-ignore
      expect(JSON.parse((await sendJson(server.port, body)).body.toString())).toEqual(answer(body))
      await sendJson(server.port, { rows: [{ age: -1 }] })
      await vi.waitFor(() => expect(agent.tap.durations).toHaveLength(2))
      expect(agent.tap.rows).toEqual([
        {
          rows: [{ age: 30 }, { age: 50 }],
          output: { classes: [false, true], scores: [0.3, 0.5], ids: ['a', 'b'], segments: undefined },
        },
      ])
      expect(agent.tap.durations[1]!.error).toBe('5xx')
    } finally {
      watched.stop()
      await server.close()
    }
  })
})
