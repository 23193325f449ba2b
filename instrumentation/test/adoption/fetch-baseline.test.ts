import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { collectorUrl, headersFromEnvironment } from '../../src/adoption/collector-url.ts'
import { fetchBaseline, maxBaselineBytes } from '../../src/adoption/fetch-baseline.ts'

let server: Server
afterEach(async () => {
  server.closeAllConnections()
  server.close()
})

async function asking(listener: RequestListener, headers: Record<string, string> = {}) {
  server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return fetchBaseline({ baselineUrl: `http://127.0.0.1:${port}/api/v1/models/m/baseline?version=1`, headers })
}

describe('fetching a baseline', () => {
  it('sends headers and tag, and tells the answers apart', async () => {
    const seen: (string | undefined)[] = []
    const answers: [number, string][] = [
      [200, '{"a":1}'],
      [304, ''],
      [404, '{"learning":{"rows":1}}'],
      [404, 'page not found'],
      [404, '{"error":{}}'],
      [401, '{}'],
      [503, ''],
      [302, ''],
      // A receiver that says 200 to anything used to be reported as a failure of ours.
      [200, ''],
      [200, '<html></html>'],
    ]
    const fetch = await asking(
      (request, response) => {
        seen.push(request.headers['if-none-match'], request.headers.authorization, request.url)
        const [status, body] = answers.shift()!
        response.writeHead(status, { etag: '"t"', 'retry-after': '1', location: '/elsewhere' }).end(body)
      },
      { authorization: 'Bearer x' },
    )
    expect(await fetch(null)).toEqual({ kind: 'found', text: '{"a":1}', tag: '"t"' })
    expect(await fetch('"t"')).toEqual({ kind: 'unchanged' })
    expect(await fetch(null)).toEqual({ kind: 'learning' })
    for (let i = 0; i < 7; i++) expect(await fetch(null)).toEqual({ kind: 'none' })
    expect(seen.slice(0, 6)).toEqual([
      undefined,
      'Bearer x',
      '/api/v1/models/m/baseline?version=1',
      '"t"',
      'Bearer x',
      '/api/v1/models/m/baseline?version=1',
    ])
  })

  it('gives up on bodies without end, and on connections that break', async () => {
    let mode: 'endless' | 'broken' | 'cut' = 'endless'
    const fetch = await asking((_request, response) => {
      if (mode === 'broken') return void response.socket!.destroy()
      response.writeHead(200)
      if (mode === 'cut') {
        response.write('{"a":')
        setImmediate(() => response.socket!.destroy())
        return
      }
      const piece = Buffer.alloc(1024 * 1024, 32)
      const write = (): void => {
        if (response.destroyed) return
        if (response.write(piece)) setImmediate(write)
        else response.once('drain', write)
      }
      write()
    })
    expect(await fetch(null)).toEqual({ kind: 'too-large', limit: maxBaselineBytes })
    mode = 'broken'
    expect(await fetch(null)).toEqual({ kind: 'none' })
    mode = 'cut'
    expect(await fetch(null)).toEqual({ kind: 'none' })
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    expect(await fetch(null)).toEqual({ kind: 'none' })
  })
})

describe('where a baseline is asked for', () => {
  it('is the base of where metrics are sent to', () => {
    expect(collectorUrl('http://a:1/v1/metrics', {})).toBe('http://a:1')
    expect(collectorUrl('http://a:1/base/v1/metrics', {})).toBe('http://a:1/base')
    expect(collectorUrl(undefined, {})).toBe('http://localhost:4318')
    expect(collectorUrl(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://b:2/' })).toBe('https://b:2')
    const both = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://c/v1/metrics?x=1',
    }
    expect(collectorUrl(undefined, both)).toBe('http://c')
    expect(collectorUrl(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: 'not a url' })).toBeNull()
  })

  it('is asked with the headers of the environment', () => {
    expect(
      headersFromEnvironment({
        OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20a, x=1,broken,=2,y=%zz',
        OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'x=3',
      }),
    ).toEqual({ authorization: 'Bearer a', x: '3', y: '%zz' })
  })
})
