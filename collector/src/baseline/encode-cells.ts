import { explicitCell } from '@driftline/instrumentation/contract'
import type { ColumnValues } from '../rows/row-batch.ts'

/** What stands in place of a cell when a value does not enter the distribution; the recorder tells the same cases apart. */
export const noCell = { missing: -1, nan: -2, infinite: -3, wrongType: -4 } as const

/**
 * Reads a value as the recorder reads a numeric feature: only numbers are numbers, except in text cells, where they are digits.
 * NaN when there is no finite number; `whyNoNumber` tells the reason.
 */
export function readNumber(value: unknown, text: boolean): number {
  if (text) return readNumberText(value as string)
  if (typeof value === 'number') return value - value === 0 ? value : Number.NaN
  return typeof value === 'bigint' ? Number(value) : Number.NaN
}

function readNumberText(cell: string): number {
  const number = Number(cell)
  if (number - number !== 0) return Number.NaN
  // Number reads blanks as 0 and takes 0x10 and 0b1, which no table means.
  if (number === 0 && cell.trim() === '') return Number.NaN
  const second = cell.length > 2 ? cell.charCodeAt(1) | 32 : 0
  return second === letterX || second === letterB || second === letterO ? Number.NaN : number
}

const letterX = 0x78
const letterB = 0x62
const letterO = 0x6f

/** The reason, one of `noCell`, why `readNumber` returned NaN. */
export function whyNoNumber(value: unknown, text: boolean): number {
  if (value === null || value === undefined) return noCell.missing
  if (!text) return typeof value !== 'number' ? noCell.wrongType : Number.isNaN(value) ? noCell.nan : noCell.infinite
  const cell = (value as string).trim()
  if (cell === '') return noCell.missing
  if (/^[+-]?nan$/i.test(cell)) return noCell.nan
  // Also a number beyond the largest double, such as 1e999.
  const number = Number(cell)
  return number === Infinity || number === -Infinity || /^[+-]?inf(inity)?$/i.test(cell)
    ? noCell.infinite
    : noCell.wrongType
}

/** Which cell each value of a column falls into. */
export interface Encoded {
  /** Index of the cell, or one of `noCell`. */
  readonly cells: Int32Array
  /** The number itself where there is one; numeric columns only. */
  readonly numbers: Float64Array
}

/** Encodes values[from] to values[to - 1] into places 0, 1, ... */
export type Encoder = (values: ColumnValues | undefined, text: boolean, from: number, to: number, into: Encoded) => void

export function numericEncoder(bounds: readonly number[]): Encoder {
  const sorted = Float64Array.from(bounds)
  return (values, text, from, to, { cells, numbers }) => {
    if (values === undefined) {
      cells.fill(noCell.missing, 0, to - from)
      return
    }
    for (let row = from; row < to; row++) {
      const value = values[row]
      const number = readNumber(value, text)
      if (Number.isNaN(number)) cells[row - from] = whyNoNumber(value, text)
      else {
        cells[row - from] = explicitCell(sorted, number)
        numbers[row - from] = number
      }
    }
  }
}

/** The last cell, after the categories, is `_OTHER`. */
export function categoryEncoder(categories: readonly string[], isBoolean: boolean): Encoder {
  const other = categories.length
  const cellOf = new Map(categories.map((category, cell) => [category, cell]))
  return (values, text, from, to, { cells }) => {
    if (values === undefined) {
      cells.fill(noCell.missing, 0, to - from)
      return
    }
    for (let row = from; row < to; row++) {
      const value = values[row]
      const category = isBoolean ? readBoolean(value, text) : readCategory(value, text)
      cells[row - from] = typeof category === 'number' ? category : (cellOf.get(category) ?? other)
    }
  }
}

/** The category that a value is, or one of `noCell`. */
export function readCategory(value: unknown, text: boolean): string | number {
  if (typeof value === 'string') return text && value.trim() === '' ? noCell.missing : value
  if (typeof value === 'number') {
    if (value - value === 0) return String(value)
    return Number.isNaN(value) ? noCell.nan : noCell.infinite
  }
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return value === undefined || value === null ? noCell.missing : noCell.wrongType
}

/** `true` or `false`, or one of `noCell`. In text also True, TRUE, 1 and so on; elsewhere true, 'true', 1 and 1n. */
export function readBoolean(value: unknown, text: boolean): 'true' | 'false' | number {
  const category = readCategory(value, text)
  if (typeof category === 'number') return category
  const word = text ? category.trim().toLowerCase() : category
  if (word === 'true' || (word === '1' && (text || typeof value !== 'string'))) return 'true'
  if (word === 'false' || (word === '0' && (text || typeof value !== 'string'))) return 'false'
  return noCell.wrongType
}
