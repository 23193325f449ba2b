import type { Clock } from '../../src/clock.ts'

/** A clock that a test turns by hand. */
export interface ManualClock extends Clock {
  /** Moves on, running what falls due in order. */
  advance(milliseconds: number): void
}

export function manualClock(startMs: number): ManualClock {
  let now = startMs
  let timers: { at: number; run: () => void }[] = []
  return {
    now: () => now,
    after(milliseconds, run) {
      const timer = { at: now + milliseconds, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance(milliseconds) {
      const until = now + milliseconds
      for (;;) {
        const next = timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        timers = timers.filter((other) => other !== next)
        now = Math.max(now, next.at)
        next.run()
      }
      now = until
    },
  }
}
