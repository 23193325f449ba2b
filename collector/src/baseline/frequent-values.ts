/** Different texts counted at once; beyond it the rarest are dropped and may be undercounted. */
const defaultCapacity = 100_000

/** Characters of all texts kept, so that long texts do not fill the memory. */
const defaultMaxCharacters = 16_000_000

/**
 * The most frequent texts of a stream in bounded memory: exact until there are more than `capacity` different ones, then every count
 * is reduced by the same number and texts that reach 0 are dropped. No count is ever too large, and none is too small by more than
 * `error`, which stays below count / (capacity / 2).
 *
 * @see Misra and Gries, Finding repeated elements, 1982; Agarwal et al., Mergeable summaries, PODS 2012.
 */
export class FrequentValues {
  readonly #capacity: number
  readonly #maxCharacters: number
  #counts = new Map<string, number>()
  #characters = 0
  #error = 0

  constructor({
    capacity = defaultCapacity,
    maxCharacters = defaultMaxCharacters,
  }: { capacity?: number; maxCharacters?: number } = {}) {
    this.#capacity = capacity
    this.#maxCharacters = maxCharacters
  }

  /** By how much a count may be too small; a text that is not here had at most so many. */
  get error(): number {
    return this.#error
  }

  get distinct(): number {
    return this.#counts.size
  }

  add(text: string): void {
    const count = this.#counts.get(text)
    if (count !== undefined) {
      this.#counts.set(text, count + 1)
      return
    }
    // A cell cut out of a line keeps the whole piece of the file alive; a copy does not.
    this.#counts.set(detached(text), 1)
    this.#characters += text.length
    if (this.#counts.size > this.#capacity || this.#characters > this.#maxCharacters) this.#prune()
  }

  /** Texts and counts, the most frequent first, ties in code-unit order. */
  ranked(): { readonly text: string; readonly count: number }[] {
    return [...this.#counts]
      .map(([text, count]) => ({ text, count }))
      .sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1))
  }

  #prune(): void {
    const counts = Float64Array.from(this.#counts.values()).sort()
    const cut = counts[counts.length >>> 1]!
    const kept = new Map<string, number>()
    this.#characters = 0
    for (const [text, count] of this.#counts) {
      if (count <= cut) continue
      kept.set(text, count - cut)
      this.#characters += text.length
    }
    this.#counts = kept
    this.#error += cut
  }
}

function detached(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf16le').toString('utf16le')
}
