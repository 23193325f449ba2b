import { FormatError, parseBaseline, parseManifest, type Baseline } from '@driftline/instrumentation/contract'
import express, { type NextFunction, type Request, type Response, type Router } from 'express'
import * as zod from 'zod'
import { readTime } from '../baseline/read-time.ts'
import { requireCompilable } from '../evaluate/compile-model.ts'
import { StoreUnavailableError, type Store } from '../store/store.ts'
import { showsToken } from '../bearer-token.ts'
import type { Clock } from '../clock.ts'
import type { LoadedRules } from '../rules/loaded.ts'
import type { Learner } from '../learn/learner.ts'
import { createBaselineRoute, createFreezeRoute, shown } from './baselines.ts'
import { budgetOf } from './budget.ts'
import { acknowledge, giveVerdict, judgedAlert } from './judgements.ts'
import { parseRequest, RequestError } from './request-error.ts'

export interface ApiOptions {
  readonly store: Store
  readonly adminToken: string | null
  /** Senders of metrics may read baselines with it. */
  readonly ingestToken: string | null
  readonly learner: Learner
  /** Called after a baseline or manifest was put, so that evaluation takes it up. */
  readonly onModelChanged: (model: string, version: string) => void
  readonly rulesFor: (model: string, version: string) => LoadedRules
  readonly clock: Pick<Clock, 'now'>
  readonly log: (line: string) => void
}

/** Largest baseline or manifest that can be put: 10,000 features of 24 cells with 168 chunks stay below it. */
const maximumDocumentBytes = 256 * 1024 * 1024
/** A verdict with its note, and room for escapes. */
const maximumJudgementBytes = 64 * 1024
const defaultLimit = 200
const maximumLimit = 9_999

const time = zod.string().transform((text, context) => {
  const milliseconds = /^\d+$/.test(text) ? Number(text) : readTime(text, false)
  if (Number.isFinite(milliseconds)) return milliseconds
  context.addIssue({
    code: 'custom',
    message: `expected milliseconds since the epoch or an ISO 8601 time, got '${text}'`,
  })
  return zod.NEVER
})
const limit = zod.coerce.number().int().min(1).max(maximumLimit).default(defaultLimit)
const rangeQuery = zod.strictObject({
  from: time.default(0),
  to: time.default(Number.MAX_SAFE_INTEGER),
  order: zod.enum(['ascending', 'descending']).default('descending'),
  limit,
})
const resultQuery = rangeQuery.extend({
  signal: zod.string().optional(),
  feature: zod.string().optional(),
  segment: zod.string().optional(),
  status: zod.enum(['ok', 'drift', 'insufficient', 'error']).optional(),
})
const alertQuery = zod.strictObject({
  model: zod.string().optional(),
  version: zod.string().optional(),
  state: zod.enum(['pending', 'firing', 'resolved']).optional(),
  limit,
})

