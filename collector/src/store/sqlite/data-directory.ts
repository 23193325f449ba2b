import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { configureFile, configureWriter } from './connection.ts'
import { migrate, readSchemaVersion, schemaVersion } from './schema.ts'

/** The data directory cannot be used as it is; the message is one line that says why. */
export class DataDirectoryError extends Error {
  override name = 'DataDirectoryError'
}

/** Another process has the data directory open. */
export class DataDirectoryInUseError extends Error {
  override name = 'DataDirectoryInUseError'
}

export interface DataDirectory {
  /** The database, present and of the present schema. */
  readonly file: string
  release(): void
}

/**
 * Makes the directory and its database when missing, and keeps other processes out until released. Synchronous: it runs
 * once, before anything is served.
 *
 * @throws DataDirectoryInUseError, DataDirectoryError
 */
export function openDataDirectory(directory: string): DataDirectory {
  makeDirectory(directory)
  const lock = lockDirectory(directory)
  try {
    const file = join(directory, 'driftline.sqlite')
    prepareDatabase(file)
    return { file, release: () => lock.close() }
  } catch (error) {
    lock.close()
    throw error
  }
}

/**
 * Looks at a database that another process may have open; nothing is made, changed or locked.
 *
 * @throws DataDirectoryError
 */
export function openDataDirectoryForReading(directory: string): DataDirectory {
  const file = join(directory, 'driftline.sqlite')
  if (!existsSync(file))
    throw new DataDirectoryError(`${directory} holds no Driftline data (no driftline.sqlite in it)`)
  return withDatabase(file, true, (database) => {
    const found = readSchemaVersion(database)
    if (found > schemaVersion) throw newerSchema(file, found)
    if (found < schemaVersion) {
      throw new DataDirectoryError(
        `${file} has schema ${found}, this version reads ${schemaVersion}: start a collector on it once to bring it up`,
      )
    }
    return { file, release: () => {} }
  })
}

function makeDirectory(directory: string): void {
  try {
    makeWithParents(resolve(directory))
  } catch (error) {
    const isFile = existsSync(directory) && !statSync(directory).isDirectory()
    const why = isFile
      ? `${directory} is a file, not a directory`
      : `cannot make the data directory ${directory}: ${reason(error)}`
    throw new DataDirectoryError(why, { cause: error })
  }
  try {
    // SQLite would only say that it is unable to open a file.
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new DataDirectoryError(`cannot write to the data directory ${directory}: ${reason(error)}`, { cause: error })
  }
}

/** Not mkdirSync's `recursive`: it never returns where the system answers ENOENT below a directory that exists, as /proc does. */
function makeWithParents(directory: string): void {
  if (existsSync(directory)) {
    if (!statSync(directory).isDirectory()) throw new Error('it is a file')
    return
  }
  makeWithParents(dirname(directory))
  mkdirSync(directory)
}

/**
 * An exclusive lock on a small SQLite file of its own. The operating system drops it with the process, however that ends, so
 * nothing stale is ever left; a lock on the database itself would keep our own reader out.
 */
function lockDirectory(directory: string): DatabaseSync {
  const file = join(directory, 'driftline.lock')
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if (isBusy(error)) {
      throw new DataDirectoryInUseError(`the data directory ${directory} is in use by another collector`, {
        cause: error,
      })
    }
    throw new DataDirectoryError(`cannot write to the data directory ${directory}: ${reason(error)}`, { cause: error })
  }
}

function prepareDatabase(file: string): void {
  withDatabase(file, false, (database) => {
    const found = readSchemaVersion(database)
    if (found > schemaVersion) throw newerSchema(file, found)
    if (found === 0) {
      const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get() as { count: number }
      if (tables.count > 0) throw new DataDirectoryError(`${file} is a database of another program`)
      configureFile(database)
    }
    configureWriter(database)
    migrate(database)
  })
}

function withDatabase<T>(file: string, readOnly: boolean, run: (database: DatabaseSync) => T): T {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly })
    return run(database)
  } catch (error) {
    if (error instanceof DataDirectoryError) throw error
    throw new DataDirectoryError(`cannot use ${file}: ${reason(error)}`, { cause: error })
  } finally {
    database?.close()
  }
}

function newerSchema(file: string, found: number): DataDirectoryError {
  return new DataDirectoryError(
    `${file} was written by a newer version of Driftline (schema ${found}; this version knows up to ${schemaVersion})`,
  )
}

const resultBusy = 5

function isBusy(error: unknown): boolean {
  // The low byte is the primary code; the rest says more about it.
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === resultBusy
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
