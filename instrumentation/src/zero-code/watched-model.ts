import type { Clock } from '../clock.ts'
import type { Baseline, Manifest } from '../contract/index.ts'
import { startMonitor, type ModelMonitor } from '../monitor.ts'
import { DriftlineConfigError, type DeclaredFeature, type MonitorOptions } from '../options.ts'
import type { Values } from '../recorder/gather.ts'
import type { BatchOutput, Output } from '../recorder/scope-recorder.ts'
import { discoverFeatures, isArrayRow } from './discover-features.ts'
import type { TapDropReason, TappedRow, WarningKind } from './sighting.ts'

/** Rows that are looked at before the kinds of unknown features are decided, and so many are kept at most. */
const discoveryRows = 100

/** Calls whose duration is kept until then. A call may have no rows that could be read. */
const maxKeptDurations = 1000

/** Values of one row that are kept until then. */
const maxKeptValues = 10_000

export interface WatchedModelOptions {
  readonly name: string
  readonly version: string
  readonly manifest: Manifest | null
  readonly baseline: Baseline | null
  /** As the application declares them; neither a manifest nor a baseline has them. */
  readonly features?: readonly DeclaredFeature[] | undefined
  /** What every monitor of this process is given beside. */
  readonly monitorOptions: Pick<MonitorOptions, 'instance' | 'exportIntervalMillis' | 'collector' | 'export'>
  readonly clock: Clock
  /** Time between exports: rows are not kept longer than to the next one. */
  readonly intervalMillis: number
  readonly warn: (kind: WarningKind, reason: string) => void
}

interface KeptRows {
  readonly rows: readonly TappedRow[]
  readonly output: BatchOutput
}

interface KeptDuration {
  readonly seconds: number
  readonly rows: number | undefined
  readonly runtime: string
  readonly error: unknown
}

/**
 * One model with its monitor. Where nobody declared features, the first rows are kept until it is known what they hold, and then recorded:
 * none is lost. Methods may throw; the tap catches.
 */
export class WatchedModel {
  readonly name: string
  readonly version: string
  readonly manifest: Manifest | null
  readonly baseline: Baseline | null
  readonly #options: WatchedModelOptions
  #monitor: ModelMonitor | null = null
  /** The monitor was started without features, only for durations and drops, and gives way to one that has some. */
  #provisional = false
  /** Of a monitor that gave way. */
  #retired: Promise<void> | null = null
  #failed = false
  #featureNames: readonly string[] | null = null
  #kept: KeptRows[] = []
  #keptRows = 0
  #keptDurations: KeptDuration[] = []
  #cancelTimer: (() => void) | null = null
  #checkedRow = false
  #failedExports = 0
  readonly #dropped = new Map<TapDropReason, number>()
  /** Of those, what no monitor was told yet. */
  readonly #untoldDrops = new Map<TapDropReason, number>()

  constructor(options: WatchedModelOptions) {
    const { name, version, manifest, baseline } = options
    this.name = name
    this.version = version
    this.manifest = manifest
    this.baseline = baseline
    this.#options = options
    if (manifest !== null || baseline !== null || options.features !== undefined) this.#start(options.features)
  }

  get monitor(): ModelMonitor | null {
    return this.#monitor
  }

  /** It cannot be monitored, for a reason that was told. */
  get failed(): boolean {
    return this.#failed
  }

