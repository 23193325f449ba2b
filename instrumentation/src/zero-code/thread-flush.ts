import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads'
import type { Clock } from '../clock.ts'

/** Only the main thread is told of signals; models often run in others. */
const channelName = 'driftline.flush'

/** A thread that has not answered by then has no agent, or is busy with a call that outlasts its process. */
const answerMillis = 300

type Message = { readonly kind: 'flush' } | { readonly kind: 'begun' | 'done'; readonly thread: number }

/** In a thread other than the main one: sends what was recorded when the main one asks for it. */
export function answerFlushRequests(flush: () => Promise<void>): void {
  if (isMainThread) return
  const channel = new BroadcastChannel(channelName)
  const tell = (kind: 'begun' | 'done'): void => channel.postMessage({ kind, thread: threadId } satisfies Message)
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- this one does not keep the thread alive once unref() was called
  channel.onmessage = (event: unknown) => {
    if ((event as { data: Message }).data.kind !== 'flush') return
    tell('begun')
    const done = (): void => tell('done')
    flush().then(done, done)
  }
  channel.unref()
}

/** Asks all other threads to send what they recorded. */
export class ThreadFlush {
  readonly #clock: Clock
  #hasThreads = false

  constructor(clock: Clock) {
    this.#clock = clock
    process.on('worker', () => {
      this.#hasThreads = true
    })
  }

  /** Resolves when all threads that answered are done, and never rejects. Whoever calls has a deadline. */
  flush(): Promise<void> {
    if (!this.#hasThreads) return Promise.resolve()
    return new Promise((resolve) => {
      const channel = new BroadcastChannel(channelName)
      const busy = new Set<number>()
      let allAnswered = false
      const finishIfDone = (): void => {
        if (!allAnswered || busy.size > 0) return
        channel.close()
        resolve()
      }
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as above
      channel.onmessage = (event: unknown) => {
        const { data } = event as { data: Message }
        if (data.kind === 'begun') busy.add(data.thread)
        if (data.kind === 'done') busy.delete(data.thread)
        finishIfDone()
      }
      channel.unref()
      this.#clock.after(
        answerMillis,
        () => {
          allAnswered = true
          finishIfDone()
        },
        { hold: false },
      )
      channel.postMessage({ kind: 'flush' } satisfies Message)
    })
  }
}
