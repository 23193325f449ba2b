import { layoutKey, type BucketLayout, type LogLinearLayout } from '@driftline/instrumentation/contract'
import { histogramHeader, slot } from '../observation/block.ts'
import { commonLogLinear, scatterLogLinear } from '../observation/totals.ts'
import type { ReceiveLimits } from './receive-limits.ts'

/** One cumulative point: a sum's one number, or header and cells of a histogram. */
export interface CumulativeSample {
  readonly layout: BucketLayout | null
  readonly values: Float64Array
  /** Whether a fall can only mean a reset. */
  readonly monotonic: boolean
  readonly startMicros: number
  readonly timeMicros: number
}

export type DeltaResult =
  | {
      readonly kind: 'delta'
      readonly startMicros: number
      readonly endMicros: number
      readonly values: Float64Array
      readonly reset: boolean
    }
  /** Kept to be compared with, and no data. */
  | { readonly kind: 'reference' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'out-of-order'; readonly lastMicros: number }
  | { readonly kind: 'changed-layout' }

/** What one request changed, so that it can be taken back when the request was not stored. */
export type CumulativeChanges = { readonly key: string; readonly before: Stream | undefined; readonly after: Stream }[]

interface Stream {
  readonly layout: BucketLayout | null
  readonly values: Float64Array
  readonly startMicros: number
  readonly timeMicros: number
  readonly seenMs: number
}

interface Export {
  readonly timeMicros: number
  /** Time of the export before, 0 when there was none. */
  readonly previousMicros: number
}

/**
 * Turns cumulative series into deltas over (previous time, this time].
 *
 * A stream is a series and its start time: a constant start is one stream, a changed start is a new process, whose whole
 * value is new. So two processes that share an identity are both counted. For a stream that was never seen:
 * - Its start lies after the start of this collector, and after that of every stream forgotten so far: nothing of it can have been
 *   stored before, the whole value counts. Its interval begins at the start, or at the export of the same scope before this
 *   one when there was one: the series was not part of that, so all of its value is younger.
 * - Otherwise part of it may have been counted already (by this collector before a restart): it is only the reference for the next point.
 *
 * Within a stream, a count that falls although the start stays is a reset: the whole value is new. A point that is older than the last is dropped,
 * one of the same time is a duplicate. Memory is bounded; what is idle for longest is forgotten first.
 *
 * @see OpenTelemetry metrics data model, "Resets and Gaps" and "Sums: Cumulative to Delta".
 */
export class CumulativeToDelta {
  /** In the order of their last use. */
  readonly #streams = new Map<string, Stream>()
  readonly #exports = new Map<string, Export>()
  readonly #limits: Pick<ReceiveLimits, 'cumulativeSeries' | 'cumulativeIdleMs'>
  /** Streams that start later have never been seen. */
  #unseenAfterMicros: number

  constructor(nowMs: number, limits: Pick<ReceiveLimits, 'cumulativeSeries' | 'cumulativeIdleMs'>) {
    this.#unseenAfterMicros = nowMs * 1000
    this.#limits = limits
  }

  get size(): number {
    return this.#streams.size
  }

