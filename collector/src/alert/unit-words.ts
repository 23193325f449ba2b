/**
 * Codes of units that only people who know UCUM read at once.
 *
 * @see UCUM, https://ucum.org/ucum, tables 1 (s), 5 (min, h, d, a, mo); `1` is the unit of what has none.
 */
const words: Readonly<Record<string, string>> = {
  s: 'seconds',
  min: 'minutes',
  h: 'hours',
  d: 'days',
  mo: 'months',
  a: 'years',
  '1': '',
}

/** A manifest's unit as a sentence names it; empty for none. Units that are not in the table stay as they are. */
export function unitInWords(unit: string): string {
  return Object.hasOwn(words, unit) ? words[unit]! : unit
}
