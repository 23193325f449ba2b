/** Values per level once the sketch compacts; a power of two, so that every compaction takes an even number. */
const defaultLevelSize = 8192

export interface QuantileSketchOptions {
  /** Values kept as they are before anything is compacted; up to here quantiles are exact. */
  readonly exactLimit: number
  /** Values per level beyond that; even. */
  readonly levelSize?: number
}

/**
 * Quantiles of a stream of numbers in bounded memory, with a known bound on their rank.
 *
 * Values are kept in levels; a value of level i stands for 2^i of the stream. A full level is sorted and every second value goes up
 * one level, beginning by turns with the first and the second. One such step moves the rank of any number by at most 2^i, so
 * `rankError`, the sum of these over all steps taken, is a guarantee and no estimate: (levels / levelSize) of the count at worst, 0.13 %
 * for ten million values. Memory: levelSize numbers for each doubling beyond levelSize.
 *
 * @see Manku, Rajagopalan and Lindsay, Approximate medians and other quantiles in one pass and with limited memory, SIGMOD 1998;
 *   Karnin, Lang and Liberty, Optimal quantile approximation in streams, FOCS 2016.
 */
export class QuantileSketch {
  readonly #exactLimit: number
  readonly #levelSize: number
  readonly #levels: Level[] = []
  #count = 0
  #compacted = false
  #rankError = 0

  constructor({ exactLimit, levelSize = defaultLevelSize }: QuantileSketchOptions) {
    this.#exactLimit = exactLimit
    this.#levelSize = levelSize
  }

  /** Values added. */
  get count(): number {
    return this.#count
  }

  /** How far the rank of a quantile can be off, as a share of the count; 0 while nothing was compacted. */
  get rankError(): number {
    return this.#count === 0 ? 0 : this.#rankError / this.#count
  }

  add(value: number): void {
    const lowest = (this.#levels[0] ??= new Level())
    lowest.push(value)
    this.#count++
    if (!this.#compacted) {
      if (lowest.length <= this.#exactLimit) return
      this.#compacted = true
    }
    if (lowest.length >= this.#levelSize) this.#compact()
  }

  /** Adds what another sketch holds; the bounds of the rank add up. */
  merge(other: QuantileSketch): void {
    for (const [i, level] of other.#levels.entries()) {
      const target = (this.#levels[i] ??= new Level())
      for (const value of level.values()) target.push(value)
    }
    this.#count += other.#count
    this.#rankError += other.#rankError
    this.#compacted ||= other.#compacted || this.#levels[0]!.length > this.#exactLimit
    if (this.#compacted) this.#compact()
  }

  /**
   * Quantiles by the inverted distribution function: for percent p the smallest value whose rank is at least p/100 of the count.
   * Percentages ascend; empty when nothing was added.
   */
  quantiles(percentages: readonly number[]): number[] {
    if (this.#count === 0) return []
    const entries: { value: number; weight: number }[] = []
    if (!this.#compacted) {
      const sorted = Float64Array.from(this.#levels[0]!.values()).sort()
      return percentages.map((percent) => sorted[Math.max(1, Math.ceil((percent * this.#count) / 100)) - 1]!)
    }
    this.#levels.forEach((level, i) => {
      for (const value of level.values()) entries.push({ value, weight: 2 ** i })
    })
    entries.sort((a, b) => a.value - b.value)
    const found: number[] = []
    let index = 0
    let rank = entries[0]!.weight
    for (const percent of percentages) {
      const wanted = Math.max(1, Math.ceil((percent * this.#count) / 100))
      while (rank < wanted) rank += entries[++index]!.weight
      found.push(entries[index]!.value)
    }
    return found
  }

  #compact(): void {
    for (let i = 0; i < this.#levels.length; i++) {
      const level = this.#levels[i]!
      if (level.length < this.#levelSize) continue
      const weight = 2 ** i
      const above = (this.#levels[i + 1] ??= new Level())
      this.#rankError += weight
      level.halveInto(above)
    }
  }
}

/** The values of one level, in a typed array that grows. */
class Level {
  length = 0
  #data = new Float64Array(64)
  #startSecond = false
  /** Values at the start that are in order, and the values after them that are. */
  #sortedRuns: number[] = []

  push(value: number): void {
    if (this.length === this.#data.length) this.#grow(this.length * 2)
    this.#data[this.length++] = value
  }

  values(): Float64Array {
    return this.#data.subarray(0, this.length)
  }

  /** Moves every second value of an even number of values up; an odd one out stays. */
  halveInto(above: Level): void {
    const even = this.length - (this.length % 2)
    const left = this.length > even ? this.#data[even]! : undefined
    const sorted = this.#sorted(even)
    const half = even / 2
    above.#grow(above.length + half)
    const first = this.#startSecond ? 1 : 0
    for (let i = 0; i < half; i++) above.#data[above.length + i] = sorted[first + 2 * i]!
    // What moves up is in order, so that the level above needs no sort but a merge.
    if (above.length === sum(above.#sortedRuns)) above.#sortedRuns.push(half)
    above.length += half
    this.#startSecond = !this.#startSecond
    this.length = 0
    this.#sortedRuns = []
    // What a large exact level held is not needed again.
    if (this.#data.length > 4 * above.length) this.#data = new Float64Array(64)
    if (left !== undefined) this.push(left)
  }

  #sorted(length: number): Float64Array {
    const values = this.#data.subarray(0, length)
    const [first = 0, second = 0] = this.#sortedRuns
    if (this.#sortedRuns.length !== 2 || first + second !== length) return values.sort()
    const merged = new Float64Array(length)
    for (let i = 0, left = 0, right = first; i < length; i++) {
      const takeLeft = right >= length || (left < first && values[left]! <= values[right]!)
      merged[i] = takeLeft ? values[left++]! : values[right++]!
    }
    return merged
  }

  #grow(length: number): void {
    if (length <= this.#data.length) return
    const grown = new Float64Array(Math.max(length, this.#data.length * 2))
    grown.set(this.#data.subarray(0, this.length))
    this.#data = grown
  }
}

function sum(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total + length, 0)
}
