import type { AlertEvent, AlertRecord } from '../../../alert/alert.ts'
import { lastVerdict } from '../../../alert/verdict.ts'
import { alertStateCodes, wholeModel } from '../derived-schema.ts'
import { derivedPoint, type DerivedPoint } from './derived-point.ts'

/** Events that dashboards mark. */
const markedEvents: readonly AlertEvent['kind'][] = ['firing', 'resolved', 'verdict']

/** Alerts that events tell of, and that `alertPoints` therefore needs beside those that changed. */
export function alertsToldOf(alerts: readonly AlertRecord[], events: readonly AlertEvent[]): string[] {
  const changed = new Set(alerts.map(({ id }) => id))
  const told = events.filter(({ kind }) => markedEvents.includes(kind)).map(({ alertId }) => alertId)
  return [...new Set(told)].filter((id) => !changed.has(id))
}

/**
 * States of alerts after a change, and the marks that dashboards show of it.
 *
 * @param others alerts that did not change, but that an event is about
 */
export function alertPoints(
  alerts: readonly AlertRecord[],
  events: readonly AlertEvent[],
  others: readonly AlertRecord[] = [],
): DerivedPoint[] {
  const byId = new Map([...others, ...alerts].map((alert) => [alert.id, alert]))
  const points: DerivedPoint[] = []
  for (const alert of alerts) points.push(alertStatePoint(alert, changedAtMs(alert)))
  for (const event of events) {
    const alert = byId.get(event.alertId)
    if (alert === undefined) continue
    const { model, version, rule, explanation } = alert
    const { atMs } = event
    const mark = (kind: string, at: number, title: string, text: string) =>
      points.push(derivedPoint('event', at, { model, version, kind, subject: rule }, { title, text }))
    if (event.kind === 'firing') {
      mark('alert', atMs, `alert: ${rule}`, explanation.summary)
      mark('drift-onset', explanation.onsetMs, `estimated onset: ${rule}`, explanation.summary)
    } else if (event.kind === 'resolved') mark('resolved', atMs, `resolved: ${rule}`, explanation.summary)
    else if (event.kind === 'verdict') mark('verdict', atMs, `verdict on ${rule}`, verdictText(event))
  }
  return points
}

/** The state of an alert, as it is at a time. */
export function alertStatePoint(alert: AlertRecord, atMs: number): DerivedPoint {
  const { model, version, segment, rule, severity, state, explanation } = alert
  return derivedPoint(
    'alert',
    atMs,
    { model, version, segment: segment === '' ? wholeModel : segment, rule, severity },
    { state: alertStateCodes[state], evidence: explanation.evidence, since: changedAtMs(alert) },
  )
}

function verdictText(event: AlertEvent): string {
  const { verdict, by, note } = lastVerdict([event])!
  return `${verdict}, by ${by}${note === null ? '' : `: ${note}`}`
}

function changedAtMs({ resolvedAtMs, firedAtMs, activeSinceMs, state }: AlertRecord): number {
  if (state === 'resolved' || state === 'inactive') return resolvedAtMs ?? activeSinceMs
  return state === 'firing' ? (firedAtMs ?? activeSinceMs) : activeSinceMs
}
