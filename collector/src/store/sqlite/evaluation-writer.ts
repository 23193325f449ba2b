import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Interning } from './interning.ts'
import type { SaveEvaluationCall } from './protocol.ts'

/** Detector states of this many of the newest slices are kept: late data mostly touches those, and starts at the slice before. */
export const newestStates = 64
/**
 * Of older slices, the state of every so many-th (counted from the epoch) stays, so that data that comes very late costs
 * stepping the detector over at most this many slices before the touched one, for a 64th of the space.
 */
export const slicesPerCheckpoint = 64

/** Saves evaluations within the transaction that the caller has open. */
export class EvaluationWriter {
  readonly #interning: Interning
  readonly #statements: ReturnType<typeof prepareStatements>

  constructor(database: DatabaseSync, interning: Interning) {
    this.#interning = interning
    this.#statements = prepareStatements(database)
  }

  save(call: SaveEvaluationCall): void {
    const { evaluation, results } = call
    const { startMs, endMs, revision, detectorId } = evaluation
    const versionId = this.#interning.versionId(evaluation.model, evaluation.version)
    const statements = this.#statements

    const same = statements.findSame.get(versionId, startMs, endMs, revision, detectorId) as { id: number } | undefined
    if (same !== undefined) {
      statements.deleteResults.run(same.id)
      statements.deleteEvaluation.run(same.id)
    }
    const { latest } = statements.latestRevision.get(versionId, startMs, endMs) as { latest: number | null }
    const newest = latest === null || revision >= latest
    if (newest) {
      for (const { id } of statements.findNewest.all(versionId, startMs, endMs) as { id: number }[]) {
        statements.supersedeResults.run(id)
        statements.supersedeEvaluation.run(id)
      }
    }
    const { lastInsertRowid: evaluationId } = statements.insertEvaluation.run(
      versionId,
      startMs,
      endMs,
      evaluation.windowStartMs,
      revision,
      evaluation.evaluatedAtMs,
      evaluation.throughSequence,
      evaluation.rows,
      evaluation.status,
      detectorId,
      newest ? 1 : 0,
    )
    for (const { signal, feature, segment, status, json } of results) {
      statements.insertResult.run(
        evaluationId,
        versionId,
        startMs,
        revision,
        signal,
        feature,
        segment,
        status,
        newest ? 1 : 0,
        json,
      )
    }
    if (!newest) return
    this.#saveState(versionId, evaluation)
    this.#saveWindows(versionId, call)
  }

  #saveState(versionId: number, { detectorId, startMs, endMs, state }: SaveEvaluationCall['evaluation']): void {
    const slice = Math.floor(startMs / (endMs - startMs))
    const checkpoint = slice % slicesPerCheckpoint === 0 ? 1 : 0
    this.#statements.putState.run(versionId, detectorId, startMs, checkpoint, state)
    this.#statements.dropStates.run(versionId, detectorId, versionId, detectorId, newestStates - 1)
  }

  #saveWindows(versionId: number, { evaluation, windows, data }: SaveEvaluationCall): void {
    if (windows.length === 0) return
    const bytes = new Uint8Array(data)
    const { startMs, endMs } = evaluation
    this.#statements.deleteWindows.run(versionId, startMs, endMs)
    for (const { segment, baselineDigest, instances, throughSequence, shape, firstByte, bytes: length } of windows) {
      this.#statements.insertWindow.run(
        versionId,
        startMs,
        endMs,
        segment,
        baselineDigest,
        instances,
        throughSequence,
        this.#interning.shape(shape).id,
        bytes.subarray(firstByte, firstByte + length),
      )
    }
  }
}

function prepareStatements(
  database: DatabaseSync,
): Record<
  | 'findSame'
  | 'latestRevision'
  | 'findNewest'
  | 'supersedeResults'
  | 'supersedeEvaluation'
  | 'deleteResults'
  | 'deleteEvaluation'
  | 'insertEvaluation'
  | 'insertResult'
  | 'putState'
  | 'dropStates'
  | 'deleteWindows'
  | 'insertWindow',
  StatementSync
> {
  return {
    findSame: database.prepare(
      `SELECT evaluation_id AS id FROM evaluations
       WHERE version_id = ? AND start_ms = ? AND end_ms = ? AND revision = ? AND detector_id = ?`,
    ),
    latestRevision: database.prepare(
      'SELECT max(revision) AS latest FROM evaluations WHERE version_id = ? AND start_ms = ? AND end_ms = ?',
    ),
    findNewest: database.prepare(
      'SELECT evaluation_id AS id FROM evaluations WHERE version_id = ? AND start_ms = ? AND end_ms = ? AND newest = 1',
    ),
    supersedeResults: database.prepare('UPDATE results SET newest = 0 WHERE evaluation_id = ?'),
    supersedeEvaluation: database.prepare('UPDATE evaluations SET newest = 0 WHERE evaluation_id = ?'),
    deleteResults: database.prepare('DELETE FROM results WHERE evaluation_id = ?'),
    deleteEvaluation: database.prepare('DELETE FROM evaluations WHERE evaluation_id = ?'),
    insertEvaluation: database.prepare(
      `INSERT INTO evaluations (version_id, start_ms, end_ms, window_start_ms, revision, evaluated_at_ms, through_sequence,
         row_count, status, detector_id, newest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    insertResult: database.prepare(
      `INSERT INTO results (evaluation_id, version_id, start_ms, revision, signal, feature, segment, status, newest, json)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    putState: database.prepare(
      'INSERT OR REPLACE INTO detector_states (version_id, detector_id, start_ms, checkpoint, state) VALUES (?, ?, ?, ?, ?)',
    ),
    dropStates: database.prepare(
      `DELETE FROM detector_states WHERE version_id = ? AND detector_id = ? AND checkpoint = 0 AND start_ms < (
         SELECT start_ms FROM detector_states WHERE version_id = ? AND detector_id = ? ORDER BY start_ms DESC LIMIT 1 OFFSET ?)`,
    ),
    deleteWindows: database.prepare('DELETE FROM windows WHERE version_id = ? AND start_ms = ? AND end_ms = ?'),
    insertWindow: database.prepare(
      `INSERT INTO windows (version_id, start_ms, end_ms, segment, baseline_digest, instances, through_sequence, shape_id, data)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
  }
}
