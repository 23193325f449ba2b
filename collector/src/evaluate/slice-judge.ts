import { digestJson } from '@driftline/instrumentation/contract'
import type { CompiledModel } from './compile-model.ts'
import { evaluateSlice, type EvaluatedCounts, type SliceInput, type SubjectSeason } from './evaluate-slice.ts'
import { decodeState, encodeState, initialState, type DetectorState } from './evidence/model-detector.ts'
import { carrySeasonState, stepSeason, type SeasonModel } from './evidence/season-model.ts'
import type { SeasonPlan } from './evidence/season-plan.ts'
import { seasonReferences, type SeasonReference, type SeasonUnit } from './evidence/season-reference.ts'
import type { DatedHistory, Scheduled } from './evidence/season-schedule.ts'
import type { ResultReference } from './result.ts'
import { seasonComparison, type PhaseMoments } from './season-comparison.ts'

/** What judges the slices of a model version for a while: the baseline's detector, or one of the season. */
export interface SliceJudge {
  /** Evidence is only carried on between slices with the same id. */
  readonly detectorId: string
  /** State from bytes that `save` made; null: nothing seen yet. */
  restore(bytes: Uint8Array | null): DetectorState
  save(state: DetectorState): Uint8Array<ArrayBuffer>
  /** The state to begin with after another judge. */
  carry(before: SliceJudge, state: DetectorState): DetectorState
  evaluate(state: DetectorState, input: SliceInput): Promise<EvaluatedCounts>
}

/** A phase of the past, with what distances need. */
export interface EvaluatedUnit extends SeasonUnit {
  readonly moments: readonly (PhaseMoments | null)[]
}

export interface EvaluatedHistory extends DatedHistory {
  unit(startMs: number): Promise<EvaluatedUnit | null>
}

/** Changes whenever the same past would lead to other evidence, so that old states are not carried on. */
const seasonVersion = 1

/** The baseline's detector; `learning` says how far the season has come that the rules ask for. */
export function createBaselineJudge(model: CompiledModel, learning: ResultReference | null): SliceJudge {
  return {
    detectorId: model.detectorId,
    restore: (bytes) => model.restore(bytes),
    save: (state) => model.save(state),
    carry: () => model.restore(null),
    async evaluate(state, input) {
      const subjects =
        learning === null ? undefined : model.subjects.map(() => ({ reference: learning, compare: null }))
      return evaluateSlice(model, state, { ...input, ...(subjects === undefined ? {} : { season: { subjects } }) })
    },
  }
}

/** What a result says while the season is still being learned. */
export function learningReference(plan: SeasonPlan, scheduled: Extract<Scheduled, { model: null }>): ResultReference {
  const unit = plan.kind === 'hour-of-week' ? 'weeks' : 'days'
  const { have, need } = scheduled
  const note = have < need ? `learning, ${have} of ${need} ${unit}` : `learning, too few rows in ${have} ${unit}`
  return { kind: 'baseline', season: plan.kind, values: null, windows: null, oldestMs: null, newestMs: null, note }
}

const judges = new WeakMap<SeasonModel, SliceJudge>()

/** A detector of the season; the same object for the same learned model. */
export function createSeasonJudge(base: CompiledModel, season: SeasonModel, history: EvaluatedHistory): SliceJudge {
  const known = judges.get(season)
  if (known !== undefined) return known
  const { plan, monitors, detector } = season
  const learned = monitors.map((monitor) =>
    monitor === null ? null : { ...monitor, target: { ...monitor.target, counts: [...monitor.target.counts] } },
  )
  const detectorId = digestJson({
    seasonVersion,
    kind: plan.kind,
    fingerprint: detector.fingerprint,
    base: base.detectorId,
    learned,
  })
  const model: CompiledModel = { ...base, detector, detectorId }
  const sources = monitors.map((monitor) => monitor?.source ?? null)

  const judge: SliceJudge = {
    detectorId,
    restore: (bytes) => (bytes === null ? initialState(detector) : decodeState(detector, bytes)),
    save: encodeState,
    carry: (before, state) =>
      before.detectorId === base.detectorId ? initialState(detector) : carrySeasonState(season, state),
    async evaluate(state, input) {
      const { startMs, windowStartMs } = input.slice
      const references = await seasonReferences(plan, history, startMs, sources)
      // A sliding window holds several phases; its distances stay those from the baseline.
      const tumbling = windowStartMs === startMs
      const subjects = await Promise.all(
        base.subjects.map(async (_, i): Promise<SubjectSeason> => {
          const reference = references[i] ?? null
          if (sources[i] === null) return { reference: baselineInstead(plan), compare: null }
          return {
            reference: seasonReference(plan, reference),
            compare: tumbling && reference !== null ? await comparisonWith(history, reference, i) : null,
          }
        }),
      )
      return evaluateSlice(model, state, {
        ...input,
        season: { subjects, step: (inputs) => stepSeason(season, state, inputs, references, startMs) },
      })
    },
  }
  judges.set(season, judge)
  return judge
}

async function comparisonWith(
  history: EvaluatedHistory,
  reference: SeasonReference,
  index: number,
): Promise<NonNullable<SubjectSeason['compare']>> {
  const phases: (PhaseMoments | null)[] = []
  for (const start of reference.starts) phases.push((await history.unit(start))?.moments[index] ?? null)
  return (baseline, window) => seasonComparison(baseline, reference, phases, window)
}

function seasonReference({ kind }: SeasonPlan, reference: SeasonReference | null): ResultReference {
  return {
    kind: 'season',
    season: kind,
    values: reference?.values ?? 0,
    windows: reference?.starts.length ?? 0,
    oldestMs: reference?.starts.at(-1) ?? null,
    newestMs: reference?.starts[0] ?? null,
    note: reference === null ? 'too few earlier windows of this phase' : null,
  }
}

/** For a monitor that had too few rows when the season was learned. */
function baselineInstead({ kind }: SeasonPlan): ResultReference {
  const note = 'too few rows for a season'
  return { kind: 'baseline', season: kind, values: null, windows: null, oldestMs: null, newestMs: null, note }
}
