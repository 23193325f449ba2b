import type { Clock } from '../src/clock.ts'

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now: number
  #timers: { at: number; callback: () => void; hold: boolean }[] = []

  constructor(now: number) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(delayMillis: number, callback: () => void, { hold }: { readonly hold: boolean }): () => void {
    const timer = { at: this.#now + delayMillis, callback, hold }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Timers that would keep the process alive. */
  get held(): number {
    return this.#timers.filter(({ hold }) => hold).length
  }

  /** When the timers that wait are due. */
  get due(): number[] {
    return this.#timers.map(({ at }) => at).toSorted((a, b) => a - b)
  }

  set(now: number): void {
    this.#now = now
  }

  /** Runs the next timer as if it fired `early` ms before its time, and lets promises settle. */
  async fireNext(early = 0): Promise<void> {
    const next = this.#timers.toSorted((a, b) => a.at - b.at)[0]!
    this.#timers = this.#timers.filter((timer) => timer !== next)
    this.#now = Math.max(this.#now, next.at - early)
    next.callback()
    await settle()
  }
}

/** Lets everything run that is already due. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}
