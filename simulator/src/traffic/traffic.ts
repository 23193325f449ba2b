import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { seededRandom } from '../random.ts'
import { TrafficClient, type TrafficCounts } from './client.ts'
import { Outcomes, type OutcomeCounts } from './outcomes.ts'
import { Pace } from './pace.ts'
import type { LabelledRow, TrafficRow } from './rows.ts'

export interface TrafficOptions {
  /** Where predictions are asked for. */
  readonly url: string
  /** Predictions, that is rows, per second. */
  readonly rate: number
  readonly next: () => LabelledRow
  readonly outcomes: {
    /** Share of the predictions whose outcome is told some seconds later, from 0 to 1. */
    readonly share: number
    /** The member of an outcome that holds the label. */
    readonly label: string
    /** Of the choice of predictions, and of the delays. */
    readonly seed: number
  }
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

/**
 * Endless requests at a steady rate, and what became of them. Every row is sent under an id of its own: the same person comes again and
 * again, and each time is another prediction.
 */
export class Traffic {
  readonly #client: TrafficClient
  readonly #outcomes: Outcomes
  readonly #pace: Pace
  readonly #rowsPerRequest: number
  readonly #next: () => LabelledRow
  readonly #clock: Clock
  /** Apart from those of a traffic before this one, whose predictions may still wait. */
  readonly #idPrefix = randomUUID().slice(0, 8)
  #ids = 0

  constructor({ url, rate, next, outcomes, clock }: TrafficOptions) {
    this.#client = new TrafficClient({ url })
    const { seed, ...rest } = outcomes
    // A generator of its own, apart from those of the rows and of the drift.
    this.#outcomes = new Outcomes({ url, ...rest, random: seededRandom(seed + 2), clock })
    this.#clock = clock
    this.#next = next
    this.#rowsPerRequest = rowsPerRequest(rate)
    this.#pace = new Pace({ perSecond: rate / this.#rowsPerRequest, clock, send: () => this.#send() })
  }

  start(): void {
    this.#outcomes.start()
    this.#pace.start()
  }

  get counts(): TrafficCounts {
    const counts = this.#client.counts
    return { ...counts, skipped: counts.skipped + this.#pace.skipped * this.#rowsPerRequest }
  }

  get outcomes(): OutcomeCounts {
    return this.#outcomes.counts
  }

  #send(): void {
    const rows: TrafficRow[] = []
    const labels: { readonly id: string; readonly label: boolean }[] = []
    for (let i = 0; i < this.#rowsPerRequest; i++) {
      const { row, label } = this.#next()
      const id = `${this.#idPrefix}-${++this.#ids}`
      rows.push({ ...row, id })
      if (label !== null) labels.push({ id, label })
    }
    this.#client.send(rows, (status) => {
      if (status === 200) for (const { id, label } of labels) this.#outcomes.add(id, label)
    })
  }

  /** Stops sending; resolves when every request is answered, or given up. */
  async stop(): Promise<void> {
    this.#pace.stop()
    this.#outcomes.stop()
    const cancel = this.#clock.after(lastAnswersMs, () => this.#close())
    await Promise.all([this.#client.idle(), this.#outcomes.idle()])
    cancel()
    this.#close()
  }

  #close(): void {
    this.#client.close()
    this.#outcomes.close()
  }
}
