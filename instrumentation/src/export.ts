import type { Clock } from './clock.ts'
import type { FailureReport } from './failure-report.ts'
import type { Attributes, ExportResult, MetricExporter, ResourceMetrics } from './otel.ts'
import { onProcessExit } from './process-exit.ts'
import type { Interval, IntervalProducer } from './producer.ts'
import { PostponedExport, quietAgent, retryTime } from './quiet-agent.ts'
import type { DropReason } from './recorder/model-recorder.ts'

/** Intervals kept while exports fail: an hour of outage at the default of 10 s. */
export const maxPendingIntervals = 360

/** Data points kept while exports fail, each about half a kilobyte: bounds what an outage costs in memory to about 25 MB. */
export const maxPendingPoints = 50_000

/** An exporter that has not called back by then is taken to have failed; the SDK's own default for a periodic reader. */
const exportDeadlineMillis = 30_000

/** What `flush()` and `shutdown()` wait for at most. */
export const shutdownDeadlineMillis = 5_000

/**
 * How long a process that has nothing else to do is held back for the last interval. An answer takes a few milliseconds, but a
 * process shorter than an interval loads the exporter first, which takes 0.3 s on two busy cores and longer on less.
 */
export const exitDeadlineMillis = 2_000

/** A receiver may not put off exports for longer than this. */
const maxPostponedMillis = 60_000

export interface ExportOptions {
  readonly producer: IntervalProducer
  readonly intervalMillis: number
  readonly resource: Attributes
  /** Called once, before the first export. */
  readonly createExporter: () => Promise<MetricExporter>
  /** Told the rows of intervals that are lost for good. */
  readonly onDropped: (reason: Extract<DropReason, 'export_backlog' | 'export_rejected'>, rows: number) => void
  readonly failures: FailureReport
  readonly clock: Clock
}

interface Pending {
  readonly interval: Interval
  /** Set when a callback came after the deadline and said that the interval did arrive. */
  delivered: boolean
}

/**
 * Exports intervals that begin and end on the wall clock, and keeps those whose export failed.
 *
 * This takes the place of the SDK's MeterProvider and PeriodicExportingMetricReader, and calls the exporter directly. The reader
 * counts its period from when it was made, so windows of the collector would cut through intervals; it forgets what failed to
 * be exported, and tells a producer nothing of it; it skips a tick while an export is running, and `forceFlush` reports success
 * when there was none. All that a provider would add is its resource, which exporters read only the attributes of.
 */
export class IntervalExporter {
  readonly #options: ExportOptions
  readonly #resource: { readonly attributes: Attributes }
  readonly #pending: Pending[] = []
  #pendingPoints = 0
  #exporter: Promise<MetricExporter> | null = null
  #draining: Promise<void> | null = null
  #cancelTimer: (() => void) | null = null
  #boundary = 0
  #notBefore = 0
  #stopped: Promise<void> | null = null
  #exported = 0
  #failed = 0
  #pointsAtExit = 0
  #takenPoints = 0
  #cancelExit: (() => void) | null = null

  constructor(options: ExportOptions) {
    this.#options = options
    this.#resource = { attributes: options.resource }
  }

  /** Intervals that arrived, exports that failed, and intervals that wait to be sent again. */
  get statistics(): { readonly exported: number; readonly failed: number; readonly pending: number } {
    return { exported: this.#exported, failed: this.#failed, pending: this.#pending.length }
  }

  start(): void {
    this.#cancelExit ??= onProcessExit(() => this.#flushAtExit())
    this.#schedule()
  }

  /** Exports everything up to now. Resolves when done or after a deadline, and never rejects. */
  flush(): Promise<void> {
    if (this.#stopped !== null) return this.#stopped
    this.#take()
    return this.#within(shutdownDeadlineMillis, this.#drain())
  }

  /** As `flush`, once; then nothing is exported any more. Every later call returns the promise of the first. */
  shutdown(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelExit?.()
    this.#take()
    // A last attempt, whatever the receiver asked for.
    this.#notBefore = 0
    await this.#within(
      shutdownDeadlineMillis,
      this.#drain().then(() => this.#shutdownExporter()),
    )
  }

  async #shutdownExporter(): Promise<void> {
    try {
      await (await this.#exporter)?.shutdown()
    } catch (error) {
      this.#options.failures.add('export', error)
    }
  }

  /** Sets the timer to the next multiple of the interval since the epoch: so intervals divide the minute and the hour. */
  #schedule(): void {
    const { clock, intervalMillis } = this.#options
    const now = clock.now()
    // Timers can fire a moment early; that must not aim at the same boundary again.
    const after = this.#boundary > now && this.#boundary - now < intervalMillis ? this.#boundary : now
    this.#boundary = (Math.floor(after / intervalMillis) + 1) * intervalMillis
    this.#cancelTimer = clock.after(this.#boundary - now, () => this.#tick(), { hold: false })
  }

