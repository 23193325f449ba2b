import { parentPort } from 'node:worker_threads'
import { runTask, type Task } from './tasks.ts'

interface Job {
  readonly number: number
  readonly task: Task
}

parentPort!.on('message', ({ number, task }: Job) => {
  runTask(task).then(
    (outcome) => parentPort!.postMessage({ number, outcome }),
    // Thrown outside the promise, it ends the worker, and with it the run.
    (error: unknown) =>
      setImmediate(() => {
        throw error
      }),
  )
})
