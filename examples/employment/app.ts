import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { features, type PersonRow } from './features.ts'
import type { Prediction } from './predict.ts'

/** Answers rows, in their order. */
export type Predict = (rows: readonly PersonRow[]) => Promise<readonly Prediction[]>

/** What became of a prediction: the answer of the world to the row with this id. */
export interface Outcome {
  readonly id: string | number
  readonly employed: boolean
}

/** Rows or outcomes of one request; more belong into several requests. */
const maximumItems = 1000

/** A request that is wrong, with the reason for its sender. */
class BadRequest extends Error {}

/**
 * `POST /predict` takes one row, or `{ rows: [...] }`, and answers `{ predictions: [{ id, employed, probability }] }` in the same order.
 * Features that are absent or null are unknown; the model can do without them.
 *
 * `POST /outcomes` takes `{ outcomes: [{ id, employed }] }`, hands them on and answers `{ taken }`, their number. Nobody to hand them to, no such
 * route.
 */
export function createApp(predict: Predict, takeOutcomes?: (outcomes: readonly Outcome[]) => void): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(express.json({ limit: '1mb' }))

  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })

  app.post('/predict', async (request, response) => {
    const rows = readRows(request.body)
    const predictions = await predict(rows)
    response.json({ predictions: predictions.map((prediction, i) => ({ id: rows[i]!.id ?? null, ...prediction })) })
  })

  if (takeOutcomes !== undefined) {
    app.post('/outcomes', (request, response) => {
      const outcomes = readOutcomes(request.body)
      takeOutcomes(outcomes)
      response.json({ taken: outcomes.length })
    })
  }

  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const status = error instanceof BadRequest ? 400 : clientStatus(error)
    response.status(status).json({ error: status < 500 ? (error as Error).message : 'the model could not answer' })
  })
  return app
}

/** Finds the rows in a request body, or throws a BadRequest that says what is wrong with it. */
function readRows(body: unknown): PersonRow[] {
  requireObject(body)
  const rows = 'rows' in body ? readList('rows', body['rows']) : [body]
  for (const [i, row] of rows.entries()) {
    const place = 'rows' in body ? `rows[${i}]` : 'the row'
    if (!isObject(row)) throw new BadRequest(`${place}: an object with features is needed`)
    if (!features.some((feature) => feature in row))
      throw new BadRequest(`${place}: has none of the features ${features.join(', ')}`)
    for (const feature of features) {
      if (typeof row[feature] === 'object' && row[feature] !== null)
        throw new BadRequest(`${place}.${feature}: a single value is needed`)
    }
  }
  return rows as PersonRow[]
}

/** The same for outcomes. */
function readOutcomes(body: unknown): Outcome[] {
  requireObject(body)
  return readList('outcomes', body['outcomes']).map((outcome, i) => {
    const place = `outcomes[${i}]`
    if (!isObject(outcome)) throw new BadRequest(`${place}: an object with id and employed is needed`)
    const { id, employed } = outcome
    if ((typeof id !== 'string' && typeof id !== 'number') || id === '')
      throw new BadRequest(`${place}.id: the id of a row, a text or a number, is needed`)
    if (typeof employed !== 'boolean') throw new BadRequest(`${place}.employed: true or false is needed`)
    return { id, employed }
  })
}

function requireObject(body: unknown): asserts body is Record<string, unknown> {
  if (!isObject(body)) throw new BadRequest('send a JSON object, with content-type application/json')
}

function readList(name: string, list: unknown): unknown[] {
  if (!Array.isArray(list)) throw new BadRequest(`${name}: an array is needed`)
  if (list.length === 0) throw new BadRequest(`${name}: there is none`)
  if (list.length > maximumItems)
    throw new BadRequest(`${name}: ${list.length} are too many, ${maximumItems} are allowed`)
  return list
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The JSON parser marks errors that are the sender's with a status. */
function clientStatus(error: unknown): number {
  if (error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500)
    return error.status
  return 500
}
