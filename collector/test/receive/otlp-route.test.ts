import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import type { Block } from '../../src/observation/block.ts'
import { createReceiver, type Receiver, type ReceiverOptions } from '../../src/receive/otlp-route.ts'
import { StoreUnavailableError } from '../../src/store/store.ts'
import { decodeResponse, encodeRequest, text, type Init } from './oracle.ts'

const nowMs = Date.parse('2026-11-23T12:00:00Z')
const clock = { now: () => nowMs, after: () => () => {} }
const protobuf = 'application/x-protobuf'
const json = 'application/json'

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

interface Harness {
  readonly receiver: Receiver
  readonly stored: Block[]
  readonly port: number
  send(init?: Partial<Sent>): Promise<Answer>
}

interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: Uint8Array | string
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

async function start(options: Partial<ReceiverOptions> = {}): Promise<Harness> {
  const stored: Block[] = []
  const sink: ReceiverOptions['sink'] = async (blocks) => {
    stored.push(...blocks)
    return { storedSeries: blocks.length, duplicateSeries: 0 }
  }
  const receiver = createReceiver({ sink, clock, ...options })
  const listening = createServer(express().use(receiver.router))
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo
  return { receiver, stored, port, send: (sent = {}) => send(port, sent) }
}

function send(
  port: number,
  { method = 'POST', path = '/v1/metrics', headers = { 'content-type': protobuf }, body = '' }: Partial<Sent>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ port, host: '127.0.0.1', method, path, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
      )
      response.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function metrics(name = 'ml.feature.observations', points = 1): Init {
  const end = BigInt(nowMs) * 1_000_000n
  const dataPoints = Array.from({ length: points }, (_, i) => ({
    startTimeUnixNano: end - 10_000_000_000n,
    timeUnixNano: end,
    value: { case: 'asInt', value: BigInt(i + 1) },
    attributes: [text('ml.feature.name', 'job'), text('ml.feature.category', `c${i}`)],
  }))
  return {
    name,
    unit: '{observation}',
    data: { case: 'sum', value: { aggregationTemporality: 1, isMonotonic: true, dataPoints } },
  }
}

function exportOf(...list: Init[]): Uint8Array {
  const scope = { attributes: [text('ml.model.name', 'employment'), text('ml.model.version', '3')] }
  return encodeRequest({ resourceMetrics: [{ scopeMetrics: [{ scope, metrics: list }] }] })
}

