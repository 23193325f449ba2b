/**
 * A small part of JSONPath (RFC 9535), compiled once: `$`, `.name`, `['name']`, `[3]` and `[*]`, which stands for every element of
 * an array. No filters, slices or descents: what a configuration points at must be plain to see.
 */
export interface JsonPath {
  readonly text: string
  /** Whether it has a `[*]`, and so may find several values. */
  readonly multiple: boolean
  /** `$` alone. */
  readonly isRoot: boolean
  /** The name when the path is `$.name` or `$['name']`, else null. */
  readonly member: string | null
  /** The value it points at; undefined when there is none. The first one of several. Never throws. */
  one(root: unknown): unknown
  /**
   * Every value it points at, in order. Elements that lack what follows the last `[*]` are undefined, so that the values stay beside their rows.
   * Undefined when there is no value, or no array where the first `[*]` stands; an empty array has no values. Never throws.
   */
  all(root: unknown): unknown[] | undefined
}

/** A path that cannot be read. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError'
  /** Where in the path, in UTF-16 units from 0. */
  readonly position: number

  constructor(path: string, position: number, problem: string) {
    super(`${problem} at position ${position} of the path ${JSON.stringify(path.slice(0, maxPathLength))}`)
    this.position = position
  }
}

/** Longer ones are a mistake, and would only slow every request. */
export const maxPathLength = 1000
export const maxPathSteps = 32

/** As V8 has it: larger indices are names. */
const maxIndex = 2 ** 32 - 2

/** A name, an index, or every element. */
type Step = string | number | typeof every
const every: unique symbol = Symbol('every')

/** Throws a JsonPathError. */
export function compileJsonPath(path: string): JsonPath {
  const steps = parseSteps(path)
  const [first] = steps
  return {
    text: path,
    multiple: steps.includes(every),
    isRoot: steps.length === 0,
    member: steps.length === 1 && typeof first === 'string' ? first : null,
    one: (root) => {
      try {
        return findOne(root, steps)
      } catch {
        return undefined
      }
    },
    all: (root) => {
      try {
        return findAll(root, steps)
      } catch {
        return undefined
      }
    },
  }
}

function findOne(root: unknown, steps: readonly Step[]): unknown {
  let value = root
  for (let i = 0; i < steps.length && value !== undefined; i++) {
    const step = steps[i]!
    value = step === every ? take(value, 0) : take(value, step)
  }
  return value
}

function findAll(root: unknown, steps: readonly Step[]): unknown[] | undefined {
  let values: unknown[] = [root]
  let missing = root === undefined
  for (const step of steps) {
    if (missing) return undefined
    if (step === every) {
      const arrays = values.filter((value) => Array.isArray(value))
      missing = arrays.length === 0 && values.length > 0
      values = arrays.length === 1 ? arrays[0]!.slice() : arrays.flat(1)
    } else {
      values = values.map((value) => take(value, step))
      missing = values.length > 0 && values.every((value) => value === undefined)
    }
  }
  return missing ? undefined : values
}

/** Own members only: a path must not find what every object has, such as `constructor`. */
function take(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value) !== (typeof step === 'number')) return undefined
  return Object.hasOwn(value, step) ? (value as Record<string | number, unknown>)[step] : undefined
}

function parseSteps(path: string): Step[] {
  const fail = (position: number, problem: string): never => {
    throw new JsonPathError(path, position, problem)
  }
  if (path.length > maxPathLength) fail(maxPathLength, `a path is longer than ${maxPathLength} characters`)
  if (path[0] !== '$') fail(0, 'a path begins with "$": expected it')
  const steps: Step[] = []
  let at = 1
  while (at < path.length) {
    if (steps.length >= maxPathSteps) fail(at, `a path has at most ${maxPathSteps} steps: one more`)
    if (path[at] === '.') {
      const name = matchAt(shorthandName, path, at + 1)
      if (name === null) {
        return fail(at + 1, `expected a name; other names than letters, digits and "_" are written ['like this']`)
      }
      steps.push(name)
      at += 1 + name.length
    } else if (path[at] === '[') {
      const { step, end } = parseBracket(path, at + 1, fail)
      steps.push(step)
      at = end
    } else {
      fail(at, 'expected "." or "["')
    }
  }
  return steps
}

/** RFC 9535, member-name-shorthand; and a `$`, which JavaScript allows in names. */
const shorthandName: RegExp = /[A-Za-z_$\u0080-\u{10ffff}][A-Za-z0-9_$\u0080-\u{10ffff}]*/uy
const index: RegExp = /(?:0|[1-9]\d*)/y

function parseBracket(
  path: string,
  start: number,
  fail: (position: number, problem: string) => never,
): { readonly step: Step; readonly end: number } {
  const close = (end: number, step: Step): { readonly step: Step; readonly end: number } =>
    path[end] === ']' ? { step, end: end + 1 } : fail(end, 'expected "]"')
  const first = path[start]
  if (first === '*') return close(start + 1, every)
  if (first === "'" || first === '"') {
    const { text, end } = parseQuoted(path, start, fail)
    return close(end, text)
  }
  const digits = matchAt(index, path, start)
  if (digits === null) return fail(start, 'expected an index from 0, a name in quotes, or "*"')
  if (Number(digits) > maxIndex) return fail(start, 'an index is too large')
  return close(start + digits.length, Number(digits))
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['/', '/'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
])
const hexadecimal: RegExp = /[0-9a-fA-F]{4}/y

function parseQuoted(
  path: string,
  start: number,
  fail: (position: number, problem: string) => never,
): { readonly text: string; readonly end: number } {
  const quote = path[start]
  let text = ''
  let at = start + 1
  while (path[at] !== quote) {
    if (at >= path.length) return fail(start, 'a name in quotes does not end')
    if (path[at] !== '\\') {
      text += path[at]
      at++
      continue
    }
    const letter = path[at + 1] ?? ''
    const code = letter === 'u' ? matchAt(hexadecimal, path, at + 2) : null
    const plain = escapes.get(letter)
    if (code !== null) {
      text += String.fromCharCode(Number.parseInt(code, 16))
      at += 6
    } else if (plain === undefined) {
      return fail(at, 'expected one of the escapes of JSON')
    } else {
      text += plain
      at += 2
    }
  }
  return { text, end: at + 1 }
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? null
}
