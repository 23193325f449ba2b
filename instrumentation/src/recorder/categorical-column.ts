import { otherCategory } from '../contract/index.ts'

/** Categories that are learned when no list was given; what comes later counts as `_OTHER`. Bounds the number of series. */
export const maxLearnedCategories = 100

/** Longer texts are not learned as categories: they are ids or free text, and would travel with every export. */
export const maxLearnedCategoryLength = 100

/** What `CategoricalColumn.indexOf` returns for values without a category; the counters of `add` are in this order. */
export const noCategory = { missing: -1, nan: -2, infinite: -3, wrongType: -4 } as const

/** Small whole numbers find their category without being turned into text. */
const directNumbers = 256
const unresolved = -1

export interface CategoricalReading {
  /** `_OTHER` first, then the categories, in the order of their appearance or of the baseline. */
  readonly categories: readonly string[]
  readonly counts: readonly number[]
  /** Whether a category was ever counted. */
  readonly seen: Uint8Array
  readonly missing: number
  readonly nan: number
  readonly infinite: number
  readonly wrongType: number
  /** Values in `_OTHER` although the categories were given. */
  readonly unknownCategory: number
}

/** Counts of one categorical or boolean column. */
export class CategoricalColumn {
  readonly #boolean: boolean
  readonly #learning: boolean
  readonly #categories: string[] = [otherCategory]
  readonly #indices = new Map<string, number>()
  readonly #byNumber = new Int16Array(directNumbers).fill(unresolved)
  #counts: Float64Array
  #seen: Uint8Array
  readonly #invalid = new Float64Array(4)

  /** Without `categories` they are learned. */
  constructor({ kind, categories }: { kind: 'categorical' | 'boolean'; categories: readonly string[] | null }) {
    this.#boolean = kind === 'boolean'
    this.#learning = categories === null && !this.#boolean
    for (const category of categories ?? (this.#boolean ? ['false', 'true'] : [])) this.#append(category)
    const size = this.#learning ? maxLearnedCategories + 1 : this.#categories.length
    this.#counts = new Float64Array(size)
    this.#seen = new Uint8Array(size)
  }

  get bytes(): number {
    return this.#counts.byteLength + this.#seen.byteLength + this.#byNumber.byteLength + this.#invalid.byteLength
  }

  /** Place of a value's category, 0 for `_OTHER`, or one of `noCategory`. Counts nothing. */
  indexOf(value: unknown): number {
    if (typeof value === 'string')
      return this.#boolean ? this.#indexOfFlag(value === 'true', value === 'false') : this.#find(value)
    if (typeof value === 'number') return this.#indexOfNumber(value)
    if (typeof value === 'boolean')
      return this.#boolean ? this.#indexOfFlag(value, !value) : this.#find(value ? 'true' : 'false')
    if (value === undefined || value === null) return noCategory.missing
    if (typeof value === 'bigint')
      return this.#boolean ? this.#indexOfFlag(value === 1n, value === 0n) : this.#find(String(value))
    return noCategory.wrongType
  }

  /** Counts what `indexOf` returned. */
  add(index: number): void {
    if (index < 0) {
      this.#invalid[-1 - index]!++
      return
    }
    this.#counts[index]!++
    this.#seen[index] = 1
  }

  read(): CategoricalReading {
    const counts = Array.from(this.#counts.subarray(0, this.#categories.length))
    return {
      categories: this.#categories,
      counts,
      seen: this.#seen,
      missing: this.#invalid[0]!,
      nan: this.#invalid[1]!,
      infinite: this.#invalid[2]!,
      wrongType: this.#invalid[3]!,
      unknownCategory: this.#learning ? 0 : counts[0]!,
    }
  }

  reset(): void {
    this.#counts.fill(0)
    this.#invalid.fill(0)
  }

  #indexOfNumber(value: number): number {
    if (value - value !== 0) return value !== value ? noCategory.nan : noCategory.infinite
    if (this.#boolean) return this.#indexOfFlag(value === 1, value === 0)
    if (value >= 0 && value < directNumbers && Number.isInteger(value)) {
      const known = this.#byNumber[value]!
      if (known !== unresolved) return known
      const index = this.#find(String(value))
      // Not for `_OTHER` while learning: this number may still get a category of its own. Minus zero prints as 0.
      if (index > 0 || !this.#learning) this.#byNumber[value] = index
      return index
    }
    return this.#find(String(value))
  }

  #indexOfFlag(isTrue: boolean, isFalse: boolean): number {
    if (!isTrue && !isFalse) return noCategory.wrongType
    return this.#indices.get(isTrue ? 'true' : 'false') ?? 0
  }

  #find(category: string): number {
    const index = this.#indices.get(category)
    if (index !== undefined) return index
    if (!this.#learning || this.#categories.length > maxLearnedCategories) return 0
    if (category.length > maxLearnedCategoryLength) return 0
    return this.#append(category)
  }

  #append(category: string): number {
    if (category === otherCategory) return 0
    const index = this.#categories.length
    this.#categories.push(category)
    this.#indices.set(category, index)
    return index
  }
}
