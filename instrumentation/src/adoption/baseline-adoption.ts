import type { Clock } from '../clock.ts'
import { parseBaseline, type Baseline } from '../contract/index.ts'
import type { FailureReport } from '../failure-report.ts'
import type { ModelPlan } from '../plan.ts'
import type { FetchBaseline } from './fetch-baseline.ts'

/** After the start of the server, which has other things to do at first. */
export const firstPollMillis = 1_000
/** While a collector learns. */
export const pollMillis = 30_000
/** Where nobody knows of baselines, and once one was taken up: a newer one may replace it. */
export const slowestPollMillis = 300_000
/** Servers that start together shall not ask together. */
const jitter = 0.1
/** A wrong baseline may have a problem per feature. */
const toldProblems = 5

export interface AdoptionOptions {
  readonly fetch: FetchBaseline
  /** Null, with the reasons, for a baseline that does not fit what is recorded. */
  readonly plan: (baseline: Baseline, problems: string[]) => ModelPlan | null
  /** Takes it up when what was counted until then has been taken. */
  readonly adopt: (plan: ModelPlan) => void
  readonly failures: FailureReport
  readonly clock: Clock
}

/**
 * Asks a collector now and then whether it has a baseline for a model that was started without one. Says nothing where there is none: an
 * OpenTelemetry collector may stand there, or nothing at all. One that can not be used is reported once.
 */
export class BaselineAdoption {
  readonly #options: AdoptionOptions
  #cancelTimer: (() => void) | null = null
  #delay = pollMillis
  #tag: string | null = null
  #digest: string | null = null
  #stopped = false

  constructor(options: AdoptionOptions) {
    this.#options = options
  }

  start(): void {
    this.#schedule(firstPollMillis)
  }

  stop(): void {
    this.#stopped = true
    this.#cancelTimer?.()
  }

  #schedule(after: number): void {
    if (this.#stopped) return
    // Later, never sooner, than said.
    const delay = after * (1 + jitter * Math.random())
    this.#cancelTimer = this.#options.clock.after(delay, () => void this.#poll(), { hold: false })
  }

  async #poll(): Promise<void> {
    try {
      const answer = await this.#options.fetch(this.#tag)
      if (this.#stopped) return
      switch (answer.kind) {
        case 'found':
          this.#delay = slowestPollMillis
          // A baseline that does not fit is not fetched again either.
          this.#tag = answer.tag
          this.#take(answer.text)
          break
        case 'unchanged':
          this.#delay = slowestPollMillis
          break
        case 'learning':
          this.#delay = pollMillis
          break
        case 'none':
          this.#delay = Math.min(this.#delay * 2, slowestPollMillis)
          break
        case 'too-large':
          this.#delay = slowestPollMillis
          throw new Error(`the baseline is larger than ${answer.limit} bytes`)
      }
    } catch (error) {
      this.#options.failures.add('adopt', error)
    } finally {
      this.#schedule(this.#delay)
    }
  }

  #take(text: string): void {
    const problems: string[] = []
    const plan = this.#options.plan(parseBaseline(parseJson(text)), problems)
    if (plan === null || problems.length > 0) {
      const more = problems.length > toldProblems ? `; and ${problems.length - toldProblems} more` : ''
      const told = problems.slice(0, toldProblems).join('; ')
      throw new Error(`the collector's baseline can not be taken up: ${told}${more}`)
    }
    if (plan.baselineDigest === this.#digest) return
    this.#digest = plan.baselineDigest
    this.#options.adopt(plan)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`the answer is no JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
