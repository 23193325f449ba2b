import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { layoutKey, type BucketLayout } from '@driftline/instrumentation/contract'
import {
  makeShape,
  seriesKey,
  seriesWidth,
  type AttributeValue,
  type Block,
  type BlockShape,
  type Scope,
} from '../../observation/block.ts'
import { ShapeDecoder, storedShape, type StoredSeries } from '../sqlite/stored-shape.ts'
import type { ModelVersionSummary, TouchedSlice } from '../store.ts'
import type { BlockRecord } from './block-record.ts'
import { migrateIndex } from './index-schema.ts'
import { instanceTag, layoutId, populationId, seriesId } from './point-schema.ts'

export interface BlockIndexOptions {
  readonly file: string
  /** Instances that stand under their own name; others share hash slots. */
  readonly instanceNames: readonly string[]
  readonly instanceSlots: number
}

/** What is left of a block after the series that are known already were taken out. */
export interface NewBlock {
  readonly record: BlockRecord
  readonly shape: BlockShape
  readonly values: Float64Array
}

export interface PlannedBlocks {
  readonly blocks: readonly NewBlock[]
  /** As in AppendReceipt, per call. */
  readonly receipts: readonly { readonly storedSeries: number; readonly duplicateSeries: number }[]
}

/** A scope, with what its points are tagged with. */
export interface IndexedScope {
  readonly id: number
  readonly versionId: number
  readonly placeId: number
  readonly scope: Scope
  readonly population: string
  readonly instanceTag: string
}

/** Blocks that do not lie in InfluxDB alone: pruned, or counted in saved sums. */
export interface IndexedBlock {
  readonly sequence: number
  readonly startMicros: number
  readonly segment: string
  readonly baselineDigest: string
  readonly population: string
}

export interface IndexedPopulation {
  readonly population: string
  readonly segment: string
  readonly baselineDigest: string
  readonly instances: ReadonlySet<string>
  readonly throughSequence: number
}

interface IndexedShape {
  readonly id: number
  readonly series: readonly StoredSeries[]
  readonly keys: readonly string[]
  readonly repeats: boolean
  lastDay: number
}

interface KeyRow {
  readonly scopeId: number
  readonly endMicros: number
  readonly part: number
  readonly turn: number
  readonly shapeId: number
}

interface Span {
  first: number
  last: number
}

/** Nanoseconds within a microsecond: so many blocks of one place may start in the same one. */
const turnsPerStart = 1_000
const dayMicros = 86_400e6
/** Shapes and scopes in memory; a hundred recorders of a few scopes each. Beyond it, they are read again. */
const keptShapes = 1_024
const keptScopes = 16_384
const keptLayouts = 65_536
/** Rows deleted at a time: some milliseconds. */
const rowsPerPrune = 2_000
/** As in the embedded store: one answer looks at this many blocks at most, as sequences only grow. */
const blocksPerTouchedQuery = 1_000_000
const versionsPerAnswer = 10_000

/**
 * What is known about every block but its values: scope, interval, series and sequence, and what the ids in tags mean. A SQLite file of
 * its own next to the control data, because InfluxDB can neither say "only if it is not there" nor number what it takes.
 *
 * Rows of blocks are written when the journal has the block on disk, and flushed before the journal forgets it; definitions of scopes,
 * shapes, series and layouts are flushed before a journal record names them. So the index is never behind journal and InfluxDB together.
 *
 * Synchronous, on the receiving thread: a block is one row of some 10 µs, whatever its series.
 */
export class BlockIndex {
  /** Random, made with the index. */
  readonly directoryId: string
  readonly #file: string
  readonly #writer: DatabaseSync
  readonly #reader: DatabaseSync
  readonly #instanceNames: ReadonlySet<string>
  readonly #instanceSlots: number
  readonly #write: ReturnType<typeof prepareWrites>
  readonly #read: ReturnType<typeof prepareReads>
  readonly #scopes = new Map<string, IndexedScope>()
  readonly #scopesById = new Map<number, IndexedScope>()
  readonly #shapes = new Map<string, IndexedShape>()
  readonly #decoders = new Map<number, ShapeDecoder>()
  /** The layouts of a shape object were defined on this day. */
  #definedLayouts = new WeakMap<BlockShape, number>()
  readonly #layoutDays = new Map<string, number>()
  readonly #spans = new Map<number, Span>()
  #lastSequence: number
  #prunedBefore: number
  #unflushed = false

