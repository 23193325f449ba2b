import type { Clock } from '../../clock.ts'
import type { AlertEvent, AlertRecord } from '../alert.ts'
import { formatAlert } from '../format.ts'
import { deliveryKey } from './delivery.ts'
import type { Notifier, NotifyResult } from './notifier.ts'

/** A receiver that takes longer is as good as down; it should accept first and work later. */
export const defaultWebhookTimeoutMs = 10_000
/** A receiver may ask to be left alone this long; an alert that comes later than that is no alert. */
export const maximumRetryAfterMs = 3_600_000
/** How much of a refusal's body goes into the error. */
const maximumErrorText = 200

export interface WebhookOptions {
  /** Default: `webhook`. */
  readonly name?: string
  /** http or https. Often a secret in itself, so it is never logged. */
  readonly url: string
  /** Sent as `Authorization: Bearer ...`. */
  readonly bearerToken?: string
  /** Milliseconds for the whole exchange; default 10,000. */
  readonly timeoutMs?: number
  readonly clock: Clock
}

/** What a webhook receives, as JSON. Fields may be added under the same version; none is removed or changed. */
export interface WebhookBody {
  readonly version: 1
  /** `firing` or `resolved`; times are milliseconds since the Unix epoch. */
  readonly event: AlertEvent
  /** The alert as it stands when the request is made. */
  readonly alert: AlertRecord
  /** The alert as text of several lines. */
  readonly text: string
}

/**
 * POSTs a {@link WebhookBody}, with an `Idempotency-Key` that is the same for every attempt.
 *
 * 2xx is delivered. 408, 429, 5xx, a timeout and a broken connection may be tried again, no sooner than `Retry-After` says. Any other
 * status is final; redirects are not followed, because they would carry the token elsewhere.
 *
 * @throws TypeError when the URL is not an http or https one.
 */
export function createWebhookNotifier({
  name = 'webhook',
  url,
  bearerToken,
  timeoutMs = defaultWebhookTimeoutMs,
  clock,
}: WebhookOptions): Notifier {
  const target = URL.canParse(url) ? new URL(url) : null
  if (target === null || !['http:', 'https:'].includes(target.protocol))
    throw new TypeError(`notifier ${name}: the URL must be an http or https one`)
  return {
    name,
    async notify(alert, event) {
      const body: WebhookBody = { version: 1, event, alert, text: formatAlert(alert) }
      const abort = new AbortController()
      const cancel = clock.after(timeoutMs, () => abort.abort())
      try {
        const response = await fetch(target, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'user-agent': 'driftline-collector',
            'idempotency-key': deliveryKey({ event }),
            ...(bearerToken === undefined ? {} : { authorization: `Bearer ${bearerToken}` }),
          },
          body: JSON.stringify(body),
          redirect: 'manual',
          signal: abort.signal,
        })
        return await resultOf(response, clock.now())
      } catch (error) {
        const reason = abort.signal.aborted ? `no answer within ${timeoutMs} ms` : `connection failed: ${codeOf(error)}`
        return { delivered: false, retryable: true, error: reason }
      } finally {
        cancel()
      }
    },
  }
}

async function resultOf(response: Response, nowMs: number): Promise<NotifyResult> {
  const { status } = response
  if (response.ok) {
    await response.body?.cancel()
    return { delivered: true }
  }
  const retryable = status === 408 || status === 429 || status >= 500
  const retryAfterMs = retryable ? parseRetryAfter(response.headers.get('retry-after'), nowMs) : null
  const text = await beginningOf(response)
  return {
    delivered: false,
    retryable,
    error: `answered ${status}${text === '' ? '' : `: ${text}`}`,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  }
}

/** Reads no more of a body than is shown: a receiver that never stops talking is not listened to. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  let text = ''
  const decoder = new TextDecoder()
  while (text.length < maximumErrorText) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel()
  return text.slice(0, maximumErrorText).replace(/\s+/g, ' ').trim()
}

/** Seconds or an HTTP date, in milliseconds from now, at most {@link maximumRetryAfterMs}; null when absent or senseless. */
export function parseRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null) return null
  const wait = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return Number.isNaN(wait) ? null : Math.min(Math.max(0, wait), maximumRetryAfterMs)
}

/** The system's code for a failed connection; the message could hold the URL. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : null
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : null
  return typeof code === 'string' ? code : 'no answer'
}
