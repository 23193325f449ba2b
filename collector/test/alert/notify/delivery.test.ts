import { describe, expect, it } from 'vitest'
import type { AlertEvent } from '../../../src/alert/alert.ts'
import {
  deliveryKey,
  outcomeEvent,
  pendingDeliveries,
  plannedDetail,
  plannedNotifiers,
} from '../../../src/alert/notify/delivery.ts'
import { alert } from '../sample-alert.ts'

const record = alert()
const event = (
  kind: AlertEvent['kind'],
  atMs: number,
  notifiers: string[] = ['console', 'web.hook-1'],
): AlertEvent => ({
  alertId: record.id,
  atMs,
  kind,
  detail: plannedDetail('something moved', notifiers),
})

describe('pendingDeliveries', () => {
  it('owes each firing and resolved event to each notifier that was planned, in order', () => {
    const owed = pendingDeliveries([record], [event('pending', 1), event('firing', 2), event('resolved', 3)])
    expect(owed.map(({ event: { kind }, notifier }) => `${kind} ${notifier}`)).toEqual([
      'firing console',
      'firing web.hook-1',
      'resolved console',
      'resolved web.hook-1',
    ])
  })

  it('leaves out what was delivered and what was given up', () => {
    const firing = event('firing', 2)
    const [console, webhook] = pendingDeliveries([record], [firing])
    const told = outcomeEvent(console!, 9, null)
    const refused = outcomeEvent(webhook!, 10, 'answered 404: firing of 3 to console')
    expect(pendingDeliveries([record], [firing, told])).toEqual([webhook])
    expect(pendingDeliveries([record], [firing, told, refused])).toEqual([])
  })

  it('takes an outcome for one event only', () => {
    const [first, second] = [event('firing', 2, ['console']), event('firing', 5, ['console'])]
    const told = outcomeEvent({ alert: record, event: first, notifier: 'console' }, 9, null)
    expect(pendingDeliveries([record], [first, told, second]).map((one) => one.event)).toEqual([second])
    expect(pendingDeliveries([record], [first, told, event('resolved', 2, ['console'])])).toHaveLength(1)
    expect(pendingDeliveries([record], [{ ...first, alertId: 'sha256:other' }, told])).toEqual([])
  })

  it('counts an event that was stored twice once', () => {
    expect(
      pendingDeliveries([record], [event('firing', 2, ['console']), event('firing', 2, ['console'])]),
    ).toHaveLength(1)
  })
})

describe('the words of events', () => {
  it('carry the names of notifiers, whatever the text before them', () => {
    for (const text of ['plain', 'a [notify: evil] b', 'open [notify: evil', '']) {
      expect(
        plannedNotifiers({ alertId: 'a', atMs: 1, kind: 'firing', detail: plannedDetail(text, ['a', 'b']) }),
      ).toEqual(['a', 'b'])
    }
    expect(plannedNotifiers(event('firing', 1, []))).toEqual([])
    expect(plannedNotifiers({ alertId: 'a', atMs: 1, kind: 'firing', detail: 'no list' })).toEqual([])
  })

  it('make a key that is the same for every attempt and differs by event', () => {
    expect(deliveryKey({ event: event('firing', 2) })).toBe(
      deliveryKey({ event: { ...event('firing', 2), detail: 'x' } }),
    )
    const keys = [event('firing', 2), event('resolved', 2), event('firing', 3)].map((one) =>
      deliveryKey({ event: one }),
    )
    expect(new Set(keys).size).toBe(3)
    expect(keys[0]).toBe('sha256:alert:firing:2')
  })
})
