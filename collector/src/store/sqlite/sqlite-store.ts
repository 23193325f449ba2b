import {
  canonicalJson,
  digestBytes,
  type Baseline,
  type Json,
  type Manifest,
} from '@driftline/instrumentation/contract'
import type { AlertEvent, AlertRecord } from '../../alert/alert.ts'
import type { Result } from '../../evaluate/result.ts'
import type { Block } from '../../observation/block.ts'
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
import { CallPacker } from './call-packer.ts'
import { openDataDirectory, openDataDirectoryForReading, type DataDirectory } from './data-directory.ts'
import { unpackSegment } from './packed-totals.ts'
import type { WriterMethods } from './protocol.ts'
import type { ReaderMethods } from './reader-methods.ts'
import type { SavedSlice } from './totals-reader.ts'
import { WorkerClient } from './worker-client.ts'

export type { SavedSlice } from './totals-reader.ts'

export interface SqliteStoreOptions {
  /** Where `driftline.sqlite` and its companions lie; made when missing. */
  readonly directory: string
  /** Only queries, next to a collector that may be running on the same directory; writing rejects. Default: false. */
  readonly readOnly?: boolean
}

/** What only the embedded store can say; the InfluxDB store keeps its control data in one. */
export interface EmbeddedStore extends Store {
  /** The saved sums that stand in for pruned blocks in [fromMs, toMs): slices that lie wholly in it and do not overlap, in time order. */
  savedSlices(model: string, version: string, fromMs: number, toMs: number): Promise<SavedSlice[]>
}

/**
 * The embedded store: one SQLite file, written by one worker thread and read by another.
 *
 * @throws DataDirectoryInUseError when another process has the directory, DataDirectoryError when it cannot be used or
 * its data is damaged or of a newer version.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<EmbeddedStore> {
  const { directory, readOnly = false } = options
  const opened = readOnly ? openDataDirectoryForReading(directory) : openDataDirectory(directory)
  const reader = startWorker<ReaderMethods>('reader', opened.file)
  const writer = readOnly ? null : startWorker<WriterMethods>('writer', opened.file)
  const store = new SqliteStore(opened, reader, writer)
  try {
    // Answered only by a thread that has its connection open.
    await reader.call('statistics', null)
    await writer?.call('saveAlerts', { alerts: [], events: [] })
  } catch (error) {
    await store.close().catch(() => {})
    throw error
  }
  return store
}

function startWorker<M extends ReaderMethods | WriterMethods>(
  name: 'reader' | 'writer',
  file: string,
): WorkerClient<M> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new WorkerClient<M>(new URL(`./${name}.${extension}`, import.meta.url), name, { file })
}

/** Encoded values that wait for their commit; beyond it, the disk does not keep up and the sender had better wait. */
const maximumWaitingBytes = 256 * 1024 * 1024

class SqliteStore implements EmbeddedStore {
  readonly #directory: DataDirectory
  readonly #reader: WorkerClient<ReaderMethods>
  readonly #writer: WorkerClient<WriterMethods> | null
  readonly #packer = new CallPacker()
  #waitingBytes = 0
  #closed: Promise<void> | null = null

  constructor(
    directory: DataDirectory,
    reader: WorkerClient<ReaderMethods>,
    writer: WorkerClient<WriterMethods> | null,
  ) {
    this.#directory = directory
    this.#reader = reader
    this.#writer = writer
  }

  async append(blocks: readonly Block[]): Promise<AppendReceipt> {
    const writer = this.#writing()
    if (blocks.length === 0) return { storedSeries: 0, duplicateSeries: 0 }
    if (this.#waitingBytes > maximumWaitingBytes) {
      throw new StoreUnavailableError(`the disk does not keep up: ${this.#waitingBytes} bytes wait for their commit`)
    }
    const call = this.#packer.packBlocks(blocks)
    const bytes = call.data.byteLength
    this.#waitingBytes += bytes
    try {
      return await writer.call('append', call, [call.data, call.blocks.buffer as ArrayBuffer])
    } finally {
      this.#waitingBytes -= bytes
    }
  }

  async modelVersions(): Promise<ModelVersionSummary[]> {
    return this.#reading().call('modelVersions', null)
  }

