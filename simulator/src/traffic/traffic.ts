import type { Clock } from '../clock.ts'
import { TrafficClient, type TrafficCounts } from './client.ts'
import { Pace } from './pace.ts'
import type { TrafficRow } from './rows.ts'

export interface TrafficOptions {
  /** Where predictions are asked for. */
  readonly url: string
  /** Predictions, that is rows, per second. */
  readonly rate: number
  readonly next: () => TrafficRow
  readonly clock: Clock
}

/** Above this many requests a second rows share requests, so that the cost of HTTP does not drown the model. */
const requestsPerSecond = 100

/** Requests unanswered for so long after the end are given up. */
const lastAnswersMs = 2_000

/** Rows of one request at a rate: as few as keep the requests at a hundred a second. */
export function rowsPerRequest(rate: number): number {
  return Math.max(1, Math.ceil(rate / requestsPerSecond))
}

/** Endless requests at a steady rate. */
export class Traffic {
  readonly #client: TrafficClient
  readonly #pace: Pace
  readonly #rowsPerRequest: number
  readonly #clock: Clock

  constructor({ url, rate, next, clock }: TrafficOptions) {
    this.#client = new TrafficClient({ url })
    this.#clock = clock
    this.#rowsPerRequest = rowsPerRequest(rate)
    this.#pace = new Pace({
      perSecond: rate / this.#rowsPerRequest,
      clock,
      send: () => this.#client.send(Array.from({ length: this.#rowsPerRequest }, next)),
    })
  }

  start(): void {
    this.#pace.start()
  }

  get counts(): TrafficCounts {
    const counts = this.#client.counts
    return { ...counts, skipped: counts.skipped + this.#pace.skipped * this.#rowsPerRequest }
  }

  /** Stops sending; resolves when every request is answered, or given up. */
  async stop(): Promise<void> {
    this.#pace.stop()
    const cancel = this.#clock.after(lastAnswersMs, () => this.#client.close())
    await this.#client.idle()
    cancel()
    this.#client.close()
  }
}
