import type { Values } from '../../recorder/gather.ts'
import type { BatchOutput } from '../../recorder/scope-recorder.ts'
import type { ResponseConfig } from '../../zero-code/instrument-config.ts'
import { compileElements, type BodyMismatch } from './body-rows.ts'
import { compileJsonPath, type JsonPath } from './json-path.ts'

/** Reads a parsed response body: the answers in the order of the rows of the request. Never throws. */
export type ReadAnswers = (body: unknown, rows: number) => BatchOutput | BodyMismatch

/**
 * Null when the configuration names no answer: then nothing is read of a response. Without `rows` a body is one answer, or one per element when
 * it is an array; a path with a `[*]` of its own is a column of the whole body instead, as in `$.scores[*]`. Throws a JsonPathError.
 */
export function compileResponse(config: ResponseConfig = {}): ReadAnswers | null {
  const columns = {
    classes: compileColumn(config.class),
    scores: compileColumn(config.score),
    confidences: compileColumn(config.confidence),
    values: compileColumn(config.value),
    ids: compileColumn(config.id),
  }
  const paths = Object.values(columns).filter((path) => path !== null)
  if (paths.length === 0) return null
  const findElements = compileElements(config.rows)
  const needsElements = paths.some((path) => !path.multiple)
  const names = config.classes === undefined ? null : new Map(Object.entries(config.classes))
  return (body, rows) => {
    const elements = needsElements ? findElements(body, false) : []
    if (elements === undefined) return { mismatch: `nothing is at ${config.rows ?? '$'}, where the answers should be` }
    if (needsElements && elements.length !== rows) {
      return { mismatch: `${count(rows, 'row')} but ${count(elements.length, 'answer')} at ${config.rows ?? '$'}` }
    }
    let found = rows === 0
    const output: { -readonly [K in keyof BatchOutput]: BatchOutput[K] } = {}
    for (const [name, path] of Object.entries(columns) as [keyof typeof columns, JsonPath | null][]) {
      if (path === null) continue
      const values = path.multiple ? path.all(body) : elements.map((element) => path.one(element))
      if (path.multiple && values?.length !== rows) {
        return { mismatch: `${count(rows, 'row')} but ${count(values?.length ?? 0, 'answer')} at ${path.text}` }
      }
      found ||= values!.some((value) => value !== undefined)
      output[name] = name === 'classes' && names !== null ? renamed(values!, names) : values!
    }
    return found ? output : { mismatch: `nothing is at ${paths.map(({ text }) => text).join(', ')} in any answer` }
  }
}

function compileColumn(path: string | undefined): JsonPath | null {
  return path === undefined ? null : compileJsonPath(path)
}

/** Classes that have no name given stay as they stand in the body. */
function renamed(values: readonly unknown[], names: ReadonlyMap<string, string>): Values {
  return values.map((value) => (isScalar(value) ? (names.get(String(value)) ?? value) : value))
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
