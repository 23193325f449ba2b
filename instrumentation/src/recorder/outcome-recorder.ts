import type { ModelPlan } from '../plan.ts'
import { isPositive } from './decide.ts'
import { OutcomeCounts, type OutcomeReading } from './outcome-counts.ts'
import { idText, PendingPredictions } from './pending-predictions.ts'

/** Why an outcome was not counted, or a prediction with an id got none. */
export const outcomeDropReasons = [
  /** Nothing waits under this id: never recorded, joined before, expired or evicted. */
  'outcome_unmatched',
  /** The actual class or value is none. The prediction goes on waiting. */
  'outcome_invalid',
  /** No outcome came in time. */
  'outcome_expired',
  /** Too many predictions waited; this was the oldest. */
  'outcome_evicted',
  /** Another prediction was recorded under the same id. */
  'outcome_replaced',
  /** An id that is empty, too long, or neither text nor number. */
  'outcome_invalid_id',
  /** An id without class, value, or a score that a decision rule makes a class. */
  'outcome_without_prediction',
] as const
export type OutcomeDropReason = (typeof outcomeDropReasons)[number]

export interface OutcomeOptions {
  /** Predictions that wait for their outcome at one time. */
  readonly maxPendingOutcomes: number
  readonly outcomeTtlMillis: number
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

/** What a model answered for one row, as far as an outcome can be held against it. */
export interface Answer {
  readonly class: unknown
  readonly score: unknown
  readonly value: unknown
}

/** Joins outcomes with the predictions that they belong to, and counts the pairs. No method throws. */
export class OutcomeRecorder {
  readonly #plan: ModelPlan
  readonly #drop: (reason: OutcomeDropReason, rows: number) => void
  readonly #now: () => number
  readonly #pending: PendingPredictions
  /** By segment, null being a model without segments; segments are declared, so there are few. */
  readonly #groups = new Map<string | null, number>()
  readonly #counts: { readonly segment: string | null; readonly counts: OutcomeCounts }[] = []
  #joined = 0

  constructor(
    plan: ModelPlan,
    { maxPendingOutcomes, outcomeTtlMillis, now }: OutcomeOptions,
    drop: (reason: OutcomeDropReason, rows: number) => void,
  ) {
    this.#plan = plan
    this.#drop = drop
    this.#now = now
    this.#pending = new PendingPredictions({
      capacity: maxPendingOutcomes,
      ttlMillis: outcomeTtlMillis,
      onLost: (reason) => drop(reason, 1),
    })
  }

  /** Predictions that wait for their outcome. */
  get pending(): number {
    return this.#pending.size
  }

  /** Outcomes counted since the start, those that were joined elsewhere among them. */
  get joined(): number {
    return this.#joined
  }

  /** Keeps a prediction until its outcome comes. */
  remember(id: unknown, segment: string | null, answer: Answer): void {
    const text = idText(id)
    if (text === null) {
      this.#drop('outcome_invalid_id', 1)
      return
    }
    const group = this.#groupOf(segment)
    const predicted = this.#predictedClass(answer)
    const index = predicted === null ? none : this.#counts[group]!.counts.predictedIndex(predicted)
    // Of a class the score is kept, of a regression the value.
    const kept = index < 0 ? answer.value : answer.score
    const value = typeof kept === 'number' ? kept : Number.NaN
    if (index < 0 && !Number.isFinite(value)) this.#drop('outcome_without_prediction', 1)
    else this.#pending.add(text, group, index, value, this.#now())
  }

  /** Counts the outcome of a remembered prediction: a class, or of a regression a value. */
  join(id: unknown, actual: unknown): void {
    const text = idText(id)
    if (text === null) {
      this.#drop('outcome_invalid_id', 1)
      return
    }
    const now = this.#now()
    const slot = this.#pending.find(text, now)
    if (slot < 0) {
      this.#drop('outcome_unmatched', 1)
      return
    }
    const { counts } = this.#counts[this.#pending.groupOf(slot)]!
    const predicted = this.#pending.classOf(slot)
    const value = this.#pending.valueOf(slot)
    const counted = predicted >= 0 ? counts.addClass(predicted, actual, value) : counts.addValue(value, actual)
    if (!counted) {
      this.#drop('outcome_invalid', 1)
      return
    }
    counts.addDelay((now - this.#pending.timeOf(slot)) / 1000)
    this.#pending.remove(slot)
    this.#joined++
  }

  /** Counts a pair that was joined elsewhere. */
  record(segment: string | null, predicted: unknown, actual: unknown, delaySeconds: number | undefined): void {
    const { counts } = this.#counts[this.#groupOf(segment)]!
    const index = counts.predictedIndex(predicted)
    if (index < 0 || !counts.addClass(index, actual, Number.NaN)) {
      this.#drop('outcome_invalid', 1)
      return
    }
    if (typeof delaySeconds === 'number') counts.addDelay(delaySeconds)
    this.#joined++
  }

  /** What was counted since the last call, by segment; counting starts again at zero. Forgets predictions that waited too long. */
  take(): { readonly segment: string | null; readonly reading: OutcomeReading }[] {
    this.#pending.expire(this.#now())
    return this.#counts.map(({ segment, counts }) => ({ segment, reading: counts.take() }))
  }

  #groupOf(segment: string | null): number {
    let group = this.#groups.get(segment)
    if (group === undefined) {
      group = this.#counts.length
      this.#groups.set(segment, group)
      this.#counts.push({ segment, counts: new OutcomeCounts(this.#plan) })
    }
    return group
  }

  /** The class as given, else as the decision rule has it; null for neither. */
  #predictedClass({ class: given, score }: Answer): unknown {
    if (given !== undefined && given !== null) return given
    const { decision } = this.#plan
    if (decision === null || typeof score !== 'number' || !Number.isFinite(score)) return null
    return isPositive(decision, score) ? decision.positiveClass : decision.negativeClass
  }
}

const none = -1
