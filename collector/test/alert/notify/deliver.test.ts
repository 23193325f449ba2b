import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { AlertEvent } from '../../../src/alert/alert.ts'
import {
  createOutbox,
  firstRetryMs,
  maximumAttempts,
  maximumQueued,
  maximumRetryMs,
  waitFor,
} from '../../../src/alert/notify/deliver.ts'
import type { Delivery } from '../../../src/alert/notify/delivery.ts'
import type { Notifier, NotifyResult } from '../../../src/alert/notify/notifier.ts'
import { createWebhookNotifier } from '../../../src/alert/notify/webhook.ts'
import { manualClock, type ManualClock } from '../manual-clock.ts'
import { alert } from '../sample-alert.ts'

const failing: NotifyResult = { delivered: false, retryable: true, error: 'answered 503' }

function delivery(
  kind: 'firing' | 'resolved' = 'firing',
  alertId = 'sha256:alert',
  atMs = 1,
  notifier = 'hook',
): Delivery {
  return { alert: alert({ id: alertId }), event: { alertId, atMs, kind, detail: '' }, notifier }
}

/** An outbox with one notifier that answers as told, and everything that came of it. */
function setUp(
  answer: (call: number, event: AlertEvent) => NotifyResult | Promise<NotifyResult>,
  clock: ManualClock = manualClock(),
) {
  const calls: string[] = []
  const outcomes: AlertEvent[] = []
  const log: string[] = []
  let failingRecords = 0
  const notifier: Notifier = {
    name: 'hook',
    async notify(_alert, event) {
      calls.push(`${event.kind} ${event.alertId}`)
      return answer(calls.length, event)
    },
  }
  const outbox = createOutbox({
    notifiers: [notifier],
    record(event) {
      if (failingRecords-- > 0) return Promise.reject(new Error('the disk is full'))
      outcomes.push(event)
      return Promise.resolve()
    },
    clock,
    log: (line) => log.push(line),
    random: () => 0,
  })
  return { outbox, clock, calls, outcomes, log, failRecords: (count: number) => (failingRecords = count) }
}

/** Turns the clock from attempt to attempt until nothing waits any more. */
async function runOut({ outbox, clock }: ReturnType<typeof setUp>): Promise<number[]> {
  const waits: number[] = []
  await outbox.settled()
  while (clock.next !== null) {
    waits.push(clock.next)
    clock.advance(clock.next)
    await outbox.settled()
  }
  return waits
}

