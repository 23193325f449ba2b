import type { DatabaseSync } from 'node:sqlite'

/** Rows deleted per transaction: some milliseconds, so that appends do not wait long behind a prune. */
const blocksPerStep = 500
const evaluationsPerStep = 10
const windowsPerStep = 500

/**
 * Deletes one step's worth within the transaction that the caller has open.
 *
 * @returns whether there may be more to delete.
 */
export function pruneStep(database: DatabaseSync, blocksBeforeMs: number, evaluationsBeforeMs: number): boolean {
  const blocksBefore = Math.floor(blocksBeforeMs * 1000)
  // The mark comes first: from it on, readers take saved windows in place of blocks that are about to go.
  database
    .prepare('UPDATE retention SET pruned_before_us = max(pruned_before_us, CAST(? AS INTEGER))')
    .run(blocksBefore)
  return (
    pruneBlocks(database, blocksBefore) ||
    pruneEvaluations(database, evaluationsBeforeMs) ||
    pruneWindows(database, evaluationsBeforeMs) ||
    pruneRest(database, evaluationsBeforeMs)
  )
}

function pruneBlocks(database: DatabaseSync, beforeMicros: number): boolean {
  const scopes = database.prepare('SELECT scope_id AS id FROM scopes').all() as { id: number }[]
  const remove = database.prepare(
    'DELETE FROM blocks WHERE sequence IN (SELECT sequence FROM blocks WHERE scope_id = ? AND start_us < ? LIMIT ?)',
  )
  let room = blocksPerStep
  for (const { id } of scopes) {
    room -= Number(remove.run(id, beforeMicros, room).changes)
    if (room === 0) return true
  }
  return false
}

function pruneEvaluations(database: DatabaseSync, beforeMs: number): boolean {
  const old = database
    .prepare('SELECT evaluation_id AS id FROM evaluations WHERE start_ms < ? LIMIT ?')
    .all(beforeMs, evaluationsPerStep) as { id: number }[]
  const removeResults = database.prepare('DELETE FROM results WHERE evaluation_id = ?')
  const remove = database.prepare('DELETE FROM evaluations WHERE evaluation_id = ?')
  for (const { id } of old) {
    removeResults.run(id)
    remove.run(id)
  }
  return old.length === evaluationsPerStep
}

function pruneWindows(database: DatabaseSync, beforeMs: number): boolean {
  const { changes } = database
    .prepare('DELETE FROM windows WHERE window_id IN (SELECT window_id FROM windows WHERE start_ms < ? LIMIT ?)')
    .run(beforeMs, windowsPerStep)
  return changes === windowsPerStep
}

/** Detector states but the newest of each detector, which evidence goes on from; shapes that nothing has any more. */
function pruneRest(database: DatabaseSync, beforeMs: number): boolean {
  database
    .prepare(
      `DELETE FROM detector_states WHERE start_ms < ? AND start_ms < (
         SELECT max(newer.start_ms) FROM detector_states AS newer
         WHERE newer.version_id = detector_states.version_id AND newer.detector_id = detector_states.detector_id)`,
    )
    .run(beforeMs)
  database.exec(
    `DELETE FROM shapes WHERE shape_id NOT IN (SELECT shape_id FROM blocks) AND shape_id NOT IN (SELECT shape_id FROM windows)`,
  )
  return false
}
