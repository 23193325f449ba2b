import type { FreezeSlice } from '../baseline/freeze-baseline.ts'
import { Totals } from '../observation/totals.ts'
import type { Store } from '../store/store.ts'

/** Slices whose rows are counted while learning: long enough that a day has 144, short enough that summing the newest is quick. */
export const learnSliceMs = 600_000

/** Divisors of `learnSliceMs`: the times that chunks may be made of. */
const stepsMs = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600].map((seconds) => seconds * 1000)

/** Slices that are read: twice the chunks that are aimed at. */
const aimedSlices = 336
/** Numbers in all slices: 128 MB while a baseline is made. */
const maxNumbers = 16_000_000

/**
 * Reads the data to be learned from, cut into short slices of time.
 *
 * @param occupied starts of the slices of `learnSliceMs` that hold data, in time order
 */
export async function readSlices(
  store: Pick<Store, 'totals'>,
  {
    model,
    version,
    occupied,
    firstMs,
    lastMs,
  }: {
    readonly model: string
    readonly version: string
    readonly occupied: readonly number[]
    readonly firstMs: number
    readonly lastMs: number
  },
): Promise<FreezeSlice[]> {
  const ranges = occupied
    .map((startMs) => ({ fromMs: Math.max(startMs, firstMs), toMs: Math.min(startMs + learnSliceMs, lastMs + 1) }))
    .filter(({ fromMs, toMs }) => fromMs < toMs)
  if (ranges.length === 0) return []
  const sample = ranges[0]!
  const width = sum(await store.totals(model, version, sample.fromMs, sample.toMs)).width
  const most = Math.max(1, Math.min(aimedSlices, Math.floor(maxNumbers / Math.max(width, 1))))
  const duration = ranges.reduce((all, { fromMs, toMs }) => all + toMs - fromMs, 0)
  const stepMs = stepsMs.find((step) => duration / step + ranges.length <= most) ?? learnSliceMs
  // Where there are more slices than can be read one by one, neighbours are read as one.
  const joined = Math.max(1, Math.ceil(ranges.length / most))
  const slices: FreezeSlice[] = []
  for (let i = 0; i < ranges.length; i += joined) {
    const { fromMs } = ranges[i]!
    const { toMs } = ranges[Math.min(i + joined, ranges.length) - 1]!
    const step = joined > 1 ? toMs - fromMs : stepMs
    for (let from = fromMs; from < toMs;) {
      const to = joined > 1 ? toMs : Math.min(toMs, (Math.floor(from / step) + 1) * step)
      const { totals } = sum(await store.totals(model, version, from, to))
      if (totals.size > 0) slices.push({ startMs: from, endMs: to, totals })
      from = to
    }
  }
  return slices
}

/** All segments and recorders as one. */
function sum(segments: Awaited<ReturnType<Store['totals']>>): { totals: Totals; width: number } {
  const totals = new Totals()
  for (const segment of segments) totals.addTotals(segment.totals)
  let width = 0
  for (const { values } of totals.entries()) width += values.length
  return { totals, width }
}
