import type { AlertRecord } from './alert/alert.ts'
import type { Clock } from './clock.ts'
import type { EvaluatedSlice, Evaluator } from './evaluate/evaluator.ts'
import type { ReceiveCounters } from './receive/receive-counters.ts'
import type { LoadedRules } from './rules/loaded.ts'
import { alertStatePoint } from './store/influx/derived/alert-points.ts'
import { collectorPoints } from './store/influx/derived/collector-points.ts'
import { derivedLines, type DerivedPoint } from './store/influx/derived/derived-point.ts'
import { evaluatedByPoint, type Evaluated } from './store/influx/derived/other-collectors.ts'
import { rulePoints } from './store/influx/derived/rule-points.ts'
import type { InfluxStore } from './store/influx/influx-store.ts'
import { queryLimits } from './store/store.ts'

export interface DerivedLayerOptions {
  readonly store: InfluxStore
  readonly clock: Clock
  /** Which collector it is, where several write to one database. */
  readonly collector: string
  readonly received: () => Readonly<ReceiveCounters>
  readonly evaluator: Pick<Evaluator, 'counters' | 'lagMs'>
  readonly firing: () => Promise<number>
  /** The name of another collector that evaluated the version since then, null when none did. Default: nobody is asked. */
  readonly otherCollector?: (evaluated: Evaluated, sinceMs: number) => Promise<string | null>
  readonly log?: (line: string) => void
}

/** How often the collector says how it is. */
export const reportIntervalMs = 10_000
/** How often the state of an open alert is written again, so that any range of a dashboard has the newest. */
const restateIntervalMs = 60_000
/** After a start, alerts that ended within this time are told of again: the last word on them may have been that they fire. */
const endedRecentlyMs = 7 * 86_400_000
/** How often a version is marked as evaluated by this collector, and others are looked for. */
const lookIntervalMs = 10 * 60_000

/**
 * What dashboards and Grafana's alert rules read beyond what the store derives from evaluations, alerts and documents by itself: the verdict of
 * each rule on each slice, and the collector's own health. Both need parts that no store knows.
 */
export class DerivedLayer {
  readonly #options: DerivedLayerOptions
  readonly #startedAtMs: number
  /** Alerts that were told of as open, by id; null before the first report. */
  #told: ReadonlySet<string> | null = null
  #restatedAtMs = Number.NEGATIVE_INFINITY
  /** When each version was last marked, by version; as many as the receiver takes. */
  readonly #marked = new Map<string, number>()
  /** Versions to look for other collectors of. */
  readonly #unlooked = new Map<string, Evaluated>()
  readonly #warned = new Set<string>()

  constructor(options: DerivedLayerOptions) {
    this.#options = options
    this.#startedAtMs = options.clock.now()
  }

  /** To be awaited before the evaluation is saved: when it rejects, the slice is evaluated again. */
  async judged({ model, version, slice, results }: EvaluatedSlice, rules: LoadedRules): Promise<void> {
    const { startMs, endMs } = slice
    const points = rulePoints({ model, version, startMs, endMs, results }, rules)
    const { store, clock, collector } = this.#options
    const now = clock.now()
    const key = JSON.stringify([model, version])
    const evaluated = { model, version, collector }
    const due = now - (this.#marked.get(key) ?? Number.NEGATIVE_INFINITY) >= lookIntervalMs
    if (due) points.push(evaluatedByPoint(evaluated, now))
    await store.writeLines('results', derivedLines(points))
    if (!due) return
    this.#marked.set(key, now)
    this.#unlooked.set(key, evaluated)
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
    const states = await this.#alertStates()
    await store.writeLines('results', derivedLines([...points, ...states.points]))
    states.noteWritten()
    await this.#lookForOthers()
  }

  /**
   * States of open alerts, now and then, and of those that were open when they were last told of: an alert ends at the time of the data that
   * ended it, which lies before the last time that it was said to fire.
   */
  async #alertStates(): Promise<{ points: DerivedPoint[]; noteWritten: () => void }> {
    const { store, clock } = this.#options
    const now = clock.now()
    const limit = queryLimits.maximum
    const open = (
      await Promise.all([store.alerts({ state: 'firing', limit }), store.alerts({ state: 'pending', limit })])
    ).flat()
    const openIds = new Set(open.map(({ id }) => id))
    const told = this.#told
    const ended =
      told === null
        ? (await Promise.all(['resolved', 'inactive'].map((state) => store.alerts({ state, limit }))))
            .flat()
            .filter(({ resolvedAtMs }) => resolvedAtMs !== null && resolvedAtMs >= now - endedRecentlyMs)
        : (await Promise.all([...told].filter((id) => !openIds.has(id)).map((id) => store.alerts({ id })))).flat()
    const restates = now - this.#restatedAtMs >= restateIntervalMs
    // Of several alerts of one rule in one place, which are one series, the newest counts.
    const newest = new Map<string, AlertRecord>()
    for (const alert of [...open, ...ended]) {
      const { model, version, segment, rule, severity } = alert
      const place = JSON.stringify([model, version, segment, rule, severity])
      const other = newest.get(place)
      if (other === undefined || other.activeSinceMs < alert.activeSinceMs) newest.set(place, alert)
    }
    const alerts = [...newest.values()].filter(({ id }) => restates || !openIds.has(id))
    return {
      points: alerts.map((alert) => alertStatePoint(alert, now)),
      noteWritten: () => {
        if (restates) this.#restatedAtMs = now
        this.#told = restates ? openIds : new Set([...(told ?? [])].filter((id) => openIds.has(id)))
      },
    }
  }

  /** Two collectors that evaluate one version overwrite each other: nothing in the data says so, each sees only its own part. */
  async #lookForOthers(): Promise<void> {
    const { otherCollector, log } = this.#options
    for (const [key, evaluated] of this.#unlooked) {
      if (otherCollector === undefined || log === undefined || this.#warned.has(key)) {
        this.#unlooked.delete(key)
        continue
      }
      let other: string | null
      try {
        other = await otherCollector(evaluated, this.#startedAtMs)
      } catch {
        // InfluxDB is away, of which the sender tells. The next report looks again; waiting for each version would hold reports up.
        return
      }
      this.#unlooked.delete(key)
      if (other === null) continue
      this.#warned.add(key)
      const { model, version, collector } = evaluated
      log(
        `collector '${other}' also evaluates ${model} ${version} in this InfluxDB and overwrites what '${collector}' says of it: let one collector receive all of a model version, or give each a database of its own`,
      )
    }
  }
}
