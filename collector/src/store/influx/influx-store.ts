import { join } from 'node:path'
import { digestJson, type Baseline, type Json, type Manifest } from '@driftline/instrumentation/contract'
import type { AlertEvent, AlertRecord } from '../../alert/alert.ts'
import type { Clock } from '../../clock.ts'
import type { Result } from '../../evaluate/result.ts'
import { openDeadLetters, type DeadLetters } from '../../journal/dead-letters.ts'
import { openJournal, type Journal, type JournalLimits, type JournalStatistics } from '../../journal/journal.ts'
import { startSender, type Sender, type SenderStatistics } from '../../journal/sender.ts'
import { makeShape, seriesWidth, type Block } from '../../observation/block.ts'
import { Totals } from '../../observation/totals.ts'
import { openSqliteStore, type EmbeddedStore, type SavedSlice } from '../sqlite/sqlite-store.ts'
import {
  StoreUnavailableError,
  type AlertQuery,
  type AppendReceipt,
  type Evaluation,
  type EvaluationQuery,
  type ModelVersionSummary,
  type ResultQuery,
  type SegmentTotals,
  type Store,
  type StoredEvaluation,
  type StoredState,
  type StoreStatistics,
  type TouchedSlice,
} from '../store.ts'
import { BlockIndex, type IndexedBlock, type NewBlock } from './block-index.ts'
import {
  decodeBlockRecord,
  encodeBlockRecord,
  encodeLinesRecord,
  recordKinds,
  type BlockRecord,
} from './block-record.ts'
import { alertPoints, alertsToldOf } from './derived/alert-points.ts'
import { derivedLines, type DerivedPoint } from './derived/derived-point.ts'
import { evaluationPoints } from './derived/evaluation-points.ts'
import { baselineEvent, deploymentEvent, lineageOf, lineagePoint, manifestEvent } from './derived/lineage-points.ts'
import { blockIndexName, requireNoEmbeddedBlocks } from './directory-kind.ts'
import { encodeWindowLines } from './encode-lines.ts'
import { InfluxServer, type ServerVersion } from './influx-server.ts'
import { retentionPolicies, type InfluxSettings, type RetentionPolicy } from './influx-settings.ts'
import { initInflux } from './init-influx.ts'
import { LineageLog } from './lineage-log.ts'
import { PointSums, type PointRange } from './totals-query.ts'
import { createWriteDestination, type WriteDestination } from './write-destination.ts'

export interface InfluxStoreOptions {
  /** Where control data, block index and journal lie; made when missing. */
  readonly directory: string
  readonly influx: InfluxSettings
  readonly clock: Clock
  readonly log: (line: string) => void
  readonly journal?: Partial<JournalLimits>
}

export interface SendingStatistics {
  readonly journal: JournalStatistics
  readonly sender: SenderStatistics
  /** Null until the server was reached. */
  readonly server: ServerVersion | null
}

/** A Store whose numbers lie in InfluxDB. */
export interface InfluxStore extends Store {
  /**
   * Sends finished line protocol (timestamps in ns) to a retention policy, by the journal: when the promise resolves the lines survive a
   * crash, and are sent until InfluxDB has them.
   */
  writeLines(retentionPolicy: RetentionPolicy, lines: readonly string[]): Promise<void>
  /** Waits until what was acknowledged before the call has been sent; false when that took too long. */
  drained(timeoutMs: number): Promise<boolean>
  /** For queries of other parts, such as the checks of dashboards. */
  readonly server: InfluxServer
  sending(): SendingStatistics
}

