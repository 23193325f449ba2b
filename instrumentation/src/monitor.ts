import { performance } from 'node:perf_hooks'
import { BaselineAdoption } from './adoption/baseline-adoption.ts'
import { fetchBaseline } from './adoption/fetch-baseline.ts'
import { systemClock, type Clock } from './clock.ts'
import { createOtlpExporter, IntervalExporter } from './export.ts'
import { FailureReport } from './failure-report.ts'
import { readOptions, type MonitorOptions } from './options.ts'
import type { CollectionResult, MetricProducer } from './otel.ts'
import { IntervalProducer } from './producer.ts'
import type { Values } from './recorder/gather.ts'
import { ModelRecorder, type ColumnFeatures, type DropReason, type TensorFeatures } from './recorder/model-recorder.ts'
import type { BatchOutput, Output } from './recorder/scope-recorder.ts'
import { resourceAttributes } from './resource.ts'

/**
 * One model that is being watched. No method throws; recording waits for nothing; failures are counted and told once.
 *
 * A monitor does not keep the process alive, but for one thing: when the process has nothing else to do, the last interval is sent. That takes
 * as long as the receiver takes to answer; after 2 s without an answer the process ends, and the interval is lost. A connection
 * that does not come about is given up after 1.5 s; only the system's look-up of a host name can take longer. `await shutdown()` to wait for 5 s.
 */
export interface Monitor {
  /**
   * Counts one row that went into the model, and what came out.
   *
   * @param features by name, or an array in the order of the baseline
   */
  record(features: RowFeatures, output?: Output): void
  /**
   * Counts a batch of rows.
   *
   * @param features a row-major tensor over all features in order, or one array per feature by name
   * @param output one array per kind of answer, by row
   */
  recordBatch(features: TensorFeatures | ColumnFeatures, output?: BatchOutput): void
  /**
   * Runs an inference call and records how long it took, until its promise settles if it returns one. Result and error are the call's own.
   *
   * @example const { scores } = await monitor.observe(() => session.run(feeds), { rows: 32, runtime: 'onnxruntime' })
   */
  observe<Result>(call: () => Result, options?: ObserveOptions): Result
  /** Records the duration of a call that was timed elsewhere. */
  recordDuration(seconds: number, options?: DurationOptions): void
  /**
   * Counts what became of a prediction that was recorded with this id in its output: the actual class, or of a regression the actual
   * value. The prediction must have been recorded by this process, and not too long ago (`outcomeTtlMillis`, `maxPendingOutcomes`).
   * Outcomes belong to the time at which they are told, not to that of the prediction.
   *
   * @example
   * monitor.record(row, { id: order.id, score: 0.83 })
   * monitor.outcome(order.id, 'returned') // hours later
   */
  outcome(id: string | number | bigint, actual: OutcomeValue): void
  /** Counts the outcome of a prediction that the application joined itself. */
  recordOutcome(predictedClass: OutcomeValue, actualClass: OutcomeValue, options?: OutcomeDetails): void
  /** For a reader of your own, with `export: false`. Always delta; hand it to one reader only, since each collection starts anew. */
  readonly metricProducer: MetricProducer
  /** Exports everything up to now. Resolves within 5 s, whether or not it arrived; see `statistics()`. */
  flush(): Promise<void>
  /** As `flush()`, then stops for good. Calling it again does nothing. */
  shutdown(): Promise<void>
  statistics(): MonitorStatistics
}

/** One row: values by feature name, or in feature order. */
export type RowFeatures = Readonly<Record<string, unknown>> | Values

/** A class by its name, number or truth, or the actual value of a regression. */
export type OutcomeValue = string | number | bigint | boolean

export interface OutcomeDetails {
  /** Value of the segment column that the baseline declares. */
  readonly segment?: string | undefined
  /** Time from the prediction to its outcome. */
  readonly delaySeconds?: number | undefined
}

export interface ObserveOptions {
  /** Rows of the call. */
  readonly rows?: number | undefined
  /** The library that runs the model, such as `onnxruntime`. */
  readonly runtime?: string | undefined
}

export interface DurationOptions extends ObserveOptions {
  /** What the call failed with: an error, or the name of its class. */
  readonly error?: unknown
}