  #tick(): void {
    // A timer may come early by a little, never by an interval: the clock may also have been set back meanwhile.
    const early = this.#boundary - this.#options.clock.now()
    this.#take(early > 0 && early < maxTimerEarlyMillis ? this.#boundary : undefined)
    void this.#drain()
    this.#schedule()
  }

  #take(notBefore?: number): void {
    const { producer, onDropped, failures } = this.#options
    try {
      const interval = producer.take(notBefore)
      this.#takenPoints += interval.points
      if (interval.points === 0) return
      this.#pending.push({ interval, delivered: false })
      this.#pendingPoints += interval.points
    } catch (error) {
      failures.add('collect', error)
    }
    // The newest is kept, however large it is.
    while (
      this.#pending.length > 1 &&
      (this.#pending.length > maxPendingIntervals || this.#pendingPoints > maxPendingPoints)
    ) {
      const { interval, delivered } = this.#remove(this.#pending[0]!)
      if (!delivered) onDropped('export_backlog', interval.rows)
    }
  }

  #remove(pending: Pending): Pending {
    const index = this.#pending.indexOf(pending)
    if (index >= 0) {
      this.#pending.splice(index, 1)
      this.#pendingPoints -= pending.interval.points
    }
    return pending
  }

  /** Sends what is pending, oldest first, until all is sent or one fails. One at a time: a call while it runs joins it. */
  #drain(): Promise<void> {
    if (this.#draining !== null) return this.#draining
    if (this.#pending.length === 0 || this.#options.clock.now() < this.#notBefore) return Promise.resolve()
    this.#draining = this.#sendPending()
    return this.#draining
  }

  async #sendPending(): Promise<void> {
    const { failures, onDropped } = this.#options
    try {
      this.#exporter ??= this.#options.createExporter()
      const exporter = await this.#exporter
      while (this.#pending.length > 0) {
        const next = this.#pending[0]!
        const outcome = next.delivered ? 'delivered' : await this.#send(exporter, next)
        if (outcome === 'failed') return
        // It may have been dropped for newer ones while it was on its way.
        if (outcome === 'rejected' && this.#pending.includes(next)) onDropped('export_rejected', next.interval.rows)
        this.#remove(next)
      }
    } catch (error) {
      this.#exporter = null
      this.#failed++
      failures.add('export', error)
    } finally {
      // In the same step as the last look at what is pending: what is added from now on starts a new run.
      this.#draining = null
    }
  }

  #send(exporter: MetricExporter, pending: Pending): Promise<'delivered' | 'rejected' | 'failed'> {
    const { clock, failures } = this.#options
    const metrics: ResourceMetrics = { resource: this.#resource, scopeMetrics: pending.interval.scopeMetrics }
    return new Promise((resolve) => {
      let settled = false
      const fail = (error: unknown): void => {
        if (settled) return
        settled = true
        this.#failed++
        failures.add('export', explained(error))
        if (error instanceof PostponedExport) {
          const asked = retryTime(error.retryAfter, clock.now()) ?? 0
          this.#notBefore = Math.min(asked, clock.now() + maxPostponedMillis)
        }
        resolve(isRejection(error) ? 'rejected' : 'failed')
      }
      const cancel = clock.after(
        exportDeadlineMillis,
        () => fail(new Error(`no answer within ${exportDeadlineMillis} ms`)),
        { hold: false },
      )
      try {
        exporter.export(metrics, (result: ExportResult) => {
          cancel()
          if (result.code !== 0) {
            fail(result.error ?? new Error('the exporter gave no reason'))
            return
          }
          // Partial success is success: sending again would not make the receiver take what it refused.
          if (!pending.delivered) this.#exported++
          pending.delivered = true
          settled = true
          resolve('delivered')
        })
      } catch (error) {
        cancel()
        fail(error)
      }
    })
  }

  /** The event loop is empty: a last chance, and only once for the same data, or the process would never end. */
  #flushAtExit(): void {
    const { failures } = this.#options
    try {
      this.#take()
      const isNew = this.#takenPoints > this.#pointsAtExit
      this.#pointsAtExit = this.#takenPoints
      if (isNew) void this.#within(exitDeadlineMillis, this.#drain())
    } catch (error) {
      failures.add('exit', error)
    }
  }

  /** Holds the process until `work` is done or the deadline has passed. */
  #within(deadlineMillis: number, work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(deadlineMillis, resolve, { hold: true })
      const finish = (): void => {
        cancel()
        resolve()
      }
      work.then(finish, finish)
    })
  }
}

/** Node rounds timers to milliseconds; anything more is not a timer that came early but a clock that was set back. */
const maxTimerEarlyMillis = 50

/**
 * Answers that say nothing of an interval itself: a token that was rotated, a proxy without its route yet, load and time. What was
 * refused so is kept as in an outage, until somebody has put it right.
 */
const passingStatuses: ReadonlySet<number> = new Set([401, 403, 404, 408, 429])

/** Whether the receiver said that this interval will never be welcome. */
function isRejection(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'number' && code >= 400 && code < 500 && !passingStatuses.has(code)
}

/** Says where to look, for answers that pass only when somebody puts something right. */
function explained(error: unknown): unknown {
  const { code } = error as { code?: unknown }
  if (code === 401 || code === 403)
    return new Error(
      `the receiver answers ${code}: is the token right, which OTEL_EXPORTER_OTLP_HEADERS or 'headers' gives? Intervals are kept and sent again`,
      { cause: error },
    )
  if (code === 404)
    return new Error(`the receiver answers 404: is the endpoint right? Intervals are kept and sent again`, {
      cause: error,
    })
  return error
}

export interface OtlpOptions {
  readonly protocol: 'http/protobuf' | 'http/json'
  /** With the path; undefined: the exporter reads the environment. */
  readonly url: string | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
}

/** The package that holds the exporter of a protocol. */
export function exporterPackage(protocol: OtlpOptions['protocol']): string {
  return protocol === 'http/json'
    ? '@opentelemetry/exporter-metrics-otlp-http'
    : '@opentelemetry/exporter-metrics-otlp-proto'
}

/** The SDK's OTLP exporter, imported only now. */
export async function createOtlpExporter({ protocol, url, headers }: OtlpOptions): Promise<MetricExporter> {
  const configuration = {
    ...(url === undefined ? {} : { url }),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    httpAgentOptions: quietAgent,
  }
  // Literal names, so that bundlers find them.
  const { OTLPMetricExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-metrics-otlp-http')
      : await import('@opentelemetry/exporter-metrics-otlp-proto')
  return new OTLPMetricExporter(configuration)
}
