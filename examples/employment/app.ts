import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { features, type PersonRow } from './features.ts'
import type { Prediction } from './predict.ts'

/** Answers rows, in their order. */
export type Predict = (rows: readonly PersonRow[]) => Promise<readonly Prediction[]>

/** Rows of one request; more belong into several requests. */
const maximumRows = 1000

/** A request that is wrong, with the reason for its sender. */
class BadRequest extends Error {}

/**
 * `POST /predict` takes one row, or `{ rows: [...] }`, and answers `{ predictions: [{ id, employed, probability }] }` in the same order.
 * Features that are absent or null are unknown; the model can do without them.
 */
export function createApp(predict: Predict): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(express.json({ limit: '1mb' }))

  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })

  app.post('/predict', async (request, response) => {
    const rows = readRequest(request.body)
    const predictions = await predict(rows)
    response.json({ predictions: predictions.map((prediction, i) => ({ id: rows[i]!.id ?? null, ...prediction })) })
  })

  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const status = error instanceof BadRequest ? 400 : clientStatus(error)
    response.status(status).json({ error: status < 500 ? (error as Error).message : 'the model could not answer' })
  })
  return app
}

/** Finds the rows in a request body, or throws a BadRequest that says what is wrong with it. */
function readRequest(body: unknown): PersonRow[] {
  if (!isObject(body)) throw new BadRequest('send a JSON object, with content-type application/json')
  const rows = 'rows' in body ? body['rows'] : [body]
  if (!Array.isArray(rows)) throw new BadRequest('rows: an array is needed')
  if (rows.length === 0) throw new BadRequest('rows: there is none')
  if (rows.length > maximumRows) throw new BadRequest(`rows: ${rows.length} are too many, ${maximumRows} are allowed`)
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The JSON parser marks errors that are the sender's with a status. */
function clientStatus(error: unknown): number {
  if (error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500)
    return error.status
  return 500
}
