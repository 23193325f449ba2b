import type { AlertEvent, AlertRecord } from '../alert.ts'

/** Tells people about one change of one alert. */
export interface Notifier {
  /** As rules and events name it: letters, digits, `.`, `_` and `-`. */
  readonly name: string
  /** Never rejects for what the other side does; a rejection counts as an error that may be tried again. */
  notify(alert: AlertRecord, event: AlertEvent): Promise<NotifyResult>
}

export type NotifyResult =
  | { readonly delivered: true }
  | {
      readonly delivered: false
      /** Whether trying again later may help. */
      readonly retryable: boolean
      /** One line without secrets: no URL, no header. */
      readonly error: string
      /** How long the other side asks to be left alone. */
      readonly retryAfterMs?: number
    }

/** Names stand in the details of events, from which deliveries are read back, so they hold no space and no comma. */
export const notifierName: RegExp = /^[A-Za-z0-9._-]{1,64}$/
