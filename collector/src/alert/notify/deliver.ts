import type { Clock } from '../../clock.ts'
import type { AlertEvent } from '../alert.ts'
import { deliveryKey, outcomeEvent, type Delivery } from './delivery.ts'
import type { Notifier, NotifyResult } from './notifier.ts'

/** First wait after a failure; doubles each time. */
export const firstRetryMs = 1000
/** Longest wait between attempts, so that a receiver that is back is told soon. */
export const maximumRetryMs: number = 5 * 60_000
/** With the waits above, some two hours of an unreachable receiver. */
export const maximumAttempts = 30
/** Older news misleads more than it helps; a day outlasts a bad night. */
export const maximumDeliveryAgeMs: number = 24 * 3_600_000
/** Deliveries kept in memory; the oldest beyond it fail, and the events in the store say so. */
export const maximumQueued = 1000
/** Requests to one notifier at a time. */
export const maximumConcurrent = 4

export interface OutboxOptions {
  readonly notifiers: readonly Notifier[]
  /** Stores the outcome of a delivery. */
  readonly record: (event: AlertEvent) => Promise<void>
  readonly clock: Clock
  readonly log: (line: string) => void
  /** Between 0 and 1, for jitter. Default: Math.random. */
  readonly random?: () => number
}

export interface DeliveryCounters {
  delivered: number
  /** Attempts that failed and were put off. */
  retried: number
  /** Deliveries given up for good. */
  failed: number
  /** Outcomes that the store did not take; such a delivery is made again after a restart. */
  unrecorded: number
}

export interface Outbox {
  /** Takes deliveries up and returns at once. One that is queued already is not queued again. */
  enqueue(deliveries: readonly Delivery[]): void
  /** Deliveries not yet made or given up. */
  readonly size: number
  readonly counters: Readonly<DeliveryCounters>
  /** Resolves when no attempt is under way; deliveries that wait for another attempt may remain. */
  settled(): Promise<void>
  /** Stops taking and trying. What is left is owed again after a restart. Attempts under way end by their own timeout. */
  close(): Promise<void>
}

interface Queued {
  readonly delivery: Delivery
  readonly queuedAtMs: number
  attempts: number
  nextAttemptMs: number
  running: boolean
}

/**
 * Brings deliveries to their notifiers: at least once, in the order of each alert's events, with exponential backoff and jitter.
 *
 * Nothing waits for it. A delivery ends in the store as `notified` or, when its attempts or its time are used up or the receiver
 * refuses for good, as `notify-failed`.
 */
