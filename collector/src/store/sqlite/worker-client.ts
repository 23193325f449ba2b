import { Worker, type Transferable } from 'node:worker_threads'
import { StoreUnavailableError } from '../store.ts'
import type { Reply, Request } from './protocol.ts'

type Methods = { readonly [name: string]: (argument: never) => unknown }

/**
 * The asking side of a worker thread: one promise per call. When the worker dies, or cannot start, all open calls and all
 * later ones reject with StoreUnavailableError that names the cause.
 */
export class WorkerClient<M extends Methods> {
  readonly #worker: Worker
  readonly #name: string
  readonly #open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  readonly #exited: Promise<void>
  #nextId = 1
  #failure: StoreUnavailableError | null = null

  /** @param file - the worker's module, as compiled or as source. */
  constructor(file: URL, name: string, workerData: unknown) {
    this.#name = name
    // Source runs with the condition that finds the other packages' source; compiled code runs as it is.
    const execArgv = file.pathname.endsWith('.ts') ? ['-C', '@driftline/source'] : []
    this.#worker = new Worker(file, { name, workerData, execArgv })
    this.#worker.on('message', (replies: readonly Reply[]) => this.#settle(replies))
    this.#worker.on('messageerror', (error) => this.#fail(error.message))
    this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error.message : String(error)))
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#fail(`it ended with exit code ${code}`)
        resolve()
      })
    })
  }

  call<K extends keyof M & string>(
    method: K,
    argument: Parameters<M[K]>[0],
    transfer: readonly Transferable[] = [],
  ): Promise<Awaited<ReturnType<M[K]>>> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve: resolve as (value: unknown) => void, reject })
      try {
        this.#worker.postMessage({ id, method, argument } satisfies Request, transfer)
      } catch (error) {
        this.#open.delete(id)
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
  }

  /** Ends the worker; calls still open reject. */
  async terminate(): Promise<void> {
    await this.#worker.terminate()
    await this.#exited
  }

  #settle(replies: readonly Reply[]): void {
    for (const reply of replies) {
      const call = this.#open.get(reply.id)
      this.#open.delete(reply.id)
      if (call === undefined) continue
      if ('failure' in reply) call.reject(new StoreUnavailableError(reply.failure))
      else call.resolve(reply.value)
    }
  }

  #fail(cause: string): void {
    this.#failure ??= new StoreUnavailableError(`the ${this.#name} thread of the store is gone: ${cause}`)
    for (const call of this.#open.values()) call.reject(this.#failure)
    this.#open.clear()
  }
}
