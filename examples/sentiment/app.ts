import express, { type Express, type NextFunction, type Request, type Response } from 'express'

/** Gives a label and its probability for each text. */
export type Classify = (texts: readonly string[]) => Promise<unknown>

/** Texts of one request; more belong into several requests. */
const maximumTexts = 100

/** A request that is wrong, with the reason for its sender. */
class BadRequest extends Error {}

/** `POST /classify` takes `{ text }` or `{ texts: [...] }`, and answers `{ sentiments: [{ label, score }] }` in the same order. */
export function createApp(classify: Classify): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(express.json({ limit: '1mb' }))

  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })

  app.post('/classify', async (request, response) => {
    response.json({ sentiments: await classify(readRequest(request.body)) })
  })

  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const status = error instanceof BadRequest ? 400 : clientStatus(error)
    response.status(status).json({ error: status < 500 ? (error as Error).message : 'the model could not answer' })
  })
  return app
}

/** Finds the texts in a request body, or throws a BadRequest that says what is wrong with it. */
function readRequest(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) {
    throw new BadRequest('send a JSON object, with content-type application/json')
  }
  const texts: unknown = 'text' in body ? [body.text] : 'texts' in body ? body.texts : undefined
  if (!Array.isArray(texts)) throw new BadRequest('send { "text": "..." } or { "texts": ["...", ...] }')
  if (texts.length === 0) throw new BadRequest('texts: there is none')
  if (texts.length > maximumTexts) {
    throw new BadRequest(`texts: ${texts.length} are too many, ${maximumTexts} are allowed`)
  }
  if (!texts.every((text) => typeof text === 'string')) throw new BadRequest('texts: each must be a string')
  return texts
}

/** The JSON parser marks errors that are the sender's with a status. */
function clientStatus(error: unknown): number {
  if (error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500)
    return error.status
  return 500
}