  constructor(options: BlockIndexOptions) {
    this.#file = options.file
    this.#instanceNames = new Set(options.instanceNames)
    this.#instanceSlots = options.instanceSlots
    this.#writer = new DatabaseSync(options.file)
    this.#writer.exec('PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL')
    migrateIndex(this.#writer)
    this.#reader = new DatabaseSync(options.file, { readOnly: true })
    this.#reader.exec('PRAGMA busy_timeout = 5000')
    this.#write = prepareWrites(this.#writer)
    this.#read = prepareReads(this.#reader)
    const state = this.#read.state.get() as { directoryId: string; prunedBefore: number; lastSequence: number }
    this.directoryId = state.directoryId
    this.#lastSequence = state.lastSequence
    this.#prunedBefore = state.prunedBefore
  }

  /** Of the newest block in the index; stays when it is pruned. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /** Blocks that start before it may be gone. */
  get prunedBeforeMicros(): number {
    return this.#prunedBefore
  }

  /**
   * Says which series of each call are new, and defines what is needed to write them. Nothing is stored yet: calls of `plan` and
   * `add` come in turn.
   *
   * @throws RangeError when more blocks of one place start in the same microsecond than nanoseconds can tell apart.
   */
  plan(calls: readonly (readonly Block[])[]): PlannedBlocks {
    const planned: NewBlock[] = []
    const receipts: { storedSeries: number; duplicateSeries: number }[] = []
    /** Rows of this plan, and those of the index that it touches. */
    const rows = new Map<string, KeyRow[]>()
    const keysById = new Map<number, readonly string[]>()
    this.#defining(() => {
      for (const blocks of calls) {
        const receipt = { storedSeries: 0, duplicateSeries: 0 }
        for (const block of blocks) {
          const piece = this.#planBlock(block, rows, keysById)
          const stored = piece?.shape.series.length ?? 0
          if (piece !== null) planned.push(piece)
          receipt.storedSeries += stored
          receipt.duplicateSeries += block.shape.series.length - stored
        }
        receipts.push(receipt)
      }
    })
    return { blocks: planned, receipts }
  }

  /** Notes blocks that the journal has on disk. One that stands in the index already gets the later sequence, as its points do. */
  add(blocks: readonly { readonly sequence: number; readonly record: BlockRecord }[]): void {
    if (blocks.length === 0) return
    this.#unflushed = true
    // The journal holds them: a commit without a flush loses nothing.
    this.#transaction('NORMAL', () => {
      const changed = new Map<number, Span>()
      for (const { sequence, record } of blocks) {
        const { scopeId, shapeId, startMicros, endMicros, part, turn } = record
        const scope = this.scopeById(scopeId)
        if (scope === null) continue
        this.#write.insertBlock.run(
          sequence,
          scope.versionId,
          scopeId,
          scope.placeId,
          startMicros,
          endMicros,
          part,
          turn,
          shapeId,
        )
        const span = this.#spanOf(scope.versionId)
        if (startMicros < span.first || endMicros > span.last) {
          span.first = Math.min(span.first, startMicros)
          span.last = Math.max(span.last, endMicros)
          changed.set(scope.versionId, span)
        }
      }
      for (const [versionId, { first, last }] of changed) this.#write.span.run(first, last, versionId)
      const last = Math.max(this.#lastSequence, blocks.at(-1)!.sequence)
      this.#write.lastSequence.run(last)
      this.#lastSequence = last
    })
  }

  /** Makes everything noted so far survive a crash of the machine. */
  flush(): void {
    if (!this.#unflushed) return
    this.#transaction('FULL', () => this.#write.flushes.run())
    this.#unflushed = false
  }

  /** Null for a number that was never given out. */
  scopeById(id: number): IndexedScope | null {
    const known = this.#scopesById.get(id)
    if (known !== undefined) return known
    const row = this.#write.scopeById.get(id) as unknown as ScopeRow | undefined
    return row === undefined ? null : this.#keepScope(row)
  }

  /** Null for a shape that is not used any more. */
  decoder(shapeId: number): ShapeDecoder | null {
    let decoder = this.#decoders.get(shapeId)
    if (decoder === undefined) {
      const row = this.#write.seriesOfShape.get(shapeId) as { series: string } | undefined
      if (row === undefined) return null
      decoder = new ShapeDecoder(JSON.parse(row.series) as StoredSeries[])
      if (this.#decoders.size >= keptShapes) this.#decoders.clear()
      this.#decoders.set(shapeId, decoder)
    }
    return decoder
  }

  seriesById(id: string): {
    readonly position: number
    readonly metric: string
    readonly attributes: Readonly<Record<string, AttributeValue>>
  } | null {
    const row = this.#read.series.get(id) as { position: number; metric: string; attributes: string } | undefined
    return row === undefined
      ? null
      : {
          position: row.position,
          metric: row.metric,
          attributes: JSON.parse(row.attributes) as Record<string, AttributeValue>,
        }
  }

  layoutById(id: string): { readonly position: number; readonly layout: BucketLayout } | null {
    const row = this.#read.layout.get(id) as { position: number; layout: string } | undefined
    return row === undefined ? null : { position: row.position, layout: JSON.parse(row.layout) as BucketLayout }
  }

  /** Segments with baselines that have blocks with a start in the range. */
  populations(model: string, version: string, fromMicros: number, toMicros: number): IndexedPopulation[] {
    const versionId = this.#versionId(model, version)
    if (versionId === null) return []
    const found = new Map<
      string,
      { population: string; segment: string; baselineDigest: string; instances: Set<string>; throughSequence: number }
    >()
    for (const scope of this.#read.scopes.all(versionId) as unknown as ScopeRow[]) {
      const { last } = this.#read.lastOfScope.get(scope.id, fromMicros, toMicros) as { last: number | null }
      if (last === null) continue
      const known = found.get(scope.population)
      if (known === undefined) {
        const { population, segment, baselineDigest, instance } = scope
        found.set(population, {
          population,
          segment,
          baselineDigest,
          instances: new Set([instance]),
          throughSequence: last,
        })
      } else {
        known.instances.add(scope.instance)
        known.throughSequence = Math.max(known.throughSequence, last)
      }
    }
    return [...found.values()]
  }

  /** Blocks with a start in the range, one by one. */
  blocks(
    model: string,
    version: string,
    fromMicros: number,
    toMicros: number,
  ): (IndexedBlock & { readonly instance: string })[] {
    const versionId = this.#versionId(model, version)
    if (versionId === null) return []
    return (this.#read.scopes.all(versionId) as unknown as ScopeRow[]).flatMap(
      ({ id, segment, baselineDigest, population, instance }) =>
        (this.#read.blocksOfScope.all(id, fromMicros, toMicros) as { sequence: number; start: number }[]).map(
          ({ sequence, start }) => ({ sequence, startMicros: start, segment, baselineDigest, population, instance }),
        ),
    )
  }

  /** Whether a block of the version with a start in the range came after a sequence. */
  hasBlocksAfter(model: string, version: string, fromMicros: number, toMicros: number, sequence: number): boolean {
    const versionId = this.#versionId(model, version)
    if (versionId === null) return false
    return this.#read.anyAfter.get(versionId, sequence, fromMicros, toMicros) !== undefined
  }

  touchedSlices(model: string, version: string, everyMs: number, afterSequence: number): TouchedSlice[] {
    const versionId = this.#versionId(model, version)
    if (versionId === null) return []
    const rows = this.#read.touched.all(everyMs * 1000, versionId, afterSequence) as unknown as {
      slice: number
      firstSequence: number
      lastSequence: number
    }[]
    return rows.map(({ slice, firstSequence, lastSequence }) => ({
      startMs: slice * everyMs,
      firstSequence,
      lastSequence,
    }))
  }

  /** Versions with data, newest first. */
  modelVersions(): Omit<ModelVersionSummary, 'baselineDigest'>[] {
    const rows = this.#read.versions.all() as {
      id: number
      model: string
      version: string
      first: number
      last: number
    }[]
    return rows.map(({ id, model, version, first, last }) => ({
      model,
      version,
      firstMs: Math.floor(first / 1000),
      lastMs: Math.ceil(last / 1000),
      segments: (this.#read.segments.all(id) as { segment: string }[]).map(({ segment }) => segment),
      instances: (this.#read.instances.get(id) as { count: number }).count,
    }))
  }

  statistics(): { readonly blocks: number; readonly bytes: number } {
    const { blocks } = this.#read.count.get() as { blocks: number }
    const bytes = [this.#file, `${this.#file}-wal`].reduce(
      (all, file) => all + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
      0,
    )
    return { blocks, bytes }
  }

  /** Deletes one step's worth; returns whether there may be more. */
  prune(beforeMs: number): boolean {
    const before = Math.floor(beforeMs * 1000)
    this.#unflushed = true
    const more = this.#transaction('NORMAL', () => {
      this.#prunedBefore = Math.max(this.#prunedBefore, before)
      this.#write.prunedBefore.run(this.#prunedBefore)
      let room = rowsPerPrune
      for (const { id } of this.#write.scopeIds.all() as { id: number }[]) {
        room -= Number(this.#write.pruneBlocks.run(id, before, room).changes)
        if (room <= 0) return true
      }
      // A day behind, as days of use are noted, and late blocks may come meanwhile.
      const day = Math.floor(before / dayMicros) - 1
      this.#write.pruneShapes.run(day)
      this.#write.pruneSeries.run(day)
      this.#write.pruneLayouts.run(day)
      return false
    })
    this.#forget()
    return more
  }

  close(): void {
    if (this.#reader.isOpen) this.#reader.close()
    if (!this.#writer.isOpen) return
    try {
      this.#writer.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } finally {
      this.#writer.close()
    }
  }

  #planBlock(block: Block, rows: Map<string, KeyRow[]>, keysById: Map<number, readonly string[]>): NewBlock | null {
    const { startMicros, endMicros, values } = block
    const day = Math.floor(startMicros / dayMicros)
    const scope = this.#scope(block.scope)
    const shape = this.#shape(block.shape, day)
    this.#defineLayouts(block.shape, day)
    keysById.set(shape.id, shape.keys)

    const place = `${scope.placeId} ${startMicros}`
    let known = rows.get(place)
    if (known === undefined) {
      known = this.#write.rowsOfStart.all(scope.placeId, startMicros) as unknown as KeyRow[]
      rows.set(place, known)
    }
    const same = known.filter((row) => row.scopeId === scope.id && row.endMicros === endMicros)
    const turn = same[0]?.turn ?? 1 + known.reduce((most, row) => Math.max(most, row.turn), -1)
    if (turn >= turnsPerStart) {
      throw new RangeError(
        `more than ${turnsPerStart} blocks of one population and instance slot start at ${startMicros} µs; name the instances in the configuration`,
      )
    }
    const base = { scopeId: scope.id, startMicros, endMicros, turn }
    if (same.length === 0 && !shape.repeats) {
      const record = { ...base, shapeId: shape.id, part: 0 }
      known.push(record)
      return { record, shape: block.shape, values }
    }
    const seen = new Set<string>()
    let part = 0
    for (const row of same) {
      if (row.shapeId === shape.id && !shape.repeats) return null
      let keys = keysById.get(row.shapeId)
      if (keys === undefined) {
        const stored = this.#write.seriesOfShape.get(row.shapeId) as { series: string } | undefined
        keys = stored === undefined ? [] : keysOf(JSON.parse(stored.series) as StoredSeries[])
        keysById.set(row.shapeId, keys)
      }
      for (const key of keys) seen.add(key)
      part = Math.max(part, row.part + 1)
    }
    const fresh: number[] = []
    shape.keys.forEach((key, i) => {
      if (!seen.has(key)) fresh.push(i)
      seen.add(key)
    })
    if (fresh.length === 0) return null
    const picked = pickSeries(block.shape, values, fresh)
    const pickedShape = this.#shape(picked.shape, day)
    keysById.set(pickedShape.id, pickedShape.keys)
    const record = { ...base, shapeId: pickedShape.id, part }
    known.push(record)
    return { record, ...picked }
  }

  #scope(scope: Scope): IndexedScope {
    const { model, version, segment, instance, service, environment, manifestDigest, baselineDigest } = scope
    const key = [model, version, segment, instance, service, environment, manifestDigest, baselineDigest].join('\u0000')
    let found = this.#scopes.get(key)
    if (found === undefined) {
      const versionId = insertOrFind(this.#write.insertVersion, this.#write.findVersion, [model, version])
      const place = [
        populationId(this.directoryId, scope),
        instanceTag(instance, this.#instanceNames, this.#instanceSlots),
      ]
      const placeId = insertOrFind(this.#write.insertPlace, this.#write.findPlace, place)
      const columns = [versionId, segment, instance, service, environment, manifestDigest, baselineDigest]
      const row = this.#write.findScope.get(...columns) as { id: number } | undefined
      const id = row?.id ?? Number(this.#write.insertScope.run(placeId, ...columns).lastInsertRowid)
      found = this.#keepScope(this.#write.scopeById.get(id) as unknown as ScopeRow)
      if (this.#scopes.size >= keptScopes) this.#scopes.clear()
      this.#scopes.set(key, found)
    }
    return found
  }

  #keepScope(row: ScopeRow): IndexedScope {
    const { id, versionId, placeId, population, instanceTag: tag, ...scope } = row
    const kept = { id, versionId, placeId, population, instanceTag: tag, scope }
    if (this.#scopesById.size >= keptScopes) this.#scopesById.clear()
    this.#scopesById.set(id, kept)
    return kept
  }

  #shape(shape: BlockShape, day: number): IndexedShape {
    const stored = storedShape(shape)
    let found = this.#shapes.get(stored.key)
    if (found === undefined) {
      const keys = keysOf(stored.series)
      const hash = createHash('sha256').update(stored.key).digest()
      const row = this.#write.findShape.get(hash) as { id: number; lastDay: number } | undefined
      const id =
        row?.id ?? Number(this.#write.insertShape.run(hash, JSON.stringify(stored.series), day - 1).lastInsertRowid)
      found = {
        id,
        series: stored.series,
        keys,
        repeats: new Set(keys).size < keys.length,
        lastDay: row?.lastDay ?? day - 1,
      }
      if (this.#shapes.size >= keptShapes) this.#shapes.clear()
      this.#shapes.set(stored.key, found)
    }
    if (found.lastDay < day) {
      for (const { metric, attributes } of found.series) {
        this.#write.defineSeries.run(seriesId({ metric, attributes }), metric, JSON.stringify(attributes), day)
      }
      this.#write.useShape.run(day, found.id)
      found.lastDay = day
    }
    return found
  }

  #defineLayouts(shape: BlockShape, day: number): void {
    if ((this.#definedLayouts.get(shape) ?? -1) >= day) return
    for (const { layout } of shape.series) {
      if (layout === null) continue
      const key = layoutKey(layout)
      if ((this.#layoutDays.get(key) ?? -1) >= day) continue
      this.#write.defineLayout.run(layoutId(layout), JSON.stringify(layout), day)
      if (this.#layoutDays.size >= keptLayouts) this.#layoutDays.clear()
      this.#layoutDays.set(key, day)
    }
    this.#definedLayouts.set(shape, day)
  }

  #spanOf(versionId: number): Span {
    let span = this.#spans.get(versionId)
    if (span === undefined) {
      const { first, last } = this.#write.readSpan.get(versionId) as { first: number | null; last: number | null }
      span = { first: first ?? Number.POSITIVE_INFINITY, last: last ?? Number.NEGATIVE_INFINITY }
      this.#spans.set(versionId, span)
    }
    return span
  }

  #versionId(model: string, version: string): number | null {
    return (this.#read.findVersion.get(model, version) as { id: number } | undefined)?.id ?? null
  }

  /** Definitions are flushed when there were any; SQLite does not write a transaction that changed nothing. */
  #defining(run: () => void): void {
    this.#transaction('FULL', run)
  }

  #transaction<T>(synchronous: 'NORMAL' | 'FULL', run: () => T): T {
    this.#writer.exec(`PRAGMA synchronous = ${synchronous}`)
    try {
      this.#writer.exec('BEGIN IMMEDIATE')
      const value = run()
      this.#writer.exec('COMMIT')
      return value
    } catch (error) {
      if (this.#writer.isOpen && this.#writer.isTransaction) this.#writer.exec('ROLLBACK')
      this.#forget()
      throw error
    }
  }

  /** What was remembered may not be in the file any more. */
  #forget(): void {
    this.#scopes.clear()
    this.#scopesById.clear()
    this.#shapes.clear()
    this.#decoders.clear()
    this.#definedLayouts = new WeakMap()
    this.#layoutDays.clear()
    this.#spans.clear()
  }
}

interface ScopeRow extends Scope {
  readonly id: number
  readonly versionId: number
  readonly placeId: number
  readonly population: string
  readonly instanceTag: string
}

function keysOf(series: readonly Pick<StoredSeries, 'metric' | 'attributes'>[]): string[] {
  return series.map((one) => seriesKey(one.metric, one.attributes))
}

function pickSeries(
  shape: BlockShape,
  values: Float64Array,
  indices: readonly number[],
): Pick<NewBlock, 'shape' | 'values'> {
  const picked = makeShape(indices.map((i) => shape.series[i]!))
  const pickedValues = new Float64Array(picked.width)
  indices.forEach((index, i) => {
    const offset = shape.offsets[index]!
    pickedValues.set(values.subarray(offset, offset + seriesWidth(shape.series[index]!)), picked.offsets[i])
  })
  return { shape: picked, values: pickedValues }
}

function insertOrFind(insert: StatementSync, find: StatementSync, values: (string | number)[]): number {
  const found = find.get(...values) as { id: number } | undefined
  return found?.id ?? Number(insert.run(...values).lastInsertRowid)
}

const scopeColumns = `scope_id AS id, scopes.version_id AS versionId, scopes.place_id AS placeId, model, version, segment, instance,
  service, environment, manifest_digest AS manifestDigest, baseline_digest AS baselineDigest, population, instance_tag AS instanceTag
  FROM scopes JOIN versions USING (version_id) JOIN places USING (place_id)`

type Statements<Name extends string> = Readonly<Record<Name, StatementSync>>

function prepareWrites(
  database: DatabaseSync,
): Statements<
  | 'insertVersion'
  | 'findVersion'
  | 'insertPlace'
  | 'findPlace'
  | 'insertScope'
  | 'findScope'
  | 'scopeById'
  | 'insertShape'
  | 'findShape'
  | 'useShape'
  | 'seriesOfShape'
  | 'defineSeries'
  | 'defineLayout'
  | 'rowsOfStart'
  | 'insertBlock'
  | 'readSpan'
  | 'span'
  | 'lastSequence'
  | 'flushes'
  | 'prunedBefore'
  | 'scopeIds'
  | 'pruneBlocks'
  | 'pruneShapes'
  | 'pruneSeries'
  | 'pruneLayouts'
> {
  const scopeKey = ['version_id', 'segment', 'instance', 'service', 'environment', 'manifest_digest', 'baseline_digest']
  return {
    insertVersion: database.prepare('INSERT INTO versions (model, version) VALUES (?, ?)'),
    findVersion: database.prepare('SELECT version_id AS id FROM versions WHERE model = ? AND version = ?'),
    insertPlace: database.prepare('INSERT INTO places (population, instance_tag) VALUES (?, ?)'),
    findPlace: database.prepare('SELECT place_id AS id FROM places WHERE population = ? AND instance_tag = ?'),
    insertScope: database.prepare(
      `INSERT INTO scopes (place_id, ${scopeKey.join(', ')}) VALUES (?, ${scopeKey.map(() => '?').join(', ')})`,
    ),
    findScope: database.prepare(
      `SELECT scope_id AS id FROM scopes WHERE ${scopeKey.map((column) => `${column} = ?`).join(' AND ')}`,
    ),
    scopeById: database.prepare(`SELECT ${scopeColumns} WHERE scope_id = ?`),
    insertShape: database.prepare('INSERT INTO shapes (key_hash, series, last_day) VALUES (?, ?, ?)'),
    findShape: database.prepare('SELECT shape_id AS id, last_day AS lastDay FROM shapes WHERE key_hash = ?'),
    useShape: database.prepare('UPDATE shapes SET last_day = ? WHERE shape_id = ?'),
    seriesOfShape: database.prepare('SELECT series FROM shapes WHERE shape_id = ?'),
    defineSeries: database.prepare(
      `INSERT INTO series (id, metric, attributes, last_day) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET last_day = max(last_day, excluded.last_day)`,
    ),
    defineLayout: database.prepare(
      `INSERT INTO layouts (id, layout, last_day) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET last_day = max(last_day, excluded.last_day)`,
    ),
    rowsOfStart: database.prepare(
      `SELECT scope_id AS scopeId, end_us AS endMicros, part, turn, shape_id AS shapeId FROM blocks
       WHERE place_id = ? AND start_us = ?`,
    ),
    insertBlock: database.prepare(
      `INSERT OR REPLACE INTO blocks (sequence, version_id, scope_id, place_id, start_us, end_us, part, turn, shape_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    readSpan: database.prepare('SELECT first_us AS first, last_us AS last FROM versions WHERE version_id = ?'),
    span: database.prepare('UPDATE versions SET first_us = ?, last_us = ? WHERE version_id = ?'),
    lastSequence: database.prepare('UPDATE state SET last_sequence = ?'),
    flushes: database.prepare('UPDATE state SET flushes = flushes + 1'),
    prunedBefore: database.prepare('UPDATE state SET pruned_before_us = ?'),
    scopeIds: database.prepare('SELECT scope_id AS id FROM scopes'),
    pruneBlocks: database.prepare(
      'DELETE FROM blocks WHERE sequence IN (SELECT sequence FROM blocks WHERE scope_id = ? AND start_us < ? LIMIT ?)',
    ),
    pruneShapes: database.prepare(
      'DELETE FROM shapes WHERE last_day < ? AND shape_id NOT IN (SELECT shape_id FROM blocks)',
    ),
    pruneSeries: database.prepare('DELETE FROM series WHERE last_day < ?'),
    pruneLayouts: database.prepare('DELETE FROM layouts WHERE last_day < ?'),
  }
}

function prepareReads(
  database: DatabaseSync,
): Statements<
  | 'state'
  | 'findVersion'
  | 'scopes'
  | 'lastOfScope'
  | 'blocksOfScope'
  | 'anyAfter'
  | 'touched'
  | 'versions'
  | 'segments'
  | 'instances'
  | 'series'
  | 'layout'
  | 'count'
> {
  return {
    state: database.prepare(
      'SELECT directory_id AS directoryId, pruned_before_us AS prunedBefore, last_sequence AS lastSequence FROM state',
    ),
    findVersion: database.prepare('SELECT version_id AS id FROM versions WHERE model = ? AND version = ?'),
    scopes: database.prepare(`SELECT ${scopeColumns} WHERE scopes.version_id = ? ORDER BY scope_id`),
    lastOfScope: database.prepare(
      'SELECT max(sequence) AS last FROM blocks WHERE scope_id = ? AND start_us >= ? AND start_us < ?',
    ),
    blocksOfScope: database.prepare(
      'SELECT sequence, start_us AS start FROM blocks WHERE scope_id = ? AND start_us >= ? AND start_us < ?',
    ),
    anyAfter: database.prepare(
      'SELECT 1 FROM blocks WHERE version_id = ? AND sequence > ? AND start_us >= ? AND start_us < ? LIMIT 1',
    ),
    touched: database.prepare(
      `SELECT start_us / CAST(? AS INTEGER) AS slice, min(sequence) AS firstSequence, max(sequence) AS lastSequence
       FROM (SELECT sequence, start_us FROM blocks INDEXED BY blocks_by_arrival
             WHERE version_id = ? AND sequence > ? ORDER BY sequence LIMIT ${blocksPerTouchedQuery})
       GROUP BY slice ORDER BY slice`,
    ),
    versions: database.prepare(
      `SELECT version_id AS id, model, version, first_us AS first, last_us AS last FROM versions
       WHERE last_us IS NOT NULL ORDER BY last_us DESC, version_id DESC LIMIT ${versionsPerAnswer}`,
    ),
    segments: database.prepare('SELECT DISTINCT segment FROM scopes WHERE version_id = ? ORDER BY segment'),
    instances: database.prepare('SELECT count(DISTINCT instance) AS count FROM scopes WHERE version_id = ?'),
    series: database.prepare('SELECT position, metric, attributes FROM series WHERE id = ?'),
    layout: database.prepare('SELECT position, layout FROM layouts WHERE id = ?'),
    count: database.prepare('SELECT count(*) AS blocks FROM blocks'),
  }
}
