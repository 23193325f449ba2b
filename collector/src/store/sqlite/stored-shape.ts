import { layoutKey, type ExplicitLayout, type LogLinearLayout } from '@driftline/instrumentation/contract'
import {
  makeShape,
  seriesKey,
  type AttributeValue,
  type Block,
  type BlockShape,
  type Series,
} from '../../observation/block.ts'
import { decodeValues, encodeValues, maximumValueBytes } from './value-codec.ts'

/**
 * A block's shape as the database keeps it, once for all blocks that share it. The range of a log-linear histogram follows
 * the data and differs from export to export, so it is not part of the stored shape but stands before the block's values:
 * else a recorder without a baseline would bring a new shape with every block.
 */
export interface StoredShape {
  readonly key: string
  readonly series: readonly StoredSeries[]
}

export interface StoredSeries {
  readonly metric: string
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly layout: ExplicitLayout | { readonly kind: 'log-linear' } | null
}

/** What a block's bytes hold: its shape with ranges, and the values. */
export type ShapedValues = Pick<Block, 'shape' | 'values'>

const numbersPerRange = 6

export function storedShape(shape: BlockShape): StoredShape {
  if (!shape.series.some(isLogLinear)) return shape
  let key = ''
  const series = shape.series.map((one): StoredSeries => {
    const { metric, attributes, layout } = one
    const range = layout === null ? '' : layout.kind === 'explicit' ? layoutKey(layout) : 'log-linear'
    key += `${seriesKey(metric, attributes)}\u0003${range}\u0004`
    return layout?.kind === 'log-linear'
      ? { metric, attributes, layout: { kind: 'log-linear' } }
      : { metric, attributes, layout }
  })
  return { key, series }
}

function isLogLinear(series: StoredSeries): boolean {
  return series.layout?.kind === 'log-linear'
}

/** The most bytes that encodeShapedValues can write. */
export function maximumBytes(shape: BlockShape): number {
  return (shape.width + shape.series.length * numbersPerRange) * maximumValueBytes
}

/** Writes ranges, then values, to `bytes` from `position` on; returns the position after them. */
export function encodeShapedValues({ shape, values }: ShapedValues, bytes: Uint8Array, position: number): number {
  let at = position
  for (const { layout } of shape.series) {
    if (layout?.kind !== 'log-linear') continue
    const { scale, zeroThreshold, negative, positive } = layout
    at = encodeValues(
      [
        zigzag(scale),
        zeroThreshold,
        zigzag(negative.offset),
        negative.length,
        zigzag(positive.offset),
        positive.length,
      ],
      bytes,
      at,
    )
  }
  return encodeValues(values, bytes, at)
}

/** Whole numbers of both signs as whole numbers from 0 on, so that small ones stay short. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : value * -2 - 1
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

/** Reads the bytes of one stored shape back; shapes with the same ranges are the same object, up to a bound. */
export class ShapeDecoder {
  /** Whether every block of this stored shape has the same shape. */
  readonly fixed: boolean
  readonly #stored: readonly StoredSeries[]
  readonly #ranges: number
  readonly #byRange = new Map<string, BlockShape>()
  /** Enough for a service whose ranges wander between a few; beyond it, starting afresh costs less than keeping order. */
  static readonly #keptShapes = 64

  constructor(series: readonly StoredSeries[]) {
    this.#stored = series
    this.#ranges = series.filter(isLogLinear).length
    this.fixed = this.#ranges === 0
  }

  /**
   * @param scratch - gives the array that the values are written to the front of; longer than needed is fine.
   * @throws RangeError when the bytes are damaged.
   */
  decode(bytes: Uint8Array, scratch: (width: number) => Float64Array): ShapedValues {
    let at = 0
    let shape = this.#byRange.get('')
    if (!this.fixed || shape === undefined) {
      const numbers = new Float64Array(this.#ranges * numbersPerRange)
      at = decodeValues(bytes, 0, numbers, numbers.length)
      const key = numbers.join(',')
      shape = this.#byRange.get(key)
      if (shape === undefined) {
        shape = makeShape(this.#withRanges(numbers))
        if (this.#byRange.size >= ShapeDecoder.#keptShapes) this.#byRange.clear()
        this.#byRange.set(key, shape)
      }
    }
    const values = scratch(shape.width)
    const end = decodeValues(bytes, at, values, shape.width)
    if (end !== bytes.length) throw new RangeError(`packed values have ${bytes.length - end} bytes too many`)
    return { shape, values }
  }

  #withRanges(numbers: Float64Array): Series[] {
    let next = 0
    const read = (): number => numbers[next++]!
    return this.#stored.map(({ metric, attributes, layout }) => {
      if (layout?.kind !== 'log-linear') return { metric, attributes, layout }
      const ranged: LogLinearLayout = {
        kind: 'log-linear',
        scale: unzigzag(read()),
        zeroThreshold: read(),
        negative: { offset: unzigzag(read()), length: read() },
        positive: { offset: unzigzag(read()), length: read() },
      }
      return { metric, attributes, layout: ranged }
    })
  }
}
