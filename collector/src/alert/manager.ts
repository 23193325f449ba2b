import type { Clock } from '../clock.ts'
import { diagnose } from '../diagnose/diagnose.ts'
import type { Diagnosis } from '../diagnose/diagnosis.ts'
import { driftSignals, type Result } from '../evaluate/result.ts'
import type { LoadedRule, LoadedRules } from '../rules/loaded.ts'
import type { Store } from '../store/store.ts'
import type { AlertEvent, AlertRecord, AlertState } from './alert.ts'
import { conditionOf, type Condition } from './condition.ts'
import { explain, type ExplainedSlice } from './explain.ts'
import { createOutbox, type DeliveryCounters } from './notify/deliver.ts'
import { pendingDeliveries } from './notify/delivery.ts'
import { notifierName, type Notifier } from './notify/notifier.ts'
import { stepAlert } from './step.ts'

/** Closed alerts that are looked at when a model version is first met, to find the newest of each rule and segment. */
export const maximumClosedAlerts = 10_000
/** Alerts whose notifications are looked for after a restart, per state. */
export const maximumRecovered = 1000

export interface AlertManagerOptions {
  readonly store: Pick<Store, 'saveAlerts' | 'alerts' | 'alertEvents'>
  readonly notifiers: readonly Notifier[]
  readonly clock: Clock
  readonly log: (line: string) => void
  /** Between 0 and 1, for the jitter of retries. Default: Math.random. */
  readonly random?: () => number
}

/** One evaluated slice, as rules look at it. */
export interface AlertSlice extends Omit<ExplainedSlice, 'segment'> {
  readonly revision: number
  /** Of all segments. */
  readonly results: readonly Result[]
}

export interface AlertManager {
  /**
   * Takes up the notifications that stored alerts still owe. Call it once, before the first slice.
   * @returns how many there were
   */
  recover(): Promise<number>
  /**
   * Applies rules to one slice: conditions, state changes, diagnosis, explanation; stores what changed and leaves telling people to the
   * background. Slices of one model version are to be applied one after the other. Applying a slice again changes nothing.
   *
   * @returns the alerts that changed
   * @throws StoreUnavailableError when the store cannot take the changes; nothing has happened then, and the slice can be applied again.
   */
  apply(rules: LoadedRules, slice: AlertSlice): Promise<AlertRecord[]>
  readonly deliveries: Readonly<DeliveryCounters>
  /** Notifications not yet made or given up. */
  readonly queued: number
  /** Resolves when no notification is under way. */
  settled(): Promise<void>
  /** Stops notifying; what is owed then is told after the next start. */
  close(): Promise<void>
}

/**
 * Keeps the alerts of all models: pure steps between a store and an outbox.
 *
 * The newest alert of each rule and segment is held in memory after it was read from the store once; the store stays the truth.
 *
 * @throws TypeError when two notifiers have one name or a name has characters that events cannot carry.
 */
