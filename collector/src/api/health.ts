import express, { type Router } from 'express'
import type { EvaluatorCounters } from '../evaluate/evaluator.ts'
import type { SendingStatistics } from '../store/influx/influx-store.ts'
import type { Store } from '../store/store.ts'
import { showsToken } from '../bearer-token.ts'

/** A counter with one value per label, as its owner keeps it. */
export type LabelledCounts = Readonly<Record<string, number>>

export interface HealthOptions {
  readonly store: Store
  readonly adminToken: string | null
  readonly ready: () => boolean
  readonly received: () => { accepted: number; duplicates: number; requests: LabelledCounts; rejected: LabelledCounts }
  readonly evaluator: Readonly<EvaluatorCounters>
  readonly notifications: () => LabelledCounts
  readonly firing: () => Promise<number>
  /** Of a store that sends elsewhere what it keeps; null of the embedded one. */
  readonly sending: () => SendingStatistics | null
}

/** `/healthz` says that the process answers, `/readyz` that it takes data, `/metrics` how it does, as Prometheus text. */
export function createHealthRoutes(options: HealthOptions): Router {
  const { store, adminToken, ready, received, evaluator, notifications, firing, sending } = options
  const router = express.Router()
  router.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n')
  })
  router.get('/readyz', (_request, response) => {
    response
      .status(ready() ? 200 : 503)
      .type('text/plain')
      .send(ready() ? 'ready\n' : 'not ready\n')
  })
  router.get('/metrics', async (request, response) => {
    if (adminToken !== null && !showsToken(request.headers.authorization, adminToken)) {
      response.status(401).set('WWW-Authenticate', 'Bearer').end()
      return
    }
    const { accepted, duplicates, requests, rejected } = received()
    const { blocks, evaluations, bytes } = await store.statistics()
    const lines = [
      ...metric('driftline_points_accepted_total', 'counter', 'Metric points taken and stored.', accepted),
      ...metric(
        'driftline_series_duplicate_total',
        'counter',
        'Series that came again and were stored once.',
        duplicates,
      ),
      ...labelled('driftline_requests_total', 'counter', 'OTLP requests by status code.', 'code', requests),
      ...labelled(
        'driftline_points_rejected_total',
        'counter',
        'Metric points refused, by reason.',
        'reason',
        rejected,
      ),
      ...metric(
        'driftline_evaluated_slices_total',
        'counter',
        'Slices of time evaluated since the start.',
        evaluator.slices,
      ),
      ...metric(
        'driftline_evaluated_revisions_total',
        'counter',
        'Slices evaluated again because data came late.',
        evaluator.revisions,
      ),
      ...metric(
        'driftline_evaluation_failures_total',
        'counter',
        'Evaluations that failed and are tried again.',
        evaluator.failures,
      ),
      ...metric(
        'driftline_unwatched',
        'gauge',
        'Features and outputs that the newest windows could not judge.',
        evaluator.unwatched,
      ),
      ...labelled('driftline_notifications_total', 'counter', 'Notifications by outcome.', 'outcome', notifications()),
      ...metric('driftline_alerts_firing', 'gauge', 'Alerts that fire now.', await firing()),
      ...metric('driftline_store_blocks', 'gauge', 'Blocks in the store.', blocks),
      ...metric('driftline_store_evaluations', 'gauge', 'Evaluated slices in the store.', evaluations),
      ...metric('driftline_store_bytes', 'gauge', 'Size of the store in bytes.', bytes),
      ...metric(
        'driftline_memory_bytes',
        'gauge',
        'Resident memory of the process in bytes.',
        process.memoryUsage.rss(),
      ),
    ]
    const sent = sending()
    if (sent !== null) lines.push(...sendingMetrics(sent))
    response.type('text/plain; version=0.0.4').send(`${lines.join('\n')}\n`)
  })
  return router
}

function sendingMetrics({ journal, sender }: SendingStatistics): string[] {
  return [
    ...metric('driftline_journal_queued_bytes', 'gauge', 'Bytes that wait to be sent.', journal.queuedBytes),
    ...metric('driftline_journal_queued_records', 'gauge', 'Records that wait to be sent.', journal.queuedRecords),
    ...metric(
      'driftline_journal_oldest_age_seconds',
      'gauge',
      'Age of the oldest record that waits to be sent.',
      journal.oldestAgeMs / 1000,
    ),
    ...metric('driftline_journal_bytes', 'gauge', 'Size of the journal in bytes.', journal.bytes),
    ...metric('driftline_journal_appended_total', 'counter', 'Records taken.', journal.appendedRecords),
    ...metric('driftline_journal_append_failures_total', 'counter', 'Appends that failed.', journal.failedAppends),
    ...metric(
      'driftline_journal_dropped_total',
      'counter',
      'Records dropped because the journal was full or they were too old.',
      journal.droppedRecords,
    ),
    ...metric('driftline_sender_lines_total', 'counter', 'Lines that InfluxDB has taken.', sender.sentLines),
    ...metric('driftline_sender_bytes_total', 'counter', 'Bytes of these lines.', sender.sentBytes),
    ...metric('driftline_sender_batches_total', 'counter', 'Batches that InfluxDB has taken.', sender.sentBatches),
    ...metric('driftline_sender_retries_total', 'counter', 'Sendings put off, held or split.', sender.retries),
    ...metric(
      'driftline_sender_dead_letters_total',
      'counter',
      'Lines that InfluxDB refuses for good.',
      sender.deadLetters,
    ),
    ...metric('driftline_sender_failing', 'gauge', '1 while nothing gets through.', Number(sender.failing !== null)),
  ]
}

function header(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}

function metric(name: string, type: string, help: string, value: number): string[] {
  return [...header(name, type, help), `${name} ${value}`]
}

function labelled(name: string, type: string, help: string, label: string, counts: LabelledCounts): string[] {
  return [
    ...header(name, type, help),
    ...Object.entries(counts).map(([key, value]) => `${name}{${label}=${JSON.stringify(key)}} ${value}`),
  ]
}
