import type { SegmentTotals, Store } from '../store/store.ts'
import type { CompiledModel } from './compile-model.ts'
import type { SliceCounts } from './evaluate-slice.ts'
import { evaluatedUnit, keptUnits } from './evaluated-unit.ts'
import type { EvaluatedHistory, EvaluatedUnit } from './slice-judge.ts'

export interface StoreHistory extends EvaluatedHistory {
  /** Slices from here on are about to be evaluated: what was read of them no longer holds. */
  forgetFrom(startMs: number): void
}

export interface StoreHistoryOptions {
  readonly store: Pick<Store, 'evaluations' | 'results' | 'totals'>
  readonly model: CompiledModel
  readonly name: string
  readonly version: string
  readonly everyMs: number
  /** Length of a phase, in ms. */
  readonly phaseMs: number
  readonly countsOf: (segments: readonly SegmentTotals[]) => SliceCounts
}

/** The evaluated slices of the store as the past of a season: sums that outlive their blocks. Keeps the units read last. */
export function createStoreHistory(options: StoreHistoryOptions): StoreHistory {
  const { store, model, name, version, everyMs, phaseMs, countsOf } = options
  const units = new Map<number, EvaluatedUnit | null>()
  const limit = keptUnits(model)
  let first: number | null = null

  async function read(startMs: number): Promise<EvaluatedUnit | null> {
    const range = { model: name, version, fromMs: startMs, toMs: startMs + phaseMs }
    const evaluations = (await store.evaluations(range)).filter((one) => one.endMs - one.startMs === everyMs)
    if (evaluations.length === 0) return null
    const drifts = evaluations.some(({ status }) => status === 'drift')
      ? await store.results({ ...range, status: 'drift', limit: model.subjects.length * 2 * evaluations.length })
      : []
    return evaluatedUnit(model, countsOf(await store.totals(name, version, startMs, startMs + phaseMs)), drifts)
  }

  return {
    async unit(startMs) {
      const known = units.get(startMs)
      if (known !== undefined) return known
      const unit = await read(startMs)
      if (units.size >= limit) units.delete(units.keys().next().value!)
      units.set(startMs, unit)
      return unit
    },
    async firstMs() {
      if (first !== null) return first
      for (let fromMs = 0; ;) {
        const page = await store.evaluations({
          model: name,
          version,
          fromMs,
          toMs: Number.MAX_SAFE_INTEGER,
          limit: 100,
        })
        first = page.find((one) => one.endMs - one.startMs === everyMs)?.startMs ?? null
        if (first !== null || page.length < 100) return first
        fromMs = page.at(-1)!.startMs + 1
      }
    },
    forgetFrom(startMs) {
      first = null
      for (const start of units.keys()) if (start + phaseMs > startMs) units.delete(start)
    },
  }
}
