import { FormatError, type FormatProblem } from './format-error.ts'

/** A file with more problems than this is simply not the file it claims to be; the rest is not listed. */
const maxProblems = 1000

/** Longest name, category or label; a longer one is a payload in the wrong place. */
const maxTextLength = 10_000

export type Fields = { readonly [key: string]: unknown }

/** What a document itself is called in a problem. */
const documentPath = '(document)'

/** Collects what is wrong while a document is read, so that one run shows everything. */
export class Problems {
  readonly #list: FormatProblem[] = []

  add(path: string, message: string): void {
    if (this.#list.length < maxProblems) this.#list.push({ path: path === '' ? documentPath : path, message })
    else if (this.#list.length === maxProblems) {
      this.#list.push({ path: documentPath, message: `more than ${maxProblems} problems; the others are not listed` })
    }
  }

  /** @throws FormatError when anything was added. */
  throwIfAny(): void {
    if (this.#list.length > 0) throw new FormatError(this.#list)
  }

  /** An object that has no fields but the allowed ones; undefined when the value is no object. */
  object(value: unknown, path: string, allowed: readonly string[]): Fields | undefined {
    const fields = this.record(value, path)
    if (fields === undefined) return undefined
    for (const key of Object.keys(fields)) {
      if (!allowed.includes(key)) this.add(field(path, key), `unknown field; known here: ${allowed.join(', ')}`)
    }
    return fields
  }

  /** An object with any keys. */
  record(value: unknown, path: string): Fields | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
    this.expected('an object', value, path)
    return undefined
  }

  array(value: unknown, path: string, what: string, maxLength: number): readonly unknown[] | undefined {
    if (!Array.isArray(value)) {
      this.expected(`an array of ${what}`, value, path)
      return undefined
    }
    if (value.length > maxLength) {
      this.add(path, `expected at most ${maxLength} ${what}, got ${value.length}`)
      return undefined
    }
    return value
  }

  text(value: unknown, path: string, what = 'a text'): string | undefined {
    if (typeof value !== 'string') this.expected(what, value, path)
    else if (value.length > maxTextLength)
      this.add(path, `expected at most ${maxTextLength} characters, got ${value.length}`)
    else return value
    return undefined
  }

  nonEmptyText(value: unknown, path: string): string | undefined {
    const text = this.text(value, path, 'a non-empty text')
    if (text === '') this.expected('a non-empty text', value, path)
    return text === '' ? undefined : text
  }

  optionalText(value: unknown, path: string): void {
    if (value !== undefined) this.text(value, path)
  }

  finite(value: unknown, path: string): number | undefined {
    if (typeof value === 'number' && Number.isFinite(value)) return value
    this.expected('a finite number', value, path)
    return undefined
  }

  whole(value: unknown, path: string): number | undefined {
    if (isWhole(value)) return value
    this.expected('a whole number >= 0', value, path)
    return undefined
  }

  /** An array of counts; undefined when any of them is wrong. */
  wholes(value: unknown, path: string, maxLength: number): readonly number[] | undefined {
    const list = this.array(value, path, 'whole numbers >= 0', maxLength)
    if (list === undefined) return undefined
    let right = true
    for (let i = 0; i < list.length; i++) {
      if (isWhole(list[i])) continue
      right = false
      this.expected('a whole number >= 0', list[i], item(path, i))
    }
    return right ? (list as readonly number[]) : undefined
  }

  oneOf(value: unknown, path: string, choices: readonly string[]): string | undefined {
    if (typeof value === 'string' && choices.includes(value)) return value
    this.expected(
      `${choices.length > 1 ? 'one of ' : ''}${choices.map((choice) => `'${choice}'`).join(', ')}`,
      value,
      path,
    )
    return undefined
  }

  boolean(value: unknown, path: string): void {
    if (typeof value !== 'boolean') this.expected('true or false', value, path)
  }

  digest(value: unknown, path: string): void {
    if (typeof value !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(value)) {
      this.expected('sha256: and 64 hexadecimal digits', value, path)
    }
  }

  /** An ISO 8601 date and time with its offset from UTC. */
  time(value: unknown, path: string): void {
    const right =
      typeof value === 'string' &&
      /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(value) &&
      !Number.isNaN(Date.parse(value))
    if (!right) this.expected('an ISO 8601 time such as 2026-01-31T12:00:00Z', value, path)
  }

  /** Texts that differ from each other; undefined when any of them is wrong. */
  distinctTexts(value: unknown, path: string, what: string, maxLength: number): readonly string[] | undefined {
    const list = this.array(value, path, what, maxLength)
    if (list === undefined) return undefined
    const seen = new Map<string, number>()
    let right = true
    for (let i = 0; i < list.length; i++) {
      const text = this.text(list[i], item(path, i))
      const earlier = text === undefined ? undefined : seen.get(text)
      if (earlier !== undefined) this.add(item(path, i), `${shown(text)} is listed already at ${item(path, earlier)}`)
      if (text === undefined || earlier !== undefined) right = false
      else seen.set(text, i)
    }
    return right ? (list as readonly string[]) : undefined
  }

  /** A range whose ends are optional and in order. */
  range(value: unknown, path: string): void {
    const range = this.object(value, path, ['min', 'max'])
    if (range === undefined) return
    const min = range.min === undefined ? undefined : this.finite(range.min, field(path, 'min'))
    const max = range.max === undefined ? undefined : this.finite(range.max, field(path, 'max'))
    if (min !== undefined && max !== undefined && min > max) this.add(path, `min ${min} is above max ${max}`)
  }

  expected(what: string, value: unknown, path: string): void {
    this.add(path, `expected ${what}, got ${shown(value)}`)
  }
}

/** Path of a field: `a.b`, or `a["b c"]` where the name is not a plain word. */
export function field(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${shown(key)}]`
  return path === '' ? key : `${path}.${key}`
}

export function item(path: string, index: number): string {
  return `${path}[${index}]`
}

/** A value as a problem shows it: short, whatever it is. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string')
    return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}...` : JSON.stringify(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

export function sum(counts: readonly number[]): number {
  let total = 0
  for (const count of counts) total += count
  return total
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
