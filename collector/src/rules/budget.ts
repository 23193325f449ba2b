import { durationInWords, parseDuration } from './duration.ts'
import type { FalseAlarmBudget } from './loaded.ts'

const namedPeriods: { readonly [name: string]: number } = {
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 30 * 86_400_000,
  quarter: 91 * 86_400_000,
  year: 365 * 86_400_000,
}

/** More false alarms than this per period is no budget that anyone wants; a typing mistake is likelier. */
export const maximumBudgetCount = 1000

/**
 * Reads a false-alarm budget: `<count> per <period>`, where count is a whole number from 1 to 1000 and period is a duration
 * (`30d`, `12h`), a name (hour, day, week, month = 30 days, quarter = 91 days, year = 365 days), or a count of names (`2 weeks`).
 *
 * Returns null for any other text.
 *
 * @example parseBudget('2 per week') // { count: 2, periodMs: 604800000 }
 */
export function parseBudget(text: string): FalseAlarmBudget | null {
  const match = /^\s*(\d+)\s+per\s+(?:(\d+)\s+)?([a-z0-9]+?)\s*$/i.exec(text)
  if (match === null) return null
  const count = Number(match[1])
  const periodMs = parsePeriod(match[2], match[3]!.toLowerCase())
  if (periodMs === null || periodMs === 0 || count < 1 || count > maximumBudgetCount) return null
  return { count, periodMs }
}

function parsePeriod(multiple: string | undefined, name: string): number | null {
  const singular = name.endsWith('s') ? name.slice(0, -1) : name
  const named = Object.hasOwn(namedPeriods, name)
    ? namedPeriods[name]
    : multiple === undefined
      ? undefined
      : namedPeriods[singular]
  if (named !== undefined) return named * Number(multiple ?? 1)
  return multiple === undefined ? parseDuration(name) : null
}

/**
 * A: the number of evidence steps per allowed false alarm, which is the evidence that raises an alarm (STATISTICS section 6.1).
 *
 * @example alarmThreshold({ count: 1, periodMs: 2592000000 }, 3600000) // 720
 */
export function alarmThreshold(budget: FalseAlarmBudget, everyMs: number): number {
  return budget.periodMs / (everyMs * budget.count)
}

/** The budget as a sentence has it: `once in 30 days`, `2 times in 7 days`. */
export function budgetInWords(budget: FalseAlarmBudget): string {
  return `${budget.count === 1 ? 'once' : `${budget.count} times`} in ${durationInWords(budget.periodMs)}`
}
