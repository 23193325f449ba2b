import { sumOf } from '../../stats/histogram-cells.ts'
import type { MonitorInput } from './detector-step.ts'
import { fewestReferenceRows, fewestReferenceWindows, referenceStarts, type SeasonPlan } from './season-plan.ts'

/** What the monitors saw in one phase of the past: an hour, as a rule. */
export interface SeasonUnit {
  /** In the order of the monitors; null where there was no data, or none that fits. */
  readonly inputs: readonly (MonitorInput | null)[]
  /** Whose verdict of the time was drift: such a window is not what the season looks like. */
  readonly drift: readonly UnitDrift[]
}

export type UnitDrift = 'none' | 'by-baseline' | 'by-season'

/**
 * Which windows of a monitor make up its season: those without drift, or, where the baseline calls so much a drift that it is the
 * baseline that does not fit, those without drift of the season.
 */
export type SeasonSource = 'no-drift' | 'no-season-drift'

export function isUsable(source: SeasonSource, drift: UnitDrift | undefined): boolean {
  return drift === 'none' || (drift === 'by-baseline' && source === 'no-season-drift')
}

/** The past, by the start of a phase in ms; null where nothing was evaluated. */
export interface SeasonHistory {
  unit(startMs: number): Promise<SeasonUnit | null>
}

/** The sum of a monitor's past windows of one phase. */
export interface SeasonReference extends MonitorInput {
  readonly counts: Float64Array
  /** Sum of the counts. */
  readonly values: number
  /** Start of the windows it was summed from, newest first. */
  readonly starts: readonly number[]
}

/**
 * The references of a slice, per monitor: the newest usable windows of its phase that are at least the plan's lag old, as many
 * as the plan has cycles, and more where these hold fewer than 1000 values. Null for a monitor without enough of them.
 *
 * Only the past before the slice enters, so given the past the reference is fixed.
 *
 * @param sources per monitor; null for those that are not compared by season.
 */
export async function seasonReferences(
  plan: SeasonPlan,
  history: SeasonHistory,
  startMs: number,
  sources: readonly (SeasonSource | null)[],
): Promise<(SeasonReference | null)[]> {
  const sums = sources.map((): Draft => ({ counts: null, missing: 0, invalid: 0, rows: 0, values: 0, starts: [] }))
  const open = new Set(sources.flatMap((source, monitor) => (source === null ? [] : [monitor])))
  for (const start of referenceStarts(plan, startMs)) {
    if (open.size === 0) break
    const unit = await history.unit(start)
    if (unit === null) continue
    for (const monitor of open) {
      const input = unit.inputs[monitor] ?? null
      if (input === null || input.rows === 0 || !isUsable(sources[monitor]!, unit.drift[monitor])) continue
      const sum = sums[monitor]!
      if (sum.counts === null) sum.counts = Float64Array.from(input.counts)
      else if (sum.counts.length !== input.counts.length) continue
      else for (let i = 0; i < sum.counts.length; i++) sum.counts[i]! += input.counts[i]!
      sum.missing += input.missing
      sum.invalid += input.invalid
      sum.rows += input.rows
      sum.values += sumOf(input.counts)
      sum.starts.push(start)
      if (sum.starts.length >= plan.cycles && sum.values >= fewestReferenceRows) open.delete(monitor)
    }
  }
  return sums.map(({ counts, ...rest }) =>
    counts === null || rest.values < fewestReferenceRows || rest.starts.length < fewestReferenceWindows
      ? null
      : { counts, ...rest },
  )
}

interface Draft {
  counts: Float64Array | null
  missing: number
  invalid: number
  rows: number
  values: number
  readonly starts: number[]
}