  /** Rows that were recorded or are kept. */
  get rows(): number {
    return (this.#monitor?.statistics().rows ?? 0) + this.#keptRows
  }

  get dropped(): Readonly<Partial<Record<TapDropReason, number>>> {
    return Object.fromEntries(this.#dropped)
  }

  /** The monitor for rows of these features; null when rows of this model have others, or it cannot be monitored. */
  monitorFor(features: readonly DeclaredFeature[]): ModelMonitor | null {
    if (this.#awaitsFeatures) {
      this.#start(features)
      this.#replay()
    }
    if (this.#featureNames === null || this.manifest !== null || this.baseline !== null) return this.#monitor
    const same =
      this.#featureNames.length === features.length && features.every(({ name }, i) => name === this.#featureNames![i])
    return same ? this.#monitor : null
  }

  record(rows: readonly TappedRow[], output: BatchOutput): void {
    if (this.#failed || rows.length === 0) return
    if (this.#monitor !== null && !this.#provisional) {
      this.#recordRows(this.#monitor, rows, output)
      return
    }
    if (this.#keptRows + rows.length < discoveryRows) {
      this.#kept.push({ rows: rows.map(copyRow), output: copyOutput(output, rows.length) })
      this.#keptRows += rows.length
      this.#cancelTimer ??= this.#afterInterval()
      return
    }
    this.#kept.push({ rows, output })
    this.#keptRows += rows.length
    this.settle()
  }

  recordDuration(seconds: number, rows: number | undefined, runtime: string, error: unknown): void {
    if (this.#monitor !== null) this.#monitor.recordDuration(seconds, { rows, runtime, error })
    else if (!this.#failed && this.#keptDurations.length < maxKeptDurations) {
      this.#keptDurations.push({ seconds, rows, runtime, error })
      this.#cancelTimer ??= this.#afterInterval()
    }
  }

  drop(reason: TapDropReason, rows: number): void {
    const count = Number.isSafeInteger(rows) && rows > 0 ? rows : 1
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count)
    if (this.#monitor !== null) {
      this.#monitor.drop(reason, count)
      return
    }
    this.#untoldDrops.set(reason, (this.#untoldDrops.get(reason) ?? 0) + count)
    if (!this.#failed) this.#cancelTimer ??= this.#afterInterval()
  }

  /**
   * Decides on features by the rows that are kept. Where there are none but durations or drops, these are not kept from the collector: a monitor
   * without features has them until rows come. Whether a monitor was started by that.
   */
  settle(): boolean {
    if (!this.#awaitsFeatures) return false
    if (this.#keptRows > 0)
      this.#start(discoverFeatures(this.#kept.flatMap(({ rows }) => rows.slice(0, discoveryRows))))
    else {
      if (this.#monitor !== null || (this.#keptDurations.length === 0 && this.#untoldDrops.size === 0)) return false
      this.watchWithoutFeatures()
      return this.#monitor !== null
    }
    this.#replay()
    return this.#monitor !== null
  }

  /** Starts a monitor for answers, durations and drops if there is none. It gives way to one with features once there are some. */
  watchWithoutFeatures(): void {
    if (this.#monitor !== null || this.#failed || this.#keptRows > 0) return
    this.#start([], true)
    this.#replay()
  }

  /** Sends what was recorded so far. Resolves within 5 s, and never rejects. */
  async flush(): Promise<void> {
    await Promise.all([this.#retired, this.#monitor?.flush()])
  }

  get #awaitsFeatures(): boolean {
    return (this.#monitor === null || this.#provisional) && !this.#failed
  }

  #afterInterval(): () => void {
    const { clock, intervalMillis } = this.#options
    const untilBoundary = intervalMillis - (clock.now() % intervalMillis)
    return clock.after(untilBoundary, () => this.#settleQuietly(), { hold: false })
  }

  #settleQuietly(): void {
    try {
      this.settle()
    } catch (error) {
      this.#options.warn('internal', String(error))
    }
  }

  /** @param features undefined when the manifest or baseline has them */
  #start(features: readonly DeclaredFeature[] | undefined, provisional = false): void {
    const { name, version, manifest, baseline, monitorOptions, clock, warn } = this.#options
    const options: MonitorOptions = {
      ...monitorOptions,
      onError: (error) => this.#onError(error),
      ...(manifest === null ? {} : { manifest }),
      ...(baseline === null ? {} : { baseline }),
      model: { name, version },
      // A frozen baseline has the features that are missing here.
      ...(provisional ? { collector: false as const } : {}),
      ...(features === undefined ? {} : { features }),
    }
    try {
      const before = this.#monitor
      this.#monitor = startMonitor(options, clock)
      this.#provisional = provisional
      if (before !== null) this.#retired = before.shutdown()
      this.#featureNames = (features ?? manifest?.features ?? baseline?.features ?? []).map((feature) => feature.name)
      for (const [reason, rows] of this.#untoldDrops) this.#monitor.drop(reason, rows)
      this.#untoldDrops.clear()
    } catch (error) {
      this.#failed = true
      const reason = error instanceof DriftlineConfigError ? error.problems.join('; ') : String(error)
      warn('configuration', `it is not watched: ${reason}`)
    }
  }

  #onError(error: Error): void {
    const failed = this.#monitor?.statistics().exports.failed ?? 0
    this.#options.warn(failed > this.#failedExports ? 'export' : 'internal', error.message || error.name)
    this.#failedExports = failed
  }

  #replay(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    const [kept, durations] = [this.#kept, this.#keptDurations]
    this.#kept = []
    this.#keptRows = 0
    this.#keptDurations = []
    if (this.#monitor === null) return
    for (const { rows, output } of kept) this.#recordRows(this.#monitor, rows, output)
    for (const { seconds, ...options } of durations) this.#monitor.recordDuration(seconds, options)
  }

  #recordRows(monitor: ModelMonitor, rows: readonly TappedRow[], output: BatchOutput): void {
    if (!this.#checkedRow) this.#checkNames(rows[0]!)
    for (let i = 0; i < rows.length; i++) monitor.record(rows[i]!, answerTo(output, i))
  }

  /** A row without any feature is a row of another model, or has other names. */
  #checkNames(row: TappedRow): void {
    this.#checkedRow = true
    const names = this.#featureNames ?? []
    if (isArrayRow(row) || names.length === 0 || names.some((name) => name in row)) return
    const keys = Object.keys(row).slice(0, 10).join(', ')
    this.#options.warn('mismatched-model', `rows have none of its ${names.length} features, but ${keys || 'nothing'}`)
  }
}

function answerTo(output: BatchOutput, row: number): Output {
  return {
    class: output.classes?.[row],
    score: output.scores?.[row],
    confidence: output.confidences?.[row],
    value: output.values?.[row],
    segment: output.segments?.[row],
    id: output.ids?.[row],
  } as Output
}

/** The caller may change a row once its call has returned. */
function copyRow(row: TappedRow): TappedRow {
  if (isArrayRow(row)) return Array.from({ length: Math.min(row.length, maxKeptValues) }, (_, i) => row[i])
  const copy = Object.create(null) as Record<string, unknown>
  for (const key of Object.keys(row).slice(0, maxKeptValues)) {
    const value = row[key]
    if (typeof value !== 'object' || value === null) copy[key] = value
  }
  return copy
}

function copyOutput(output: BatchOutput, rows: number): BatchOutput {
  const copy: Record<string, Values> = {}
  for (const [role, values] of Object.entries(output) as [string, Values | undefined][])
    if (values !== undefined) copy[role] = Array.from({ length: Math.min(values.length, rows) }, (_, i) => values[i])
  return copy
}