export function createAlertManager({ store, notifiers, clock, log, random }: AlertManagerOptions): AlertManager {
  checkNames(notifiers)
  const allNotifiers = notifiers.map((notifier) => notifier.name)
  const newest = new Map<string, Map<string, AlertRecord>>()
  const outbox = createOutbox({
    notifiers,
    record: (event) => store.saveAlerts([], [event]),
    clock,
    log,
    ...(random === undefined ? {} : { random }),
  })

  async function recover(): Promise<number> {
    const states: readonly AlertState[] = ['firing', 'resolved']
    const records = (await Promise.all(states.map((state) => store.alerts({ state, limit: maximumRecovered })))).flat()
    const events: AlertEvent[] = []
    for (const record of records) events.push(...(await store.alertEvents(record.id)))
    const owed = pendingDeliveries(records, events)
    outbox.enqueue(owed)
    return owed.length
  }

  async function newestAlerts(model: string, version: string): Promise<Map<string, AlertRecord>> {
    const key = JSON.stringify([model, version])
    const known = newest.get(key)
    if (known !== undefined) return known
    const states: readonly AlertState[] = ['pending', 'firing', 'resolved', 'inactive']
    const records = await Promise.all(
      states.map((state) => store.alerts({ model, version, state, limit: maximumClosedAlerts })),
    )
    const alerts = new Map<string, AlertRecord>()
    for (const record of records.flat()) {
      const place = placeOf(record.rule, record.segment)
      const other = alerts.get(place)
      if (other === undefined || record.activeSinceMs > other.activeSinceMs) alerts.set(place, record)
    }
    newest.set(key, alerts)
    return alerts
  }

  async function apply(rules: LoadedRules, slice: AlertSlice): Promise<AlertRecord[]> {
    if (rules.model !== '*' && rules.model !== slice.model) return []
    if (rules.version !== null && rules.version !== slice.version) return []
    const alerts = await newestAlerts(slice.model, slice.version)
    const changed: AlertRecord[] = []
    const events: AlertEvent[] = []
    for (const [segment, results] of bySegment(slice.results)) {
      for (const rule of rules.rules) {
        if (rule.segment !== null && rule.segment !== segment) continue
        const previous = alerts.get(placeOf(rule.name, segment)) ?? null
        const stepped = stepRule(rules, rule, { ...slice, segment }, results, previous)
        if (stepped.record === null || stepped.record === previous) continue
        changed.push(stepped.record)
        events.push(...stepped.events)
      }
    }
    if (changed.length === 0) return []
    await store.saveAlerts(changed, events)
    // Only what is stored counts as having happened.
    for (const record of changed) alerts.set(placeOf(record.rule, record.segment), record)
    outbox.enqueue(pendingDeliveries(changed, events))
    return changed
  }

  function stepRule(
    rules: LoadedRules,
    rule: LoadedRule,
    slice: ExplainedSlice,
    results: readonly Result[],
    previous: AlertRecord | null,
  ) {
    const condition = conditionOf({ rule, results, atMs: slice.endMs, openFeatures: openFeatures(previous) })
    return stepAlert({
      previous,
      rule,
      model: slice.model,
      version: slice.version,
      segment: slice.segment,
      condition,
      explain: () => explain({ rule, rules, condition, results, diagnosis: diagnosisOf(condition, results), slice }),
      notify: rule.notify ?? allNotifiers,
    })
  }

  return {
    recover,
    apply,
    deliveries: outbox.counters,
    get queued() {
      return outbox.size
    },
    settled: () => outbox.settled(),
    close: () => outbox.close(),
  }
}

/**
 * What broke the rule is diagnosed even when only a threshold of the user's makes it a drift. Inputs that drifted in the same slice
 * are suspects as well: they may be why the outputs moved.
 */
function diagnosisOf(condition: Condition, results: readonly Result[]): Diagnosis[] {
  const drifted = results.filter((result) => result.status === 'drift' && result.signal === 'feature-drift')
  const broken = condition.results.filter(({ signal }) => signal === 'data-health' || driftSignals.includes(signal))
  return diagnose(results, { suspects: [...new Set([...broken, ...drifted])] })
}

function openFeatures(previous: AlertRecord | null): string[] {
  const open = previous !== null && (previous.state === 'firing' || previous.state === 'pending')
  return open ? previous.explanation.moved.map((moved) => moved.feature) : []
}

function bySegment(results: readonly Result[]): Map<string, Result[]> {
  const groups = new Map<string, Result[]>()
  for (const result of results) {
    const group = groups.get(result.segment)
    if (group === undefined) groups.set(result.segment, [result])
    else group.push(result)
  }
  return groups
}

function placeOf(rule: string, segment: string): string {
  return JSON.stringify([rule, segment])
}

function checkNames(notifiers: readonly Notifier[]): void {
  const seen = new Set<string>()
  for (const { name } of notifiers) {
    if (!notifierName.test(name))
      throw new TypeError(`notifier ${JSON.stringify(name)}: a name has 1 to 64 letters, digits, ".", "_" or "-"`)
    if (seen.has(name)) throw new TypeError(`two notifiers are named ${name}`)
    seen.add(name)
  }
}
