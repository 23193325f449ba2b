/** Ids are kept in memory until their outcome comes; longer ones are no ids. */
export const maxIdLength = 200

/** Slots made at first; a server that never gives ids has none, and one with few has few. */
const firstSlots = 256
const none = -1

/** How predictions left without an outcome. */
export type LostPrediction = 'outcome_expired' | 'outcome_evicted' | 'outcome_replaced'

export interface PendingPredictionsOptions {
  /** Predictions that may wait at one time; the oldest makes way for a new one. */
  readonly capacity: number
  /** Milliseconds that a prediction waits. */
  readonly ttlMillis: number
  readonly onLost: (reason: LostPrediction) => void
}

/** The text that an id is found by, so that a number and its digits in a URL are one id; null for what is no id. */
export function idText(id: unknown): string | null {
  const text = typeof id === 'string' ? id : typeof id === 'number' && Number.isFinite(id) ? String(id) : bigintText(id)
  return text !== null && text !== '' && text.length <= maxIdLength ? text : null
}

/** Only of numbers that ids are made of: turning one of a million digits into text would take seconds. */
function bigintText(id: unknown): string | null {
  return typeof id === 'bigint' && BigInt.asIntN(64, id >> 64n) === id >> 64n ? String(id) : null
}

/**
 * Predictions that wait for their outcome, in a table of bounded size, oldest first.
 *
 * Slots are linked in the order of their arrival through typed arrays: a joined prediction leaves its place to a new one at once, and
 * neither adding, nor joining, nor expiring looks at more than the slots it changes.
 */
export class PendingPredictions {
  readonly #capacity: number
  readonly #ttlMillis: number
  readonly #onLost: (reason: LostPrediction) => void
  readonly #slots = new Map<string, number>()
  #ids: (string | null)[] = []
  #groups = new Int32Array(0)
  #classes = new Int32Array(0)
  #values = new Float64Array(0)
  #times = new Float64Array(0)
  #older = new Int32Array(0)
  #newer = new Int32Array(0)
  #oldest = none
  #newest = none
  /** Head of the unused slots, linked by `#newer`. */
  #unused = none

  constructor({ capacity, ttlMillis, onLost }: PendingPredictionsOptions) {
    this.#capacity = capacity
    this.#ttlMillis = ttlMillis
    this.#onLost = onLost
  }

  /** Predictions that wait. */
  get size(): number {
    return this.#slots.size
  }

  /** Keeps one prediction; `predictedClass` and `value` mean what the caller says. */
  add(id: string, group: number, predictedClass: number, value: number, nowMillis: number): void {
    this.expire(nowMillis)
    const before = this.#slots.get(id)
    if (before !== undefined) {
      this.remove(before)
      this.#onLost('outcome_replaced')
    }
    if (this.#unused === none) this.#makeRoom()
    const slot = this.#unused
    this.#unused = this.#newer[slot]!
    const kept = copyOf(id)
    this.#ids[slot] = kept
    this.#groups[slot] = group
    this.#classes[slot] = predictedClass
    this.#values[slot] = value
    this.#times[slot] = nowMillis
    this.#older[slot] = this.#newest
    this.#newer[slot] = none
    if (this.#newest === none) this.#oldest = slot
    else this.#newer[this.#newest] = slot
    this.#newest = slot
    this.#slots.set(kept, slot)
  }

  /** Slot of a prediction that still waits, or -1. */
  find(id: string, nowMillis: number): number {
    this.expire(nowMillis)
    return this.#slots.get(id) ?? none
  }

  groupOf(slot: number): number {
    return this.#groups[slot]!
  }

  classOf(slot: number): number {
    return this.#classes[slot]!
  }

  valueOf(slot: number): number {
    return this.#values[slot]!
  }

  timeOf(slot: number): number {
    return this.#times[slot]!
  }

  remove(slot: number): void {
    const older = this.#older[slot]!
    const newer = this.#newer[slot]!
    if (older === none) this.#oldest = newer
    else this.#newer[older] = newer
    if (newer === none) this.#newest = older
    else this.#older[newer] = older
    this.#slots.delete(this.#ids[slot]!)
    this.#ids[slot] = null
    this.#newer[slot] = this.#unused
    this.#unused = slot
  }

  /** Forgets what has waited too long. A clock that was set back makes predictions wait longer, never for ever. */
  expire(nowMillis: number): void {
    while (this.#oldest !== none && nowMillis - this.#times[this.#oldest]! >= this.#ttlMillis) {
      this.remove(this.#oldest)
      this.#onLost('outcome_expired')
    }
  }

  /** Twice as many slots, up to the capacity; then that of the oldest prediction. */
  #makeRoom(): void {
    const before = this.#times.length
    if (before >= this.#capacity) {
      this.remove(this.#oldest)
      this.#onLost('outcome_evicted')
      return
    }
    const size = Math.min(this.#capacity, Math.max(firstSlots, 2 * before))
    this.#groups = grown(this.#groups, new Int32Array(size))
    this.#classes = grown(this.#classes, new Int32Array(size))
    this.#values = grown(this.#values, new Float64Array(size))
    this.#times = grown(this.#times, new Float64Array(size))
    this.#older = grown(this.#older, new Int32Array(size))
    this.#newer = grown(this.#newer, new Int32Array(size))
    for (let slot = size - 1; slot >= before; slot--) {
      this.#ids[slot] = null
      this.#newer[slot] = this.#unused
      this.#unused = slot
    }
  }
}

/**
 * The same text with characters of its own. An id that was cut out of a long text, such as a request body, would otherwise keep all of
 * that text in memory for as long as it waits.
 */
function copyOf(id: string): string {
  const copy = Buffer.from(id).toString()
  // Lone surrogates do not survive the way through UTF-8.
  return copy === id ? copy : id
}

function grown<Numbers extends Int32Array | Float64Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from)
  return to
}