  async totals(model: string, version: string, fromMs: number, toMs: number): Promise<SegmentTotals[]> {
    return (await this.#reading().call('totals', { model, version, fromMs, toMs })).map(unpackSegment)
  }

  async savedSlices(model: string, version: string, fromMs: number, toMs: number): Promise<SavedSlice[]> {
    const slices = await this.#reading().call('savedSlices', { model, version, fromMs, toMs })
    return slices.map((slice) => ({ ...slice, segments: slice.segments.map(unpackSegment) }))
  }

  async touchedSlices(model: string, version: string, everyMs: number, afterSequence: number): Promise<TouchedSlice[]> {
    return this.#reading().call('touchedSlices', { model, version, everyMs, afterSequence })
  }

  async saveEvaluation({ results, segments, ...evaluation }: Evaluation): Promise<void> {
    const writer = this.#writing()
    const rows = results.map((result) => {
      const { signal, feature, segment, status } = result
      return { signal, feature, segment, status, json: JSON.stringify(result) }
    })
    const call = this.#packer.packWindows(segments)
    await writer.call('saveEvaluation', { ...call, evaluation, results: rows }, [call.data])
  }

  async evaluations(query: EvaluationQuery): Promise<StoredEvaluation[]> {
    return this.#reading().call('evaluations', query)
  }

  async detectorState(
    model: string,
    version: string,
    detectorId: string,
    beforeMs: number,
  ): Promise<StoredState | null> {
    return this.#reading().call('detectorState', { model, version, detectorId, beforeMs })
  }

  async evaluationCursor(model: string, version: string): Promise<number> {
    return this.#reading().call('evaluationCursor', { model, version })
  }

  async saveEvaluationCursor(model: string, version: string, sequence: number): Promise<void> {
    await this.#writing().call('saveEvaluationCursor', { model, version, sequence })
  }

  async results(query: ResultQuery): Promise<Result[]> {
    return (await this.#reading().call('results', query)).map((json) => JSON.parse(json) as Result)
  }

  async saveAlerts(alerts: readonly AlertRecord[], events: readonly AlertEvent[]): Promise<void> {
    await this.#writing().call('saveAlerts', {
      alerts: alerts.map((alert) => {
        const { id, model, version, state, activeSinceMs } = alert
        return { id, model, version, state, activeSinceMs, json: JSON.stringify(alert) }
      }),
      events: events.map((event) => ({ alertId: event.alertId, json: JSON.stringify(event) })),
    })
  }

  async alerts(query: AlertQuery): Promise<AlertRecord[]> {
    return (await this.#reading().call('alerts', query)).map((json) => JSON.parse(json) as AlertRecord)
  }

  async alertEvents(alertId: string): Promise<AlertEvent[]> {
    return (await this.#reading().call('alertEvents', { alertId })).map((json) => JSON.parse(json) as AlertEvent)
  }

  async putBaseline(baseline: Baseline): Promise<string> {
    const { name: model, version } = baseline.model
    return this.#putDocument('baseline', model, version, baseline as unknown as Json)
  }

  async baseline(digest: string): Promise<Baseline | null> {
    const json = await this.#reading().call('documentByDigest', { kind: 'baseline', digest })
    return json === null ? null : (JSON.parse(json) as Baseline)
  }

  async baselineFor(model: string, version: string): Promise<{ digest: string; baseline: Baseline } | null> {
    const found = await this.#reading().call('newestDocument', { kind: 'baseline', model, version })
    return found === null ? null : { digest: found.digest, baseline: JSON.parse(found.json) as Baseline }
  }

  async putManifest(manifest: Manifest): Promise<string> {
    const { name: model, version } = manifest.model
    return this.#putDocument('manifest', model, version, manifest as unknown as Json)
  }

  async manifestFor(model: string, version: string): Promise<{ digest: string; manifest: Manifest } | null> {
    const found = await this.#reading().call('newestDocument', { kind: 'manifest', model, version })
    return found === null ? null : { digest: found.digest, manifest: JSON.parse(found.json) as Manifest }
  }

  async prune(blocksBeforeMs: number, evaluationsBeforeMs: number): Promise<void> {
    await this.#writing().call('prune', { blocksBeforeMs, evaluationsBeforeMs })
  }

  async statistics(): Promise<StoreStatistics> {
    return this.#reading().call('statistics', null)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    try {
      // The reader first: the log can be brought in completely only when nobody reads from it.
      await this.#reader.terminate()
      await this.#writer?.call('close', null)
    } finally {
      await this.#writer?.terminate()
      this.#directory.release()
    }
  }

  async #putDocument(kind: 'baseline' | 'manifest', model: string, version: string, document: Json): Promise<string> {
    const json = canonicalJson(document)
    const digest = digestBytes(json)
    await this.#writing().call('putDocument', { kind, model, version, digest, json })
    return digest
  }

  #reading(): WorkerClient<ReaderMethods> {
    if (this.#closed !== null) throw new StoreUnavailableError('the store is closed')
    return this.#reader
  }

  #writing(): WorkerClient<WriterMethods> {
    if (this.#closed !== null) throw new StoreUnavailableError('the store is closed')
    if (this.#writer === null) throw new StoreUnavailableError('the store was opened for reading only')
    return this.#writer
  }
}
