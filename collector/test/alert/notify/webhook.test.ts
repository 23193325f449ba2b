import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { AlertEvent } from '../../../src/alert/alert.ts'
import { formatAlert } from '../../../src/alert/format.ts'
import { createConsoleNotifier } from '../../../src/alert/notify/console.ts'
import {
  createWebhookNotifier,
  maximumRetryAfterMs,
  parseRetryAfter,
  type WebhookBody,
} from '../../../src/alert/notify/webhook.ts'
import { manualClock } from '../manual-clock.ts'
import { alert, explanation } from '../sample-alert.ts'

const record = alert()
const event: AlertEvent = { alertId: record.id, atMs: 3_600_000, kind: 'firing', detail: 'moved [notify: webhook]' }
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

interface Received {
  readonly request: IncomingMessage
  readonly body: WebhookBody
}

/** A receiver on a free port; answers what `answer` writes. */
async function receiver(answer: (response: ServerResponse) => void) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ request, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as WebhookBody })
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?secret=hunter2`, received }
}

const status =
  (code: number, headers: Record<string, string> = {}, text = '') =>
  (response: ServerResponse) =>
    response.writeHead(code, headers).end(text)

describe('the webhook', () => {
  it('posts the documented body with token and idempotency key', async () => {
    const { url, received } = await receiver(status(204))
    const notifier = createWebhookNotifier({ url, bearerToken: 's3cret', clock: manualClock() })
    expect(await notifier.notify(record, event)).toEqual({ delivered: true })
    const { request, body } = received[0]!
    expect(request.method).toBe('POST')
    expect(request.url).toBe('/hook?secret=hunter2')
    expect(request.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer s3cret',
      'idempotency-key': 'sha256:alert:firing:3600000',
    })
    expect(body).toEqual({ version: 1, event, alert: record, text: formatAlert(record) })
  })

  it('sends no authorization without a token', async () => {
    const { url, received } = await receiver(status(200))
    await createWebhookNotifier({ url, clock: manualClock() }).notify(record, event)
    expect(received[0]?.request.headers.authorization).toBeUndefined()
  })

  for (const code of [408, 429, 500, 502, 503]) {
    it(`may try again after ${code}`, async () => {
      const { url } = await receiver(status(code, { 'retry-after': '7' }, 'busy\n'))
      const result = await createWebhookNotifier({ url, clock: manualClock() }).notify(record, event)
      expect(result).toEqual({ delivered: false, retryable: true, error: `answered ${code}: busy`, retryAfterMs: 7000 })
    })
  }

  for (const code of [301, 400, 401, 404, 410]) {
    it(`gives up after ${code}`, async () => {
      const { url, received } = await receiver(status(code, { location: '/elsewhere', 'retry-after': '7' }))
      const result = await createWebhookNotifier({ url, clock: manualClock() }).notify(record, event)
      expect(result).toEqual({ delivered: false, retryable: false, error: `answered ${code}` })
      expect(received).toHaveLength(1)
    })
  }

  it('reads only the beginning of a long refusal', async () => {
    const { url } = await receiver((response) => {
      response.writeHead(400)
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(1000)));
      }
      response.on('drain', more)
      more()
    })
    const result = await createWebhookNotifier({ url, clock: manualClock() }).notify(record, event)
    expect(result).toMatchObject({ delivered: false, error: `answered 400: ${'x'.repeat(200)}` })
  })

  it('ends an exchange that takes too long', async () => {
    const clock = manualClock()
    const { url, received } = await receiver(() => clock.advance(10_000))
    const result = await createWebhookNotifier({ url, clock }).notify(record, event)
    expect(received).toHaveLength(1)
    expect(result).toEqual({ delivered: false, retryable: true, error: 'no answer within 10000 ms' })
    expect(clock.waiting).toBe(0)
  })

  it('ends an answer that never ends', async () => {
    const clock = manualClock()
    const { url } = await receiver((response) => {
      response.writeHead(500)
      response.write('a', () => setImmediate(() => clock.advance(10_000)))
    })
    expect(await createWebhookNotifier({ url, clock }).notify(record, event)).toMatchObject({
      delivered: false,
      retryable: true,
    })
  })

  it('may try again when nobody listens, and keeps the URL to itself', async () => {
    const { url } = await receiver(status(200))
    await closers.pop()!()
    const result = await createWebhookNotifier({ url, clock: manualClock() }).notify(record, event)
    expect(result).toEqual({ delivered: false, retryable: true, error: 'connection failed: ECONNREFUSED' })
  })

  it('refuses a URL that is none, without repeating it', () => {
    for (const url of ['not a url', 'file:///etc/passwd', 'hunter2']) {
      expect(() => createWebhookNotifier({ url, clock: manualClock() })).toThrow(
        'notifier webhook: the URL must be an http or https one',
      )
    }
  })
})

describe('Retry-After', () => {
  it('is read as seconds or as a date, and bounded', () => {
    const now = Date.UTC(2026, 0, 1)
    expect(parseRetryAfter('120', now)).toBe(120_000)
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000)
    expect(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0)
    expect(parseRetryAfter('999999999', now)).toBe(maximumRetryAfterMs)
    expect(parseRetryAfter('soon', now)).toBeNull()
    expect(parseRetryAfter(null, now)).toBeNull()
  })
})

describe('the console', () => {
  it('writes the alert, and shows control characters instead of obeying them', async () => {
    const written: string[] = []
    const notifier = createConsoleNotifier({ write: (text) => written.push(text) })
    const evil = alert({ explanation: explanation({ summary: 'a\u001b[2Jb\u009bc\rd' }) })
    expect(await notifier.notify(evil, event)).toEqual({ delivered: true })
    expect(written).toHaveLength(1)
    expect(written[0]).toContain('a\\u001b[2Jb\\u009bc\\u000dd')
    expect(written[0]?.split('\n').length).toBe(formatAlert(evil).split('\n').length)
  })
})