const jsonExport = {
  resourceMetrics: [
    {
      scopeMetrics: [
        {
          scope: {
            attributes: [
              { key: 'ml.model.name', value: { stringValue: 'employment' } },
              { key: 'ml.model.version', value: { stringValue: '3' } },
            ],
          },
          metrics: [
            {
              name: 'ml.predictions',
              sum: {
                aggregationTemporality: 1,
                isMonotonic: true,
                dataPoints: [
                  {
                    startTimeUnixNano: `${nowMs - 10_000}000000`,
                    timeUnixNano: `${nowMs}000000`,
                    asInt: 3,
                    attributes: [{ key: 'ml.prediction.class', value: { stringValue: 'employed' } }],
                  },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
}

/** Code and message of a google.rpc.Status in protobuf, read field by field. */
function statusOf(body: Buffer): { code: number; message: string; details: Buffer[] } {
  const status = { code: 0, message: '', details: [] as Buffer[] }
  for (let at = 0; at < body.length;) {
    const tag = body[at++]!
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = body[at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    if (tag === 0x08) status.code = value
    else {
      const content = body.subarray(at, at + value)
      at += value
      if (tag === 0x12) status.message = content.toString()
      else status.details.push(content)
    }
  }
  return status
}

describe('POST /v1/metrics', () => {
  it('answers 200 with no body to an export in protobuf that is taken whole', async () => {
    const { send, stored, receiver } = await start()
    const answer = await send({ body: exportOf(metrics()) })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe(protobuf)
    expect(answer.headers['content-length']).toBe('0')
    expect(answer.headers.etag).toBeUndefined()
    expect(stored).toHaveLength(1)
    expect(stored[0]!.scope).toMatchObject({ model: 'employment', version: '3' })
    expect(receiver.counters).toMatchObject({ accepted: 1, requests: { 200: 1 } })
  })

  it('answers 200 with {} to one in JSON, with a content type without charset', async () => {
    const { send, stored } = await start()
    const answer = await send({ headers: { 'content-type': json }, body: JSON.stringify(jsonExport) })
    expect([answer.status, answer.body.toString(), answer.headers['content-type'], answer.headers.etag]).toEqual([
      200,
      '{}',
      json,
      undefined,
    ])
    expect([...stored[0]!.values]).toEqual([3])
  })

  it('answers 200 to an empty request without asking the sink', async () => {
    const { send, stored } = await start()
    expect(await send({ body: '' })).toMatchObject({ status: 200, body: Buffer.alloc(0) })
    expect(await send({ headers: { 'content-type': json }, body: '{}' })).toMatchObject({
      status: 200,
      body: Buffer.from('{}'),
    })
    expect(stored).toEqual([])
  })

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
    ['identity', (body: Uint8Array) => body],
  ])('inflates %s', async (encoding, compress) => {
    const { send, stored } = await start()
    const answer = await send({
      headers: { 'content-type': protobuf, 'content-encoding': encoding },
      body: compress(exportOf(metrics(undefined, 500))),
    })
    expect(answer.status).toBe(200)
    expect(stored[0]!.shape.series).toHaveLength(500)
  })

  it('takes a chunked body and parameters of the content type', async () => {
    const { send, stored } = await start()
    const headers = { 'content-type': 'Application/JSON; charset=UTF-8', 'transfer-encoding': 'chunked' }
    expect((await send({ headers, body: JSON.stringify(jsonExport) })).status).toBe(200)
    expect(stored).toHaveLength(1)
  })

  it('answers before nothing: the 200 waits for the sink', async () => {
    let finish = (): void => {}
    const begun = Promise.withResolvers<void>()
    const { send } = await start({
      sink: (blocks) =>
        new Promise((resolve) => {
          finish = () => resolve({ storedSeries: blocks.length, duplicateSeries: 0 })
          begun.resolve()
        }),
    })
    let answered = false
    const answer = send({ body: exportOf(metrics()) }).then((one) => {
      answered = true
      return one
    })
    await begun.promise
    await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    finish()
    expect((await answer).status).toBe(200)
  })

  it('says in a partial success what was refused, and takes the rest', async () => {
    const { send, stored, receiver } = await start()
    const body = exportOf(metrics('http.server.request.duration', 3), metrics())
    const { partialSuccess } = decodeResponse((await send({ body })).body)
    expect(partialSuccess!.rejectedDataPoints).toBe(3n)
    expect(partialSuccess!.errorMessage).toBe(
      'rejected 3 data points (unknown_metric 3), for instance: "http.server.request.duration": is not a metric of Driftline',
    )
    expect(stored).toHaveLength(1)
    expect(receiver.counters.rejected.unknown_metric).toBe(3)

    const foreign = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'x', gauge: { dataPoints: [{}] } }] }] }] }
    const answer = await send({ headers: { 'content-type': json }, body: JSON.stringify(foreign) })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body.toString())).toEqual({
      partialSuccess: {
        rejectedDataPoints: '1',
        errorMessage: expect.stringContaining('"x": is not a metric of Driftline'),
      },
    })
  })

  it('answers 100,000 series with a partial success', async () => {
    const { send, stored } = await start()
    const answer = await send({ body: exportOf(metrics(undefined, 100_000)) })
    expect(answer.status).toBe(200)
    expect(decodeResponse(answer.body).partialSuccess!.rejectedDataPoints).toBe(80_000n)
    expect(stored[0]!.shape.series).toHaveLength(20_000)
  })

  it('answers 400 with a Status that says what is wrong and where, to a body it cannot read', async () => {
    const { send, stored } = await start()
    const body = exportOf(metrics())
    const answer = await send({ body: body.subarray(0, body.length - 3) })
    const status = statusOf(answer.body)
    expect([answer.status, answer.headers['content-type'], status.code]).toEqual([400, protobuf, 3])
    expect(status.message).toMatch(/^a length of \d+ bytes where \d+ are left \(resource_metrics\[0\], byte 1\)$/)
    expect(status.details[0]!.toString()).toContain('type.googleapis.com/google.rpc.BadRequest')
    expect(status.details[0]!.toString()).toContain('resource_metrics[0]')

    const wrong = await send({ headers: { 'content-type': json }, body: '{"resourceMetrics":[{"scopeMetrics":5}]}' })
    expect([wrong.status, wrong.headers['content-type']]).toEqual([400, json])
    expect(JSON.parse(wrong.body.toString())).toEqual({
      code: 3,
      message: 'must be a list, and is 5 (resourceMetrics[0].scopeMetrics)',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: [
            {
              field: 'resourceMetrics[0].scopeMetrics',
              description: 'must be a list, and is 5 (resourceMetrics[0].scopeMetrics)',
            },
          ],
        },
      ],
    })
    expect(stored).toEqual([])
  })

  it('answers 400 to broken and cut gzip', async () => {
    const { send } = await start()
    const headers = { 'content-type': protobuf, 'content-encoding': 'gzip' }
    const whole = gzipSync(exportOf(metrics()))
    for (const body of ['no gzip', whole.subarray(0, whole.length - 5)]) {
      const answer = await send({ headers, body })
      expect(answer.status).toBe(400)
      expect(statusOf(answer.body).message).toMatch(/the body is not valid gzip/)
    }
  })

  it('answers 401 without the token, and names none', async () => {
    const { send, stored } = await start({ token: 'secret' })
    const body = exportOf(metrics())
    for (const authorization of [undefined, 'Bearer wrong', 'Basic secret', 'Bearer secrets']) {
      const headers = { 'content-type': protobuf, ...(authorization === undefined ? {} : { authorization }) }
      const answer = await send({ headers, body })
      expect([answer.status, answer.headers['www-authenticate'], statusOf(answer.body).code]).toEqual([
        401,
        'Bearer',
        16,
      ])
      expect(answer.body.toString()).not.toContain('secret')
    }
    expect(stored).toEqual([])
    expect((await send({ headers: { 'content-type': protobuf, authorization: 'Bearer secret' }, body })).status).toBe(
      200,
    )
  })

  it.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('answers 405 to %s', async (method) => {
    const { send } = await start()
    const answer = await send({ method, headers: { 'content-type': json } })
    expect([answer.status, answer.headers.allow, answer.headers['content-type']]).toEqual([405, 'POST', json])
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 12 })
  })

  it.each(['text/plain', 'application/json; charset=latin1', 'application/protobuf', ''])(
    'answers 415 to the content type %j',
    async (type) => {
      const { send } = await start()
      const answer = await send({ headers: type === '' ? {} : { 'content-type': type }, body: 'x' })
      expect([answer.status, answer.headers['content-type']]).toEqual([415, json])
      expect(JSON.parse(answer.body.toString())).toMatchObject({
        code: 3,
        message: expect.stringContaining(`'${type}'`),
      })
    },
  )

  it('answers 415 to an unknown content encoding', async () => {
    const { send } = await start()
    const answer = await send({ headers: { 'content-type': protobuf, 'content-encoding': 'br' }, body: 'x' })
    expect([answer.status, statusOf(answer.body).message]).toEqual([
      415,
      "content encoding 'br' is none of identity, gzip, deflate and zstd",
    ])
  })

  it('answers 413 to a body over the limit: announced, chunked, or inflated', async () => {
    const { send, stored } = await start({ limits: { bodyBytes: 10_000 } })
    const body = exportOf(metrics(undefined, 1000))
    const requests = [
      { headers: { 'content-type': protobuf }, body },
      { headers: { 'content-type': protobuf, 'transfer-encoding': 'chunked' }, body },
      { headers: { 'content-type': protobuf, 'content-encoding': 'gzip' }, body: gzipSync(body) },
      { headers: { 'content-type': protobuf, 'content-encoding': 'zstd' }, body: zstdCompressSync(body) },
    ]
    for (const one of requests) {
      const answer = await send(one)
      expect([answer.status, statusOf(answer.body).code]).toEqual([413, 8])
      expect(statusOf(answer.body).message).toBe('the body is larger than 10000 bytes after inflation')
    }
    expect(stored).toEqual([])
  })

  it('stops inflating a gzip bomb at the limit, and lives on', async () => {
    const { send } = await start({ limits: { bodyBytes: 2 ** 20 } })
    const bomb = gzipSync(Buffer.alloc(300 * 2 ** 20), { level: 9 })
    expect(bomb.length).toBeLessThan(2 ** 20)
    const before = process.memoryUsage.rss()
    const headers = { 'content-type': protobuf, 'content-encoding': 'gzip' }
    const answers = await Promise.all([1, 2, 3, 4].map(() => send({ headers, body: bomb })))
    expect(answers.map((answer) => answer.status)).toEqual([413, 413, 413, 413])
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 2 ** 20)
    expect((await send({ body: exportOf(metrics()) })).status).toBe(200)
  })

  it('answers 503 with Retry-After when the store is not available, and takes the same request later', async () => {
    let available = false
    const stored: Block[] = []
    const { send, receiver } = await start({
      sink: async (blocks) => {
        if (!available) throw new StoreUnavailableError('the disk at /secret/path is full')
        stored.push(...blocks)
        return { storedSeries: 1, duplicateSeries: 0 }
      },
    })
    const body = exportOf(metrics())
    const answer = await send({ body })
    expect([answer.status, answer.headers['retry-after'], statusOf(answer.body).code]).toEqual([503, '1', 14])
    expect(answer.body.toString()).not.toContain('/secret/path')
    expect(receiver.counters.accepted).toBe(0)
    available = true
    expect((await send({ body })).status).toBe(200)
    expect(stored).toHaveLength(1)
  })

  it('answers 503, never 500, to a fault of its own, and tells', async () => {
    const told: unknown[] = []
    const fault = new TypeError('x is not a function')
    const { send, receiver } = await start({ sink: () => Promise.reject(fault), onError: (error) => told.push(error) })
    const answer = await send({ body: exportOf(metrics()) })
    expect([answer.status, answer.headers['retry-after'], statusOf(answer.body).message]).toEqual([
      503,
      '1',
      'the request could not be handled now',
    ])
    expect(told).toEqual([fault])
    expect(receiver.counters.unexpectedErrors).toBe(1)
  })

  it('answers 503 when more bytes are in flight than allowed, and takes requests again afterwards', async () => {
    const held = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const body = exportOf(metrics(undefined, 100))
    const { send } = await start({
      limits: { inFlightBytes: Math.floor(1.5 * body.length) },
      sink: async (blocks) => {
        begun.resolve()
        await held.promise
        return { storedSeries: blocks.length, duplicateSeries: 0 }
      },
    })
    const first = send({ body })
    await begun.promise
    const second = await send({ body })
    expect([second.status, second.headers['retry-after']]).toEqual([503, '1'])
    held.resolve()
    expect((await first).status).toBe(200)
    expect((await send({ body })).status).toBe(200)
  })

  it('gives back the bytes of a client that went away in the middle of its body', async () => {
    const body = Buffer.from(exportOf(metrics(undefined, 100)))
    const { port, send, receiver } = await start({ limits: { inFlightBytes: Math.floor(1.5 * body.length) } })
    for (let i = 0; i < 5; i++) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(
            `POST /v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Type: ${protobuf}\r\nContent-Length: ${body.length}\r\n\r\n`,
          )
          socket.write(body.subarray(0, body.length - 1), () => socket.destroy())
        })
        socket.on('close', () => resolve())
        socket.on('error', reject)
      })
    }
    await expect.poll(async () => (await send({ body })).status).toBe(200)
    expect(receiver.counters.requests['400']).toBeUndefined()
  })

  it('counts series that the store had already', async () => {
    const { send, receiver } = await start({ sink: async () => ({ storedSeries: 2, duplicateSeries: 3 }) })
    await send({ body: exportOf(metrics(undefined, 5)) })
    expect(receiver.counters).toMatchObject({ accepted: 2, duplicates: 3 })
  })
})

describe('other signals', () => {
  it.each(['/v1/logs', '/v1/traces'])('%s answers 404 with a Status', async (path) => {
    const { send } = await start()
    const answer = await send({ path, body: 'x' })
    expect([answer.status, answer.headers['content-type'], statusOf(answer.body).code]).toEqual([404, protobuf, 5])
  })
})