  /** Notes that a scope exports, before its points are converted. */
  noteExport(scopeKey: string, startMicros: number, timeMicros: number): void {
    const key = `${scopeKey}\u0001${startMicros}`
    const known = this.#exports.get(key)
    if (known !== undefined && timeMicros <= known.timeMicros) return
    this.#exports.delete(key)
    this.#exports.set(key, { timeMicros, previousMicros: known?.timeMicros ?? 0 })
    if (this.#exports.size > this.#limits.cumulativeSeries) this.#exports.delete(this.#exports.keys().next().value!)
  }

  convert(
    scopeKey: string,
    seriesKey: string,
    sample: CumulativeSample,
    nowMs: number,
    changes: CumulativeChanges,
  ): DeltaResult {
    const { startMicros, timeMicros } = sample
    const key = `${scopeKey}\u0001${startMicros}\u0001${seriesKey}`
    const before = this.#streams.get(key)
    if (before === undefined) {
      this.#keep(key, before, sample, nowMs, changes)
      this.#forgetIdle(nowMs)
      if (startMicros <= this.#unseenAfterMicros) return { kind: 'reference' }
      const exported = this.#exports.get(`${scopeKey}\u0001${startMicros}`)
      const previous = exported !== undefined && exported.timeMicros === timeMicros ? exported.previousMicros : 0
      return {
        kind: 'delta',
        startMicros: Math.max(startMicros, previous),
        endMicros: timeMicros,
        values: sample.values,
        reset: false,
      }
    }
    if (timeMicros === before.timeMicros) return { kind: 'duplicate' }
    if (timeMicros < before.timeMicros) return { kind: 'out-of-order', lastMicros: before.timeMicros }
    this.#keep(key, before, sample, nowMs, changes)
    const earlier = onLayout(before, sample.layout)
    if (earlier === 'incomparable') return { kind: 'changed-layout' }
    const reset = earlier === 'reset' || (sample.monotonic && falls(sample, earlier))
    const values = reset ? sample.values : difference(sample, earlier)
    return { kind: 'delta', startMicros: before.timeMicros, endMicros: timeMicros, values, reset }
  }

  /** Takes a request's changes back. A stream that went on since keeps what it has. */
  rollBack(changes: CumulativeChanges): void {
    for (const { key, before, after } of changes.toReversed()) {
      if (this.#streams.get(key) !== after) continue
      if (before === undefined) this.#streams.delete(key)
      else this.#streams.set(key, before)
    }
  }

  #keep(
    key: string,
    before: Stream | undefined,
    sample: CumulativeSample,
    nowMs: number,
    changes: CumulativeChanges,
  ): void {
    const { layout, values, startMicros, timeMicros } = sample
    const after = { layout, values, startMicros, timeMicros, seenMs: nowMs }
    // Deleted first, so that it moves to the end of the map's order.
    this.#streams.delete(key)
    this.#streams.set(key, after)
    changes.push({ key, before, after })
  }

  #forgetIdle(nowMs: number): void {
    for (const [key, stream] of this.#streams) {
      if (this.#streams.size <= this.#limits.cumulativeSeries && stream.seenMs > nowMs - this.#limits.cumulativeIdleMs)
        return
      this.#streams.delete(key)
      this.#unseenAfterMicros = Math.max(this.#unseenAfterMicros, stream.startMicros)
    }
  }
}

/**
 * The earlier values in the cells of the later layout. A log-linear histogram may get coarser and wider as it
 * grows; one that gets finer or narrower began anew. Explicit bounds or a zero threshold that change within a stream leave nothing to compare.
 */
function onLayout(before: Stream, layout: BucketLayout | null): Float64Array | 'reset' | 'incomparable' {
  if (before.layout === layout) return before.values
  if (before.layout === null || layout === null) return 'incomparable'
  if (layoutKey(before.layout) === layoutKey(layout)) return before.values
  if (before.layout.kind !== 'log-linear' || layout.kind !== 'log-linear') return 'incomparable'
  if (before.layout.zeroThreshold !== layout.zeroThreshold) return 'incomparable'
  if (layoutKey(commonLogLinear(before.layout, layout)) !== layoutKey(layout)) return 'reset'
  return widened(before.layout, before.values, layout)
}

function widened(from: LogLinearLayout, values: Float64Array, to: LogLinearLayout): Float64Array {
  const result = new Float64Array(histogramHeader + to.negative.length + 1 + to.positive.length)
  result.set(values.subarray(0, histogramHeader))
  scatterLogLinear(from, values, 0, to, result)
  return result
}

/** Whether any count is lower than it was. */
function falls({ layout, values }: CumulativeSample, earlier: Float64Array): boolean {
  if (layout === null) return values[0]! < earlier[0]!
  if (values[slot.count]! < earlier[slot.count]!) return true
  for (let i = histogramHeader; i < values.length; i++) if (values[i]! < earlier[i]!) return true
  return false
}

/** Later minus earlier. The extremes of a cumulative point are those of its whole life, so the delta has none. */
function difference({ layout, values }: CumulativeSample, earlier: Float64Array): Float64Array {
  const result = values.map((value, i) => value - earlier[i]!)
  if (layout !== null) {
    result[slot.min] = Number.NaN
    result[slot.max] = Number.NaN
  }
  return result
}
