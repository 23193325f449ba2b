import type * as zod from 'zod'

/** A request that cannot be answered, with the reason for the caller. */
export class RequestError extends Error {
  readonly status: number
  readonly problems: readonly string[]
  constructor(status: number, problems: readonly string[]) {
    super(problems.join('; '))
    this.status = status
    this.problems = problems
  }
}

/** @throws RequestError 400 that names every problem with its place in `where` (query, body). */
export function parseRequest<Schema extends zod.ZodType>(
  schema: Schema,
  where: 'query' | 'body',
  given: unknown,
): zod.infer<Schema> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new RequestError(
    400,
    parsed.error.issues.map((issue) => `${where} ${issue.path.join('.') || '(names)'}: ${issue.message}`),
  )
}
