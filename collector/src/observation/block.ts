import { cellCount, layoutKey, type BucketLayout } from '@driftline/instrumentation/contract'

/**
 * What the collector keeps of one export: all series of one scope over one interval, as deltas.
 *
 * A block is the unit of receiving, journaling and storing. `shape` says which series there are and where their numbers
 * stand in `values`; blocks of one recorder share their shape, so they are added up as plain arrays.
 */
export interface Block {
  readonly scope: Scope
  /** Interval in microseconds since the Unix epoch; start < end. */
  readonly startMicros: number
  readonly endMicros: number
  readonly shape: BlockShape
  /** `shape.width` numbers. */
  readonly values: Float64Array
}

/** Who measured: the identity that a block's series share. Absent parts are empty strings. */
export interface Scope {
  readonly model: string
  readonly version: string
  readonly segment: string
  readonly instance: string
  readonly service: string
  readonly environment: string
  readonly manifestDigest: string
  readonly baselineDigest: string
}

export type AttributeValue = string | number | boolean

export interface Series {
  /** Metric name, as in the contract. */
  readonly metric: string
  /** Point attributes, keys in code-unit order. */
  readonly attributes: Readonly<Record<string, AttributeValue>>
  /** Null for a sum; else the cells of a histogram. */
  readonly layout: BucketLayout | null
}

/**
 * A sum takes one slot. A histogram takes 4 + cells slots: count, sum, min, max, then the cells from low to high;
 * sum, min and max are NaN when they were not sent.
 */
export interface BlockShape {
  /** Equal for equal shapes. */
  readonly key: string
  readonly series: readonly Series[]
  /** First slot of each series. */
  readonly offsets: readonly number[]
  /** Slots in all. */
  readonly width: number
}

/** Slots of a histogram before its cells. */
export const histogramHeader = 4
export const slot = { count: 0, sum: 1, min: 2, max: 3 } as const

export function seriesWidth(series: Series): number {
  return series.layout === null ? 1 : histogramHeader + cellCount(series.layout)
}

/** Metric and attributes as one text: what makes two series the same, whatever their layout. The number 1 is not the text 1. */
export function seriesKey(metric: string, attributes: Readonly<Record<string, AttributeValue>>): string {
  let key = metric
  for (const name of Object.keys(attributes).sort()) {
    const value = attributes[name]!
    key += `\u0001${name}${typeof value === 'string' ? '\u0002' : '\u0005'}${value}`
  }
  return key
}

export function makeShape(series: readonly Series[]): BlockShape {
  const offsets: number[] = []
  let width = 0
  let key = ''
  for (const one of series) {
    offsets.push(width)
    width += seriesWidth(one)
    key += `${seriesKey(one.metric, one.attributes)}\u0003${one.layout === null ? '' : layoutKey(one.layout)}\u0004`
  }
  return { key, series, offsets, width }
}
