import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData, type Transferable } from 'node:worker_threads'
import { configureReader } from './connection.ts'
import type { PackedSegment } from './packed-totals.ts'
import type { Reply, Request } from './protocol.ts'
import { readerMethods, type ReaderMethods } from './reader-methods.ts'
import { failureReply } from './worker-failure.ts'

/** The reader thread: queries on a connection of their own, which neither the receiving thread nor commits wait for. */
const port = parentPort!
const { file } = workerData as { file: string }
const database = new DatabaseSync(file, { readOnly: true })
configureReader(database)
const methods = readerMethods(database)

port.on('message', ({ id, method, argument }: Request) => {
  let reply: Reply
  const transfer: Transferable[] = []
  try {
    const value: unknown = methods[method as keyof ReaderMethods](argument as never)
    if (method === 'totals') for (const { values } of value as PackedSegment[]) transfer.push(values.buffer)
    reply = { id, value }
  } catch (error) {
    reply = failureReply(id, `cannot read (${method})`, error)
  }
  port.postMessage([reply], transfer)
})
