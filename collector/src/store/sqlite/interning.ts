import { createHash } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { seriesKey, type Scope } from '../../observation/block.ts'
import type { PackedCall } from './protocol.ts'
import type { StoredSeries, StoredShape } from './stored-shape.ts'

export interface KnownShape {
  readonly id: number
  readonly series: readonly StoredSeries[]
  /** Some series stands in it twice. */
  readonly repeats: boolean
}

export interface KnownScope {
  readonly id: number
  readonly versionId: number
}

/** The writer's half of numbering: from the numbers in calls to rows, which are made on first use. */
export class Interning {
  readonly #shapes = new Map<number, StoredShape>()
  readonly #scopes = new Map<number, Scope>()
  readonly #shapeRows = new Map<number, KnownShape>()
  readonly #scopeRows = new Map<number, KnownScope>()
  readonly #insertVersion: StatementSync
  readonly #findVersion: StatementSync
  readonly #insertScope: StatementSync
  readonly #findScope: StatementSync
  readonly #insertShape: StatementSync
  readonly #findShape: StatementSync

  constructor(database: DatabaseSync) {
    this.#insertVersion = database.prepare('INSERT OR IGNORE INTO model_versions (model, version) VALUES (?, ?)')
    this.#findVersion = database.prepare('SELECT version_id AS id FROM model_versions WHERE model = ? AND version = ?')
    const columns = [
      'version_id',
      'segment',
      'instance',
      'service',
      'environment',
      'manifest_digest',
      'baseline_digest',
    ]
    this.#insertScope = database.prepare(
      `INSERT OR IGNORE INTO scopes (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    )
    this.#findScope = database.prepare(
      `SELECT scope_id AS id FROM scopes WHERE ${columns.map((column) => `${column} = ?`).join(' AND ')}`,
    )
    this.#insertShape = database.prepare('INSERT OR IGNORE INTO shapes (key_hash, series) VALUES (?, ?)')
    this.#findShape = database.prepare('SELECT shape_id AS id FROM shapes WHERE key_hash = ?')
  }

  define({ forget, shapes, scopes }: PackedCall): void {
    if (forget) {
      this.#shapes.clear()
      this.#scopes.clear()
      this.forgetRows()
    }
    for (const { id, shape } of shapes) this.#shapes.set(id, shape)
    for (const { id, scope } of scopes) this.#scopes.set(id, scope)
  }

  /** After a rollback, which may have taken rows back, and after a prune. */
  forgetRows(): void {
    this.#shapeRows.clear()
    this.#scopeRows.clear()
  }

  versionId(model: string, version: string): number {
    return insertOrFind(this.#insertVersion, this.#findVersion, [model, version])
  }

  scope(number: number): KnownScope {
    let row = this.#scopeRows.get(number)
    if (row === undefined) {
      const scope = this.#scopes.get(number)!
      const versionId = this.versionId(scope.model, scope.version)
      const { segment, instance, service, environment, manifestDigest, baselineDigest } = scope
      const values = [versionId, segment, instance, service, environment, manifestDigest, baselineDigest]
      row = { id: insertOrFind(this.#insertScope, this.#findScope, values), versionId }
      this.#scopeRows.set(number, row)
    }
    return row
  }

  shape(number: number): KnownShape {
    let row = this.#shapeRows.get(number)
    if (row === undefined) {
      const shape = this.#shapes.get(number)!
      const keys = new Set(shape.series.map((one) => seriesKey(one.metric, one.attributes)))
      row = { id: this.shapeId(shape), series: shape.series, repeats: keys.size < shape.series.length }
      this.#shapeRows.set(number, row)
    }
    return row
  }

  shapeId({ key, series }: StoredShape): number {
    const hash = createHash('sha256').update(key).digest()
    const found = this.#findShape.get(hash) as { id: number } | undefined
    return found?.id ?? Number(this.#insertShape.run(hash, JSON.stringify(series)).lastInsertRowid)
  }
}

function insertOrFind(insert: StatementSync, find: StatementSync, values: (string | number)[]): number {
  const { changes, lastInsertRowid } = insert.run(...values)
  return changes === 1 ? Number(lastInsertRowid) : (find.get(...values) as { id: number }).id
}
