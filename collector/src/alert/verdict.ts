import type { AlertEvent } from './alert.ts'

/** What a person found an alert to be. */
export const verdicts = ['true-alarm', 'false-alarm', 'unsure'] as const
export type Verdict = (typeof verdicts)[number]

/** Longest name of a person, and longest note, that are kept. */
export const maximumByLength = 100
export const maximumNoteLength = 2000
/** Verdicts and acknowledgements that one alert takes: people change their mind, a script that runs wild must not fill the disk. */
export const maximumJudgements = 100

/** A person's word on one alert. It is a record: it changes no state, closes no incident and retrains nothing. */
export interface GivenVerdict {
  readonly verdict: Verdict
  readonly by: string
  readonly note: string | null
  /** When it was given, in milliseconds since the epoch. */
  readonly atMs: number
}

export interface Acknowledgement {
  readonly by: string
  readonly atMs: number
}

export function verdictEvent(alertId: string, { verdict, by, note, atMs }: GivenVerdict): AlertEvent {
  return { alertId, atMs, kind: 'verdict', detail: JSON.stringify({ verdict, by, ...(note === null ? {} : { note }) }) }
}

export function acknowledgementEvent(alertId: string, { by, atMs }: Acknowledgement): AlertEvent {
  return { alertId, atMs, kind: 'acknowledged', detail: JSON.stringify({ by }) }
}

/** The verdict that counts: the one stored last. @param events of one alert, in the order they were stored */
export function lastVerdict(events: readonly AlertEvent[]): GivenVerdict | null {
  const event = events.findLast(({ kind }) => kind === 'verdict')
  if (event === undefined) return null
  const { verdict, by, note } = JSON.parse(event.detail) as Omit<GivenVerdict, 'note'> & { note?: string }
  return { verdict, by, note: note ?? null, atMs: event.atMs }
}

/** Who took the alert up first. */
export function firstAcknowledgement(events: readonly AlertEvent[]): Acknowledgement | null {
  const event = events.find(({ kind }) => kind === 'acknowledged')
  return event === undefined ? null : { by: (JSON.parse(event.detail) as { by: string }).by, atMs: event.atMs }
}

/** Verdicts and acknowledgements among the events of an alert. */
export function judgements(events: readonly AlertEvent[]): number {
  return events.filter(({ kind }) => kind === 'verdict' || kind === 'acknowledged').length
}
