import { attributes, metrics, otherCategory } from '@driftline/instrumentation/contract'
import { slot } from '../observation/block.ts'
import { filledCells, quantilesOf, type FilledCell } from '../observation/histogram-values.ts'
import type { Totals, TotalsEntry } from '../observation/totals.ts'
import type { ServingNumbers } from './result.ts'

/** Drop reasons that begin so are of outcomes; all others are of rows. */
const outcomeReason = 'outcome_'

/**
 * Health of the inference calls behind some totals: of all runtimes together, then of each by name. Durations are those of all calls,
 * failed ones too, interpolated in their buckets. Empty when no call and no dropped row was reported.
 */
export function servingOf(totals: Totals): ServingNumbers[] {
  const byRuntime = new Map<string, Calls>()
  const all = noCalls()
  const sizes: TotalsEntry[] = []
  const dropped = new Map<string, number>()
  for (const entry of totals.entries()) {
    const { metric, attributes: at } = entry.series
    if (metric === metrics.inferenceDuration.name) {
      const runtime = String(at[attributes.runtimeName.name] ?? otherCategory)
      const own = byRuntime.get(runtime) ?? noCalls()
      byRuntime.set(runtime, own)
      const failed = at[attributes.errorType.name] !== undefined
      for (const calls of [own, all]) addCalls(calls, entry, failed)
    } else if (metric === metrics.inferenceRows.name) sizes.push(entry)
    else if (metric === metrics.monitorDroppedRows.name) {
      const reason = String(at[attributes.dropReason.name] ?? otherCategory)
      dropped.set(reason, (dropped.get(reason) ?? 0) + entry.values[0]!)
    }
  }
  if (all.calls === 0 && dropped.size === 0) return []
  const runtimes = [...byRuntime].sort(([a], [b]) => (a < b ? -1 : 1))
  const rowsPerCall = meanOf(sizes)
  const whole = { ...numbersOf(null, all), rowsPerCall, ...drops(dropped) }
  const own = runtimes.map(([runtime, calls]) => ({
    ...numbersOf(runtime, calls),
    // Sizes of calls are sent for all runtimes together.
    rowsPerCall: runtimes.length === 1 ? rowsPerCall : null,
    droppedRows: null,
    dropped: {},
  }))
  return [whole, ...own]
}

interface Calls {
  calls: number
  errors: number
  /** NaN once a histogram came without one. */
  seconds: number
  readonly cells: FilledCell[]
  max: number
}

function noCalls(): Calls {
  return { calls: 0, errors: 0, seconds: 0, cells: [], max: Number.NEGATIVE_INFINITY }
}

function addCalls(calls: Calls, entry: TotalsEntry, failed: boolean): void {
  const { values } = entry
  const count = values[slot.count]!
  if (!(count > 0)) return
  calls.calls += count
  if (failed) calls.errors += count
  calls.seconds += values[slot.sum]!
  calls.cells.push(...filledCells(entry))
  calls.max = Math.max(calls.max, values[slot.max]!)
}

function numbersOf(runtime: string | null, { calls, errors, seconds, cells, max }: Calls) {
  const [p50, p90, p99] = quantilesOf(cells, [0.5, 0.9, 0.99])
  return {
    runtime,
    calls,
    errors,
    errorRate: calls > 0 ? errors / calls : null,
    p50: p50 ?? null,
    p90: p90 ?? null,
    p99: p99 ?? null,
    mean: calls > 0 && Number.isFinite(seconds) ? seconds / calls : null,
    max: Number.isFinite(max) ? max : null,
  }
}

/** Of histograms with a sum; null when there is none, or no value. */
function meanOf(entries: readonly TotalsEntry[]): number | null {
  let count = 0
  let sum = 0
  for (const { values } of entries) {
    if (!(values[slot.count]! > 0)) continue
    count += values[slot.count]!
    sum += values[slot.sum]!
  }
  return count > 0 && Number.isFinite(sum) ? sum / count : null
}

function drops(dropped: ReadonlyMap<string, number>): Pick<ServingNumbers, 'droppedRows' | 'dropped'> {
  let droppedRows = 0
  const reasons: Record<string, number> = {}
  for (const [reason, count] of dropped) {
    if (!reason.startsWith(outcomeReason)) droppedRows += count
    if (count > 0) reasons[reason] = count
  }
  return { droppedRows, dropped: reasons }
}
