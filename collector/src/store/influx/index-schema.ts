import type { DatabaseSync } from 'node:sqlite'

/** The steps that lead from an empty file to the present tables; a step is never changed once it was released. */
const migrations: readonly string[] = [
  `
  CREATE TABLE versions (
    version_id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    first_us INTEGER,
    last_us INTEGER,
    UNIQUE (model, version)
  ) STRICT;

  -- Where points lie in InfluxDB: two blocks of one place and start need different timestamps.
  CREATE TABLE places (
    place_id INTEGER PRIMARY KEY,
    population TEXT NOT NULL,
    instance_tag TEXT NOT NULL,
    UNIQUE (population, instance_tag)
  ) STRICT;

  -- AUTOINCREMENT, here and below: journal records name these numbers, so none is ever given twice.
  CREATE TABLE scopes (
    scope_id INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL,
    place_id INTEGER NOT NULL,
    segment TEXT NOT NULL,
    instance TEXT NOT NULL,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    manifest_digest TEXT NOT NULL,
    baseline_digest TEXT NOT NULL,
    UNIQUE (version_id, segment, instance, service, environment, manifest_digest, baseline_digest)
  ) STRICT;

  CREATE TABLE shapes (
    shape_id INTEGER PRIMARY KEY AUTOINCREMENT,
    key_hash BLOB NOT NULL UNIQUE,
    series TEXT NOT NULL,
    last_day INTEGER NOT NULL
  ) STRICT;

  -- What the ids in tags mean.
  CREATE TABLE series (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    metric TEXT NOT NULL,
    attributes TEXT NOT NULL,
    last_day INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE layouts (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    layout TEXT NOT NULL,
    last_day INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE blocks (
    sequence INTEGER PRIMARY KEY,
    version_id INTEGER NOT NULL,
    scope_id INTEGER NOT NULL,
    place_id INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    part INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    shape_id INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX blocks_by_key ON blocks (place_id, start_us, scope_id, end_us, part, turn, shape_id);
  CREATE INDEX blocks_by_scope ON blocks (scope_id, start_us, sequence);
  CREATE INDEX blocks_by_arrival ON blocks (version_id, sequence, start_us);

  -- One row. The directory's id is part of every id of a population.
  CREATE TABLE state (
    directory_id TEXT NOT NULL,
    pruned_before_us INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    flushes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO state VALUES (lower(hex(randomblob(8))), 0, 0, 0);
  `,
]

/** Brings the index to the present schema. @throws Error when a newer version wrote it. */
export function migrateIndex(database: DatabaseSync): void {
  const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (found > migrations.length) {
    throw new Error(
      `the block index was written by a newer version of Driftline (schema ${found}; this version knows up to ${migrations.length})`,
    )
  }
  for (let version = found; version < migrations.length; version++) {
    database.exec(`BEGIN IMMEDIATE; ${migrations[version]!}; PRAGMA user_version = ${version + 1}; COMMIT`)
  }
}
