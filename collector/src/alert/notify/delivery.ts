import type { AlertEvent, AlertRecord } from '../alert.ts'

/** One thing to tell through one notifier. */
export interface Delivery {
  readonly alert: AlertRecord
  /** A `firing` or `resolved` event. */
  readonly event: AlertEvent
  readonly notifier: string
}

/**
 * The same for every attempt of a delivery, before and after a restart, and different for any other: alert id, event kind and the
 * event's time. Receivers drop repeats by it.
 */
export function deliveryKey({ event }: Pick<Delivery, 'event'>): string {
  return `${event.alertId}:${event.kind}:${event.atMs}`
}

/** Detail of a `firing` or `resolved` event: what to say, and the notifiers that were to be told at that time. */
export function plannedDetail(text: string, notifiers: readonly string[]): string {
  return `${text} [notify: ${notifiers.join(', ')}]`
}

/** Notifiers that a `firing` or `resolved` event was to be told through. */
export function plannedNotifiers(event: AlertEvent): string[] {
  const match = /\[notify: ([^\][]*)\]$/.exec(event.detail)
  return match === null || match[1] === '' ? [] : match[1]!.split(', ')
}

/** The event that says what became of a delivery. Its detail ends the delivery for good, whatever the outcome. */
export function outcomeEvent({ event, notifier }: Delivery, atMs: number, error: string | null): AlertEvent {
  const about = `${event.kind} of ${event.atMs} to ${notifier}`
  if (error === null) return { alertId: event.alertId, atMs, kind: 'notified', detail: about }
  return { alertId: event.alertId, atMs, kind: 'notify-failed', detail: `${about}: ${error}` }
}

/**
 * The deliveries that stored alerts still owe: a `firing` or `resolved` event, per notifier planned for it, without a `notified` or
 * `notify-failed` event that belongs to it. In the order of the events. A restarted collector takes up here.
 *
 * @param events of all these alerts, in any order of alerts, each alert's in the order they were stored
 */
export function pendingDeliveries(records: readonly AlertRecord[], events: readonly AlertEvent[]): Delivery[] {
  const alerts = new Map(records.map((record) => [record.id, record]))
  const done = new Set<string>()
  for (const event of events) {
    if (event.kind !== 'notified' && event.kind !== 'notify-failed') continue
    const match = /^(firing|resolved) of (-?\d+) to ([^\s:]+)/.exec(event.detail)
    if (match !== null) done.add(`${event.alertId} ${match[1]} ${match[2]} ${match[3]}`)
  }
  const pending: Delivery[] = []
  for (const event of events) {
    const alert = alerts.get(event.alertId)
    if (alert === undefined || (event.kind !== 'firing' && event.kind !== 'resolved')) continue
    for (const notifier of plannedNotifiers(event)) {
      const key = `${event.alertId} ${event.kind} ${event.atMs} ${notifier}`
      if (done.has(key)) continue
      // The same event twice, from a slice applied twice, is still one delivery.
      done.add(key)
      pending.push({ alert, event, notifier })
    }
  }
  return pending
}
