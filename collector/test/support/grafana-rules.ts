import type { GrafanaRule, InfluxqlModel, ReduceModel, ThresholdModel } from '../../src/grafana/provisioning-format.ts'

/** One series of an answer: labels, and its one column over time. */
export interface LabelledSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly values: readonly (number | null)[]
}

export type AlertInstanceState = 'Normal' | 'Pending' | 'Alerting'
export type RuleState = AlertInstanceState | 'Error'

export interface AlertInstance {
  readonly labels: Readonly<Record<string, string>>
  readonly state: AlertInstanceState
  /** What the annotations show as `$values`, by refId. */
  readonly values: Readonly<Record<string, number>>
}

export interface Evaluated {
  /** The worst of the instances. */
  readonly state: RuleState
  readonly instances: readonly AlertInstance[]
}

/** Asks InfluxDB over a range of time; rejects when it cannot be asked. */
export type Ask = (model: InfluxqlModel, fromMs: number, toMs: number) => Promise<LabelledSeries[]>

const order: readonly RuleState[] = ['Normal', 'Pending', 'Error', 'Alerting']

/**
 * Evaluates one rule as Grafana does, as far as the rules of ours need it: queries, reduce (last and max, without what is no number),
 * threshold (gt and lt), `for`, `keepFiringFor`, and what no data and an error mean. An instance whose series is gone is dropped.
 *
 * @see https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/
 */
export class GrafanaRuleEvaluator {
  readonly #rule: GrafanaRule
  readonly #ask: Ask
  readonly #breachedSince = new Map<string, number>()
  readonly #lastBreach = new Map<string, number>()
  #last: Evaluated = { state: 'Normal', instances: [] }

  constructor(rule: GrafanaRule, ask: Ask) {
    this.#rule = rule
    this.#ask = ask
  }

  async evaluate(nowMs: number): Promise<Evaluated> {
    this.#last = await this.#evaluate(nowMs)
    return this.#last
  }

  async #evaluate(nowMs: number): Promise<Evaluated> {
    const { data, condition, noDataState, execErrState } = this.#rule
    const series = new Map<string, readonly LabelledSeries[]>()
    const numbers = new Map<string, ReadonlyMap<string, Instance>>()
    try {
      for (const { refId, relativeTimeRange: range, model } of data) {
        if ('query' in model) {
          series.set(refId, await this.#ask(model, nowMs - range.from * 1000, nowMs - range.to * 1000))
        } else if (model.type === 'reduce') {
          numbers.set(refId, reduced(model, series.get(model.expression)!))
        } else numbers.set(refId, compared(model, numbers.get(model.expression)!))
      }
    } catch {
      return this.#whole(execErrState === 'KeepLast' ? null : execErrState === 'OK' ? 'Normal' : execErrState)
    }
    const decided = numbers.get(condition)!
    if (decided.size === 0) {
      // NoData is an alert of its own in Grafana; no rule of ours leaves it at that.
      return this.#whole(noDataState === 'KeepLast' ? null : noDataState === 'OK' ? 'Normal' : 'Alerting')
    }
    const instances = [...decided].map(([key, { labels, value }]) => ({
      labels,
      state: this.#stateOf(key, value !== 0, nowMs),
      values: Object.fromEntries(
        [...numbers].flatMap(([refId, by]) => (by.has(key) ? [[refId, by.get(key)!.value]] : [])),
      ),
    }))
    for (const key of this.#breachedSince.keys()) if (!decided.has(key)) this.#breachedSince.delete(key)
    return { state: worst(instances.map(({ state }) => state)), instances }
  }

  #whole(state: RuleState | null): Evaluated {
    return state === null ? this.#last : { state, instances: [] }
  }

  #stateOf(key: string, breached: boolean, nowMs: number): AlertInstanceState {
    if (!breached) {
      const kept = milliseconds(this.#rule.keepFiringFor ?? '0s')
      const fired = this.#last.instances.some(({ labels, state }) => keyOf(labels) === key && state === 'Alerting')
      if (fired && nowMs - (this.#lastBreach.get(key) ?? Number.NEGATIVE_INFINITY) < kept) return 'Alerting'
      this.#breachedSince.delete(key)
      return 'Normal'
    }
    const since = this.#breachedSince.get(key) ?? nowMs
    this.#breachedSince.set(key, since)
    this.#lastBreach.set(key, nowMs)
    return nowMs - since >= milliseconds(this.#rule.for) ? 'Alerting' : 'Pending'
  }
}

interface Instance {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

function reduced({ reducer }: ReduceModel, series: readonly LabelledSeries[]): Map<string, Instance> {
  const found = new Map<string, Instance>()
  for (const { labels, values } of series) {
    const numbers = values.filter((value): value is number => value !== null && Number.isFinite(value))
    if (numbers.length === 0) continue
    found.set(keyOf(labels), { labels, value: reducer === 'last' ? numbers.at(-1)! : Math.max(...numbers) })
  }
  return found
}

function compared({ conditions }: ThresholdModel, of: ReadonlyMap<string, Instance>): Map<string, Instance> {
  const { type, params } = conditions[0]!.evaluator
  return new Map(
    [...of].map(([key, { labels, value }]) => [
      key,
      { labels, value: Number(type === 'gt' ? value > params[0] : value < params[0]) },
    ]),
  )
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function worst(states: readonly RuleState[]): RuleState {
  return states.reduce((found, state) => (order.indexOf(state) > order.indexOf(found) ? state : found), 'Normal')
}

function milliseconds(text: string): number {
  const [, number, unit] = /^(\d+)(s|m|h|d)$/.exec(text)!
  return Number(number) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's' | 'm' | 'h' | 'd']
}
