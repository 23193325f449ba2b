import express, { type Request, type Response, type Router } from 'express'
import * as zod from 'zod'
import { showsToken } from '../bearer-token.ts'
import type { Learner } from '../learn/learner.ts'
import { FreezeRefusal } from '../learn/learner.ts'
import { learningText, type Learning } from '../learn/learning.ts'
import type { Store } from '../store/store.ts'
import { parseRequest, RequestError } from './request-error.ts'

const versionQuery = zod.strictObject({ version: zod.string().min(1) })
const freezeBody = zod.strictObject({ replace: zod.boolean().default(false) }).default({ replace: false })
/** `{ "replace": true }` */
const maximumFreezeBytes = 1024

/**
 * What a recorder without a baseline asks for: the baseline of a version, with its digest as ETag. Senders of metrics have only the
 * ingest token, so that is enough here.
 */
export function createBaselineRoute({
  store,
  learner,
  ingestToken,
  adminToken,
}: {
  readonly store: Pick<Store, 'baselineFor'>
  readonly learner: Pick<Learner, 'progress'>
  readonly ingestToken: string | null
  readonly adminToken: string | null
}): Router {
  const router = express.Router()
  router.get('/models/:model/baseline', async (request, response, next) => {
    const { authorization } = request.headers
    const admitted =
      adminToken === null || [adminToken, ingestToken].some((one) => one !== null && showsToken(authorization, one))
    // Refused where everything under /api is.
    if (!admitted) return next()
    try {
      await serve(request, response)
    } catch (error) {
      next(error)
    }
  })

  async function serve(request: Request, response: Response): Promise<void> {
    const model = String(request.params.model)
    const { version } = parseRequest(versionQuery, 'query', request.query)
    const found = await store.baselineFor(model, version)
    if (found === null) {
      const learning = await learner.progress(model, version)
      const problems = [`no baseline for ${model} ${version}${learning === null ? '' : `: ${learningText(learning)}`}`]
      response.status(404).json({
        error: { message: problems[0], problems },
        ...(learning === null ? {} : { learning: shown(learning) }),
      })
      return
    }
    response.set('ETag', `"${found.digest}"`).set('Cache-Control', 'no-cache')
    if (request.headers['if-none-match'] === `"${found.digest}"`) response.status(304).end()
    else response.json(found.baseline)
  }
  return router
}

/** Freezes a baseline at once, because a person asked for it. */
export function createFreezeRoute(learner: Pick<Learner, 'freeze'>): Router {
  const router = express.Router()
  const body = express.json({ limit: maximumFreezeBytes })
  router.post('/models/:model/versions/:version/baseline/freeze', body, async (request, response) => {
    const { replace } = parseRequest(freezeBody, 'body', request.body)
    try {
      const { digest, baseline, notes } = await learner.freeze(request.params.model, request.params.version, {
        replace,
      })
      response.json({ digest, notes, baseline })
    } catch (error) {
      if (error instanceof FreezeRefusal) throw new RequestError(error.status, [error.message])
      throw error
    }
  })
  return router
}

/** As the API shows it: with `needed`, which is what a reader asks first. */
export function shown(learning: Learning): Learning & { readonly needed: number; readonly text: string } {
  return { ...learning, needed: Math.max(learning.neededRows - learning.rows, 0), text: learningText(learning) }
}
