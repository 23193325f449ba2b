/** Time as the exporter sees it, so that tests can hand in their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /**
   * Runs `callback` once after `delayMillis`; returns what cancels it. A timer that does not `hold` leaves the process free to end.
   */
  after(delayMillis: number, callback: () => void, options: { readonly hold: boolean }): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMillis, callback, { hold }) {
    const timer = setTimeout(callback, delayMillis)
    if (!hold) timer.unref()
    return () => clearTimeout(timer)
  },
}