/** The REST interface under /api/v1. Every answer is JSON; errors are `{ error: { message, problems } }`. */
export function createApi(options: ApiOptions): Router {
  const { store, adminToken, ingestToken, learner, onModelChanged, rulesFor, clock, log } = options
  const router = express.Router()
  router.use(createBaselineRoute({ store, learner, ingestToken, adminToken }))
  router.use((request, response, next) => {
    if (adminToken === null || showsToken(request.headers.authorization, adminToken)) return next()
    response
      .status(401)
      .set('WWW-Authenticate', 'Bearer')
      .json(errorBody(['this needs the admin token']))
  })
  const learningOf = async ({ model, version }: { model: string; version: string }) => {
    const learning = await learner.progress(model, version)
    return learning === null ? {} : { learning: shown(learning) }
  }
  const documents = express.json({ limit: maximumDocumentBytes })

  router.get('/models', async (_request, response) => {
    const models = await Promise.all(
      (await store.modelVersions()).map(async (one) => ({ ...one, ...(await learningOf(one)) })),
    )
    response.json({ models })
  })

  const version = '/models/:model/versions/:version'
  router.get(`${version}/windows`, async (request, response) => {
    const { from, to, limit, order } = parseQuery(rangeQuery, request)
    const range = { ...modelVersion(request), fromMs: from, toMs: to, order }
    const windows = await store.evaluations({ ...range, limit: limit + 1 })
    // Of a version without a baseline: why its windows say 'no-baseline', and until when.
    response.json({ ...page('windows', windows, limit), ...(await learningOf(range)) })
  })
  router.get(`${version}/results`, async (request, response) => {
    const { from, to, limit, ...query } = parseQuery(resultQuery, request)
    const range = { ...modelVersion(request), fromMs: from, toMs: to, ...defined(query) }
    response.json(page('results', await store.results({ ...range, limit: limit + 1 }), limit))
  })
  router.get(`${version}/baseline`, async (request, response) => {
    const { model, version } = modelVersion(request)
    const found = await store.baselineFor(model, version)
    if (found === null) throw new RequestError(404, [`no baseline for ${model} ${version}`])
    response.json(found)
  })
  router.put(`${version}/baseline`, documents, async (request, response) => {
    const { model, version } = modelVersion(request)
    const baseline = parseBaseline(request.body)
    requireSameModel(baseline.model, model, version)
    requireUsable(baseline)
    const digest = await store.putBaseline(baseline)
    onModelChanged(model, version)
    response.json({ digest })
  })
  router.use(createFreezeRoute(learner))
  router.get(`${version}/manifest`, async (request, response) => {
    const { model, version } = modelVersion(request)
    const found = await store.manifestFor(model, version)
    if (found === null) throw new RequestError(404, [`no manifest for ${model} ${version}`])
    response.json(found)
  })
  router.put(`${version}/manifest`, documents, async (request, response) => {
    const { model, version } = modelVersion(request)
    const manifest = parseManifest(request.body)
    requireSameModel(manifest.model, model, version)
    const digest = await store.putManifest(manifest)
    onModelChanged(model, version)
    response.json({ digest })
  })

  router.get(`${version}/budget`, async (request, response) => {
    const asked = modelVersion(request)
    const known = await store.modelVersions()
    if (!known.some((one) => one.model === asked.model && one.version === asked.version))
      throw new RequestError(404, [`no data of ${asked.model} ${asked.version}`])
    response.json(await budgetOf(store, rulesFor(asked.model, asked.version), asked, clock.now()))
  })

  router.get('/alerts', async (request, response) => {
    response.json({ alerts: await store.alerts(defined(parseQuery(alertQuery, request))) })
  })
  router.get('/alerts/:id', async (request, response) => {
    response.json(await judgedAlert(store, request.params.id))
  })
  const judgements = express.json({ limit: maximumJudgementBytes })
  router.post('/alerts/:id/verdict', judgements, async (request, response) => {
    response.json(await giveVerdict(store, request.params.id, request.body, clock.now()))
  })
  router.post('/alerts/:id/acknowledge', judgements, async (request, response) => {
    response.json(await acknowledge(store, request.params.id, request.body, clock.now()))
  })

  router.use((request, response) => {
    response.status(404).json(errorBody([`nothing at ${request.method} ${request.originalUrl}`]))
  })
  router.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const { status, problems } = describe(error)
    if (status === 500)
      log(
        `${request.method} ${request.originalUrl}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
    response.status(status).json(errorBody(problems))
  })
  return router
}

function describe(error: unknown): { status: number; problems: readonly string[] } {
  if (error instanceof RequestError) return error
  if (error instanceof FormatError)
    return { status: 400, problems: error.problems.map(({ path, message }) => `${path}: ${message}`) }
  if (error instanceof StoreUnavailableError) return { status: 503, problems: [error.message] }
  // body-parser and the router set a status on errors that are the caller's.
  if (error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500) {
    return { status: error.status, problems: [error.message] }
  }
  return { status: 500, problems: ['internal error; the log of the collector has the details'] }
}

/** The asked-for number of rows, and whether there are more: one more than that was read. */
function page(name: string, rows: readonly unknown[], limit: number): object {
  return { [name]: rows.slice(0, limit), more: rows.length > limit }
}

function errorBody(problems: readonly string[]): { error: { message: string; problems: readonly string[] } } {
  return { error: { message: problems.join('; '), problems } }
}

function modelVersion(request: Request): { model: string; version: string } {
  return { model: String(request.params.model), version: String(request.params.version) }
}

function requireSameModel(given: { name: string; version: string }, model: string, version: string): void {
  if (given.name !== model || given.version !== version) {
    throw new RequestError(400, [
      `model: the document is of ${given.name} ${given.version}, the address of ${model} ${version}`,
    ])
  }
}

function requireUsable(baseline: Baseline): void {
  try {
    requireCompilable(baseline)
  } catch (error) {
    throw new RequestError(400, [error instanceof Error ? error.message : String(error)])
  }
}

function parseQuery<Schema extends zod.ZodType>(schema: Schema, request: Request): zod.infer<Schema> {
  return parseRequest(schema, 'query', request.query)
}

/** Leaves out members that are undefined, which exactOptionalPropertyTypes tells apart from absent ones. */
function defined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never
}
