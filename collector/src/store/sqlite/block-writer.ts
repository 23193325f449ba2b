import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { makeShape, seriesKey, seriesWidth } from '../../observation/block.ts'
import type { AppendReceipt } from '../store.ts'
import type { Interning, KnownScope, KnownShape } from './interning.ts'
import { fieldsPerBlock, type AppendCall } from './protocol.ts'
import { encodeShapedValues, maximumBytes, ShapeDecoder, storedShape, type StoredSeries } from './stored-shape.ts'

/** Stores blocks within the transaction that the caller has open. */
export class BlockWriter {
  /** Series keys of stored shapes that met a duplicate; a resending exporter has few shapes. */
  static readonly #keptShapeKeys = 64
  readonly #interning: Interning
  readonly #insert: StatementSync
  readonly #parts: StatementSync
  readonly #series: StatementSync
  readonly #readSpan: StatementSync
  readonly #writeSpan: StatementSync
  readonly #shapeKeys = new Map<number, string[]>()
  readonly #spans = new Map<number, Span>()

  constructor(database: DatabaseSync, interning: Interning) {
    this.#interning = interning
    this.#insert = database.prepare(
      `INSERT INTO blocks (version_id, scope_id, start_us, end_us, part, shape_id, data) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    this.#parts = database.prepare(
      'SELECT part, shape_id FROM blocks WHERE scope_id = ? AND start_us = ? AND end_us = ?',
    )
    this.#series = database.prepare('SELECT series FROM shapes WHERE shape_id = ?')
    this.#readSpan = database.prepare(
      'SELECT first_us AS first, last_us AS last FROM model_versions WHERE version_id = ?',
    )
    this.#writeSpan = database.prepare('UPDATE model_versions SET first_us = ?, last_us = ? WHERE version_id = ?')
  }

  append(call: AppendCall): AppendReceipt {
    const { blocks } = call
    const bytes = new Uint8Array(call.data)
    let storedSeries = 0
    let duplicateSeries = 0
    for (let at = 0; at < blocks.length; at += fieldsPerBlock) {
      const scope = this.#interning.scope(blocks[at]!)
      const shape = this.#interning.shape(blocks[at + 1]!)
      const startMicros = blocks[at + 2]!
      const endMicros = blocks[at + 3]!
      const data = bytes.subarray(blocks[at + 4], blocks[at + 4]! + blocks[at + 5]!)
      const stored = this.#store(scope, shape, startMicros, endMicros, data)
      if (stored > 0) this.#widenSpan(scope.versionId, startMicros, endMicros)
      storedSeries += stored
      duplicateSeries += shape.series.length - stored
    }
    return { storedSeries, duplicateSeries }
  }

  /** To be called before the commit. */
  flush(): void {
    for (const [versionId, span] of this.#spans) {
      if (span.changed) this.#writeSpan.run(span.first, span.last, versionId)
      span.changed = false
    }
  }

  /** To be called after a rollback or a prune: what was remembered may not be in the database any more. */
  forget(): void {
    this.#spans.clear()
    this.#shapeKeys.clear()
  }

  #store(scope: KnownScope, shape: KnownShape, startMicros: number, endMicros: number, data: Uint8Array): number {
    if (!shape.repeats) {
      const { changes } = this.#insert.run(scope.versionId, scope.id, startMicros, endMicros, 0, shape.id, data)
      if (changes === 1) return shape.series.length
    }
    return this.#storeNewSeries(scope, shape, startMicros, endMicros, data)
  }

  /** The interval has a block already, or the block a series twice: keeps the series not seen yet, as a further part. */
  #storeNewSeries(
    scope: KnownScope,
    shape: KnownShape,
    startMicros: number,
    endMicros: number,
    data: Uint8Array,
  ): number {
    const known = new Set<string>()
    let part = 0
    for (const row of this.#parts.all(scope.id, startMicros, endMicros) as { part: number; shape_id: number }[]) {
      if (row.shape_id === shape.id && !shape.repeats) return 0
      for (const key of this.#keysOf(row.shape_id)) known.add(key)
      part = Math.max(part, row.part + 1)
    }
    const fresh: number[] = []
    shape.series.forEach((series, i) => {
      const key = seriesKey(series.metric, series.attributes)
      if (!known.has(key)) fresh.push(i)
      known.add(key)
    })
    if (fresh.length === 0) return 0
    const picked = pickSeries(shape.series, data, fresh)
    this.#insert.run(
      scope.versionId,
      scope.id,
      startMicros,
      endMicros,
      part,
      this.#interning.shapeId(picked.stored),
      picked.data,
    )
    return fresh.length
  }

  #keysOf(shapeId: number): string[] {
    let keys = this.#shapeKeys.get(shapeId)
    if (keys === undefined) {
      const { series } = this.#series.get(shapeId) as { series: string }
      keys = (JSON.parse(series) as StoredSeries[]).map((one) => seriesKey(one.metric, one.attributes))
      if (this.#shapeKeys.size >= BlockWriter.#keptShapeKeys) this.#shapeKeys.clear()
      this.#shapeKeys.set(shapeId, keys)
    }
    return keys
  }

  #widenSpan(versionId: number, startMicros: number, endMicros: number): void {
    let span = this.#spans.get(versionId)
    if (span === undefined) {
      const { first, last } = this.#readSpan.get(versionId) as { first: number | null; last: number | null }
      span = { first: first ?? Number.POSITIVE_INFINITY, last: last ?? Number.NEGATIVE_INFINITY, changed: false }
      this.#spans.set(versionId, span)
    }
    if (startMicros < span.first) {
      span.first = startMicros
      span.changed = true
    }
    if (endMicros > span.last) {
      span.last = endMicros
      span.changed = true
    }
  }
}

/** Times that a model version has data of. */
interface Span {
  first: number
  last: number
  changed: boolean
}

function pickSeries(series: readonly StoredSeries[], data: Uint8Array, indices: readonly number[]) {
  const { shape, values } = new ShapeDecoder(series).decode(data, (width) => new Float64Array(width))
  const picked = makeShape(indices.map((i) => shape.series[i]!))
  const pickedValues = new Float64Array(picked.width)
  indices.forEach((index, i) => {
    const offset = shape.offsets[index]!
    pickedValues.set(values.subarray(offset, offset + seriesWidth(shape.series[index]!)), picked.offsets[i])
  })
  const bytes = new Uint8Array(maximumBytes(picked))
  const length = encodeShapedValues({ shape: picked, values: pickedValues }, bytes, 0)
  return { stored: storedShape(picked), data: bytes.subarray(0, length) }
}
