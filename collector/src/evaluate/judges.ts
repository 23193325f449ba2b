import type { CompiledModel } from './compile-model.ts'
import { seasonPlan, type Season } from './evidence/season-plan.ts'
import { createSeasonSchedule } from './evidence/season-schedule.ts'
import {
  createBaselineJudge,
  createSeasonJudge,
  learningReference,
  type EvaluatedHistory,
  type SliceJudge,
} from './slice-judge.ts'

/** Says who judges a slice. */
export interface Judges {
  at(startMs: number): Promise<SliceJudge>
  /** Slices from here on have changed. */
  forgetFrom(startMs: number): void
}

export interface JudgesOptions {
  readonly model: CompiledModel
  readonly season: Season
  readonly everyMs: number
  /** Needed for a season only. */
  readonly history: EvaluatedHistory
}

/** The baseline's detector for every slice; with a season, the season's from when there is enough of the past. */
export function createJudges({ model, season, everyMs, history }: JudgesOptions): Judges {
  if (season === 'none') {
    const judge = createBaselineJudge(model, null)
    return { at: async () => judge, forgetFrom: () => undefined }
  }
  const plan = seasonPlan(season, everyMs)
  const { budgetSteps } = model.detector
  const schedule = createSeasonSchedule({ plan, definitions: model.definitions, budgetSteps }, history)
  return {
    forgetFrom: (startMs) => schedule.forgetFrom(startMs),
    async at(startMs) {
      const scheduled = await schedule.at(startMs)
      return scheduled.model === null
        ? createBaselineJudge(model, learningReference(plan, scheduled))
        : createSeasonJudge(model, scheduled.model, history)
    },
  }
}
