import type { Clock } from './clock.ts'

export interface Repeated {
  /** Runs the task once more, after the run under way. */
  now(): Promise<void>
  /** Starts no further run, and waits for the one under way. */
  stop(): Promise<void>
}

/**
 * Runs a task again and again, never twice at once: the next run is set when one has ended. A run that fails is told to `onError`, and the
 * next one comes all the same.
 */
export function repeat(
  clock: Clock,
  intervalMs: number,
  task: () => Promise<void>,
  onError: (error: unknown) => void,
): Repeated {
  let stopped = false
  let cancel = () => {}
  let running: Promise<void> = Promise.resolve()
  const run = () => {
    running = running.then(task).catch(onError)
    return running
  }
  const schedule = () => {
    if (stopped) return
    cancel = clock.after(intervalMs, () => void run().then(schedule))
  }
  schedule()
  return {
    now: run,
    async stop() {
      stopped = true
      cancel()
      await running
    },
  }
}
