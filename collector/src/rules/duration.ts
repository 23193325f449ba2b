const units = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** Longer than any window, budget or hold that makes sense; keeps sums far from the end of the exact integers. */
export const maximumDurationMs: number = 10 * 366 * 86_400_000

const grammar = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/

/**
 * Milliseconds of a duration: whole numbers with a unit (`ms`, `s`, `m`, `h`, `d`, `w`), from large to small. A day has 24 hours.
 *
 * Returns null for a text that is no duration or is longer than {@link maximumDurationMs}.
 *
 * @example parseDuration('1h30m') // 5400000
 */
export function parseDuration(text: string): number | null {
  const match = grammar.exec(text)
  if (match === null || text === '') return null
  let total = 0
  for (const [index, [, milliseconds]] of units.entries()) total += Number(match[index + 1] ?? 0) * milliseconds
  return total <= maximumDurationMs ? total : null
}

/**
 * The shortest text that {@link parseDuration} reads as the same time.
 *
 * @example formatDuration(5400000) // '1h30m'
 */
export function formatDuration(milliseconds: number): string {
  let rest = Math.round(milliseconds)
  if (rest === 0) return '0s'
  let text = ''
  // Weeks are left out: "30d" says more than "4w2d".
  for (const [unit, length] of units.slice(1)) {
    const count = Math.floor(rest / length)
    if (count > 0) text += `${count}${unit}`
    rest -= count * length
  }
  return text
}

/**
 * A duration as a sentence has it, in its largest unit that divides it.
 *
 * @example durationInWords(2592000000) // '30 days'
 */
export function durationInWords(milliseconds: number): string {
  const names = { w: 'week', d: 'day', h: 'hour', m: 'minute', s: 'second', ms: 'millisecond' }
  for (const [unit, length] of units.slice(1)) {
    if (milliseconds >= length && milliseconds % length === 0) {
      const count = milliseconds / length
      return `${count} ${names[unit]}${count === 1 ? '' : 's'}`
    }
  }
  return formatDuration(milliseconds)
}
