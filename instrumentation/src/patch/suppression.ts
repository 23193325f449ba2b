import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Calls of a model inside a call that is recorded already: a pipeline runs sessions, a sequential model a layers model. The inner ones
 * must not count a second time. The storage is made by the first `runSuppressed`, so that processes without pipelines do not pay for it.
 */
let suppressed: AsyncLocalStorage<true> | null = null

/** Runs `call`; whatever it does, also later and asynchronously, is not recorded by patches that ask `isSuppressed`. */
export function runSuppressed<T>(call: () => T): T {
  suppressed ??= new AsyncLocalStorage<true>()
  return suppressed.run(true, call)
}

export function isSuppressed(): boolean {
  return suppressed !== null && suppressed.getStore() === true
}
