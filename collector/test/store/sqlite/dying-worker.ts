import { parentPort } from 'node:worker_threads'
import type { Request } from '../../../src/store/sqlite/protocol.ts'

/** Answers `echo`, ends at `exit`, throws at `throw`, and never answers `wait`. */
parentPort!.on('message', ({ id, method, argument }: Request) => {
  if (method === 'echo') parentPort!.postMessage([{ id, value: argument }])
  if (method === 'fail') parentPort!.postMessage([{ id, failure: `cannot: ${String(argument)}` }])
  if (method === 'exit') process.exit(3)
  if (method === 'throw') throw new Error('out of luck')
})
