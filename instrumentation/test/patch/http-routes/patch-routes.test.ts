import http from 'node:http'
import net from 'node:net'
import { Readable } from 'node:stream'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import express from 'express'
import fastify from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { maxBodyBytes } from '../../../src/patch/http-routes/collected-body.ts'
import { patchRoutes, type RouteWatch } from '../../../src/patch/http-routes/patch-routes.ts'
import type { ModelConfig } from '../../../src/zero-code/instrument-config.ts'
import { RecordingAgent } from '../../support/recording-agent.ts'
import {
  answer,
  expressServer,
  fastifyServer,
  listen,
  plainListener,
  send,
  sendJson,
  type ExpressModule,
  type FastifyModule,
  type RunningServer,
} from './inference-servers.ts'

const route: ModelConfig = {
  match: { route: 'POST /predict' },
  request: { rows: '$.rows[*]', id: '$.id' },
  response: {
    rows: '$.predictions[*]',
    class: '$.label',
    score: '$.probability',
    classes: { true: 'old', false: 'young' },
  },
}

const endings: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end()
})

function watch(config: readonly ModelConfig[] = [route], agent: RecordingAgent = new RecordingAgent()): RecordingAgent {
  const watched: RouteWatch = patchRoutes(agent, config)
  endings.push(() => watched.stop())
  return agent
}

async function serve(server: Promise<RunningServer>): Promise<number> {
  const { port, close } = await server
  endings.push(close)
  return port
}

/** Waits until so many requests have been dealt with. */
async function seen(agent: RecordingAgent, requests: number): Promise<RecordingAgent['tap']> {
  await vi.waitFor(() => expect(agent.tap.durations.length).toBeGreaterThanOrEqual(requests), 10_000)
  expect(agent.tap.durations).toHaveLength(requests)
  return agent.tap
}

const two = { rows: [{ id: 'a', age: 30 }, { id: 'b', age: 50, place: 'x' }] } // prettier-ignore
const twoRead = {
  rows: [{ age: 30 }, { age: 50, place: 'x' }],
  output: { classes: ['young', 'old'], scores: [0.3, 0.5], ids: ['a', 'b'], segments: undefined },
}

