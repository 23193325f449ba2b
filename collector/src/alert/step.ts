import { digestJson } from '@driftline/instrumentation/contract'
import type { LoadedRule } from '../rules/loaded.ts'
import type { AlertEvent, AlertRecord, Explanation } from './alert.ts'
import type { Condition } from './condition.ts'
import { instant } from './instant.ts'
import { addMoved, newlyMoved, strongerExplanation } from './merge-explanation.ts'
import { plannedDetail } from './notify/delivery.ts'

export interface StepInput {
  /** The newest alert of this rule, model version and segment; null when there never was one. */
  readonly previous: AlertRecord | null
  readonly rule: Pick<LoadedRule, 'name' | 'severity' | 'forMs' | 'keepFiringForMs'>
  readonly model: string
  readonly version: string
  readonly segment: string
  readonly condition: Pick<Condition, 'holds' | 'known' | 'atMs' | 'fresh'>
  /** Called only when the condition holds and the record needs it. */
  readonly explain: () => Explanation
  /** Names of the notifiers that are told of changes. */
  readonly notify: readonly string[]
}

export interface StepOutput {
  /** The newest alert after the slice; the very object `previous` when there is nothing to save. */
  readonly record: AlertRecord | null
  readonly events: readonly AlertEvent[]
}

/**
 * The alert state machine: one slice, one step. Pure; all time is event time, the ends of slices.
 *
 *     (none) --holds--> pending --held for `for`--> firing --calm for `keepFiringFor`--> resolved
 *                          '-----calm-----> inactive
 *
 * - A slice that is not known changes nothing: no data neither fires nor resolves.
 * - With `for` of 0 an alert fires in the slice in which the condition first holds.
 * - Closed alerts stay closed; the next breach opens a new one with an id of its own.
 * - The same slice again changes nothing. A revision of an older slice never takes back what people were told.
 */
export function stepAlert(input: StepInput): StepOutput {
  const { previous, condition } = input
  if (!condition.known) return { record: previous, events: [] }
  const open = previous !== null && (previous.state === 'pending' || previous.state === 'firing')
  if (condition.holds) return open ? holdOn(input, previous) : begin(input)
  return open ? calmDown(input, previous) : { record: previous, events: [] }
}

/** The condition holds and no alert is open. */
function begin(input: StepInput): StepOutput {
  const { previous, condition, rule, model, version, segment } = input
  const { atMs } = condition
  // A slice before the end of the last alert belongs to that alert's story, which is closed.
  if (previous !== null && atMs < previous.resolvedAtMs!) return { record: previous, events: [] }
  const id = digestJson({ rule: rule.name, model, version, segment, activeSinceMs: atMs })
  const pending: AlertRecord = {
    id,
    rule: rule.name,
    model,
    version,
    segment,
    severity: rule.severity,
    state: 'pending',
    activeSinceMs: atMs,
    firedAtMs: null,
    resolvedAtMs: null,
    lastTrueMs: atMs,
    explanation: input.explain(),
  }
  if (rule.forMs === 0) return fire(input, pending)
  return { record: pending, events: [{ alertId: id, atMs, kind: 'pending', detail: pending.explanation.summary }] }
}

/** The condition holds and an alert is open. */
function holdOn(input: StepInput, previous: AlertRecord): StepOutput {
  const { condition, rule } = input
  const { atMs } = condition
  // Older slices are part of what the alert has already seen.
  if (atMs < previous.lastTrueMs) return { record: previous, events: [] }
  const latest = input.explain()
  const added = newlyMoved(previous.explanation, condition.fresh)
  const explanation = addMoved(strongerExplanation(previous.explanation, latest), latest, added)
  const held: AlertRecord = { ...previous, lastTrueMs: atMs, explanation }
  if (previous.state === 'pending')
    return atMs - previous.activeSinceMs >= rule.forMs ? fire(input, held) : { record: held, events: [] }
  if (added.length === 0) return { record: held, events: [] }
  const names = added.map((result) => result.feature).join(', ')
  return {
    record: held,
    events: [{ alertId: held.id, atMs, kind: 'firing', detail: plannedDetail(`${names} moved too`, input.notify) }],
  }
}

function fire(input: StepInput, record: AlertRecord): StepOutput {
  const { atMs } = input.condition
  return {
    record: { ...record, state: 'firing', firedAtMs: atMs },
    events: [
      { alertId: record.id, atMs, kind: 'firing', detail: plannedDetail(record.explanation.summary, input.notify) },
    ],
  }
}

/** The condition does not hold and an alert is open. */
function calmDown(input: StepInput, previous: AlertRecord): StepOutput {
  const { condition, rule, notify } = input
  const { atMs } = condition
  if (previous.state === 'pending') {
    if (atMs < previous.activeSinceMs) return { record: previous, events: [] }
    return { record: { ...previous, state: 'inactive', resolvedAtMs: atMs }, events: [] }
  }
  if (atMs <= previous.lastTrueMs || atMs - previous.lastTrueMs < rule.keepFiringForMs)
    return { record: previous, events: [] }
  return {
    record: { ...previous, state: 'resolved', resolvedAtMs: atMs },
    events: [
      {
        alertId: previous.id,
        atMs,
        kind: 'resolved',
        detail: plannedDetail(`calm since ${instant(previous.lastTrueMs)}`, notify),
      },
    ],
  }
}