/** What became of everything recorded since the start. */
export interface MonitorStatistics {
  /** Rows counted. */
  readonly rows: number
  /** Rows not counted, not fully counted, or lost on the way, by reason; only reasons that occurred. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
  readonly outcomes: {
    /** Outcomes counted. */
    readonly joined: number
    /** Predictions with an id that wait for theirs. */
    readonly pending: number
  }
  readonly exports: {
    /** Intervals that arrived. */
    readonly exported: number
    /** Attempts that failed. */
    readonly failed: number
    /** Intervals that wait to be sent again. */
    readonly pending: number
  }
  /** Failures inside Driftline, failed exports among them, and the message of the last. */
  readonly failures: { readonly count: number; readonly last: string | null }
  /** Bytes of the tables that hold the features. */
  readonly featureBytes: number
  /** Digest of the baseline in whose cells rows are counted: the given one, or one that was taken up from a collector. */
  readonly baselineDigest: string | null
}

/**
 * Starts to monitor a model.
 *
 * @throws DriftlineConfigError when options, files or environment are wrong; nothing throws after that.
 * @example
 * const monitor = createMonitor({ manifest: 'manifest.json', baseline: 'baseline.json' })
 * monitor.record({ age: 41, sector: 'private' }, { score: 0.83 })
 */
export function createMonitor(options: MonitorOptions): Monitor {
  return startMonitor(options, systemClock)
}

/** What zero-code instrumentation needs beside: it sees what goes into a model before it sees what comes out. */
export interface ModelMonitor extends Monitor {
  /** Counts the answers to `rows` rows whose features were recorded before. A segment is that of `output.segments`, as in `recordBatch`. */
  recordOutputs(rows: number, output: BatchOutput): void
  /** The same for one row. */
  recordOutput(output: Output): void
  /** Counts rows that could not be read, and so were not recorded. */
  drop(reason: DropReason, rows: number): void
}

/** As `createMonitor`, on a given clock. */
export function startMonitor(options: MonitorOptions, clock: Clock): ModelMonitor {
  const setup = readOptions(options, process.env)
  const failures = new FailureReport(options.onError)
  const { maxPendingOutcomes, outcomeTtlMillis } = setup
  const recorder = new ModelRecorder(
    setup.plan,
    { maxPendingOutcomes, outcomeTtlMillis, now: () => clock.now() },
    (error) => failures.add('record', error),
  )
  const producer = new IntervalProducer({
    recorder,
    now: () => clock.now(),
    modelAttributesOn: setup.modelAttributesOn,
  })
  const { exporter: given } = options
  const exporter = setup.exports
    ? new IntervalExporter({
        producer,
        intervalMillis: setup.exportIntervalMillis,
        resource: resourceAttributes(options, `${setup.plan.name}\u0000${setup.plan.version}`, process.env),
        createExporter: given === undefined ? () => createOtlpExporter(setup.otlp) : () => Promise.resolve(given),
        onDropped: (reason, rows) => recorder.drop(reason, rows),
        failures,
        clock,
      })
    : null
  exporter?.start()
  const adoption =
    setup.adoption === null || exporter === null
      ? null
      : new BaselineAdoption({
          fetch: fetchBaseline(setup.adoption),
          plan: setup.adoption.plan,
          adopt: (plan) => producer.adoptAtBoundary(plan),
          failures,
          clock,
        })
  adoption?.start()
  return new RecordingMonitor(recorder, producer, exporter, adoption, failures)
}

class RecordingMonitor implements ModelMonitor {
  readonly metricProducer: MetricProducer
  readonly #recorder: ModelRecorder
  readonly #exporter: IntervalExporter | null
  readonly #adoption: BaselineAdoption | null
  readonly #failures: FailureReport
  #stopped: Promise<void> | null = null

