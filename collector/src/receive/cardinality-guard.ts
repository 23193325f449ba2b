import type { Clock } from '../clock.ts'
import type { ReceiveLimits } from './receive-limits.ts'
import type { BlockPlan, SeriesEntry } from './series-catalogue.ts'

/** A series counts against its model for one to two of these after it was last seen. */
const periodMs = 3_600_000
/** A model version counts for this long after it was last seen, and up to one period more. */
const modelIdleMs = 24 * periodMs
/** Plans whose series are known to be admitted; a bound on memory, not on behaviour. */
const rememberedPlans = 256

/**
 * Holds the number of model versions, of series of one model version and segment, and of all series together within limits. A label
 * with an unbounded set of values would otherwise fill the store and every evaluation. What stays away is forgotten: series after
 * one to two hours, model versions after a day. Those that are known go on when a limit is reached.
 */
export class CardinalityGuard {
  readonly #clock: Clock
  readonly #limits: GuardLimits
  readonly #models = new Map<string, ModelSeries>()
  /** When each model version was last seen. */
  readonly #versions = new Map<string, number>()
  #total = 0
  #periodEndsMs: number

  constructor(clock: Clock, limits: GuardLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#periodEndsMs = clock.now() + periodMs
  }

  /** Called once per request, before the other methods. */
  startPeriodWhenDue(): void {
    const now = this.#clock.now()
    if (now < this.#periodEndsMs) return
    // Away for two periods or more: nothing was seen lately.
    const turns = now - this.#periodEndsMs >= periodMs ? 2 : 1
    this.#periodEndsMs = now + periodMs
    for (const [version, seenMs] of this.#versions) if (now - seenMs >= modelIdleMs) this.#versions.delete(version)
    for (let turn = 0; turn < turns; turn++) {
      for (const [key, model] of this.#models) {
        this.#total -= model.old.size
        model.old = model.young
        model.young = new Set()
        model.plans.clear()
        if (model.old.size === 0) this.#models.delete(key)
      }
    }
  }

  /** Whether a model version is known, or there is room for one more, which it takes. */
  admitModel(model: string, version: string): boolean {
    const key = `${model}\u0001${version}`
    if (!this.#versions.has(key) && this.#versions.size >= this.#limits.models) return false
    this.#versions.set(key, this.#clock.now())
    return true
  }

  /** Whether every series of a plan was found admitted in this period, so that none need be looked up. */
  covers(model: string, plan: BlockPlan): boolean {
    return this.#models.get(model)?.plans.has(plan) === true
  }

  cover(model: string, plan: BlockPlan): void {
    const series = this.#models.get(model)
    if (series === undefined) return
    if (series.plans.size >= rememberedPlans) series.plans.clear()
    series.plans.add(plan)
  }

  admit(model: string, { template }: SeriesEntry): boolean {
    let series = this.#models.get(model)
    if (series !== undefined && series.young.has(template.hash)) return true
    if (series !== undefined && series.old.delete(template.hash)) {
      series.young.add(template.hash)
      return true
    }
    if (this.#total >= this.#limits.series) return false
    if (series === undefined) {
      series = { young: new Set(), old: new Set(), plans: new Set() }
      this.#models.set(model, series)
    } else if (series.young.size + series.old.size >= this.#limits.seriesPerModel) return false
    series.young.add(template.hash)
    this.#total++
    return true
  }
}

type GuardLimits = Pick<ReceiveLimits, 'series' | 'seriesPerModel' | 'models'>

interface ModelSeries {
  /** Hashes of the series seen in this period, and of those seen last in the one before. */
  young: Set<number>
  old: Set<number>
  readonly plans: Set<BlockPlan>
}
