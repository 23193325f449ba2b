import type { Reply } from './protocol.ts'

/** What the asking thread is told about an error: one line with SQLite's own words, or those of whatever else failed. */
export function failureReply(id: number, doing: string, error: unknown): Reply {
  return { id, failure: `${doing}: ${describe(error)}` }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!('errstr' in error)) return `${error.name}: ${error.message}`
  // The message may be about one statement, the other text says what kind of error it is.
  return error.errstr === error.message ? error.message : `${error.message} (${String(error.errstr)})`
}
