import { learnSeason, type SeasonModel, type SeasonOptions } from './season-model.ts'
import { cycleStart, generationStart } from './season-plan.ts'
import type { SeasonHistory } from './season-reference.ts'

/** The season's detector for a slice, or how far the learning has come, in cycles. */
export type Scheduled =
  | { readonly model: SeasonModel; readonly learnedUntilMs: number }
  | { readonly model: null; readonly have: number; readonly need: number }

export interface SeasonSchedule {
  /** Which detector judges the slice that starts at `startMs`. Depends on stored data alone. */
  at(startMs: number): Promise<Scheduled>
  /** Slices from here on have changed: what was learned from them is learned again. */
  forgetFrom(startMs: number): void
}

export interface DatedHistory extends SeasonHistory {
  /** Start of the oldest slice of the history; null when it has none. */
  firstMs(): Promise<number | null>
}

/** Detectors that are kept: of the generation under way and, for late data, of the one before. */
const keptGenerations = 2

/**
 * Decides which detector judges a slice: the one learned from the cycles before its generation; in the first generation the one
 * learned at the first time with enough cycles before it. Times are tried once per lag (a week), counted from the start of the
 * generation, so that the decision is the same whenever it is made.
 */
export function createSeasonSchedule(options: SeasonOptions, history: DatedHistory): SeasonSchedule {
  const { plan } = options
  const need = plan.lagCycles + plan.cycles - 1 + plan.learningCycles
  const attempts = new Map<number, SeasonModel | null>()
  const found = new Map<number, { readonly model: SeasonModel; readonly learnedUntilMs: number }>()

  async function attempt(untilMs: number): Promise<SeasonModel | null> {
    const known = attempts.get(untilMs)
    if (known !== undefined) return known
    const model = await learnSeason(options, history, untilMs)
    attempts.set(untilMs, model)
    return model
  }

  return {
    async at(startMs) {
      const generation = generationStart(plan, startMs)
      const ready = found.get(generation)
      if (ready !== undefined && startMs >= ready.learnedUntilMs) return ready
      const oldest = await history.firstMs()
      const have = (untilMs: number) =>
        oldest === null
          ? 0
          : Math.max(0, Math.floor((untilMs - cycleStart(plan, oldest + plan.cycleMs - 1)) / plan.cycleMs))
      for (let untilMs = generation; untilMs <= startMs; untilMs += plan.lagCycles * plan.cycleMs) {
        if (have(untilMs) < need) continue
        const model = await attempt(untilMs)
        if (model === null) continue
        found.set(generation, { model, learnedUntilMs: untilMs })
        attempts.clear()
        for (const old of [...found.keys()].sort((a, b) => a - b).slice(0, -keptGenerations)) found.delete(old)
        return { model, learnedUntilMs: untilMs }
      }
      return { model: null, have: have(startMs), need }
    },
    forgetFrom(startMs) {
      for (const untilMs of attempts.keys()) if (untilMs > startMs) attempts.delete(untilMs)
      for (const [generation, { learnedUntilMs }] of found) if (learnedUntilMs > startMs) found.delete(generation)
    },
  }
}
