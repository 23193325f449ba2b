import { cellCount, layoutKey, type LogLinearLayout } from '@driftline/instrumentation/contract'
import { histogramHeader, seriesKey, slot, type BlockShape, type Series } from './block.ts'

/**
 * Sums of series over blocks. Explicit histograms are kept apart by layout, because cells of different bounds can not be
 * added; log-linear histograms of one series are brought to a common scale and range.
 */
export class Totals {
  readonly #entries = new Map<string, TotalsEntry>()
  readonly #byShape = new Map<string, TotalsEntry[]>()

  /** Adds one block's values, or the values of other totals with this shape. */
  add(shape: BlockShape, values: Float64Array): void {
    let targets = this.#byShape.get(shape.key)
    if (targets === undefined) {
      targets = shape.series.map((series) => this.#entryFor(series))
      this.#byShape.set(shape.key, targets)
    }
    for (let i = 0; i < targets.length; i++) {
      const offset = shape.offsets[i]!
      addSeries(targets[i]!, shape.series[i]!, values, offset)
    }
  }

  addTotals(other: Totals): void {
    for (const entry of other.entries()) addSeries(this.#entryFor(entry.series), entry.series, entry.values, 0)
  }

  /** One entry per series and layout, in the order of first appearance. */
  entries(): IterableIterator<TotalsEntry> {
    return this.#entries.values()
  }

  get size(): number {
    return this.#entries.size
  }

  #entryFor(series: Series): TotalsEntry {
    const kind =
      series.layout === null ? '' : series.layout.kind === 'explicit' ? layoutKey(series.layout) : 'log-linear'
    const key = `${seriesKey(series.metric, series.attributes)}\u0003${kind}`
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { series, values: emptyValues(series) }
      this.#entries.set(key, entry)
    }
    return entry
  }
}

export interface TotalsEntry {
  /** The layout may widen as log-linear histograms are added. */
  series: Series
  /** As in a block: one slot for a sum, header and cells for a histogram. */
  values: Float64Array
}

function emptyValues(series: Series): Float64Array {
  if (series.layout === null) return new Float64Array(1)
  const values = new Float64Array(histogramHeader + cellCount(series.layout))
  values[slot.min] = Number.NaN
  values[slot.max] = Number.NaN
  return values
}

function addSeries(target: TotalsEntry, series: Series, values: Float64Array, offset: number): void {
  const sums = target.values
  if (series.layout === null) {
    sums[0]! += values[offset]!
    return
  }
  const targetLayout = target.series.layout!
  if (series.layout.kind === 'log-linear' && layoutKey(series.layout) !== layoutKey(targetLayout)) {
    addLogLinear(target, targetLayout as LogLinearLayout, series, series.layout, values, offset)
    return
  }
  addHeader(sums, values, offset)
  const end = histogramHeader + cellCount(targetLayout)
  for (let i = histogramHeader; i < end; i++) sums[i]! += values[offset + i]!
}

/** Count and sum add up; a sum that is absent on either side is absent in the total. Min and max ignore absent values. */
function addHeader(sums: Float64Array, values: Float64Array, offset: number): void {
  sums[slot.count]! += values[offset]!
  sums[slot.sum]! += values[offset + slot.sum]!
  const min = values[offset + slot.min]!
  const max = values[offset + slot.max]!
  if (!(sums[slot.min]! <= min) && !Number.isNaN(min)) sums[slot.min] = min
  if (!(sums[slot.max]! >= max) && !Number.isNaN(max)) sums[slot.max] = max
}

function addLogLinear(
  target: TotalsEntry,
  targetLayout: LogLinearLayout,
  series: Series,
  layout: LogLinearLayout,
  values: Float64Array,
  offset: number,
): void {
  const common = commonLogLinear(targetLayout, layout)
  const merged = new Float64Array(histogramHeader + cellCount(common))
  merged.set(target.values.subarray(0, histogramHeader))
  scatterLogLinear(targetLayout, target.values, 0, common, merged)
  scatterLogLinear(layout, values, offset, common, merged)
  addHeader(merged, values, offset)
  target.series = { ...series, layout: common }
  target.values = merged
}

/**
 * Cells of a log-linear layout, of both signs together, beyond which it goes to a coarser scale, down to `coarsestWanted`: four times what
 * recorders and SDKs send, so that what they saw in different ranges keeps its scale, and 5 KB. Histograms at scale 20 that are far apart
 * would else have a hundred million cells.
 */
export const maxCommonCells = 640

/** As coarse as any number of cells makes a layout; there, the doubles have 16,800 a side. */
const coarsestWanted = 3

/**
 * The coarser scale of two layouts, over a range that holds both; coarser still when the range has too many cells. In which order
 * layouts are brought together makes no difference.
 */
export function commonLogLinear(a: LogLinearLayout, b: LogLinearLayout): LogLinearLayout {
  const least = Math.min(a.scale, b.scale)
  const range = (side: 'negative' | 'positive', scale: number) => {
    const ends = [a, b].flatMap((layout) => {
      const { offset, length } = layout[side]
      if (length === 0) return []
      const shift = layout.scale - scale
      return [[offset >> shift, (offset + length - 1) >> shift] as const]
    })
    if (ends.length === 0) return { offset: 0, length: 0 }
    const first = Math.min(...ends.map((end) => end[0]))
    const last = Math.max(...ends.map((end) => end[1]))
    return { offset: first, length: last - first + 1 }
  }
  const at = (scale: number): LogLinearLayout => ({
    kind: 'log-linear',
    scale,
    zeroThreshold: Math.max(a.zeroThreshold, b.zeroThreshold),
    negative: range('negative', scale),
    positive: range('positive', scale),
  })
  return withFewCells(least, at)
}

/** The layout at the finest scale, up to the given one, at which there are not too many cells. */
export function withFewCells(finest: number, at: (scale: number) => LogLinearLayout): LogLinearLayout {
  let layout = at(finest)
  while (layout.scale > coarsestWanted && layout.negative.length + layout.positive.length > maxCommonCells)
    layout = at(layout.scale - 1)
  return layout
}

/** Adds the cells of a log-linear histogram to a layout that holds its range at the same or a coarser scale. */
export function scatterLogLinear(
  from: LogLinearLayout,
  values: Float64Array,
  offset: number,
  to: LogLinearLayout,
  sums: Float64Array,
): void {
  const shift = from.scale - to.scale
  const fromZero = offset + histogramHeader + from.negative.length
  const toZero = histogramHeader + to.negative.length
  sums[toZero]! += values[fromZero]!
  for (let i = 0; i < from.positive.length; i++) {
    const index = ((from.positive.offset + i) >> shift) - to.positive.offset
    sums[toZero + 1 + index]! += values[fromZero + 1 + i]!
  }
  for (let i = 0; i < from.negative.length; i++) {
    const index = ((from.negative.offset + i) >> shift) - to.negative.offset
    sums[toZero - 1 - index]! += values[fromZero - 1 - i]!
  }
}
