/** Why a point was not taken: a bounded set, fit for a metric label. */
export const rejectionReasons = [
  'unknown_metric',
  'wrong_type',
  'wrong_unit',
  'wrong_temporality',
  'no_model',
  'bad_attributes',
  'missing_attribute',
  'text_too_long',
  'bad_value',
  'bad_buckets',
  'bad_bounds',
  'too_many_buckets',
  'count_mismatch',
  'no_start_time',
  'end_before_start',
  'in_future',
  'too_old',
  'too_many_points',
  'too_many_series',
  'too_many_models',
  'duplicate_series',
  'out_of_order',
  'changed_layout',
] as const
export type RejectionReason = (typeof rejectionReasons)[number]

/** One refusal: the reason, and in words what was wrong. */
export interface Rejection {
  readonly reason: RejectionReason
  readonly detail: string
}

export function rejection(reason: RejectionReason, detail: string): Rejection {
  return { reason, detail }
}

/** Messages of a partial success name so many different refusals; the rest is counted. */
const examples = 5
/** UTF-16 units of one metric name in a message. */
const shownNameLength = 100

/** Collects the refusals of one request: counts by reason, and the first few different ones in words. */
export class RejectionLog {
  readonly counts: Map<RejectionReason, number> = new Map()
  readonly #examples = new Set<string>()
  #total = 0
  #lastMetric = ''
  #lastDetail = ''

  add(metric: string, { reason, detail }: Rejection, points = 1): void {
    if (points === 0) return
    this.#total += points
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + points)
    // What is refused often is refused in a row, and was looked at already.
    if (this.#examples.size === examples || (detail === this.#lastDetail && metric === this.#lastMetric)) return
    this.#lastMetric = metric
    this.#lastDetail = detail
    this.#examples.add(metric === '' ? detail : `${shown(metric)}: ${detail}`)
  }

  get total(): number {
    return this.#total
  }

  /** The error message of a partial success, empty when nothing was refused. */
  message(): string {
    if (this.#total === 0) return ''
    const reasons = [...this.counts].map(([reason, count]) => `${reason} ${count}`).join(', ')
    return `rejected ${this.#total} data points (${reasons}), for instance: ${[...this.#examples].join('; ')}`
  }
}

/** Text of a client as it may stand in a message: cut, and in quotes that show control characters. */
export function shown(text: string): string {
  return JSON.stringify(text.length > shownNameLength ? `${text.slice(0, shownNameLength)}…` : text)
}
