import type { Clock } from '../clock.ts'

/** Senders try again every few seconds, each of them, and the log may lie on the disk that is full. */
const complaintIntervalMs = 60_000

export interface FailedStoresOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly log: (line: string) => void
}

/** Says that received data could not be stored: at once, and then at most once a minute, with the number of requests. */
export class FailedStores {
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: (line: string) => void
  #toldAtMs: number | null = null
  #untold = 0

  constructor({ clock, log }: FailedStoresOptions) {
    this.#clock = clock
    this.#log = log
  }

  add(error: unknown): void {
    const now = this.#clock.now()
    this.#untold++
    if (this.#toldAtMs !== null && now - this.#toldAtMs < complaintIntervalMs) return
    const requests = this.#untold === 1 ? '1 request' : `${this.#untold} requests`
    const why = error instanceof Error ? error.message : String(error)
    this.#log(`received data could not be stored (${requests}); senders were asked to send it again: ${why}`)
    this.#toldAtMs = now
    this.#untold = 0
  }
}