export function createOutbox({ notifiers, record, clock, log, random = Math.random }: OutboxOptions): Outbox {
  const byName = new Map(notifiers.map((notifier) => [notifier.name, notifier]))
  const counters: DeliveryCounters = { delivered: 0, retried: 0, failed: 0, unrecorded: 0 }
  const queue: Queued[] = []
  const underWay = new Set<Promise<void>>()
  let cancelTimer: (() => void) | null = null
  let closed = false

  function enqueue(deliveries: readonly Delivery[]): void {
    if (closed) return
    const now = clock.now()
    for (const delivery of deliveries) {
      if (queue.some((one) => isSame(one.delivery, delivery))) continue
      queue.push({ delivery, queuedAtMs: now, attempts: 0, nextAttemptMs: now, running: false })
    }
    for (const excess of queue.filter((one) => !one.running).slice(0, Math.max(0, queue.length - maximumQueued))) {
      track(giveUp(excess, `more than ${maximumQueued} deliveries were waiting`))
    }
    pump()
  }

  /** Starts every attempt that may start now, and sets the timer for the next. */
  function pump(): void {
    cancelTimer?.()
    cancelTimer = null
    if (closed) return
    const now = clock.now()
    const busy = new Map<string, number>()
    for (const one of queue)
      if (one.running) busy.set(one.delivery.notifier, (busy.get(one.delivery.notifier) ?? 0) + 1)
    const held = new Set<string>()
    let next = Infinity
    for (const one of queue) {
      const { notifier, alert } = one.delivery
      const line = `${notifier} ${alert.id}`
      // The first of a line holds up the others, so that nobody hears of the end before the beginning.
      const isFirst = !held.has(line)
      held.add(line)
      if (!isFirst || one.running) continue
      if (one.nextAttemptMs > now) {
        next = Math.min(next, one.nextAttemptMs)
        continue
      }
      const running = busy.get(notifier) ?? 0
      if (running >= maximumConcurrent) continue
      busy.set(notifier, running + 1)
      one.running = true
      track(attempt(one))
    }
    if (next < Infinity) cancelTimer = clock.after(next - now, pump)
  }

  function track(work: Promise<void>): void {
    underWay.add(work)
    void work.finally(() => {
      underWay.delete(work)
      pump()
    })
  }

  async function attempt(one: Queued): Promise<void> {
    one.attempts++
    const result = await send(one.delivery)
    if (result.delivered) {
      counters.delivered++
      await finish(one, null)
      return
    }
    const now = clock.now()
    const wait = waitFor(one.attempts, result.retryAfterMs ?? 0, random())
    if (!result.retryable) return giveUp(one, result.error)
    if (one.attempts >= maximumAttempts) return giveUp(one, `${result.error} (after ${one.attempts} attempts)`)
    if (now + wait - one.queuedAtMs > maximumDeliveryAgeMs)
      return giveUp(one, `${result.error} (for ${maximumDeliveryAgeMs / 3_600_000} hours)`)
    counters.retried++
    if (one.attempts === 1) log(`notifier ${one.delivery.notifier}: ${result.error}; will be tried again`)
    one.nextAttemptMs = now + wait
    one.running = false
  }

  async function send({ notifier: name, alert, event }: Delivery): Promise<NotifyResult> {
    const notifier = byName.get(name)
    if (notifier === undefined)
      return { delivered: false, retryable: false, error: 'no notifier of this name is configured' }
    try {
      return await notifier.notify(alert, event)
    } catch (error) {
      return { delivered: false, retryable: true, error: error instanceof Error ? error.message : String(error) }
    }
  }

  async function giveUp(one: Queued, error: string): Promise<void> {
    counters.failed++
    log(
      `notifier ${one.delivery.notifier}: gave up telling that ${one.delivery.alert.rule} is ${one.delivery.event.kind}: ${error}`,
    )
    await finish(one, error)
  }

  async function finish(one: Queued, error: string | null): Promise<void> {
    const at = queue.indexOf(one)
    if (at >= 0) queue.splice(at, 1)
    try {
      await record(outcomeEvent(one.delivery, clock.now(), error))
    } catch (failure) {
      counters.unrecorded++
      const why = failure instanceof Error ? failure.message : String(failure)
      log(`the outcome of a delivery through ${one.delivery.notifier} could not be stored: ${why}`)
    }
  }

  async function settled(): Promise<void> {
    while (underWay.size > 0) await Promise.all(underWay)
  }

  return {
    enqueue,
    get size() {
      return queue.length
    },
    counters,
    settled,
    async close() {
      closed = true
      cancelTimer?.()
      cancelTimer = null
      await settled()
    },
  }
}

/**
 * Wait before the next attempt: 1, 2, 4 ... s up to five minutes, then a random part of up to half of it taken off, so that alerts that failed
 * together do not come back together; never sooner than the receiver asked.
 */
export function waitFor(attempts: number, retryAfterMs: number, random: number): number {
  const backoff = Math.min(maximumRetryMs, firstRetryMs * 2 ** (attempts - 1))
  return Math.max(retryAfterMs, Math.round(backoff * (1 - random / 2)))
}

function isSame(a: Delivery, b: Delivery): boolean {
  return a.notifier === b.notifier && deliveryKey(a) === deliveryKey(b)
}
