import type { Clock } from './clock.ts'
import type { EvaluatedSlice, Evaluator } from './evaluate/evaluator.ts'
import type { ReceiveCounters } from './receive/receive-counters.ts'
import type { LoadedRules } from './rules/loaded.ts'
import { collectorPoints } from './store/influx/derived/collector-points.ts'
import { derivedLines } from './store/influx/derived/derived-point.ts'
import { rulePoints } from './store/influx/derived/rule-points.ts'
import type { InfluxStore } from './store/influx/influx-store.ts'

export interface DerivedLayerOptions {
  readonly store: InfluxStore
  readonly clock: Clock
  /** Which collector it is, where several write to one database. */
  readonly collector: string
  readonly received: () => Readonly<ReceiveCounters>
  readonly evaluator: Pick<Evaluator, 'counters' | 'lagMs'>
  readonly firing: () => Promise<number>
}

/** How often the collector says how it is. */
export const reportIntervalMs = 10_000

/**
 * What dashboards and Grafana's alert rules read beyond what the store derives from evaluations, alerts and documents by itself: the verdict of
 * each rule on each slice, and the collector's own health. Both need parts that no store knows.
 */
export class DerivedLayer {
  readonly #options: DerivedLayerOptions

  constructor(options: DerivedLayerOptions) {
    this.#options = options
  }

  /** To be awaited before the evaluation is saved: when it rejects, the slice is evaluated again. */
  async judged({ model, version, slice, results }: EvaluatedSlice, rules: LoadedRules): Promise<void> {
    const { startMs, endMs } = slice
    const points = rulePoints({ model, version, startMs, endMs, results }, rules)
    await this.#options.store.writeLines('results', derivedLines(points))
  }

  async report(): Promise<void> {
    const { store, clock, collector, received, evaluator, firing } = this.#options
    const { slices, failures } = evaluator.counters
    const points = collectorPoints({
      atMs: clock.now(),
      collector,
      received: received(),
      sending: store.sending(),
      evaluator: { slices, failures, lagMs: evaluator.lagMs() },
      firingAlerts: await firing(),
      residentBytes: process.memoryUsage.rss(),
    })
    await store.writeLines('results', derivedLines(points))
  }
}