describe.each([
  ['node:http', () => listen(plainListener)],
  ['Express', () => expressServer(express as unknown as ExpressModule)],
  ['Fastify', () => fastifyServer(fastify as unknown as FastifyModule)],
])('patchRoutes on %s', (_name, start) => {
  it('hands over rows and answers, and sights the route at its first request', async () => {
    const agent = watch()
    const port = await serve(start())
    expect(agent.taps).toEqual([])
    const received = await sendJson(port, two)
    expect(JSON.parse(received.body.toString())).toEqual(answer(two))
    const tap = await seen(agent, 1)
    expect(tap.sighting).toMatchObject({ library: 'node:http', kind: 'route', name: 'POST /predict', inputs: null })
    expect(tap.rows).toEqual([twoRead])
    expect(tap.drops).toEqual([])
    expect(tap.durations[0]).toMatchObject({ rows: 2, error: undefined })
    expect(tap.durations[0]!.seconds).toBeGreaterThan(0)
    expect(tap.durations[0]!.seconds).toBeLessThan(10)
  })

  it('counts bad JSON as a client error, and a handler that throws as a failure of the server', async () => {
    const agent = watch()
    const port = await serve(start())
    expect((await send(port, { chunks: ['{"rows":'] })).status).toBe(400)
    await seen(agent, 1)
    expect((await sendJson(port, { rows: [{ age: -1 }] })).status).toBe(500)
    const tap = await seen(agent, 2)
    expect(tap.durations.map(({ error }) => error)).toEqual(['4xx', '5xx'])
    expect(tap.rows).toEqual([])
  })

  it('reads a body in many chunks, and many requests on one connection', async () => {
    const agent = watch()
    const port = await serve(start())
    const connection = new http.Agent({ keepAlive: true, maxSockets: 1 })
    endings.push(() => connection.destroy())
    const text = JSON.stringify(two)
    const chunks = Array.from(text, (letter) => letter)
    await send(port, { chunks }, connection)
    await sendJson(port, two, connection)
    await sendJson(port, two, connection)
    expect((await seen(agent, 3)).rows).toEqual([twoRead, twoRead, twoRead])
  })

  it('keeps 1,000 concurrent requests apart', async () => {
    const agent = watch()
    const port = await serve(start())
    const connections = new http.Agent({ keepAlive: true, maxSockets: 100 })
    endings.push(() => connections.destroy())
    await Promise.all(
      Array.from({ length: 1000 }, (_, i) => sendJson(port, { rows: [{ id: i, age: i % 100 }] }, connections)),
    )
    const { rows, drops } = await seen(agent, 1000)
    expect(drops).toEqual([])
    for (const { rows: asked, output } of rows) {
      const id = output.ids![0] as number
      expect(asked).toEqual([{ age: id % 100 }])
      expect(output.scores).toEqual([(id % 100) / 100])
    }
    expect(new Set(rows.map(({ output }) => output.ids![0])).size).toBe(1000)
  })

  it('drops a body that the paths do not fit, or that is larger than what is read', async () => {
    const agent = watch([{ ...route, request: { rows: '$.elsewhere[*]' } }])
    const port = await serve(start())
    await sendJson(port, two)
    await seen(agent, 1)
    await sendJson(port, { ...two, padding: 'x'.repeat(maxBodyBytes) })
    const { drops, rows } = await seen(agent, 2)
    expect(rows).toEqual([])
    expect(drops).toEqual([
      {
        reason: 'unmatched_body',
        rows: 1,
        detail: 'a request body does not fit the configuration: nothing is at $.elsewhere[*], where the rows should be',
      },
      {
        reason: 'unreadable_body',
        rows: 1,
        detail: `a request body could not be read: it is larger than ${maxBodyBytes} bytes`,
      },
    ])
  })

  it('survives hostile member names', async () => {
    const agent = watch()
    const port = await serve(start())
    // Fastify refuses such a body with 400, as it should.
    const text = '{"rows":[{"age":1,"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}]}'
    const { status } = await send(port, { chunks: [text] })
    const tap = await seen(agent, 1)
    expect(tap.rows.map(({ rows }) => rows)).toEqual(status === 200 ? [[{ age: 1 }]] : [])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('patchRoutes', () => {
  it('does nothing at all without routes', () => {
    const agent = watch([{ match: { file: 'model.onnx' } }, { match: { route: 'POST /x' }, watch: false }])
    expect(agent.libraries).toEqual([])
  })

  it('touches no request to another route', async () => {
    const agent = watch()
    const touched: string[][] = []
    const port = await serve(
      listen((request, response) => {
        touched.push(
          [...Object.getOwnPropertyNames(request), ...Object.getOwnPropertyNames(response)].filter((name) =>
            /^(push|write|end)$/.test(name),
          ),
        )
        plainListener(request, response)
      }),
    )
    await send(port, { method: 'GET', path: '/health' })
    await send(port, { path: '/predicted' })
    await sendJson(port, two)
    expect(touched).toEqual([[], [], ['push', 'write', 'end']])
    await seen(agent, 1)
  })

  it('leaves out a route whose paths are wrong, and says why', () => {
    const agent = watch([{ match: { route: 'POST /x' }, request: { rows: '$.a[' } }, { match: { route: 'x' } }])
    expect(agent.libraries).toEqual([])
    expect(agent.warnings.map(({ kind, subject }) => [kind, subject])).toEqual([
      ['mismatched-model', 'POST /x'],
      ['mismatched-model', 'x'],
    ])
    expect(agent.warnings[0]!.reason).toContain('at position 4 of the path "$.a["')
  })

  it('reads nothing when the agent does not want the route', async () => {
    const agent = watch([route], new RecordingAgent({ watch: () => false }))
    const port = await serve(listen(plainListener))
    expect((await sendJson(port, two)).status).toBe(200)
    expect(agent.taps).toEqual([])
    expect(agent.warnings).toEqual([])
  })

  it('reads rows alone when no answer is configured', async () => {
    const agent = watch([{ match: { route: 'POST /predict' }, request: { rows: '$.rows[*]' } }])
    const port = await serve(listen(plainListener))
    await sendJson(port, two)
    expect((await seen(agent, 1)).rows).toEqual([{ rows: two.rows, output: { ids: undefined, segments: undefined } }])
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('reads bodies in %s', async (coding, compress) => {
    const agent = watch()
    const port = await serve(
      listen((request, response) => {
        request.resume()
        request.on('end', () => {
          response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': coding })
          response.end(compress(JSON.stringify(answer(two))))
        })
      }),
    )
    const headers = { 'content-type': 'application/json', 'content-encoding': coding }
    await send(port, { headers, chunks: [compress(JSON.stringify(two))] })
    await seen(agent, 1)
    await send(port, { headers, chunks: ['not compressed'] })
    await seen(agent, 2)
    await send(port, { headers, chunks: [compress(JSON.stringify({ rows: 'x'.repeat(2 * maxBodyBytes) }))] })
    const { rows, drops } = await seen(agent, 3)
    expect(rows).toEqual([twoRead])
    expect(drops.map(({ detail }) => detail)).toEqual([
      `a request body could not be read: it is not the ${coding} that its Content-Encoding says`,
      `a request body could not be read: it is larger than ${maxBodyBytes} bytes`,
    ])
  })

  it('says that it cannot read an unknown coding, or what is no JSON', async () => {
    const agent = watch()
    const port = await serve(
      listen((request, response) => {
        request.resume()
        request.on('end', () => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'))
      }),
    )
    await send(port, { headers: { 'content-encoding': 'compress' }, chunks: ['x'] })
    await seen(agent, 1)
    await send(port, { chunks: ['age=3'] })
    await seen(agent, 2)
    await send(port, {})
    await seen(agent, 3)
    await sendJson(port, two)
    const { drops } = await seen(agent, 4)
    expect(drops.map(({ rows, detail }) => [rows, detail])).toEqual([
      [1, 'a request body could not be read: its Content-Encoding is "compress"'],
      [1, 'a request body could not be read: it is not JSON'],
      [1, 'a request body could not be read: it is empty'],
      [2, 'a response body could not be read: its Content-Type is text/html'],
    ])
  })

  const text = JSON.stringify(answer(two))
  it.each<[string, (response: http.ServerResponse, done: () => void) => void]>([
    ['end(text, callback)', (response, done) => void response.end(text, done)],
    ['end(text, encoding, callback)', (response, done) => void response.end(text, 'utf8', done)],
    [
      'write(text), end(callback)',
      (response, done) => {
        response.write(text)
        response.end(done)
      },
    ],
    [
      'write(hex, encoding, callback), end()',
      (response, done) => {
        response.write(Buffer.from(text).toString('hex'), 'hex', () => done())
        response.end()
      },
    ],
    [
      'end(base64, encoding)',
      (response, done) => void response.end(Buffer.from(text).toString('base64'), 'base64', done),
    ],
    [
      'end(latin1, encoding)',
      (response, done) => void response.end(Buffer.from(text).toString('latin1'), 'latin1', done),
    ],
    [
      'end(Uint8Array), changed afterwards',
      (response, done) => {
        const bytes = new TextEncoder().encode(text)
        response.end(bytes, () => {
          bytes.fill(0)
          done()
        })
      },
    ],
    [
      'chunks of bytes and texts',
      (response, done) => {
        const bytes = Buffer.from(text)
        for (const byte of bytes.subarray(0, -4)) response.write(Buffer.of(byte))
        response.write(bytes.subarray(-4, -2).toString())
        response.end(bytes.subarray(-2), done)
      },
    ],
    [
      'a stream',
      (response, done) => {
        response.on('finish', done)
        Readable.from(Array.from(Buffer.from(text), (byte) => Buffer.of(byte))).pipe(response)
      },
    ],
    [
      'end twice',
      (response, done) => {
        response.on('error', () => undefined)
        response.end(text, done)
        response.end('}')
      },
    ],
    [
      'writeHead as a list, writeContinue and cork',
      (response, done) => {
        response.writeHead(200, 'Fine', ['Content-Type', 'application/vnd.x+json; charset=utf-8'])
        response.cork()
        response.write(text)
        response.uncork()
        response.end(done)
      },
    ],
  ])('reads an answer written with %s', async (_name, write) => {
    const agent = watch()
    const ended = { count: 0, results: [] as unknown[] }
    const port = await serve(
      listen((request, response) => {
        request.resume()
        request.on('end', () => write(response, () => ended.count++))
      }),
    )
    expect((await sendJson(port, two)).body.toString()).toBe(text)
    expect((await seen(agent, 1)).rows).toEqual([twoRead])
    expect(ended.count).toBe(1)
  })

  it('leaves errors, results and shapes of write and end as they are', async () => {
    const agent = watch()
    const notes: unknown[] = []
    const port = await serve(
      listen((request, response) => {
        notes.push(
          response.write.name,
          response.write.length,
          response.end.name,
          response.end.length,
          request.push.name,
        )
        expect(() => response.write(5)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
        expect(() => response.end(5)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
        notes.push(response.write('{}'), response.end() === response)
      }),
    )
    expect((await sendJson(port, two)).status).toBe(200)
    const plain = new http.ServerResponse(new http.IncomingMessage(new net.Socket()))
    const { write, end } = plain
    expect(notes).toEqual([write.name, write.length, end.name, end.length, 'push', true, true])
    await seen(agent, 1)
  })

  it('reads pipelined requests in order', async () => {
    const agent = watch()
    const port = await serve(listen(plainListener))
    const bodies = [10, 20, 30].map((age) => JSON.stringify({ rows: [{ id: age, age }] }))
    const socket = net.connect(port, '127.0.0.1')
    endings.push(() => void socket.destroy())
    socket.write(
      bodies
        .map((body) => `POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
        .join(''),
    )
    const { rows } = await seen(agent, 3)
    expect(rows.map(({ output }) => [output.ids, output.scores])).toEqual([[[10], [0.1]], [[20], [0.2]], [[30], [0.3]]]) // prettier-ignore
  })

  it('reads a request that waited for 100-continue', async () => {
    const agent = watch()
    const port = await serve(listen(plainListener))
    const { status } = await new Promise<{ status: number | undefined }>((resolve, reject) => {
      const request = http.request(
        { port, host: '127.0.0.1', method: 'POST', path: '/predict', headers: { expect: '100-continue' } },
        (response) => {
          response.resume()
          response.on('end', () => resolve({ status: response.statusCode }))
        },
      )
      request.on('error', reject)
      request.on('continue', () => request.end(JSON.stringify(two)))
      request.flushHeaders()
    })
    expect(status).toBe(200)
    expect((await seen(agent, 1)).rows).toEqual([twoRead])
  })

  it('counts a request that the client broke off, and goes on', async () => {
    const agent = watch()
    const port = await serve(listen(plainListener))
    const socket = net.connect(port, '127.0.0.1')
    socket.write('POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"rows":')
    await vi.waitFor(() => expect(agent.taps).toHaveLength(1))
    socket.destroy()
    await seen(agent, 1)
    await sendJson(port, two)
    const { durations, rows } = await seen(agent, 2)
    expect(durations[0]!.error).toBe('aborted')
    expect(rows).toEqual([twoRead])
  })

  it('does not read a request that was answered before it had come', async () => {
    const agent = watch()
    const port = await serve(listen((_request, response) => void response.end(text)))
    await new Promise<void>((resolve, reject) => {
      const headers = { 'content-length': '100' }
      const request = http.request(
        { port, host: '127.0.0.1', method: 'POST', path: '/predict', headers },
        (response) => {
          response.resume()
          response.on('end', () => {
            request.destroy()
            resolve()
          })
        },
      )
      request.on('error', reject)
      request.flushHeaders()
    })
    const { rows, drops } = await seen(agent, 1)
    expect(rows).toEqual([])
    expect(drops.map(({ detail }) => detail)).toEqual([
      'a request body could not be read: the server answered before it had all of it',
    ])
  })

  it('works where the prototypes of node:http are frozen', async () => {
    const agent = watch()
    class FrozenRequest extends http.IncomingMessage {}
    class FrozenResponse extends http.ServerResponse<FrozenRequest> {
      override end(...parameters: unknown[]): this {
        return Reflect.apply(super.end, this, parameters) as this
      }
      override write(...parameters: unknown[]): boolean {
        return Reflect.apply(super.write, this, parameters) as boolean
      }
    }
    Object.freeze(FrozenRequest.prototype)
    Object.freeze(FrozenResponse.prototype)
    const server = http.createServer({ IncomingMessage: FrozenRequest, ServerResponse: FrozenResponse }, plainListener)
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    endings.push(() => void server.close())
    await sendJson((server.address() as net.AddressInfo).port, two)
    expect((await seen(agent, 1)).rows).toEqual([twoRead])
    expect(agent.warnings).toEqual([])
  })

  it('warns when a response cannot be changed, and the server answers all the same', async () => {
    const agent = watch()
    class SealedResponse extends http.ServerResponse {
      constructor(...parameters: ConstructorParameters<typeof http.ServerResponse>) {
        super(...parameters)
        Object.defineProperty(this, 'end', { value: http.ServerResponse.prototype.end, configurable: false })
      }
    }
    const server = http.createServer({ ServerResponse: SealedResponse }, plainListener)
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    endings.push(() => void server.close())
    const { body } = await sendJson((server.address() as net.AddressInfo).port, two)
    expect(body.toString()).toBe(text)
    expect(agent.warnings).toEqual([expect.objectContaining({ kind: 'not-patchable', subject: 'POST /predict' })])
  })

  it('never lets a failing agent or tap reach the server', async () => {
    const agent = new RecordingAgent()
    const failing = () => {
      throw new Error('tap')
    }
    vi.spyOn(agent, 'sight').mockReturnValue({
      model: 'x',
      begin: failing,
      record: failing,
      duration: failing,
      drop: failing,
    })
    watch([route], agent)
    const port = await serve(listen(plainListener))
    expect((await sendJson(port, two)).body.toString()).toBe(text)
    await vi.waitFor(() =>
      expect(agent.warnings).toContainEqual({ kind: 'internal', subject: 'POST /predict', reason: 'tap' }),
    )
  })

  it('reads at once what waits, when asked to', async () => {
    const agent = new RecordingAgent()
    const watched = patchRoutes(agent, [route])
    endings.push(() => watched.stop())
    let drained = -1
    const port = await serve(
      listen((request, response) => {
        // After Driftline's listener, before its turn.
        response.on('close', () => {
          watched.drain()
          drained = agent.tap.rows.length
        })
        plainListener(request, response)
      }),
    )
    await sendJson(port, two)
    await seen(agent, 1)
    expect(drained).toBe(1)
  })
})
