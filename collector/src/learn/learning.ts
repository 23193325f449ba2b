import { formatCount } from '../diagnose/words.ts'

/** When a model version without a baseline gets one that is made of its own data. */
export interface LearnSettings {
  /** So many rows are enough. */
  readonly rows: number
  /** After so many hours fewer are enough too. */
  readonly hours: number
  /** But never fewer than this. */
  readonly minimumRows: number
}

/** Half an hour of five rows a second, or a day; quantile bounds of 10,000 rows are right to half a per cent of the rows. */
export const defaultLearnSettings: LearnSettings = { rows: 10_000, hours: 24, minimumRows: 500 }

/** How far the learning of a model version is. */
export interface Learning {
  readonly rows: number
  readonly neededRows: number
  /** Start of its first data; milliseconds since the Unix epoch. */
  readonly sinceMs: number
  /** When fewer rows are enough, from `minimumRows` on. */
  readonly untilMs: number
  readonly minimumRows: number
}

const hourMs = 3_600_000

/** @param rows counted since `sinceMs` */
export function learningOf(settings: LearnSettings, rows: number, sinceMs: number): Learning {
  const { rows: neededRows, hours, minimumRows } = settings
  return { rows, neededRows, sinceMs, untilMs: sinceMs + hours * hourMs, minimumRows }
}

/** Whether it is time to freeze. */
export function isLearnt({ rows, neededRows, untilMs, minimumRows }: Learning, now: number): boolean {
  return rows >= neededRows || (now >= untilMs && rows >= minimumRows)
}

/**
 * @example learningText(learning) // 'learning, 3,214 of 10,000 rows'
 * @example learningText(learning) // 'learning, 15,054 rows are enough for a baseline': many came at once, as after an outage
 */
export function learningText({ rows, neededRows }: Pick<Learning, 'rows' | 'neededRows'>): string {
  if (rows >= neededRows) return `learning, ${formatCount(rows)} rows are enough for a baseline`
  return `learning, ${formatCount(rows)} of ${formatCount(neededRows)} rows`
}
