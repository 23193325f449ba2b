import type { DatabaseSync } from 'node:sqlite'

/**
 * The steps that lead from an empty file to the present tables. The database remembers in `user_version` how many it has
 * taken; a step is never changed once it was released, a change is a further step.
 *
 * Times in blocks are microseconds, as exporters align to less than a millisecond; elsewhere milliseconds.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE model_versions (
    version_id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    first_us INTEGER,
    last_us INTEGER,
    evaluation_cursor INTEGER NOT NULL DEFAULT 0,
    UNIQUE (model, version)
  ) STRICT;

  CREATE TABLE scopes (
    scope_id INTEGER PRIMARY KEY,
    version_id INTEGER NOT NULL,
    segment TEXT NOT NULL,
    instance TEXT NOT NULL,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    manifest_digest TEXT NOT NULL,
    baseline_digest TEXT NOT NULL,
    UNIQUE (version_id, segment, instance, service, environment, manifest_digest, baseline_digest)
  ) STRICT;

  -- AUTOINCREMENT, here and below: a number is never given twice, so that readers may remember what it stood for.
  CREATE TABLE shapes (
    shape_id INTEGER PRIMARY KEY AUTOINCREMENT,
    key_hash BLOB NOT NULL UNIQUE,
    series TEXT NOT NULL
  ) STRICT;

  CREATE TABLE blocks (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL,
    scope_id INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    part INTEGER NOT NULL,
    shape_id INTEGER NOT NULL,
    data BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX blocks_by_key ON blocks (scope_id, start_us, end_us, part);
  -- What came after a cursor, and which shapes are in use, without touching the rows and their long values.
  CREATE INDEX blocks_by_arrival ON blocks (version_id, sequence, start_us, shape_id);

  CREATE TABLE windows (
    window_id INTEGER PRIMARY KEY,
    version_id INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    segment TEXT NOT NULL,
    baseline_digest TEXT NOT NULL,
    instances INTEGER NOT NULL,
    through_sequence INTEGER NOT NULL,
    shape_id INTEGER NOT NULL,
    data BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX windows_by_key ON windows (version_id, start_ms, end_ms, segment, baseline_digest);

  -- newest: 1 for the evaluation that queries give for its slice, 0 for earlier revisions.
  CREATE TABLE evaluations (
    evaluation_id INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    window_start_ms INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    evaluated_at_ms INTEGER NOT NULL,
    through_sequence INTEGER NOT NULL,
    row_count REAL NOT NULL,
    status TEXT NOT NULL,
    detector_id TEXT NOT NULL,
    newest INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX evaluations_by_key ON evaluations (version_id, start_ms, end_ms, revision, detector_id);
  CREATE INDEX evaluations_newest ON evaluations (version_id, start_ms) WHERE newest = 1;

  CREATE TABLE results (
    result_id INTEGER PRIMARY KEY AUTOINCREMENT,
    evaluation_id INTEGER NOT NULL,
    version_id INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    signal TEXT NOT NULL,
    feature TEXT NOT NULL,
    segment TEXT NOT NULL,
    status TEXT NOT NULL,
    newest INTEGER NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX results_by_evaluation ON results (evaluation_id);
  -- Filters are decided within the index. A feature and a status are rare enough to lead.
  CREATE INDEX results_by_time ON results (version_id, start_ms, result_id, newest, revision, signal, feature, segment, status);
  CREATE INDEX results_by_feature ON results (version_id, feature, start_ms, result_id, newest, revision, signal, segment, status);
  CREATE INDEX results_by_status ON results (version_id, status, start_ms, result_id, newest, revision, signal, segment);

  CREATE TABLE detector_states (
    version_id INTEGER NOT NULL,
    detector_id TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (version_id, detector_id, start_ms)
  ) STRICT;
  CREATE INDEX detector_states_passing ON detector_states (version_id, detector_id, start_ms) WHERE checkpoint = 0;

  CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    active_since_ms INTEGER NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX alerts_by_state ON alerts (state, active_since_ms);
  CREATE INDEX alerts_by_time ON alerts (active_since_ms);
  CREATE TABLE alert_events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX alert_events_by_alert ON alert_events (alert_id, event_id);

  -- Baselines and manifests. Put again, a document gets a new place in the order.
  CREATE TABLE documents (
    put_order INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    version_id INTEGER NOT NULL,
    digest TEXT NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (kind, version_id, digest)
  ) STRICT;
  CREATE INDEX documents_by_digest ON documents (kind, digest);

  -- One row: blocks that start before this may be gone.
  CREATE TABLE retention (pruned_before_us INTEGER NOT NULL) STRICT;
  INSERT INTO retention VALUES (0);
  `,
]

export const schemaVersion: number = migrations.length

/** Brings a database to the present schema, in one transaction per step. Returns the version found, before any step. */
export function migrate(database: DatabaseSync): void {
  const found = readSchemaVersion(database)
  for (let version = found; version < schemaVersion; version++) {
    database.exec(`BEGIN IMMEDIATE; ${migrations[version]!}; PRAGMA user_version = ${version + 1}; COMMIT`)
  }
}

export function readSchemaVersion(database: DatabaseSync): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}
