/**
 * A bounded table from a run of bytes to what was decoded from it, so that text, attributes and bounds which every
 * export repeats are decoded once.
 *
 * Exports repeat their order, too: the run that followed last time is tried first, without hashing. Else the run is looked up in a
 * set of four places by its hash; a new one takes the place of another in turn. No chain ever forms, so input made to collide
 * costs decodings and no more. Bytes are compared as 32-bit words, which is about four times faster than one by one.
 */
export class ByteTable<T> {
  readonly #places: (Entry<T> | undefined)[]
  readonly #mask: number
  readonly #longest: number
  #victim = 0
  #last: Entry<T> | undefined

  /** `size`: a power of two from 4; `longest`: bytes of the longest run that is kept. */
  constructor(size: number, longest: number) {
    this.#places = Array.from({ length: size }, () => undefined)
    this.#mask = size - waysPerSet
    this.#longest = longest
  }

  find(view: DataView, start: number, end: number): T | undefined {
    const length = end - start
    const likely = this.#last?.next
    if (likely !== undefined && likely.live && same(likely, view, start, length)) {
      this.#last = likely
      return likely.value
    }
    if (length > this.#longest) return undefined
    const hash = hashOf(view, start, end)
    const set = hash & this.#mask
    for (let way = 0; way < waysPerSet; way++) {
      const entry = this.#places[set + way]
      if (entry !== undefined && entry.hash === hash && same(entry, view, start, length)) {
        this.#follow(entry)
        return entry.value
      }
    }
    return undefined
  }

  /** Keeps what was decoded from a run that was not found. */
  keep(view: DataView, start: number, end: number, value: T): T {
    const length = end - start
    if (length > this.#longest) return value
    const wordCount = length >>> 2
    const words = new Uint32Array(wordCount)
    for (let i = 0; i < wordCount; i++) words[i] = view.getUint32(start + (i << 2), true)
    const hash = hashOf(view, start, end)
    const entry: Entry<T> = {
      hash,
      length,
      words,
      tail: tailWord(view, start + (wordCount << 2), end),
      value,
      live: true,
      next: undefined,
    }
    const place = this.#placeIn(hash & this.#mask)
    const evicted = this.#places[place]
    if (evicted !== undefined) {
      // Whoever still points at it must not follow it on: a trail of evicted entries would grow without bound.
      evicted.live = false
      evicted.next = undefined
    }
    this.#places[place] = entry
    this.#follow(entry)
    return value
  }

  /** A free place of a set, else each in turn. */
  #placeIn(set: number): number {
    for (let way = 0; way < waysPerSet; way++) if (this.#places[set + way] === undefined) return set + way
    this.#victim = (this.#victim + 1) % waysPerSet
    return set + this.#victim
  }

  #follow(entry: Entry<T>): void {
    if (this.#last?.live === true) this.#last.next = entry
    this.#last = entry
  }
}

const waysPerSet = 4

interface Entry<T> {
  readonly hash: number
  readonly length: number
  readonly words: Uint32Array
  readonly tail: number
  readonly value: T
  live: boolean
  /** What came after this run last time. */
  next: Entry<T> | undefined
}

function hashOf(view: DataView, start: number, end: number): number {
  const last = end - 3
  let hash = end - start
  let at = start
  for (; at < last; at += 4) {
    hash = Math.imul(hash ^ view.getUint32(at, true), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash ^ tailWord(view, at, end), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  // The low bits choose the set, and shall not be those of the ways.
  return (hash ^ (hash >>> 16)) << 2
}

/** The last 0 to 3 bytes as one number. */
function tailWord(view: DataView, start: number, end: number): number {
  let tail = 0
  for (let at = start; at < end; at++) tail = (tail << 8) | view.getUint8(at)
  return tail
}

function same<T>(entry: Entry<T>, view: DataView, start: number, length: number): boolean {
  if (entry.length !== length) return false
  const { words } = entry
  const wordCount = words.length
  let at = start
  for (let i = 0; i < wordCount; i++, at += 4) {
    if (words[i] !== view.getUint32(at, true)) return false
  }
  return tailWord(view, at, start + length) === entry.tail
}
