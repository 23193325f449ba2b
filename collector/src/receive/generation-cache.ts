/**
 * A bounded map that forgets what was not used lately. Two generations: when the younger one is full it becomes the
 * older, and what was the older is dropped; a hit in the older one moves to the younger. A hit costs one lookup, as a map's does.
 */
export class GenerationCache<K, V> {
  #young = new Map<K, V>()
  #old = new Map<K, V>()
  #youngWeight = 0
  readonly #capacity: number

  /** `capacity`: the weight of one generation; twice as much may be held. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    // Moved over with weight 1: a young generation of moved entries only is no larger than the old one was.
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: K, value: V, weight = 1): void {
    if (this.#youngWeight + weight > this.#capacity) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(key, value)
    this.#youngWeight += weight
  }
}
