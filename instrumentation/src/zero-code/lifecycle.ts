import type { EventEmitter } from 'node:events'
import { isMainThread } from 'node:worker_threads'
import type { Clock } from '../clock.ts'

/** What a process that was asked to end is held back for at most. Supervisors kill after 10 s or more. */
export const defaultShutdownDeadlineMillis = 2_000

/** A deadline beyond the patience of any supervisor is a slip. */
const maxShutdownDeadlineMillis = 60_000

const signals = ['SIGTERM', 'SIGINT'] as const
type EndSignal = (typeof signals)[number]

export interface LifecycleOptions {
  /** Sends what is there; resolves when that is done. */
  readonly flush: () => Promise<void>
  /** Makes ready what waits; true when it started a monitor, which wants to see `beforeExit` itself. */
  readonly settle: () => boolean
  readonly clock: Clock
  readonly deadlineMillis: number
}

/** `DRIFTLINE_SHUTDOWN_DEADLINE_MS`, else 2,000. */
export function shutdownDeadline(environment: Readonly<Record<string, string | undefined>>): number {
  const asked = Number(environment.DRIFTLINE_SHUTDOWN_DEADLINE_MS?.trim() || Number.NaN)
  return Number.isFinite(asked) && asked >= 0
    ? Math.min(asked, maxShutdownDeadlineMillis)
    : defaultShutdownDeadlineMillis
}

/**
 * Sends the last interval when the process ends by itself, by SIGTERM or by SIGINT, and leaves the end as it would have been.
 *
 * When nobody else listens to the signal, the process ends by that same signal afterwards, with the exit status that it would have had.
 * When somebody does, they decide on the end: what is recorded is sent, and nothing more. Then we are no listener ourselves, because
 * others look at the number of listeners to find out whether the end is theirs to bring about (signal-exit does). We learn of
 * the signal in `process.emit`, where Node brings it first. `process.exit()` leaves no time to send anything.
 */
export function watchProcessEnd(options: LifecycleOptions): void {
  process.on('beforeExit', () => {
    try {
      // Another turn of the event loop, and `beforeExit` comes again, for the listener of the new monitor too.
      if (options.settle()) setImmediate(() => undefined)
    } catch {
      // There is nothing left to send then.
    }
  })
  // Threads get no signals.
  if (isMainThread) new SignalWatch(options).start()
}

class SignalWatch {
  readonly #options: LifecycleOptions
  readonly #own = new Map<EndSignal, () => void>()
  #flushing: Promise<void> | null = null
  #changing = false
  #ending = false

  constructor(options: LifecycleOptions) {
    this.#options = options
  }

  start(): void {
    this.#watchEmit()
    // Before Node's own listener, which starts to listen to a signal: our leaving must not stop what it has just started.
    const emitter: EventEmitter = process
    emitter.prependListener('newListener', (event: unknown) => {
      if (!this.#changing && isEndSignal(event)) this.#giveWay(event)
    })
    emitter.on('removeListener', (event: unknown) => {
      if (!this.#changing && isEndSignal(event)) this.#listenIfAlone(event)
    })
    for (const signal of signals) this.#listenIfAlone(signal)
  }

  /** Node binds `process.emit` when it starts to listen to a signal, so this comes before anyone listens. */
  #watchEmit(): void {
    const onSignal = (): void => void this.#flush()
    const original = process.emit as (...given: unknown[]) => boolean
    const emit = function (this: unknown, ...given: unknown[]): boolean {
      if (isEndSignal(given[0])) onSignal()
      return Reflect.apply(original, this, given)
    }
    process.emit = emit as typeof process.emit
  }

  #listenIfAlone(signal: EndSignal): void {
    if (this.#own.has(signal) || process.listenerCount(signal) > 0) return
    const listener = (): void => this.#end(signal)
    this.#own.set(signal, listener)
    this.#change(() => void process.on(signal, listener))
  }

  #giveWay(signal: EndSignal): void {
    const listener = this.#own.get(signal)
    if (listener === undefined) return
    this.#own.delete(signal)
    this.#change(() => void process.off(signal, listener))
  }

  #change(work: () => void): void {
    this.#changing = true
    try {
      work()
    } finally {
      this.#changing = false
    }
  }

  /** Nobody else listens: ends the process as the signal would have. A second signal does so at once. */
  #end(signal: EndSignal): void {
    const raise = (): void => {
      this.#giveWay(signal)
      // Someone may have begun to listen meanwhile; then the end is theirs.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    }
    if (this.#ending) raise()
    else {
      this.#ending = true
      void this.#flush().then(raise, raise)
    }
  }

  /** Holds the process for the deadline at most. */
  #flush(): Promise<void> {
    this.#flushing ??= new Promise<void>((resolve) => {
      const { flush, clock, deadlineMillis } = this.#options
      const cancel = clock.after(deadlineMillis, resolve, { hold: true })
      const finish = (): void => {
        cancel()
        resolve()
      }
      flush().then(finish, finish)
    }).finally(() => {
      this.#flushing = null
    })
    return this.#flushing
  }
}

function isEndSignal(event: unknown): event is EndSignal {
  return event === 'SIGTERM' || event === 'SIGINT'
}
