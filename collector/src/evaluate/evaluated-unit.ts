import type { CompiledModel } from './compile-model.ts'
import { distributionOf, monitorInput, type SliceCounts } from './evaluate-slice.ts'
import type { UnitDrift } from './evidence/season-reference.ts'
import { driftSignals, type Result } from './result.ts'
import { momentsOf } from './season-comparison.ts'
import type { EvaluatedUnit } from './slice-judge.ts'

/**
 * A phase of the past as seasons look at it. A baseline's verdict of drift counts only if the baseline knew its dispersion: one that did
 * not calls every cycle a drift.
 */
export function evaluatedUnit(model: CompiledModel, counts: SliceCounts, drifts: readonly Result[]): EvaluatedUnit {
  const drifting = new Map<string, UnitDrift>()
  for (const { status, signal, segment, feature, reference } of drifts) {
    if (status !== 'drift' || !driftSignals.includes(signal)) continue
    const key = keyOf(segment, signal, feature)
    if (reference?.kind === 'season') drifting.set(key, 'by-season')
    else if (!drifting.has(key)) drifting.set(key, 'by-baseline')
  }
  return {
    inputs: model.subjects.map((subject) => monitorInput(subject, counts)),
    drift: model.subjects.map(({ segment, signal, name, chunked }) => {
      const drift = drifting.get(keyOf(segment, signal, name)) ?? 'none'
      return drift === 'by-baseline' && !chunked ? 'none' : drift
    }),
    moments: model.subjects.map((subject) => momentsOf(distributionOf(subject, counts.get(subject.segment)))),
  }
}

function keyOf(segment: string, signal: string, name: string): string {
  return `${segment}\u0000${signal}\u0000${name}`
}

/** Numbers that units kept in memory may hold in all: 64 MB. */
const keptNumbers = 8_000_000

/** How many units may be kept; at least a week of hours. */
export function keptUnits(model: CompiledModel): number {
  let numbers = 0
  for (const { baselineCounts } of model.definitions) numbers += baselineCounts.length + 8
  return Math.max(168, Math.floor(keptNumbers / Math.max(numbers, 1)))
}
