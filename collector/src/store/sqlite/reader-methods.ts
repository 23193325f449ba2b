import type { DatabaseSync } from 'node:sqlite'
import {
  queryLimits,
  type AlertQuery,
  type EvaluationQuery,
  type ModelVersionSummary,
  type ResultQuery,
  type StoredEvaluation,
  type StoredState,
  type StoreStatistics,
  type TouchedSlice,
} from '../store.ts'
import { packSegment, type PackedSegment } from './packed-totals.ts'
import { TotalsReader } from './totals-reader.ts'

interface VersionCall {
  readonly model: string
  readonly version: string
}

/** As SavedSlice, for the way between threads. */
export interface PackedSlice {
  readonly startMs: number
  readonly endMs: number
  readonly segments: readonly PackedSegment[]
}

/** What the receiving thread asks of the reader. JSON documents stay text: the asking side parses them. */
export type ReaderMethods = {
  readonly modelVersions: (call: null) => ModelVersionSummary[]
  readonly totals: (call: VersionCall & { fromMs: number; toMs: number }) => PackedSegment[]
  readonly savedSlices: (call: VersionCall & { fromMs: number; toMs: number }) => PackedSlice[]
  readonly touchedSlices: (call: VersionCall & { everyMs: number; afterSequence: number }) => TouchedSlice[]
  readonly evaluations: (query: EvaluationQuery) => StoredEvaluation[]
  readonly results: (query: ResultQuery) => string[]
  readonly detectorState: (call: VersionCall & { detectorId: string; beforeMs: number }) => StoredState | null
  readonly evaluationCursor: (call: VersionCall) => number
  readonly alerts: (query: AlertQuery) => string[]
  readonly alertEvents: (call: { alertId: string }) => string[]
  readonly documentByDigest: (call: { kind: string; digest: string }) => string | null
  readonly newestDocument: (call: VersionCall & { kind: string }) => { digest: string; json: string } | null
  readonly statistics: (call: null) => StoreStatistics
}

/** One answer looks at this many blocks at most; the rest comes with the next, as sequences only grow. */
const blocksPerTouchedQuery = 1_000_000
/** An alert changes state a handful of times and is told to a handful of people; the latest are given. */
const eventsPerAlert = 1_000

