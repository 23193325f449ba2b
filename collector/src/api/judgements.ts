import * as zod from 'zod'
import type { AlertEvent, AlertRecord } from '../alert/alert.ts'
import {
  acknowledgementEvent,
  firstAcknowledgement,
  judgements,
  lastVerdict,
  maximumByLength,
  maximumJudgements,
  maximumNoteLength,
  verdictEvent,
  verdicts,
  type Acknowledgement,
  type GivenVerdict,
} from '../alert/verdict.ts'
import type { Store } from '../store/store.ts'
import { parseRequest, RequestError } from './request-error.ts'

const by = zod.string().trim().min(1).max(maximumByLength)
const verdictBody = zod.strictObject({
  verdict: zod.enum(verdicts),
  by,
  note: zod.string().trim().max(maximumNoteLength).optional(),
})
const acknowledgementBody = zod.strictObject({ by })

/** An alert with what people said of it. */
export interface JudgedAlert {
  readonly alert: AlertRecord
  readonly verdict: GivenVerdict | null
  readonly acknowledged: Acknowledgement | null
  readonly events: readonly AlertEvent[]
}

/** @throws RequestError 404 when there is no such alert. */
export async function judgedAlert(store: Store, id: string): Promise<JudgedAlert> {
  const [alert] = await store.alerts({ id })
  if (alert === undefined) throw new RequestError(404, [`no alert ${id}`])
  const events = await store.alertEvents(id)
  return { alert, verdict: lastVerdict(events), acknowledged: firstAcknowledgement(events), events }
}

/** Stores a person's verdict; the last one counts. The alert goes its way: nothing is closed, nothing retrained. */
export async function giveVerdict(store: Store, id: string, body: unknown, nowMs: number): Promise<JudgedAlert> {
  const given = parseRequest(verdictBody, 'body', body)
  return addEvent(store, id, verdictEvent(id, { ...given, note: given.note ?? null, atMs: nowMs }))
}

/** Stores that somebody has taken the alert up. */
export async function acknowledge(store: Store, id: string, body: unknown, nowMs: number): Promise<JudgedAlert> {
  const given = parseRequest(acknowledgementBody, 'body', body)
  return addEvent(store, id, acknowledgementEvent(id, { ...given, atMs: nowMs }))
}

async function addEvent(store: Store, id: string, event: AlertEvent): Promise<JudgedAlert> {
  const { alert, events } = await judgedAlert(store, id)
  if (alert.firedAtMs === null) throw new RequestError(409, [`alert ${id} never fired; there is nothing to judge`])
  if (judgements(events) >= maximumJudgements)
    throw new RequestError(409, [`alert ${id} has ${maximumJudgements} verdicts and acknowledgements already`])
  await store.saveAlerts([], [event])
  return judgedAlert(store, id)
}
