import { durationBounds, otherCategory, rowsBounds } from '../contract/index.ts'
import type { NumericReading } from './numeric-block.ts'
import { SingleHistogram } from './single-histogram.ts'

/** Pairs of runtime and error type that have a series of their own; later ones share `_OTHER`. */
export const maxDurationSeries = 64

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

  record(seconds: number, runtime: string | undefined, error: unknown, rows: number | undefined): void {
    if (!Number.isFinite(seconds) || seconds < 0) return
    const series =
      error === undefined
        ? this.#success(runtime ?? unknownRuntime)
        : this.#failure(runtime ?? unknownRuntime, errorType(error))
    series.seconds.record(seconds)
    if (rows !== undefined && rows >= 0) this.#rows.record(rows)
  }

  take(): InferenceReading {
    const series = [...this.#succeeded.values(), ...this.#failed.values()]
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
    const series = { runtime, errorType: type, seconds: histogram(durationBounds) }
    to.set(key, series)
    return series
  }
}

interface Series {
  readonly runtime: string
  readonly errorType: string | null
  readonly seconds: SingleHistogram
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
