import { DatabaseSync } from 'node:sqlite'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { BlockWriter } from './block-writer.ts'
import { configureWriter } from './connection.ts'
import { EvaluationWriter } from './evaluation-writer.ts'
import { Interning } from './interning.ts'
import type { AppendCall, Reply, Request, SaveEvaluationCall, WriterMethods } from './protocol.ts'
import { pruneStep } from './pruning.ts'
import { failureReply } from './worker-failure.ts'

/**
 * The writer thread: the one connection that writes. Appends that came in while a commit ran share the next one, because a
 * durable commit costs milliseconds whatever is in it; each is answered after that commit.
 */
const port = parentPort!
const { file } = workerData as { file: string }
const database = new DatabaseSync(file)
configureWriter(database)
const interning = new Interning(database)
const blocks = new BlockWriter(database, interning)
const evaluations = new EvaluationWriter(database, interning)

/** A commit stays within tens of milliseconds, and the write-ahead log near the size at which it is brought in. */
const bytesPerCommit = 16 * 1024 * 1024

const saveCursor = database.prepare('UPDATE model_versions SET evaluation_cursor = ? WHERE version_id = ?')
const saveAlert = database.prepare(
  'INSERT OR REPLACE INTO alerts (id, model, version, state, active_since_ms, json) VALUES (?, ?, ?, ?, ?, ?)',
)
const saveAlertEvent = database.prepare('INSERT INTO alert_events (alert_id, json) VALUES (?, ?)')
const saveDocument = database.prepare(
  'INSERT OR REPLACE INTO documents (kind, version_id, digest, json) VALUES (?, ?, ?, ?)',
)

/** Everything but appends, pruning and closing: one call, one transaction. */
type Method = Exclude<keyof WriterMethods, 'append' | 'prune' | 'close'>
const methods: Pick<WriterMethods, Method> = {
  saveEvaluation: (call) => evaluations.save(call),
  saveEvaluationCursor({ model, version, sequence }) {
    saveCursor.run(sequence, interning.versionId(model, version))
  },
  saveAlerts({ alerts, events }) {
    for (const { id, model, version, state, activeSinceMs, json } of alerts) {
      saveAlert.run(id, model, version, state, activeSinceMs, json)
    }
    for (const { alertId, json } of events) saveAlertEvent.run(alertId, json)
  },
  putDocument({ kind, model, version, digest, json }) {
    saveDocument.run(kind, interning.versionId(model, version), digest, json)
  },
}

const doing: Record<keyof WriterMethods, string> = {
  append: 'cannot store blocks',
  saveEvaluation: 'cannot save the evaluation',
  saveEvaluationCursor: 'cannot save the evaluation cursor',
  saveAlerts: 'cannot save alerts',
  putDocument: 'cannot save the document',
  prune: 'cannot prune',
  close: 'cannot close the database',
}

const queue: Request[] = []

port.on('message', (request: Request) => {
  queue.push(request)
  drain()
  while (queue.length > 0) {
    const replies = step()
    if (replies.length > 0) port.postMessage(replies)
    drain()
  }
})

function drain(): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    queue.push(next.message as Request)
  }
}

/** Does the first call of the queue, with the appends that follow it when it is one. */
function step(): Reply[] {
  const first = queue[0]!
  const method = first.method as keyof WriterMethods
  if (method === 'append') return appendTogether(takeAppends())
  queue.shift()
  const { id, argument } = first
  // Definitions count even where the transaction fails: they are sent once. The same holds for appends.
  if (method === 'saveEvaluation') interning.define(argument as SaveEvaluationCall)
  try {
    if (method === 'close') {
      close()
    } else if (method === 'prune') {
      const { blocksBeforeMs, evaluationsBeforeMs } = argument as Parameters<WriterMethods['prune']>[0]
      const more = transaction(() => pruneStep(database, blocksBeforeMs, evaluationsBeforeMs))
      if (more) {
        // To the end of the line, so that nobody waits for the whole of it.
        queue.push(first)
        return []
      }
      forgetRows()
    } else {
      transaction(() => methods[method](argument as never))
    }
    return [{ id, value: undefined }]
  } catch (error) {
    return [failureReply(id, doing[method], error)]
  }
}

function takeAppends(): Request[] {
  let taken = 0
  let bytes = 0
  while (taken < queue.length && queue[taken]!.method === 'append' && bytes < bytesPerCommit) {
    const { data, forget } = queue[taken]!.argument as AppendCall
    // Numbers of the calls before mean something else from here on.
    if (forget && taken > 0) break
    bytes += data.byteLength
    taken++
  }
  return queue.splice(0, taken)
}

function appendTogether(requests: readonly Request[]): Reply[] {
  for (const { argument } of requests) interning.define(argument as AppendCall)
  try {
    return transaction(() => {
      const replies = requests.map(({ id, argument }) => ({ id, value: blocks.append(argument as AppendCall) }))
      blocks.flush()
      return replies
    })
  } catch (error) {
    return requests.map(({ id }) => failureReply(id, doing.append, error))
  }
}

function transaction<T>(run: () => T): T {
  try {
    database.exec('BEGIN IMMEDIATE')
    const value = run()
    database.exec('COMMIT')
    return value
  } catch (error) {
    // A full disk makes SQLite roll back on its own.
    if (database.isOpen && database.isTransaction) database.exec('ROLLBACK')
    forgetRows()
    throw error
  }
}

function forgetRows(): void {
  interning.forgetRows()
  blocks.forget()
}

function close(): void {
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // As on a full disk. Nothing is lost: the log stays beside the database, and the next start brings it in.
  }
  database.close()
}
