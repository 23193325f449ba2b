import { durationBounds, otherCategory, rowsBounds } from '../contract/index.ts'
import type { NumericReading } from './numeric-block.ts'
import { SingleHistogram } from './single-histogram.ts'

/** Pairs of runtime and error type that have a series of their own; later ones share `_OTHER`. */
export const maxDurationSeries = 64

/** Calls kept before they are counted. */
const bufferedCalls = 32

/** Longer names of runtimes and errors are cut: they are attributes, not messages. */
const maxNameLength = 100

/** What `ml.runtime.name` says when the caller did not. */
export const unknownRuntime = 'unknown'

export interface DurationReading {
  readonly runtime: string
  /** Null for calls that succeeded. */
  readonly errorType: string | null
  readonly seconds: NumericReading
}

export interface InferenceReading {
  readonly durations: readonly DurationReading[]
  readonly rows: NumericReading
}

/** Times and sizes of inference calls. */
export class InferenceRecorder {
  readonly #succeeded = new Map<string, Series>()
  readonly #failed = new Map<string, Series>()
  readonly #rows = histogram(rowsBounds)
  /** The series of the last call that succeeded: nearly always that of the next one too. */
  #lastRuntime: string | undefined = undefined
  #last: Series | null = null

  record(seconds: number, runtime: string | undefined, error: unknown, rows: number | undefined): void {
    if (!(seconds >= 0 && seconds < Infinity)) return
    if (this.#last !== null && error === undefined && runtime === this.#lastRuntime)
      this.#call(this.#last, seconds, rows)
    else this.#recordOther(seconds, runtime, error, rows)
  }

  #recordOther(seconds: number, runtime: string | undefined, error: unknown, rows: number | undefined): void {
    if (error !== undefined) {
      this.#call(this.#failure(runtime ?? unknownRuntime, errorType(error)), seconds, rows)
      return
    }
    const series = this.#success(runtime ?? unknownRuntime)
    this.#lastRuntime = runtime
    this.#last = series
    this.#call(series, seconds, rows)
  }

  /** Time and rows of a call stand side by side until so many have come: one place in memory to touch, as with rows of features. */
  #call(series: Series, seconds: number, rows: number | undefined): void {
    const at = series.calls++
    series.times[at] = seconds
    series.sizes[at] = rows !== undefined && rows >= 0 ? rows : Number.NaN
    if (series.calls === bufferedCalls) this.#count(series)
  }

  #count(series: Series): void {
    for (let i = 0; i < series.calls; i++) if (!Number.isNaN(series.sizes[i]!)) this.#rows.record(series.sizes[i]!)
    series.seconds.recordColumn(series.times, series.calls)
    series.calls = 0
  }

  take(): InferenceReading {
    const series = [...this.#succeeded.values(), ...this.#failed.values()]
    for (const one of series) this.#count(one)
    return {
      durations: series.map(({ runtime, errorType: type, seconds }) => ({
        runtime,
        errorType: type,
        seconds: seconds.take(),
      })),
      rows: this.#rows.take(),
    }
  }

  #success(runtime: string): Series {
    return this.#succeeded.get(runtime) ?? this.#add(this.#succeeded, runtime, named(runtime), null)
  }

  #failure(runtime: string, type: string): Series {
    const key = `${runtime}\u0000${type}`
    return this.#failed.get(key) ?? this.#add(this.#failed, key, named(runtime), type)
  }

  #add(to: Map<string, Series>, key: string, runtime: string, type: string | null): Series {
    if (this.#succeeded.size + this.#failed.size >= maxDurationSeries) {
      const shared = to.get(otherCategory)
      if (shared !== undefined) return shared
      return this.#create(to, otherCategory, otherCategory, type === null ? null : otherCategory)
    }
    return this.#create(to, key, runtime, type)
  }

  #create(to: Map<string, Series>, key: string, runtime: string, type: string | null): Series {
    const series = createSeries(runtime, type)
    to.set(key, series)
    return series
  }
}

interface Series {
  readonly runtime: string
  readonly errorType: string | null
  readonly seconds: SingleHistogram
  /** Of calls not yet counted; rows are NaN when they were not told. */
  readonly times: Float64Array
  readonly sizes: Float64Array
  calls: number
}

function createSeries(runtime: string, type: string | null): Series {
  const buffer = new Float64Array(2 * bufferedCalls)
  return {
    runtime,
    errorType: type,
    seconds: histogram(durationBounds),
    times: buffer.subarray(0, bufferedCalls),
    sizes: buffer.subarray(bufferedCalls),
    calls: 0,
  }
}

function histogram(bounds: readonly number[]): SingleHistogram {
  return new SingleHistogram({ bounds, origin: 0, low: -Infinity, high: Infinity })
}

function named(runtime: unknown): string {
  return typeof runtime === 'string' ? runtime.slice(0, maxNameLength) : otherCategory
}

/** The class of an error by its name, never its message; `_OTHER` for what is no error. A text stands for itself. */
function errorType(error: unknown): string {
  try {
    if (typeof error === 'string' && error !== '') return error.slice(0, maxNameLength)
    if (error instanceof Error && typeof error.name === 'string' && error.name !== '')
      return error.name.slice(0, maxNameLength)
  } catch {
    // The name of the host's error may be a getter that throws.
  }
  return otherCategory
}
