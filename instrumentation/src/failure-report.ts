/** What went wrong, so that each kind of failure is told once. */
export type FailureKind = 'record' | 'collect' | 'export' | 'exit' | 'adopt'

/**
 * Where failures inside Driftline end: counted, handed to the user's `onError`, and told once per kind through the diagnostics
 * of `@opentelemetry/api` when that is installed, else on the console. Nothing here throws.
 */
export class FailureReport {
  readonly #onError: ((error: Error) => void) | undefined
  readonly #told = new Set<FailureKind>()
  #count = 0
  #last: string | null = null

  constructor(onError: ((error: Error) => void) | undefined) {
    this.#onError = onError
  }

  get count(): number {
    return this.#count
  }

  get last(): string | null {
    return this.#last
  }

  add(kind: FailureKind, failure: unknown): void {
    this.#count++
    const error = asError(failure)
    this.#last = error.message
    try {
      this.#onError?.(error)
    } catch {
      // The user's own handler failed; there is nobody left to tell.
    }
    if (this.#told.has(kind)) return
    this.#told.add(kind)
    void tell(`driftline: ${kind} failed: ${error.message} (told once; see statistics() for counts)`)
  }
}

function asError(failure: unknown): Error {
  if (failure instanceof Error) return failure
  try {
    return new Error(String(failure))
  } catch {
    return new Error('a failure that has no text')
  }
}

async function tell(message: string): Promise<void> {
  try {
    const { diag } = await import('@opentelemetry/api')
    diag.warn(message)
  } catch {
    // oxlint-disable-next-line no-console -- the last resort
    console.warn(message)
  }
}
