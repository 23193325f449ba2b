import type { DatabaseSync } from 'node:sqlite'

/** Blocks of a few kilobytes and more fill pages of this size better than the 4 KiB default; measured, see bench/ingest.bench.ts. */
const pageBytes = 8192
/** Pages in the write-ahead log after which a commit brings them into the database: 64 MiB, some hundred commits of full load. */
const checkpointPages = 8192
/** The log file is cut back to this size once it was brought in. */
const keptLogBytes = 64 * 1024 * 1024
/** How long a connection waits for another program that holds the database (a backup, the sqlite3 shell). */
const busyMilliseconds = 5_000
/** Page cache of each connection. */
const cacheKibibytes = 32 * 1024

/** Settings that are kept in the file; to be called before the first table is made. */
export function configureFile(database: DatabaseSync): void {
  database.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL`)
}

/** `synchronous = FULL`: a commit returns after the log is on disk. */
export function configureWriter(database: DatabaseSync): void {
  configureReader(database)
  database.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = ${checkpointPages};
    PRAGMA journal_size_limit = ${keptLogBytes};
  `)
}

export function configureReader(database: DatabaseSync): void {
  database.exec(`PRAGMA busy_timeout = ${busyMilliseconds}; PRAGMA cache_size = -${cacheKibibytes}`)
}