describe('the outbox', () => {
  it('delivers and stores that it did', async () => {
    const one = setUp(() => ({ delivered: true }))
    one.outbox.enqueue([delivery()])
    await one.outbox.settled()
    expect(one.outcomes).toEqual([
      { alertId: 'sha256:alert', atMs: 1_000_000, kind: 'notified', detail: 'firing of 1 to hook' },
    ])
    expect(one.outbox).toMatchObject({ size: 0, counters: { delivered: 1, retried: 0, failed: 0, unrecorded: 0 } })
  })

  it('returns before anything is sent', () => {
    const one = setUp(() => new Promise(() => {}))
    expect(one.outbox.enqueue([delivery()])).toBeUndefined()
    expect(one.outbox.size).toBe(1)
  })

  it('waits longer after each failure, then delivers', async () => {
    const one = setUp((call) => (call <= 4 ? failing : { delivered: true }))
    one.outbox.enqueue([delivery()])
    expect(await runOut(one)).toEqual([1000, 2000, 4000, 8000])
    expect(one.outcomes.map(({ kind }) => kind)).toEqual(['notified'])
    expect(one.outbox.counters).toMatchObject({ delivered: 1, retried: 4, failed: 0 })
    expect(one.log).toEqual(['notifier hook: answered 503; will be tried again'])
  })

  it('waits no shorter than the receiver asks', async () => {
    const one = setUp((call) => (call === 1 ? { ...failing, retryAfterMs: 45_000 } : { delivered: true }))
    one.outbox.enqueue([delivery()])
    expect(await runOut(one)).toEqual([45_000])
  })

  it('gives up after so many attempts, once', async () => {
    const one = setUp(() => failing)
    one.outbox.enqueue([delivery()])
    await runOut(one)
    expect(one.calls).toHaveLength(maximumAttempts)
    expect(one.outcomes).toMatchObject([
      { kind: 'notify-failed', detail: `firing of 1 to hook: answered 503 (after ${maximumAttempts} attempts)` },
    ])
    expect(one.outbox).toMatchObject({ size: 0, counters: { failed: 1, delivered: 0 } })
  })

  it('gives up on news that is a day old', async () => {
    const one = setUp(() => ({ ...failing, retryAfterMs: 3_600_000 }))
    one.outbox.enqueue([delivery()])
    const waits = await runOut(one)
    expect(waits).toHaveLength(24)
    expect(one.outcomes).toMatchObject([
      { kind: 'notify-failed', detail: 'firing of 1 to hook: answered 503 (for 24 hours)' },
    ])
  })

  it('gives up at once when the receiver refuses for good', async () => {
    const one = setUp(() => ({ delivered: false, retryable: false, error: 'answered 404' }))
    one.outbox.enqueue([delivery()])
    expect(await runOut(one)).toEqual([])
    expect(one.outcomes).toMatchObject([{ kind: 'notify-failed', detail: 'firing of 1 to hook: answered 404' }])
  })

  it('survives a notifier that throws and one that is not configured', async () => {
    const one = setUp((call) => {
      if (call === 1) throw new Error('boom')
      return { delivered: true }
    })
    one.outbox.enqueue([delivery(), delivery('firing', 'b', 1, 'gone')])
    await runOut(one)
    expect(one.outcomes.map(({ kind, detail }) => `${kind} ${detail}`)).toEqual([
      'notify-failed firing of 1 to gone: no notifier of this name is configured',
      'notified firing of 1 to hook',
    ])
  })

  it('tells the end of an alert after its beginning, and holds up no other alert', async () => {
    const one = setUp((call, event) => (event.alertId === 'a' && call <= 2 ? failing : { delivered: true }))
    one.outbox.enqueue([delivery('firing', 'a', 1), delivery('resolved', 'a', 2), delivery('firing', 'b', 1)])
    await runOut(one)
    expect(one.calls).toEqual(['firing a', 'firing b', 'firing a', 'resolved a'])
  })

  it('takes the same delivery once while it waits', async () => {
    const one = setUp((call) => (call === 1 ? failing : { delivered: true }))
    one.outbox.enqueue([delivery(), delivery()])
    await one.outbox.settled()
    one.outbox.enqueue([delivery()])
    await runOut(one)
    expect(one.calls).toHaveLength(2)
  })

  it('holds a bounded number, and says which it gave up', async () => {
    const one = setUp(() => failing)
    one.outbox.enqueue(Array.from({ length: maximumQueued + 5 }, (_, i) => delivery('firing', `alert ${i}`)))
    await one.outbox.settled()
    expect(one.outbox.size).toBe(maximumQueued)
    expect(one.outcomes.map(({ alertId }) => alertId)).toEqual([0, 1, 2, 3, 4].map((i) => `alert ${i}`))
    expect(one.outcomes[0]).toMatchObject({ kind: 'notify-failed' })
  })

  it('makes only a few requests to a notifier at a time', async () => {
    let running = 0
    let most = 0
    const releases: (() => void)[] = []
    const one = setUp(async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => releases.push(resolve))
      running--
      return { delivered: true }
    })
    one.outbox.enqueue(Array.from({ length: 20 }, (_, i) => delivery('firing', `alert ${i}`)))
    while (one.outbox.size > 0) {
      for (const release of releases.splice(0)) release()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(most).toBe(4)
    expect(one.calls).toHaveLength(20)
  })

  it('counts outcomes that the store did not take', async () => {
    const one = setUp(() => ({ delivered: true }))
    one.failRecords(1)
    one.outbox.enqueue([delivery()])
    await one.outbox.settled()
    expect(one.outbox.counters).toMatchObject({ delivered: 1, unrecorded: 1 })
    expect(one.log.at(-1)).toContain('the disk is full')
  })

  it('tries nothing more after it was closed', async () => {
    const one = setUp(() => failing)
    one.outbox.enqueue([delivery()])
    await one.outbox.close()
    expect(one.clock.waiting).toBe(0)
    one.outbox.enqueue([delivery('firing', 'late')])
    expect(one.calls).toHaveLength(1)
    expect(one.outcomes).toEqual([])
  })

  it('brings an alert to a real receiver that fails at first', async () => {
    const keys: (string | undefined)[] = []
    const server = createServer((request, response) => {
      keys.push(request.headers['idempotency-key'] as string | undefined)
      request.resume()
      request.on('end', () => response.writeHead(keys.length < 3 ? 503 : 200).end())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const clock = manualClock()
    const outcomes: AlertEvent[] = []
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const outbox = createOutbox({
      notifiers: [createWebhookNotifier({ name: 'hook', url, clock })],
      record: (event) => Promise.resolve(void outcomes.push(event)),
      clock,
      log: () => {},
      random: () => 0.5,
    })
    outbox.enqueue([delivery()])
    for (let attempt = 1; attempt <= 3; attempt++) {
      await outbox.settled()
      if (clock.next !== null) clock.advance(clock.next)
    }
    await outbox.settled()
    await outbox.close()
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    expect(keys).toEqual(['sha256:alert:firing:1', 'sha256:alert:firing:1', 'sha256:alert:firing:1'])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['notified'])
    expect(outbox.counters).toMatchObject({ delivered: 1, retried: 2 })
  })
})

describe('waitFor', () => {
  it('doubles up to a bound, less a random part of up to half', () => {
    expect([1, 2, 3, 9, 30].map((attempts) => waitFor(attempts, 0, 0))).toEqual([
      firstRetryMs,
      2000,
      4000,
      256_000,
      maximumRetryMs,
    ])
    expect(waitFor(3, 0, 1)).toBe(2000)
    expect(waitFor(1, 60_000, 0.5)).toBe(60_000)
  })
})
