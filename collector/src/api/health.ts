import express, { type Router } from 'express'
import type { EvaluatorCounters } from '../evaluate/evaluator.ts'
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
}

/** `/healthz` says that the process answers, `/readyz` that it takes data, `/metrics` how it does, as Prometheus text. */
export function createHealthRoutes(options: HealthOptions): Router {
  const { store, adminToken, ready, received, evaluator, notifications, firing } = options
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
    response.type('text/plain; version=0.0.4').send(`${lines.join('\n')}\n`)
  })
  return router
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
