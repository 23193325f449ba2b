import { maxCopiedValues } from '../zero-code/tensor-features.ts'
import type { TappedRow } from '../zero-code/sighting.ts'

export type ObjectRows = { readonly rows: readonly TappedRow[] } | { readonly problem: string }

type List = ArrayLike<unknown>

/**
 * The rows of a call's first argument, copied, since the model or the caller may change them: an array of rows, one row, a flat array of rows
 * of `columns` values, or a matrix. Rows are objects, or arrays, which become objects where names are known. Never throws.
 */
export function readRows(input: unknown, columns: number | null, names: readonly string[] | null): ObjectRows {
  try {
    return readRowsOf(input, columns, names)
  } catch {
    return { problem: 'the rows throw when they are read' }
  }
}

function readRowsOf(input: unknown, columns: number | null, names: readonly string[] | null): ObjectRows {
  if (isList(input)) {
    if (input.length === 0) return { rows: [] }
    const first = input[0]
    if (!isObject(first)) return readFlat(input, columns, names)
    const width = isList(first) ? first.length : Object.keys(first).length
    if (input.length * width > maxCopiedValues) return tooMany(input.length, width)
    const rows: TappedRow[] = []
    for (let i = 0; i < input.length; i++) {
      const row = input[i]
      if (!isObject(row)) return { problem: `row ${i} is ${describe(row)}, and not an array or object` }
      rows.push(isList(row) ? nameValues(Array.from(row), names) : { ...row })
    }
    return { rows }
  }
  if (!isObject(input)) return { problem: `rows are needed, not ${describe(input)}` }
  // As matrices of ml.js have it.
  const { to2DArray } = input as { to2DArray?: unknown }
  if (typeof to2DArray === 'function') {
    const matrix: unknown = Reflect.apply(to2DArray, input, [])
    return isList(matrix) ? readRowsOf(matrix, columns, names) : { problem: 'to2DArray() gives no array' }
  }
  return { rows: [{ ...input }] }
}

function readFlat(input: List, columns: number | null, names: readonly string[] | null): ObjectRows {
  const width = columns ?? input.length
  if (width < 1 || input.length % width !== 0)
    return { problem: `${input.length} values are no whole number of rows of ${width}` }
  if (input.length > maxCopiedValues) return tooMany(input.length / width, width)
  const rows: TappedRow[] = []
  for (let start = 0; start < input.length; start += width)
    rows.push(
      nameValues(
        Array.from({ length: width }, (_, i) => input[start + i]),
        names,
      ),
    )
  return { rows }
}

function nameValues(values: readonly unknown[], names: readonly string[] | null): TappedRow {
  if (names === null) return values
  const row = Object.create(null) as Record<string, unknown>
  for (let i = 0; i < names.length; i++) row[names[i]!] = values[i]
  return row
}

function tooMany(rows: number, columns: number): ObjectRows {
  return {
    problem: `${rows} rows of ${columns} values are more than the ${maxCopiedValues} values that are copied of one call`,
  }
}

export function isList(value: unknown): value is List {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return isList(value) ? 'an array' : `a value of type ${typeof value}`
}
