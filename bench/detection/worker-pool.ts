import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Outcome, Task } from './tasks.ts'

/** Workers share memory bandwidth; more of them than this only heat the machine. */
const mostWorkers = 16

export interface WorkerPool {
  /** Outcomes in the order of the tasks, whoever finished first. */
  run<T extends Task>(tasks: readonly T[]): Promise<Outcome<T>[]>
  close(): Promise<void>
}

/** One worker per core. */
export function createWorkerPool(workers: number = Math.min(availableParallelism(), mostWorkers)): WorkerPool {
  const pool = Array.from({ length: workers }, () => new Worker(new URL('./worker.ts', import.meta.url)))
  return {
    async run<T extends Task>(tasks: readonly T[]) {
      const outcomes: Outcome<T>[] = []
      let next = 0
      await Promise.all(
        pool.map(async (worker) => {
          while (next < tasks.length) {
            const number = next++
            outcomes[number] = await answerOf<Outcome<T>>(worker, number, tasks[number]!)
          }
        }),
      )
      return outcomes
    },
    async close() {
      await Promise.all(pool.map((worker) => worker.terminate()))
    },
  }
}

function answerOf<T>(worker: Worker, number: number, task: Task): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      worker.off('message', onMessage)
      worker.off('error', reject)
      settle()
    }
    const onMessage = (message: { readonly number: number; readonly outcome: T }): void =>
      finish(() => resolve(message.outcome))
    worker.on('message', onMessage)
    worker.on('error', reject)
    worker.postMessage({ number, task })
  })
}
