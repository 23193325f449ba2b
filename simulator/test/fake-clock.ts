import type { Clock } from '../src/clock.ts'

/** A clock that a test turns. */
export class FakeClock implements Clock {
  #nowMs: number
  #timers: { atMs: number; run: () => void }[] = []

  constructor(nowMs = 0) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + milliseconds, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Runs what is due within the next `milliseconds`, each at its own time. */
  turn(milliseconds: number): void {
    const untilMs = this.#nowMs + milliseconds
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
    }
    this.#nowMs = untilMs
  }

  /** Lets time pass in which no timer can fire, as when a process is stalled. */
  stall(milliseconds: number): void {
    this.#nowMs += milliseconds
  }
}
