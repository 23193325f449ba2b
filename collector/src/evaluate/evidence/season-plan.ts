export type Season = 'hour-of-week' | 'hour-of-day' | 'none'

/** How seasonal references are cut from the past. Times in milliseconds. */
export interface SeasonPlan {
  readonly kind: Exclude<Season, 'none'>
  /** A week or a day. */
  readonly cycleMs: number
  /** Length of a phase: an hour, or the slice when that is longer. */
  readonly phaseMs: number
  /** Windows of the last cycles are not used: a drift does not teach itself in before it can be seen. */
  readonly lagCycles: number
  /** Cycles that a reference is summed from, when they hold enough rows. */
  readonly cycles: number
  /** How far back, in cycles, a reference may reach. */
  readonly farthestCycle: number
  /** Cycles of adjusted windows that the detector is learned from. */
  readonly learningCycles: number
  /** What is learned is kept for so many cycles, counted from the epoch. */
  readonly generationCycles: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const weekMs = 7 * dayMs

/**
 * References of the same hour of the week: four weeks of them, a week to four weeks old (up to twelve where four hold too few
 * rows); of the same hour of the day: four weeks of days, a week old at least. Both learn from four weeks of adjusted windows.
 */
const spans = {
  'hour-of-week': {
    cycleMs: weekMs,
    lagCycles: 1,
    cycles: 4,
    farthestCycle: 12,
    learningCycles: 4,
    generationCycles: 12,
  },
  'hour-of-day': {
    cycleMs: dayMs,
    lagCycles: 7,
    cycles: 28,
    farthestCycle: 63,
    learningCycles: 28,
    generationCycles: 84,
  },
} as const

/** Rows that a reference needs (STATISTICS.md 13). */
export const fewestReferenceRows = 1000

/** Windows that a reference needs at least, so that one odd week is not the season. */
export const fewestReferenceWindows = 3

/**
 * The plan for slices of this length.
 *
 * @throws RangeError when phases would not be made of whole slices.
 */
export function seasonPlan(kind: SeasonPlan['kind'], everyMs: number): SeasonPlan {
  const problem = seasonProblem(kind, everyMs)
  if (problem !== null) throw new RangeError(problem)
  return { kind, phaseMs: Math.max(hourMs, everyMs), ...spans[kind] }
}

/** Why slices of this length cannot be compared by season, or null. */
export function seasonProblem(kind: SeasonPlan['kind'], everyMs: number): string | null {
  const { cycleMs } = spans[kind]
  if (hourMs % everyMs === 0 || (everyMs % hourMs === 0 && cycleMs % everyMs === 0 && everyMs < cycleMs)) return null
  const cycle = kind === 'hour-of-day' ? 'day' : 'week'
  return `'${kind}' needs slices that divide an hour, or of whole hours that divide a ${cycle} and are shorter`
}

/** Start of the phase that holds a slice. */
export function phaseStart(plan: SeasonPlan, startMs: number): number {
  return startMs - mod(startMs, plan.phaseMs)
}

/** Starts of the phases that may enter the reference of a slice, newest first. */
export function referenceStarts(plan: SeasonPlan, startMs: number): number[] {
  const phase = phaseStart(plan, startMs)
  const starts: number[] = []
  for (let k = plan.lagCycles; k <= plan.farthestCycle; k++) starts.push(phase - k * plan.cycleMs)
  return starts
}

/** Start of the cycle that holds an instant, counted from the epoch. */
export function cycleStart(plan: SeasonPlan, ms: number): number {
  return ms - mod(ms, plan.cycleMs)
}

/** Start of the generation that holds an instant: what is learned once holds until the next. */
export function generationStart(plan: SeasonPlan, ms: number): number {
  return ms - mod(ms, plan.cycleMs * plan.generationCycles)
}

function mod(a: number, b: number): number {
  return ((a % b) + b) % b
}
