import type { Values } from '../../recorder/gather.ts'
import type { RequestConfig } from '../../zero-code/instrument-config.ts'
import type { TappedRow } from '../../zero-code/sighting.ts'
import { compileJsonPath, type JsonPath } from './json-path.ts'

/** What a request asked a model. */
export interface BodyRows {
  readonly rows: readonly TappedRow[]
  /** One per row; undefined when no path for them was given. */
  readonly ids: Values | undefined
  readonly segments: Values | undefined
}

/** Why a body does not fit the paths, in words that name the path. */
export interface BodyMismatch {
  readonly mismatch: string
}

/** Reads a parsed request body. Never throws. */
export type ReadRows = (body: unknown) => BodyRows | BodyMismatch

/**
 * Without `rows` a body is one row, or one per element when it is an array; an array of plain values is one row in feature order. Without
 * `features` a row is every member that is no object. Throws a JsonPathError, or an Error when a path finds more than one value
 * where one is needed.
 */
export function compileRequest(config: RequestConfig = {}): ReadRows {
  const findRows = compileElements(config.rows)
  const id = compileSingle(config.id, 'request.id')
  const segment = compileSingle(config.segment, 'request.segment')
  const readRow = compileRow(config, [id, segment])
  const nothing = config.features === undefined ? 'no member with a plain value' : 'none of the features'
  return (body) => {
    const elements = findRows(body, true)
    if (elements === undefined) return { mismatch: `nothing is at ${config.rows ?? '$'}, where the rows should be` }
    const read = elements.map(readRow)
    const first = read.find((row) => row !== null)
    if (first === undefined && read.length > 0) {
      return { mismatch: `${nothing} is in ${read.length === 1 ? 'the row' : 'any row'} at ${config.rows ?? '$'}` }
    }
    return {
      // A row in which nothing was found is one whose features are all missing.
      rows: read.map((row) => row ?? (Array.isArray(first) ? [] : {})),
      ids: id === null ? undefined : elements.map((element) => id.one(element)),
      segments: segment === null ? undefined : elements.map((element) => segment.one(element)),
    }
  }
}

/** Finds the rows or answers of a body: undefined when there are none where they should be, else one element for each. */
export type FindElements = (body: unknown, valuesAreARow: boolean) => readonly unknown[] | undefined

/** `valuesAreARow`: an array of plain values is one row, and not one row for each. */
export function compileElements(rows: string | undefined): FindElements {
  const path = rows === undefined ? null : compileJsonPath(rows)
  return (body, valuesAreARow) => {
    if (path?.multiple === true) return path.all(body)
    const found = path === null ? body : path.one(body)
    if (found === undefined) return undefined
    if (!Array.isArray(found)) return [found]
    return valuesAreARow && found.length > 0 && found.every(isPlain) ? [found] : (found as readonly unknown[])
  }
}

/** A path that must find one value. */
export function compileSingle(path: string | undefined, place: string): JsonPath | null {
  if (path === undefined) return null
  const compiled = compileJsonPath(path)
  if (compiled.multiple) {
    throw new Error(
      `${place}: the path ${JSON.stringify(path)} is inside a row, where it must find one value: [*] is for "rows"`,
    )
  }
  return compiled
}

/** Null when nothing of a row was found. */
type ReadRow = (element: unknown) => TappedRow | null

function compileRow(config: RequestConfig, others: readonly (JsonPath | null)[]): ReadRow {
  const { features } = config
  if (features === undefined) {
    return wholeRow(new Set(others.flatMap((path) => (path === null || path.member === null ? [] : [path.member]))))
  }
  if (typeof features === 'string') return arrayAt(compileSingle(features, 'request.features')!)
  if (isNames(features)) return namedMembers(features)
  return pathsOf(
    Object.entries(features).map(([name, path]) => ({ name, path: compileSingle(path, `request.features.${name}`)! })),
  )
}

/**
 * A row as it stands, without what is no feature. The parsed object itself is handed on when there is nothing to leave out.
 */
function wholeRow(except: ReadonlySet<string>): ReadRow {
  return (element) => {
    if (typeof element !== 'object' || element === null) return null
    if (Array.isArray(element)) return element.some((value) => !isPlain(value)) ? null : (element as unknown[])
    const row = element as Record<string, unknown>
    const names = Object.keys(row)
    let kept = 0
    for (let i = 0; i < names.length; i++) if (isFeature(names[i]!, row, except)) kept++
    if (kept === 0) return null
    if (kept === names.length) return row
    const copy: Record<string, unknown> = {}
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      if (isFeature(name, row, except)) copy[name] = row[name]
    }
    return copy
  }
}

function isFeature(name: string, row: Readonly<Record<string, unknown>>, except: ReadonlySet<string>): boolean {
  return isPlain(row[name]) && name !== '__proto__' && (except.size === 0 || !except.has(name))
}

function arrayAt(path: JsonPath): ReadRow {
  return (element) => {
    const found = path.one(element)
    return Array.isArray(found) && found.length > 0 ? (found as unknown[]) : null
  }
}

/** Names of members, which are also the order of the features of a row that is an array. */
function namedMembers(names: readonly string[]): ReadRow {
  names.forEach(checkName)
  return (element) => {
    if (typeof element !== 'object' || element === null) return null
    const isArray = Array.isArray(element)
    const row: Record<string, unknown> = {}
    let found = false
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      const value = isArray ? element[i] : ownMember(element, name)
      found ||= value !== undefined
      row[name] = value
    }
    return found ? row : null
  }
}

function pathsOf(features: readonly { readonly name: string; readonly path: JsonPath }[]): ReadRow {
  for (const { name } of features) checkName(name)
  return (element) => {
    const row: Record<string, unknown> = {}
    let found = false
    for (const { name, path } of features) {
      const value = path.one(element)
      found ||= value !== undefined
      row[name] = value
    }
    return found ? row : null
  }
}

/** Assigning to it would set a prototype. */
function checkName(name: string): void {
  if (name === '__proto__') throw new Error('request.features: no feature can have the name "__proto__"')
}

function ownMember(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null
}

function isNames(features: Exclude<RequestConfig['features'], string | undefined>): features is readonly string[] {
  return Array.isArray(features)
}
