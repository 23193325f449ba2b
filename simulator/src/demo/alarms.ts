import type { AlertRecord } from '@driftline/collector'

/** What is new among the alerts since they were looked at last. */
export interface AlertNews {
  readonly raised: readonly AlertRecord[]
  readonly resolved: readonly AlertRecord[]
  readonly firing: number
  readonly fromBefore: number
}

/** Of alarms that are raised together, the one with most behind it is told first. */
function strongestEvidence({ explanation }: AlertRecord): number {
  return Math.max(0, ...explanation.moved.map(({ log10Evidence }) => log10Evidence ?? 0))
}

/** Tells new alarms from those already told, and from those that an earlier run left in the same data. */
export class AlarmBook {
  #old: ReadonlySet<string> | null = null
  readonly #told = new Set<string>()
  readonly #resolved = new Set<string>()

  /** The first look takes what is there as belonging to earlier runs. */
  look(alerts: readonly AlertRecord[]): AlertNews {
    const fired = alerts.filter(({ firedAtMs }) => firedAtMs !== null)
    this.#old ??= new Set(fired.map(({ id }) => id))
    const mine = fired.filter(({ id }) => !this.#old!.has(id))
    const raised = mine
      .filter(({ id }) => !this.#told.has(id))
      .sort((a, b) => strongestEvidence(b) - strongestEvidence(a))
    for (const { id } of raised) this.#told.add(id)
    const resolved = mine.filter(({ id, state }) => state === 'resolved' && !this.#resolved.has(id))
    for (const { id } of resolved) this.#resolved.add(id)
    const firing = alerts.filter(({ state }) => state === 'firing')
    return { raised, resolved, firing: firing.length, fromBefore: firing.filter(({ id }) => this.#old!.has(id)).length }
  }

  get raised(): number {
    return this.#told.size
  }
}