/** How long a query waits for what was acknowledged before it to be sent. */
const drainTimeoutMs = 10_000
/** The same while sending fails: it would be waiting for a server that is down. */
const failingDrainTimeoutMs = 250
/** Values of a group of calls that are journaled together: 16 MiB in memory. */
const valuesPerGroup = 2_000_000
/** Values that may wait for the disk; beyond it the sender had better wait. */
const maximumWaitingValues = 32_000_000
/** A block of more slots is stored as several: a journal record holds 32 MiB, and a slot takes 9 bytes at most. */
const slotsPerRecord = 1_000_000
/** Finished lines of one journal record: a line of 64 KB, the longest there may be, still leaves it below 32 MiB. */
const linesPerRecord = 400
const recordsPerRebuild = 1_000
/** A query begins anew when blocks are pruned under it; that many times in a row do not happen. */
const totalsAttempts = 5

/**
 * Opens the store: control data in the embedded store's file, the block index beside it, journal and sender to InfluxDB. InfluxDB need not
 * be reachable: receiving goes on into the journal, and what needs numbers rejects with StoreUnavailableError until it is.
 *
 * @throws DataDirectoryInUseError, DataDirectoryError (also for a directory that the embedded store used), JournalFormatError,
 * JournalUnavailableError
 */
export async function openInfluxStore(options: InfluxStoreOptions): Promise<InfluxStore> {
  const { directory, influx, clock, log } = options
  // Holds the lock on the directory for all that follows.
  const control = await openSqliteStore({ directory })
  const opened: { close(): unknown }[] = [control]
  try {
    requireNoEmbeddedBlocks(directory, join(directory, 'driftline.sqlite'))
    const index = new BlockIndex({
      file: join(directory, blockIndexName),
      instanceNames: influx.instances,
      instanceSlots: influx.instanceSlots,
    })
    opened.push(index)
    const journalDirectory = join(directory, 'journal')
    const journal = await openJournal({
      directory: journalDirectory,
      clock,
      log,
      sequenceFloor: index.lastSequence,
      ...(options.journal === undefined ? {} : { limits: options.journal }),
    })
    opened.push(journal)
    await rebuildIndex(index, journal)
    const deadLetters = await openDeadLetters({ directory: journalDirectory, now: () => clock.now() })
    opened.push(deadLetters)
    const server = new InfluxServer(influx, clock)
    const destination = createWriteDestination({ server, index, prepare: createPrepare(server, log) })
    opened.push(destination)
    const sender = startSender({
      journal,
      destination,
      deadLetters,
      clock,
      log,
      // The journal may forget what was sent once the index is sure to remember it.
      beforeCommit: async () => index.flush(),
    })
    return new ComposedStore({ control, index, journal, deadLetters, server, destination, sender, clock })
  } catch (error) {
    for (const one of opened.toReversed()) await one.close()
    throw error
  }
}

/** Blocks that were acknowledged, and whose rows a crash took. */
async function rebuildIndex(index: BlockIndex, journal: Journal): Promise<void> {
  let found: { sequence: number; record: BlockRecord }[] = []
  for await (const { kind, sequence, payload } of journal.read(index.lastSequence)) {
    if (kind !== recordKinds.block) continue
    found.push({ sequence, record: decodeBlockRecord(payload).record })
    if (found.length < recordsPerRebuild) continue
    index.add(found)
    found = []
  }
  index.add(found)
}

/** Databases are made at the start when that is allowed; a token that may only write is told of, and used. */
function createPrepare(server: InfluxServer, log: (line: string) => void): () => Promise<void> {
  // Looked at before every attempt while writing is refused, and told once.
  let told: string | null = null
  return async () => {
    try {
      for (const { name, keeps, done } of await initInflux(server)) {
        if (done !== 'was there') log(`InfluxDB: ${name} ${done}, kept ${keeps}`)
      }
      told = null
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      // Unreachable: the write would fail as well, and is tried again.
      if (error instanceof StoreUnavailableError && 'kind' in error && error.kind === 'unreachable') throw error
      if (why === told) return
      told = why
      log(`InfluxDB: could not look whether databases are there, and goes on as if they were: ${why}`)
    }
  }
}

interface Parts {
  readonly control: EmbeddedStore
  readonly index: BlockIndex
  readonly journal: Journal
  readonly deadLetters: DeadLetters
  readonly server: InfluxServer
  readonly destination: WriteDestination
  readonly sender: Sender
  readonly clock: Clock
}

