/**
 * Reads a time: a number as it is; a Date or an ISO 8601 text as milliseconds since the epoch, UTC when it has no offset. NaN when
 * the value is none of these.
 *
 * @example readTime('2015-03-01 12:00', true) // 1425211200000
 */
export function readTime(value: unknown, text: boolean): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return value.getTime()
  if (typeof value !== 'string') return Number.NaN
  const parts = isoTime.exec(value.trim())
  if (parts === null) return text && value.trim() !== '' ? Number(value) : Number.NaN
  const [, date, clock = '00:00', offset = 'Z'] = parts
  return Date.parse(`${date}T${clock}${/\d{4}$/.test(offset) ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset}`)
}

const isoTime = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s?(Z|[+-]\d\d:?\d\d)?)?$/

/** Whether a value that `readTime` could read is a date, and so in milliseconds, or a plain number. */
export function isDate(value: unknown): boolean {
  return value instanceof Date || (typeof value === 'string' && isoTime.test(value.trim()))
}

/**
 * Milliseconds in one unit of plain numbers that are times since the epoch, told by their size: seconds, milliseconds, microseconds or
 * nanoseconds between 1973 and 5138. Undefined for numbers that only order the rows, such as 1, 2, 3 or 2015.
 */
export function millisecondsPerUnit(time: number): number | undefined {
  const size = Math.abs(time)
  if (size < 1e8) return undefined
  if (size < 1e11) return 1000
  if (size < 1e14) return 1
  return size < 1e17 ? 1e-3 : 1e-6
}
