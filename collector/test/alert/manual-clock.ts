import type { Clock } from '../../src/clock.ts'

export interface ManualClock extends Clock {
  /** Moves time on and runs what became due, in order. */
  advance(milliseconds: number): void
  /** Timers that are set. */
  readonly waiting: number
  /** Milliseconds until the next timer; null when none is set. */
  readonly next: number | null
}

/** A clock that stands until it is turned. */
export function manualClock(startMs = 1_000_000): ManualClock {
  let now = startMs
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  const earliest = () => [...timers].sort((a, b) => a.atMs - b.atMs)[0]
  return {
    now: () => now,
    after(milliseconds, run) {
      const timer = { atMs: now + milliseconds, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(milliseconds) {
      const end = now + milliseconds
      for (let timer = earliest(); timer !== undefined && timer.atMs <= end; timer = earliest()) {
        timers.delete(timer)
        now = timer.atMs
        timer.run()
      }
      now = end
    },
    get waiting() {
      return timers.size
    },
    get next() {
      const timer = earliest()
      return timer === undefined ? null : timer.atMs - now
    },
  }
}