interface WaitingCall {
  readonly blocks: readonly Block[]
  readonly values: number
  readonly resolve: (receipt: AppendReceipt) => void
  readonly reject: (error: Error) => void
}

class ComposedStore implements InfluxStore {
  readonly #control: EmbeddedStore
  readonly #index: BlockIndex
  readonly #parts: Parts
  #waiting: WaitingCall[] = []
  #waitingValues = 0
  #storing: Promise<void> | null = null
  /** Reads, prunes and writes under way. */
  readonly #busy = new Set<Promise<unknown>>()
  readonly #lineage = new LineageLog()
  /** Model versions that have sent data. */
  readonly #deployed: Set<string>
  #prunes = 0
  #closed: Promise<void> | null = null

  constructor(parts: Parts) {
    this.#parts = parts
    this.#control = parts.control
    this.#index = parts.index
    this.#deployed = new Set(parts.index.modelVersions().map(versionKey))
  }

  get server(): InfluxServer {
    return this.#parts.server
  }

  append(blocks: readonly Block[]): Promise<AppendReceipt> {
    try {
      this.#requireOpen()
      for (const block of blocks) checkBlock(block)
    } catch (error) {
      return Promise.reject(error)
    }
    if (blocks.length === 0) return Promise.resolve({ storedSeries: 0, duplicateSeries: 0 })
    const values = blocks.reduce((all, block) => all + block.values.length, 0)
    if (this.#waiting.length > 0 && this.#waitingValues + values > maximumWaitingValues) {
      return Promise.reject(new StoreUnavailableError(`the disk does not keep up: ${this.#waitingValues} values wait`))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ blocks: blocks.flatMap(splitWide), values, resolve, reject })
      this.#waitingValues += values
      this.#storing ??= this.#storeWaiting()
    })
  }

  async modelVersions(): Promise<ModelVersionSummary[]> {
    this.#requireOpen()
    const withDocuments = await this.#control.modelVersions()
    const digests = new Map(withDocuments.map((one) => [`${one.model}\u0000${one.version}`, one.baselineDigest]))
    const withData = this.#index.modelVersions().map((one) => {
      const key = `${one.model}\u0000${one.version}`
      const baselineDigest = digests.get(key) ?? null
      digests.delete(key)
      return { ...one, baselineDigest }
    })
    return [...withData, ...withDocuments.filter((one) => digests.has(`${one.model}\u0000${one.version}`))]
  }

  totals(model: string, version: string, fromMs: number, toMs: number): Promise<SegmentTotals[]> {
    return this.#during(async () => {
      for (let attempt = 1; ; attempt++) {
        const totals = await this.#tryTotals(model, version, fromMs, toMs)
        if (totals !== null) return totals
        if (attempt === totalsAttempts) throw new StoreUnavailableError('blocks are being pruned; try again')
      }
    })
  }

  async touchedSlices(model: string, version: string, everyMs: number, afterSequence: number): Promise<TouchedSlice[]> {
    this.#requireOpen()
    return this.#index.touchedSlices(model, version, everyMs, afterSequence)
  }

  /**
   * What InfluxDB is to show goes into the journal first, and the control data say last that the slice is done: when either fails or the
   * process ends in between, the slice is evaluated again, and the lines overwrite themselves. The other order could leave a slice that
   * is done and that no dashboard ever shows.
   */
  saveEvaluation(evaluation: Evaluation): Promise<void> {
    return this.#during(async () => {
      const { model, version, segments } = evaluation
      await this.#journalPoints(evaluationPoints(evaluation))
      if (segments.length > 0) {
        await this.#journalLines('windows', encodeWindowLines(this.#index.directoryId, evaluation, segments))
        await this.#writeLineage(model, version, Math.max(...segments.map(({ instances }) => instances)))
      }
      await this.#control.saveEvaluation(evaluation)
    })
  }

  async evaluations(query: EvaluationQuery): Promise<StoredEvaluation[]> {
    return this.#control.evaluations(query)
  }

  async detectorState(
    model: string,
    version: string,
    detectorId: string,
    beforeMs: number,
  ): Promise<StoredState | null> {
    return this.#control.detectorState(model, version, detectorId, beforeMs)
  }

  async evaluationCursor(model: string, version: string): Promise<number> {
    return this.#control.evaluationCursor(model, version)
  }

  async saveEvaluationCursor(model: string, version: string, sequence: number): Promise<void> {
    return this.#control.saveEvaluationCursor(model, version, sequence)
  }

  async results(query: ResultQuery): Promise<Result[]> {
    return this.#control.results(query)
  }

  /** Lines first, as with evaluations: events are appended, so the control data must not be written twice. */
  saveAlerts(alerts: readonly AlertRecord[], events: readonly AlertEvent[]): Promise<void> {
    return this.#during(async () => {
      const others = await Promise.all(alertsToldOf(alerts, events).map((id) => this.#control.alerts({ id })))
      await this.#journalPoints(alertPoints(alerts, events, others.flat()))
      await this.#control.saveAlerts(alerts, events)
    })
  }

  async alerts(query: AlertQuery): Promise<AlertRecord[]> {
    return this.#control.alerts(query)
  }

  async alertEvents(alertId: string): Promise<AlertEvent[]> {
    return this.#control.alertEvents(alertId)
  }

  putBaseline(baseline: Baseline): Promise<string> {
    return this.#during(async () => {
      const { name, version } = baseline.model
      const digest = digestJson(baseline as unknown as Json)
      const before = await this.#control.baselineFor(name, version)
      if (before?.digest === digest) return digest
      await this.#journalPoints([baselineEvent(baseline, digest, this.#parts.clock.now())])
      const stored = await this.#control.putBaseline(baseline)
      await this.#documentsChanged(name, version)
      return stored
    })
  }

  async baseline(digest: string): Promise<Baseline | null> {
    return this.#control.baseline(digest)
  }

  async baselineFor(model: string, version: string): Promise<{ digest: string; baseline: Baseline } | null> {
    return this.#control.baselineFor(model, version)
  }

  putManifest(manifest: Manifest): Promise<string> {
    return this.#during(async () => {
      const { name, version } = manifest.model
      const digest = digestJson(manifest as unknown as Json)
      const before = await this.#control.manifestFor(name, version)
      if (before?.digest === digest) return digest
      await this.#journalPoints([manifestEvent(manifest, digest, this.#parts.clock.now())])
      const stored = await this.#control.putManifest(manifest)
      await this.#documentsChanged(name, version)
      return stored
    })
  }

  async manifestFor(model: string, version: string): Promise<{ digest: string; manifest: Manifest } | null> {
    return this.#control.manifestFor(model, version)
  }

  /** Points go by the retention policies of InfluxDB; what is pruned here is what is known of them. */
  prune(blocksBeforeMs: number, evaluationsBeforeMs: number): Promise<void> {
    return this.#during(async () => {
      // First the mark from which on saved sums stand in, then what they stand in for.
      await this.#control.prune(blocksBeforeMs, evaluationsBeforeMs)
      for (let more = true; more;) {
        this.#requireNotClosing()
        this.#prunes++
        more = inStore('cannot prune', () => this.#index.prune(blocksBeforeMs))
        // Lets requests in between two steps.
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
    })
  }

  async statistics(): Promise<StoreStatistics> {
    this.#requireOpen()
    const control = await this.#control.statistics()
    const { blocks, bytes } = this.#index.statistics()
    return {
      blocks,
      evaluations: control.evaluations,
      bytes: control.bytes + bytes + this.#parts.journal.statistics().bytes,
    }
  }

  writeLines(retentionPolicy: RetentionPolicy, lines: readonly string[]): Promise<void> {
    return this.#during(() => this.#journalLines(retentionPolicy, lines))
  }

  async drained(timeoutMs: number): Promise<boolean> {
    this.#requireOpen()
    return this.#parts.sender.drained(this.#parts.journal.lastSequence, timeoutMs)
  }

  sending(): SendingStatistics {
    const { journal, sender, server } = this.#parts
    return { journal: journal.statistics(), sender: sender.statistics(), server: server.version }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#storing
    await Promise.allSettled(this.#busy)
    const { sender, destination, journal, deadLetters } = this.#parts
    await sender.close()
    destination.close()
    await deadLetters.close()
    await journal.close()
    this.#index.close()
    await this.#control.close()
  }

  /** One group after the other: what comes while the disk is busy shares the next flush. */
  async #storeWaiting(): Promise<void> {
    // The calls of one turn of the loop belong together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group: WaitingCall[] = []
      let values = 0
      for (const call of this.#waiting) {
        if (group.length > 0 && values + call.values > valuesPerGroup) break
        values += call.values
        group.push(call)
      }
      this.#waiting = this.#waiting.slice(group.length)
      await this.#storeGroup(group)
      this.#waitingValues -= values
    }
    this.#storing = null
  }

  async #storeGroup(group: readonly WaitingCall[]): Promise<void> {
    try {
      const { blocks, receipts } = inStore('cannot store blocks', () =>
        this.#index.plan(group.map((call) => call.blocks)),
      )
      if (blocks.length > 0) {
        await this.#noteDeployments(blocks)
        const payloads = blocks.map(({ record, shape, values }) => encodeBlockRecord(record, shape, values))
        const { firstSequence } = await this.#journaling(payloads, recordKinds.block)
        inStore('cannot store blocks', () =>
          this.#index.add(blocks.map(({ record }, i) => ({ sequence: firstSequence + i, record }))),
        )
      }
      group.forEach(({ resolve }, i) => resolve(receipts[i]!))
    } catch (error) {
      // A block that is at fault shall not take other calls with it.
      if (error instanceof RangeError && group.length > 1) {
        for (const call of group) await this.#storeGroup([call])
        return
      }
      for (const { reject } of group) reject(error as Error)
    }
  }

  /** Before the blocks themselves: an end of the process in between leaves no version that is known and was never noted. */
  async #noteDeployments(blocks: readonly NewBlock[]): Promise<void> {
    const first = new Map<string, DerivedPoint>()
    for (const { record } of blocks) {
      const scope = this.#index.scopeById(record.scopeId)?.scope
      if (scope === undefined || this.#deployed.has(versionKey(scope))) continue
      const atMs = Math.floor(record.startMicros / 1000)
      const before = first.get(versionKey(scope))
      if (before === undefined || atMs < before.atMs) first.set(versionKey(scope), deploymentEvent(scope, atMs))
    }
    if (first.size === 0) return
    await this.#journalPoints([...first.values()])
    for (const key of first.keys()) this.#deployed.add(key)
  }

  async #documentsChanged(model: string, version: string): Promise<void> {
    const instances = this.#lineage.known(model, version)?.instances ?? null
    this.#lineage.forget(model, version)
    await this.#writeLineage(model, version, instances)
  }

  async #writeLineage(model: string, version: string, instances: number | null): Promise<void> {
    const now = this.#parts.clock.now()
    const known =
      this.#lineage.known(model, version) ??
      lineageOf(model, version, {
        manifest: await this.#control.manifestFor(model, version),
        baseline: await this.#control.baselineFor(model, version),
      })
    const lineage = { ...known, instances }
    if (!this.#lineage.isDue(lineage, now)) return
    await this.#journalPoints([lineagePoint(lineage, now)])
    this.#lineage.note(lineage, now)
  }

  #journalPoints(points: readonly DerivedPoint[]): Promise<void> {
    return this.#journalLines('results', derivedLines(points))
  }

  async #journalLines(retentionPolicy: RetentionPolicy, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return
    const records: Uint8Array[] = []
    for (let first = 0; first < lines.length; first += linesPerRecord) {
      records.push(encodeLinesRecord(retentionPolicies[retentionPolicy], lines.slice(first, first + linesPerRecord)))
    }
    await this.#journaling(records, recordKinds.lines)
  }

  async #journaling(payloads: readonly Uint8Array[], kind: number): Promise<{ readonly firstSequence: number }> {
    try {
      return await this.#parts.journal.append(payloads, kind)
    } catch (error) {
      if (error instanceof RangeError) throw error
      throw new StoreUnavailableError(error instanceof Error ? error.message : String(error), { cause: error })
    }
  }

  /** Null when blocks were pruned meanwhile. */
  async #tryTotals(model: string, version: string, fromMs: number, toMs: number): Promise<SegmentTotals[] | null> {
    const { server, sender } = this.#parts
    const prunes = this.#prunes
    const saved = await this.#control.savedSlices(model, version, fromMs, toMs)
    if (prunes !== this.#prunes) return null
    // From here to the first wait, one state of the index.
    const fromMicros = Math.ceil(fromMs * 1000)
    const toMicros = Math.ceil(toMs * 1000)
    const throughSequence = this.#index.lastSequence
    const lastSavedMicros = (saved.at(-1)?.endMs ?? 0) * 1000
    // Behind it every point counts; before it only blocks that the index has and no saved sum holds.
    const boundary = Math.min(toMicros, Math.max(fromMicros, this.#index.prunedBeforeMicros, lastSavedMicros))
    const sums = new Map<string, PopulationSum>()
    const sumOf = (segment: string, baselineDigest: string): PopulationSum => {
      const key = `${segment}\u0000${baselineDigest}`
      let sum = sums.get(key)
      if (sum === undefined) sums.set(key, (sum = new PopulationSum(segment, baselineDigest)))
      return sum
    }
    const byPopulation = new Map<string, PopulationSum>()
    for (const slice of saved) for (const one of slice.segments) sumOf(one.segment, one.baselineDigest).addSaved(one)
    const single = new Set<number>()
    if (fromMicros < boundary) {
      for (const block of this.#index.blocks(model, version, fromMicros, boundary)) {
        if (isIncluded(saved, block)) continue
        single.add(block.sequence)
        const sum = sumOf(block.segment, block.baselineDigest)
        sum.note([block.instance], block.sequence)
        byPopulation.set(block.population, sum)
      }
    }
    const populations = boundary < toMicros ? this.#index.populations(model, version, boundary, toMicros) : []
    for (const one of populations) {
      const sum = sumOf(one.segment, one.baselineDigest)
      sum.note(one.instances, one.throughSequence)
      byPopulation.set(one.population, sum)
    }
    if (byPopulation.size > 0) {
      const timeout = sender.statistics().failing === null ? drainTimeoutMs : failingDrainTimeoutMs
      if (!(await sender.drained(throughSequence, timeout))) {
        const why = sender.statistics().failing ?? 'it does not keep up'
        throw new StoreUnavailableError(`InfluxDB has not taken everything yet: ${why}`)
      }
      await server.detect()
      const range: PointRange = { model, version, fromMicros: boundary, toMicros }
      let points = new PointSums(this.#index)
      if (populations.length > 0) {
        await points.addRange(server, range, null)
        // What came while the server summed may be in its sums or not.
        if (this.#index.hasBlocksAfter(model, version, boundary, toMicros, throughSequence)) {
          points = new PointSums(this.#index)
          await points.addRange(server, range, throughSequence)
        }
      }
      if (single.size > 0) {
        await points.addBlocks(server, { ...range, fromMicros, toMicros: boundary }, single)
      }
      for (const [population, totals] of points.totals()) byPopulation.get(population)?.totals.addTotals(totals)
    }
    if (prunes !== this.#prunes) return null
    return [...sums.values()].map((sum) => sum.finish())
  }

  async #during<T>(run: () => Promise<T>): Promise<T> {
    this.#requireOpen()
    const running = run()
    this.#busy.add(running)
    try {
      return await running
    } finally {
      this.#busy.delete(running)
    }
  }

  #requireOpen(): void {
    if (this.#closed !== null) throw new StoreUnavailableError('the store is closed')
  }

  #requireNotClosing(): void {
    if (this.#closed !== null) throw new StoreUnavailableError('the store is being closed')
  }
}

function versionKey({ model, version }: { readonly model: string; readonly version: string }): string {
  return `${model}\u0000${version}`
}

/** The sum of one segment under one baseline, from several sources. */
class PopulationSum {
  readonly totals: Totals = new Totals()
  readonly #segment: string
  readonly #baselineDigest: string
  readonly #instances = new Set<string>()
  #savedInstances = 0
  #throughSequence = 0

  constructor(segment: string, baselineDigest: string) {
    this.#segment = segment
    this.#baselineDigest = baselineDigest
  }

  addSaved({ totals, instances, throughSequence }: SegmentTotals): void {
    this.totals.addTotals(totals)
    // Which instances they were is not kept; the largest slice is the best that can be said.
    this.#savedInstances = Math.max(this.#savedInstances, instances)
    this.#throughSequence = Math.max(this.#throughSequence, throughSequence)
  }

  note(instances: Iterable<string>, throughSequence: number): void {
    for (const instance of instances) this.#instances.add(instance)
    this.#throughSequence = Math.max(this.#throughSequence, throughSequence)
  }

  finish(): SegmentTotals {
    return {
      segment: this.#segment,
      baselineDigest: this.#baselineDigest,
      totals: this.totals,
      instances: Math.max(this.#savedInstances, this.#instances.size),
      throughSequence: this.#throughSequence,
    }
  }
}

/** Whether saved sums hold the block already; one that came later is added to them. */
function isIncluded(
  saved: readonly SavedSlice[],
  { startMicros, segment, baselineDigest, sequence }: IndexedBlock,
): boolean {
  let low = 0
  let high = saved.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (saved[middle]!.endMs * 1000 <= startMicros) low = middle + 1
    else high = middle
  }
  const slice = saved[low]
  if (slice === undefined || startMicros < slice.startMs * 1000) return false
  return slice.segments.some(
    (one) => one.segment === segment && one.baselineDigest === baselineDigest && sequence <= one.throughSequence,
  )
}

function checkBlock({ shape, values, startMicros, endMicros }: Block): void {
  if (values.length !== shape.width) {
    throw new RangeError(`a block has ${values.length} values where its shape asks for ${shape.width}`)
  }
  const whole = Number.isSafeInteger(startMicros) && Number.isSafeInteger(endMicros)
  if (!whole || startMicros < 0 || startMicros >= endMicros) {
    throw new RangeError(
      `a block's interval must be whole microseconds since 1970, start before end; got ${startMicros} to ${endMicros}`,
    )
  }
}

/** Blocks of at most `slotsPerRecord` slots, or one series. */
function splitWide(block: Block): Block[] {
  if (block.shape.width <= slotsPerRecord) return [block]
  const pieces: Block[] = []
  const { series, offsets } = block.shape
  let first = 0
  while (first < series.length) {
    let last = first
    let width = seriesWidth(series[first]!)
    while (last + 1 < series.length && width + seriesWidth(series[last + 1]!) <= slotsPerRecord) {
      last++
      width += seriesWidth(series[last]!)
    }
    const from = offsets[first]!
    pieces.push({
      ...block,
      shape: makeShape(series.slice(first, last + 1)),
      values: block.values.subarray(from, from + width),
    })
    first = last + 1
  }
  return pieces
}

/** SQLite's errors as those of a store. */
function inStore<T>(doing: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof RangeError || error instanceof StoreUnavailableError) throw error
    throw new StoreUnavailableError(`${doing}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
