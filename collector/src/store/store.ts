import type { Baseline, Manifest } from '@driftline/instrumentation/contract'
import type { Block } from '../observation/block.ts'
import type { Totals } from '../observation/totals.ts'
import type { Result, SliceStatus } from '../evaluate/result.ts'
import type { AlertRecord, AlertEvent } from '../alert/alert.ts'

/**
 * Where everything durable lives. Two implementations pass one contract suite (test/store-contract.ts).
 *
 * Every method rejects with StoreUnavailableError when the storage cannot be reached or is full; the caller answers 503 or tries again.
 */
export interface Store {
  /**
   * Stores blocks; when the promise resolves they survive a crash. A series that is already stored for the same scope,
   * start and end is counted as a duplicate and not stored again.
   */
  append(blocks: readonly Block[]): Promise<AppendReceipt>

  /** Model versions that ever sent data or have a baseline, newest data first. */
  modelVersions(): Promise<ModelVersionSummary[]>

  /**
   * Sums over instances, one per segment and baseline digest, of all blocks whose start lies in [fromMs, toMs). Where
   * blocks were pruned, the sums saved with evaluations stand in for them: those of slices that lie wholly in the range.
   */
  totals(model: string, version: string, fromMs: number, toMs: number): Promise<SegmentTotals[]>

  /**
   * Slices of `everyMs` (aligned to the epoch) that hold blocks with a sequence above `afterSequence`, in time order.
   * Sequences number blocks in the order in which they were stored.
   */
  touchedSlices(model: string, version: string, everyMs: number, afterSequence: number): Promise<TouchedSlice[]>

  /** Writes all that one evaluation of one slice brought forth, in one transaction. */
  saveEvaluation(evaluation: Evaluation): Promise<void>
  /** The newest revision of each evaluated slice with start in [fromMs, toMs). */
  evaluations(query: EvaluationQuery): Promise<StoredEvaluation[]>
  /**
   * Detector state after the newest slice that starts before `beforeMs` and whose state is kept; null when there is none.
   * The state of the newest slices and of older ones at regular steps is kept, so the caller may have to step over the slices between.
   */
  detectorState(model: string, version: string, detectorId: string, beforeMs: number): Promise<StoredState | null>
  evaluationCursor(model: string, version: string): Promise<number>
  saveEvaluationCursor(model: string, version: string, sequence: number): Promise<void>

  /** Of the newest revision of each slice. */
  results(query: ResultQuery): Promise<Result[]>

  /** Alert records by id are replaced; events are appended. */
  saveAlerts(alerts: readonly AlertRecord[], events: readonly AlertEvent[]): Promise<void>
  /** Those that became active last come first. */
  alerts(query: AlertQuery): Promise<AlertRecord[]>
  alertEvents(alertId: string): Promise<AlertEvent[]>

  putBaseline(baseline: Baseline): Promise<string>
  baseline(digest: string): Promise<Baseline | null>
  /** The baseline put last for this version. */
  baselineFor(model: string, version: string): Promise<{ digest: string; baseline: Baseline } | null>
  putManifest(manifest: Manifest): Promise<string>
  manifestFor(model: string, version: string): Promise<{ digest: string; manifest: Manifest } | null>

  /**
   * Deletes blocks that start before `blocksBeforeMs`, and evaluations of slices that start before `evaluationsBeforeMs` with their
   * results and sums. The newest detector state stays, however old.
   */
  prune(blocksBeforeMs: number, evaluationsBeforeMs: number): Promise<void>
  /** Sizes and counts for /metrics. */
  statistics(): Promise<StoreStatistics>
  close(): Promise<void>
}

export interface AppendReceipt {
  readonly storedSeries: number
  readonly duplicateSeries: number
}

export interface ModelVersionSummary {
  readonly model: string
  readonly version: string
  /** Start of the earliest and end of the latest interval that was ever stored. */
  readonly firstMs: number | null
  readonly lastMs: number | null
  readonly segments: readonly string[]
  readonly instances: number
  readonly baselineDigest: string | null
}

export interface SegmentTotals {
  readonly segment: string
  readonly baselineDigest: string
  readonly totals: Totals
  readonly instances: number
  /** Largest sequence among the blocks summed. */
  readonly throughSequence: number
}

export interface TouchedSlice {
  readonly startMs: number
  readonly firstSequence: number
  readonly lastSequence: number
}

export interface Evaluation {
  readonly model: string
  readonly version: string
  /** The disjoint slice that evidence advanced on, [startMs, endMs). */
  readonly startMs: number
  readonly endMs: number
  /** The window that distances and tests were computed on; equal to the slice for tumbling windows. */
  readonly windowStartMs: number
  readonly revision: number
  readonly evaluatedAtMs: number
  readonly throughSequence: number
  readonly rows: number
  readonly status: SliceStatus
  readonly detectorId: string
  readonly state: Uint8Array
  readonly results: readonly Result[]
  /** The slice's sums, as `totals` gave them, kept longer than its blocks. Empty leaves those of an earlier revision alone. */
  readonly segments: readonly SegmentTotals[]
}

export type StoredEvaluation = Omit<Evaluation, 'state' | 'results' | 'segments'>

export interface EvaluationQuery {
  readonly model: string
  readonly version: string
  readonly fromMs: number
  readonly toMs: number
  /** See queryLimits. */
  readonly limit?: number
  /** Only this revision, also of slices that have a newer one: what was said at the time. */
  readonly revision?: number
  /** Of start times; default: ascending. With a limit, the order says which end is cut off. */
  readonly order?: 'ascending' | 'descending'
}

export interface StoredState {
  readonly startMs: number
  readonly state: Uint8Array
}

export interface ResultQuery extends EvaluationQuery {
  readonly signal?: string
  readonly feature?: string
  readonly segment?: string
  readonly status?: string
}

export interface AlertQuery {
  readonly id?: string
  readonly model?: string
  readonly version?: string
  readonly state?: string
  readonly limit?: number
}

export interface StoreStatistics {
  readonly blocks: number
  readonly evaluations: number
  readonly bytes: number
}

/** How many rows a query gives: what a page shows when it does not say, and what keeps one answer within some 50 MB. */
export const queryLimits: { readonly default: number; readonly maximum: number } = { default: 1_000, maximum: 10_000 }

/** The storage cannot take or give data now; trying again later may help. */
export class StoreUnavailableError extends Error {
  override name = 'StoreUnavailableError'
}
