import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { TrafficClient } from './client.ts'

export interface OutcomesOptions {
  /** Where predictions are asked for; outcomes are told beside it, at `outcomes`. */
  readonly url: string
  /** The member of an outcome that holds the answer of the world. */
  readonly label: string
  /** Share of the predictions that get an outcome, from 0 to 1. */
  readonly share: number
  readonly random: Random
  readonly clock: Clock
}

/** What became of the outcomes. */
export interface OutcomeCounts {
  /** Taken by the server. */
  readonly told: number
  /** Answered with an error, not at all, or not sent because too many requests were unanswered. */
  readonly failed: number
  /** The server has no route for them, so no more are sent. */
  readonly refused: boolean
}

/** The truth of a person's employment takes months; here it takes 1 to 4 s, so that it is seen, and still comes after its prediction was answered. */
const minimumDelayMs = 1_000
const maximumDelayMs = 4_000
/** Outcomes of so long a time share their requests. */
const slotMs = 500
/** What the example's server takes at once. */
const maximumPerRequest = 1_000
const notFound = 404

/**
 * Tells a server some seconds after its predictions what became of a share of them. What waits is bounded by the rate of the traffic times
 * the longest delay.
 */
export class Outcomes {
  readonly #client: TrafficClient
  readonly #options: OutcomesOptions
  /** What is due at the end of the running slot, of the next, and so on. */
  readonly #slots: { id: string; [label: string]: string | boolean }[][]
  #current = 0
  #refused = false
  #cancel: (() => void) | undefined

  constructor(options: OutcomesOptions) {
    this.#options = options
    this.#client = new TrafficClient({ url: new URL('outcomes', options.url).href, member: 'outcomes' })
    this.#slots = Array.from({ length: maximumDelayMs / slotMs }, () => [])
  }

  start(): void {
    if (this.#cancel === undefined && this.#options.share > 0) this.#wait()
  }

  get counts(): OutcomeCounts {
    const { answered, failed, skipped } = this.#client.counts
    return { told: answered, failed: failed + skipped, refused: this.#refused }
  }

  /** A prediction was answered. Whether its outcome is ever known, and when, is a matter of chance. */
  add(id: string, label: boolean): void {
    const { random, share, label: member } = this.#options
    if (this.#cancel === undefined || random() >= share) return
    const earliest = minimumDelayMs / slotMs
    const slot = earliest + Math.floor(random() * (this.#slots.length - earliest))
    this.#slots[(this.#current + slot) % this.#slots.length]!.push({ id, [member]: label })
  }

  #wait(): void {
    this.#cancel = this.#options.clock.after(slotMs, () => {
      const due = this.#slots[this.#current]!.splice(0)
      this.#current = (this.#current + 1) % this.#slots.length
      for (let i = 0; i < due.length; i += maximumPerRequest) {
        this.#client.send(due.slice(i, i + maximumPerRequest), (status) => {
          if (status === notFound) this.#refuse()
        })
      }
      this.#wait()
    })
  }

  #refuse(): void {
    this.#refused = true
    this.stop()
  }

  /** Tells no more: predictions that wait never get their outcome. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    for (const slot of this.#slots) slot.length = 0
  }

  /** Resolves when no request is unanswered. */
  idle(): Promise<void> {
    return this.#client.idle()
  }

  /** Closes the connections. */
  close(): void {
    this.#client.close()
  }
}
