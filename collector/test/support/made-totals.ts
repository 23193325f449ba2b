import { cellCount, type BucketLayout } from '@driftline/instrumentation/contract'
import { makeShape, type Series } from '../../src/observation/block.ts'
import { Totals } from '../../src/observation/totals.ts'

/** Stored series by hand: sums, and histograms in given cells. */
export class MadeTotals {
  readonly #series: Series[] = []
  readonly #values: number[] = []

  sum(metric: { readonly name: string }, attributes: Series['attributes'], value: number): this {
    this.#series.push({ metric: metric.name, attributes, layout: null })
    this.#values.push(value)
    return this
  }

  histogram(
    metric: { readonly name: string },
    attributes: Series['attributes'],
    layout: BucketLayout | readonly number[],
    counts: readonly number[],
    header: { readonly sum?: number; readonly min?: number; readonly max?: number } = {},
  ): this {
    const cells: BucketLayout = 'kind' in layout ? layout : { kind: 'explicit', bounds: layout }
    if (counts.length !== cellCount(cells)) throw new Error(`${counts.length} counts for ${cellCount(cells)} cells`)
    this.#series.push({ metric: metric.name, attributes, layout: cells })
    const count = counts.reduce((total, one) => total + one, 0)
    const { sum = Number.NaN, min = Number.NaN, max = Number.NaN } = header
    this.#values.push(count, sum, min, max, ...counts)
    return this
  }

  get totals(): Totals {
    const totals = new Totals()
    totals.add(makeShape(this.#series), Float64Array.from(this.#values))
    return totals
  }
}
