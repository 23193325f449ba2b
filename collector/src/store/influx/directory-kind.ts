import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DataDirectoryError } from '../sqlite/data-directory.ts'

/**
 * A data directory belongs to the store that its blocks came to: how far evaluation and learning got is a sequence, and each store counts
 * its own. After a switch, new blocks would lie below what was evaluated last, and nothing would ever be evaluated again. A directory that
 * has seen no block, with baselines and manifests or without, may go to either.
 */

export const blockIndexName = 'block-index.sqlite'

/**
 * @param controlFile - the `driftline.sqlite` of an open data directory.
 * @throws DataDirectoryError when the embedded store ever held blocks in it, pruned since or not.
 */
export function requireNoEmbeddedBlocks(directory: string, controlFile: string): void {
  // Of an AUTOINCREMENT table SQLite keeps the highest number that it ever gave out.
  if (!answers(controlFile, "SELECT 1 FROM sqlite_sequence WHERE name = 'blocks' AND seq > 0")) return
  throw new DataDirectoryError(
    `the data directory ${directory} holds blocks of the store sqlite, which the store influx cannot go on with: ` +
      `${whatToDo}, or start with --store sqlite`,
  )
}

/** @throws DataDirectoryError when blocks of the InfluxDB store came to the directory, which need not exist. */
export function requireNoInfluxBlocks(directory: string): void {
  const file = join(directory, blockIndexName)
  if (!existsSync(file)) return
  // Scopes are on disk before the journal has the first block, and stay when blocks are pruned.
  const hasTables = answers(file, "SELECT 1 FROM sqlite_schema WHERE name = 'scopes'")
  if (!hasTables || !answers(file, 'SELECT 1 FROM scopes LIMIT 1')) return
  throw new DataDirectoryError(
    `the data directory ${directory} holds blocks of the store influx, which the store sqlite cannot go on with: ` +
      `${whatToDo}, or start with --store influx`,
  )
}

const whatToDo =
  'use another directory for it (--data-dir; baselines and manifests of the configuration are registered again at the start)'

/** Whether a query has any row. */
function answers(file: string, query: string): boolean {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
    return database.prepare(query).get() !== undefined
  } catch (error) {
    throw new DataDirectoryError(`cannot use ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  } finally {
    database?.close()
  }
}
