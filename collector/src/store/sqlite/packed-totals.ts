import { makeShape, type Series } from '../../observation/block.ts'
import { Totals } from '../../observation/totals.ts'
import type { SegmentTotals } from '../store.ts'
import type { ShapedValues } from './stored-shape.ts'

/** Totals laid out like a block, so that they can be encoded, stored and sent between threads. */
export function packTotals(totals: Totals): ShapedValues {
  const entries = [...totals.entries()]
  const shape = makeShape(entries.map((entry) => entry.series))
  const values = new Float64Array(shape.width)
  entries.forEach((entry, i) => values.set(entry.values, shape.offsets[i]))
  return { shape, values }
}

/** What the reader thread sends for one segment. */
export interface PackedSegment extends Omit<SegmentTotals, 'totals'> {
  readonly series: readonly Series[]
  readonly values: Float64Array<ArrayBuffer>
}

export function packSegment({ totals, ...rest }: SegmentTotals): PackedSegment {
  const { shape, values } = packTotals(totals)
  return { ...rest, series: shape.series, values: values as Float64Array<ArrayBuffer> }
}

export function unpackSegment({ series, values, ...rest }: PackedSegment): SegmentTotals {
  const totals = new Totals()
  totals.add(makeShape(series), values)
  return { ...rest, totals }
}
