/**
 * The only file that reads the date or sets a timer. Everything else is handed a clock, so that tests can turn time.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls `run` once after `milliseconds`; the timer keeps the process alive only with `hold`. Returns a function that cancels. */
  after(milliseconds: number, run: () => void, options?: { readonly hold: boolean }): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, run, options) {
    const timer = setTimeout(run, milliseconds)
    if (options?.hold !== true) timer.unref()
    return () => clearTimeout(timer)
  },
}