export function readerMethods(database: DatabaseSync): ReaderMethods {
  const totalsReader = new TotalsReader(database)
  const findVersion = database.prepare('SELECT version_id AS id FROM model_versions WHERE model = ? AND version = ?')
  const versionId = ({ model, version }: VersionCall): number | null =>
    (findVersion.get(model, version) as { id: number } | undefined)?.id ?? null

  const versions = database.prepare(
    `SELECT version_id AS id, model, version, first_us AS first, last_us AS last,
       (SELECT digest FROM documents WHERE kind = 'baseline' AND version_id = model_versions.version_id
        ORDER BY put_order DESC LIMIT 1) AS baselineDigest
     FROM model_versions WHERE last_us IS NOT NULL OR baselineDigest IS NOT NULL
     ORDER BY last_us DESC NULLS LAST, version_id DESC LIMIT ${queryLimits.maximum}`,
  )
  const segments = database.prepare('SELECT DISTINCT segment FROM scopes WHERE version_id = ? ORDER BY segment')
  const instances = database.prepare('SELECT count(DISTINCT instance) AS count FROM scopes WHERE version_id = ?')
  const touched = database.prepare(
    `SELECT start_us / CAST(? AS INTEGER) AS slice, min(sequence) AS firstSequence, max(sequence) AS lastSequence
     FROM (SELECT sequence, start_us FROM blocks INDEXED BY blocks_by_arrival
           WHERE version_id = ? AND sequence > ? ORDER BY sequence LIMIT ${blocksPerTouchedQuery})
     GROUP BY slice ORDER BY slice`,
  )
  const state = database.prepare(
    `SELECT start_ms AS startMs, state FROM detector_states
     WHERE version_id = ? AND detector_id = ? AND start_ms < ? ORDER BY start_ms DESC LIMIT 1`,
  )
  const cursor = database.prepare('SELECT evaluation_cursor AS sequence FROM model_versions WHERE version_id = ?')
  const events = database.prepare(
    `SELECT json FROM (SELECT event_id, json FROM alert_events WHERE alert_id = ? ORDER BY event_id DESC LIMIT ${eventsPerAlert})
     ORDER BY event_id`,
  )
  const byDigest = database.prepare('SELECT json FROM documents WHERE kind = ? AND digest = ? LIMIT 1')
  const newest = database.prepare(
    'SELECT digest, json FROM documents WHERE kind = ? AND version_id = ? ORDER BY put_order DESC LIMIT 1',
  )
  const counts = database.prepare(
    `SELECT (SELECT count(*) FROM blocks) AS blocks, (SELECT count(*) FROM evaluations) AS evaluations,
       page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size`,
  )

  return {
    modelVersions: () =>
      (versions.all() as unknown as VersionRow[]).map(({ id, model, version, first, last, baselineDigest }) => ({
        model,
        version,
        firstMs: first === null ? null : Math.floor(first / 1000),
        lastMs: last === null ? null : Math.ceil(last / 1000),
        segments: (segments.all(id) as { segment: string }[]).map((row) => row.segment),
        instances: (instances.get(id) as { count: number }).count,
        baselineDigest,
      })),

    totals(call) {
      const id = versionId(call)
      if (id === null) return []
      // One snapshot for windows, blocks and the shapes they name.
      database.exec('BEGIN')
      try {
        return totalsReader.totals(id, call.fromMs, call.toMs).map(packSegment)
      } finally {
        database.exec('COMMIT')
      }
    },

    savedSlices(call) {
      const id = versionId(call)
      if (id === null) return []
      database.exec('BEGIN')
      try {
        return totalsReader
          .savedSlices(id, call.fromMs, call.toMs)
          .map((slice) => ({ ...slice, segments: slice.segments.map(packSegment) }))
      } finally {
        database.exec('COMMIT')
      }
    },

    touchedSlices(call) {
      const id = versionId(call)
      if (id === null) return []
      const rows = touched.all(call.everyMs * 1000, id, call.afterSequence) as unknown as (Omit<
        TouchedSlice,
        'startMs'
      > & {
        slice: number
      })[]
      return rows.map(({ slice, firstSequence, lastSequence }) => ({
        startMs: slice * call.everyMs,
        firstSequence,
        lastSequence,
      }))
    },

    evaluations(query) {
      const id = versionId(query)
      if (id === null) return []
      const { text, values } = sliceConditions(id, query)
      const rows = database
        .prepare(
          `SELECT start_ms AS startMs, end_ms AS endMs, window_start_ms AS windowStartMs, revision,
             evaluated_at_ms AS evaluatedAtMs, through_sequence AS throughSequence, row_count AS rows, status,
             detector_id AS detectorId
           FROM evaluations WHERE ${text} ORDER BY ${orderOf(query, 'evaluation_id')} LIMIT ?`,
        )
        .all(...values, limitOf(query)) as unknown as Omit<StoredEvaluation, 'model' | 'version'>[]
      return rows.map((row) => ({ model: query.model, version: query.version, ...row }))
    },

    results(query) {
      const id = versionId(query)
      if (id === null) return []
      const { text, values } = sliceConditions(id, query)
      const filters = equalities(query, { signal: 'signal', feature: 'feature', segment: 'segment', status: 'status' })
      const rows = database
        .prepare(
          `SELECT json FROM results WHERE ${[text, ...filters.texts].join(' AND ')} ORDER BY ${orderOf(query, 'result_id')} LIMIT ?`,
        )
        .all(...values, ...filters.values, limitOf(query)) as { json: string }[]
      return rows.map((row) => row.json)
    },

    detectorState(call) {
      const id = versionId(call)
      if (id === null) return null
      return (state.get(id, call.detectorId, call.beforeMs) as unknown as StoredState | undefined) ?? null
    },

    evaluationCursor(call) {
      const id = versionId(call)
      return id === null ? 0 : (cursor.get(id) as { sequence: number }).sequence
    },

    alerts(query) {
      const { texts, values } = equalities(query, { id: 'id', model: 'model', version: 'version', state: 'state' })
      const rows = database
        .prepare(
          `SELECT json FROM alerts WHERE ${['1', ...texts].join(' AND ')} ORDER BY active_since_ms DESC, id LIMIT ?`,
        )
        .all(...values, limitOf(query)) as { json: string }[]
      return rows.map((row) => row.json)
    },

    alertEvents: ({ alertId }) => (events.all(alertId) as { json: string }[]).map((row) => row.json),

    documentByDigest: ({ kind, digest }) => (byDigest.get(kind, digest) as { json: string } | undefined)?.json ?? null,

    newestDocument(call) {
      const id = versionId(call)
      return id === null ? null : ((newest.get(call.kind, id) as { digest: string; json: string } | undefined) ?? null)
    },

    statistics: () => counts.get() as unknown as StoreStatistics,
  }
}

interface VersionRow {
  readonly id: number
  readonly model: string
  readonly version: string
  readonly first: number | null
  readonly last: number | null
  readonly baselineDigest: string | null
}

function sliceConditions(
  versionId: number,
  { fromMs, toMs, revision }: EvaluationQuery,
): { text: string; values: number[] } {
  const range = 'version_id = ? AND start_ms >= ? AND start_ms < ?'
  return revision === undefined
    ? { text: `${range} AND newest = 1`, values: [versionId, fromMs, toMs] }
    : { text: `${range} AND revision = ?`, values: [versionId, fromMs, toMs, revision] }
}

/** What was saved first comes first within a slice, whichever way the slices go. */
function orderOf({ order = 'ascending' }: EvaluationQuery, tieBreaker: string): string {
  return `start_ms ${order === 'ascending' ? 'ASC' : 'DESC'}, ${tieBreaker}`
}

/** A condition for each filter that is given. */
function equalities<Q extends object>(
  query: Q,
  columns: { readonly [K in keyof Q]?: string },
): { texts: string[]; values: string[] } {
  const given = (Object.keys(columns) as (keyof Q)[]).filter((name) => query[name] !== undefined)
  return { texts: given.map((name) => `${columns[name]!} = ?`), values: given.map((name) => String(query[name])) }
}

function limitOf({ limit = queryLimits.default }: { readonly limit?: number }): number {
  return Math.max(0, Math.min(Math.floor(limit), queryLimits.maximum))
}
