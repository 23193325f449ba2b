import type { Clock } from '../clock.ts'

export interface PaceOptions {
  /** Sends per second; more than 0. */
  readonly perSecond: number
  readonly clock: Clock
  /** Called once per slot; it must not throw and does not wait for an answer. */
  readonly send: () => void
}

/** A pace that fell behind by more than this gives the missed slots up. */
const maximumLagMs = 500

/**
 * Calls `send` at even distances of time, whatever the receiver answers (an open loop: a slow server gets no mercy).
 *
 * Slots that came late are made up at no more than twice the pace, so a stalled process is never followed by a burst; what lies
 * too far back is skipped and counted.
 */
export class Pace {
  readonly #options: PaceOptions
  readonly #intervalMs: number
  #cancel: (() => void) | undefined
  #dueMs = 0
  #skipped = 0

  constructor(options: PaceOptions) {
    if (!(options.perSecond > 0)) throw new RangeError(`a pace needs a positive rate, not ${options.perSecond}`)
    this.#options = options
    this.#intervalMs = 1000 / options.perSecond
  }

  start(): void {
    if (this.#cancel !== undefined) return
    this.#dueMs = this.#options.clock.now()
    this.#wait(0)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Slots given up because the process could not keep the pace. */
  get skipped(): number {
    return this.#skipped
  }

  #wait(milliseconds: number): void {
    this.#cancel = this.#options.clock.after(milliseconds, () => this.#tick())
  }

  #tick(): void {
    const now = this.#options.clock.now()
    // A timer may fire a fraction of a millisecond early.
    if (now < this.#dueMs - 1) return this.#wait(this.#dueMs - now)
    this.#options.send()
    if (this.#cancel === undefined) return // send() stopped us
    this.#dueMs += this.#intervalMs
    const lag = now - this.#dueMs
    if (lag > maximumLagMs) {
      const missed = Math.ceil(lag / this.#intervalMs)
      this.#skipped += missed
      this.#dueMs += missed * this.#intervalMs
    }
    this.#wait(Math.max(this.#dueMs - now, this.#intervalMs / 2))
  }
}