  constructor(
    recorder: ModelRecorder,
    producer: IntervalProducer,
    exporter: IntervalExporter | null,
    adoption: BaselineAdoption | null,
    failures: FailureReport,
  ) {
    this.#adoption = adoption
    this.#recorder = recorder
    this.#exporter = exporter
    this.#failures = failures
    this.metricProducer = { collect: () => Promise.resolve(this.#collect(producer)) }
  }

  record(features: RowFeatures, output?: Output): void {
    if (this.#stopped === null) this.#recorder.record(features, output)
    else this.#recorder.drop('shut_down', 1)
  }

  recordBatch(features: TensorFeatures | ColumnFeatures, output?: BatchOutput): void {
    if (this.#stopped === null) this.#recorder.recordBatch(features, output)
    else this.#recorder.drop('shut_down', 1)
  }

  recordOutputs(rows: number, output: BatchOutput): void {
    if (this.#stopped === null) this.#recorder.recordOutputs(rows, output)
    else this.#recorder.drop('shut_down', 1)
  }

  recordOutput(output: Output): void {
    if (this.#stopped === null) this.#recorder.recordOutput(output)
    else this.#recorder.drop('shut_down', 1)
  }

  drop(reason: DropReason, rows: number): void {
    this.#recorder.drop(reason, rows)
  }

  observe<Result>(call: () => Result, options?: ObserveOptions): Result {
    const start = performance.now()
    let result: Result
    try {
      result = call()
    } catch (error) {
      this.#ended(start, options, error ?? noError)
      throw error
    }
    if (!isThenable(result)) {
      this.#ended(start, options, undefined)
      return result
    }
    const succeed = (value: unknown): unknown => {
      this.#ended(start, options, undefined)
      return value
    }
    const fail = (error: unknown): never => {
      this.#ended(start, options, error ?? noError)
      throw error
    }
    // The promise that is handed on must be the one whose rejection nobody has handled yet.
    if (result instanceof Promise) return result.then(succeed, fail) as Result
    try {
      // Another library's promise may have methods that a derived one lacks.
      result.then(succeed, (error: unknown) => this.#ended(start, options, error ?? noError))
    } catch (error) {
      this.#failures.add('record', error)
    }
    return result
  }

  recordDuration(seconds: number, options?: DurationOptions): void {
    try {
      this.#recorder.recordInference(seconds, options?.runtime, options?.error ?? undefined, options?.rows)
    } catch (error) {
      this.#failures.add('record', error)
    }
  }

  outcome(id: string | number | bigint, actual: OutcomeValue): void {
    if (this.#stopped === null) this.#recorder.joinOutcome(id, actual)
    else this.#recorder.drop('shut_down', 1)
  }

  recordOutcome(predictedClass: OutcomeValue, actualClass: OutcomeValue, options?: OutcomeDetails): void {
    if (this.#stopped !== null) {
      this.#recorder.drop('shut_down', 1)
      return
    }
    try {
      this.#recorder.recordOutcome(predictedClass, actualClass, options?.segment, options?.delaySeconds)
    } catch (error) {
      this.#failures.add('record', error)
    }
  }

  async flush(): Promise<void> {
    await this.#exporter?.flush()
  }

  shutdown(): Promise<void> {
    this.#adoption?.stop()
    this.#stopped ??= this.#exporter?.shutdown() ?? Promise.resolve()
    return this.#stopped
  }

  statistics(): MonitorStatistics {
    return {
      rows: this.#recorder.rows,
      dropped: Object.fromEntries(this.#recorder.dropped),
      outcomes: this.#recorder.outcomes,
      exports: this.#exporter?.statistics ?? { exported: 0, failed: 0, pending: 0 },
      failures: { count: this.#failures.count, last: this.#failures.last },
      featureBytes: this.#recorder.featureBytes,
      baselineDigest: this.#recorder.plan.baselineDigest,
    }
  }

  #ended(start: number, options: ObserveOptions | undefined, error: unknown): void {
    const seconds = (performance.now() - start) / 1000
    try {
      this.#recorder.recordInference(seconds, options?.runtime, error, options?.rows)
    } catch (failure) {
      this.#failures.add('record', failure)
    }
  }

  #collect(producer: IntervalProducer): CollectionResult {
    if (this.#exporter !== null) {
      this.#failures.add(
        'collect',
        new Error(
          'metricProducer is being collected although the monitor exports by itself: each gets a part of the data; set export: false',
        ),
      )
    }
    try {
      // The reader puts its own resource in place of this one.
      return { resourceMetrics: { resource: undefined, scopeMetrics: producer.take().scopeMetrics }, errors: [] }
    } catch (error) {
      this.#failures.add('collect', error)
      return { resourceMetrics: { resource: undefined, scopeMetrics: [] }, errors: [error] }
    }
  }
}

/** For calls that fail with undefined or null. */
const noError: unique symbol = Symbol('no error')

function isThenable(value: unknown): value is PromiseLike<unknown> {
  try {
    return (
      (typeof value === 'object' || typeof value === 'function') &&
      value !== null &&
      typeof (value as PromiseLike<unknown>).then === 'function'
    )
  } catch {
    return false
  }
}
