/**
 * A point in event time as people read it: ISO 8601 in UTC, without milliseconds when they are 0. Reads no clock.
 *
 * @example instant(0) // '1970-01-01T00:00:00Z'
 */
export function instant(milliseconds: number): string {
  // Dates end at 8.64e15 ms; a bad timestamp must not cost an alarm.
  if (!(Math.abs(milliseconds) <= 8.64e15)) return `${milliseconds} ms`
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z')
}
