import { performance } from 'node:perf_hooks'

/** Exchanges that may wait to be read; more than that, and the server has no time for it. */
export const maxWaiting = 1000

/** Milliseconds after which the server gets its turn: reading goes on after what else there is to do. */
const turnMillis = 2

/** Work that is done after the answers were sent, a little at a time. */
export class ExchangeQueue {
  #waiting: (() => void)[] = []
  #next = 0
  #scheduled = false

  /** False when too much is waiting: then it is not done. `work` must not throw. */
  add(work: () => void): boolean {
    if (this.#waiting.length - this.#next >= maxWaiting) return false
    this.#waiting.push(work)
    this.#schedule()
    return true
  }

  /** Does everything that waits, at once. */
  drain(): void {
    this.#turn(Infinity)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#turn(turnMillis)
      if (this.#next < this.#waiting.length) this.#schedule()
    })
  }

  #turn(millis: number): void {
    const end = performance.now() + millis
    while (this.#next < this.#waiting.length) {
      const work = this.#waiting[this.#next]!
      this.#next++
      work()
      if (performance.now() >= end) break
    }
    if (this.#next === this.#waiting.length) this.#waiting = []
    else if (this.#next >= maxWaiting) this.#waiting = this.#waiting.slice(this.#next)
    else return
    this.#next = 0
  }
}
