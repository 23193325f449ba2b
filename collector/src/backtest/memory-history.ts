import type { CompiledModel } from '../evaluate/compile-model.ts'
import type { SliceCounts } from '../evaluate/evaluate-slice.ts'
import { evaluatedUnit } from '../evaluate/evaluated-unit.ts'
import type { SeasonPlan } from '../evaluate/evidence/season-plan.ts'
import type { Result } from '../evaluate/result.ts'
import type { EvaluatedHistory, EvaluatedUnit } from '../evaluate/slice-judge.ts'
import { addSliceCounts } from './slice-counts.ts'

export interface MemoryHistory extends EvaluatedHistory {
  /** Adds an evaluated slice; slices come in time order. */
  add(startMs: number, counts: SliceCounts, results: readonly Result[]): void
}

/** The past of one run over a file: as many phases as a season's references and learning reach back. */
export function createMemoryHistory(model: CompiledModel, plan: SeasonPlan): MemoryHistory {
  const { phaseMs, cycleMs, farthestCycle, learningCycles, generationCycles } = plan
  const reachMs = (farthestCycle + learningCycles + generationCycles) * cycleMs
  const units = new Map<number, EvaluatedUnit>()
  let first: number | null = null
  let open: { start: number; counts: SliceCounts; drifts: Result[] } | null = null

  return {
    unit: async (startMs) => units.get(startMs) ?? null,
    firstMs: async () => first,
    add(startMs, counts, results) {
      first ??= startMs
      const start = startMs - (startMs % phaseMs)
      const drifts = results.filter(({ status }) => status === 'drift')
      if (open !== null && open.start === start) {
        open.counts = addSliceCounts(open.counts, counts)
        open.drifts.push(...drifts)
        return
      }
      if (open !== null) units.set(open.start, evaluatedUnit(model, open.counts, open.drifts))
      open = { start, counts, drifts }
      for (const old of units.keys()) {
        if (old >= start - reachMs) break
        units.delete(old)
      }
    },
  }
}
