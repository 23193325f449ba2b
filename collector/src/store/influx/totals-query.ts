import { cellCount, type BucketLayout } from '@driftline/instrumentation/contract'
import { histogramHeader, makeShape, slot, type Series } from '../../observation/block.ts'
import { Totals } from '../../observation/totals.ts'
import type { BlockIndex } from './block-index.ts'
import { queryInflux, type QuerySeries } from './influx-query.ts'
import type { InfluxServer } from './influx-server.ts'
import { retentionPolicies } from './influx-settings.ts'
import { cellsPerPoint, pointMeasurements, readableTag } from './point-schema.ts'

/** Points of a model version with a start in [fromMicros, toMicros). */
export interface PointRange {
  readonly model: string
  readonly version: string
  readonly fromMicros: number
  readonly toMicros: number
}

/** InfluxDB keeps time as a signed number of nanoseconds in 64 bits. */
const maximumMicros = 9_223_372_036_854_000
const { histogram, sum, exact } = pointMeasurements
const groups = 'GROUP BY "population", "series", "layout"'

/**
 * Sums that InfluxDB computed, put together to what they were made from: by population, one set of slots per series and layout.
 */
export class PointSums {
  readonly #populations = new Map<string, Map<string, SeriesSum>>()
  readonly #layouts = new Map<string, { readonly layout: BucketLayout; readonly position: number } | null>()
  readonly #index: BlockIndex

  constructor(index: BlockIndex) {
    this.#index = index
  }

  /**
   * Adds the points of a range, summed by the server.
   *
   * @param throughSequence - leaves later points out; null when there are none.
   * @throws InfluxError
   */
  async addRange(server: InfluxServer, range: PointRange, throughSequence: number | null): Promise<void> {
    const { where, parameters } = condition(range)
    const only = throughSequence === null ? where : `${where} AND "sequence" <= ${throughSequence}`
    const from = `FROM "${histogram.measurement}" WHERE ${only} ${groups}`
    const ask = (text: string, take: (series: QuerySeries) => void): Promise<void> =>
      queryInflux(server, { text, parameters, retentionPolicy: retentionPolicies.raw }, take)
    // Two halves at the same time: the server sums the fields of one statement on one core.
    await Promise.all([
      ask(
        `SELECT sum("count") AS "count", sum("sum") AS "sum", max("unsummed") AS "unsummed",
           min("min") AS "min", max("max") AS "max", sum(/^b[0-9]*[02468]$/) ${from}`,
        (series) => this.#addHistograms(series),
      ),
      ask(
        [
          `SELECT sum(/^b[0-9]*[13579]$/) ${from}`,
          `SELECT sum("value") AS "value" FROM "${sum.measurement}" WHERE ${only} ${groups}`,
          `SELECT "values" FROM "${exact.measurement}" WHERE ${only} ${groups}`,
        ].join('; '),
        (series) => {
          if (series.statement === 0) this.#addHistograms(series)
          else if (series.statement === 1) this.#addSums(series)
          else this.#addExact(series)
        },
      ),
    ])
  }

  /**
   * Adds single blocks of a range, point by point.
   *
   * @throws InfluxError
   */
  async addBlocks(server: InfluxServer, range: PointRange, sequences: ReadonlySet<number>): Promise<void> {
    let first = Number.POSITIVE_INFINITY
    let last = 0
    for (const sequence of sequences) {
      first = Math.min(first, sequence)
      last = Math.max(last, sequence)
    }
    const { where, parameters } = condition(range)
    const only = `${where} AND "sequence" >= ${first} AND "sequence" <= ${last} ${groups}`
    const text = [
      `SELECT /^(sequence|count|sum|unsummed|min|max|b[0-9]+)$/ FROM "${histogram.measurement}" WHERE ${only}`,
      `SELECT "sequence", "value" FROM "${sum.measurement}" WHERE ${only}`,
      `SELECT "sequence", "values" FROM "${exact.measurement}" WHERE ${only}`,
    ].join('; ')
    await queryInflux(server, { text, parameters, retentionPolicy: retentionPolicies.raw }, (series) => {
      const place = series.columns.indexOf('sequence')
      const values = series.values.filter((row) => sequences.has(row[place] as number))
      if (series.statement === 0) this.#addHistograms({ ...series, values })
      else if (series.statement === 1) this.#addSums({ ...series, values })
      else this.#addExact({ ...series, values })
    })
  }

  /** Totals by population id, in the order in which series and layouts were first seen. */
  totals(): Map<string, Totals> {
    const all = new Map<string, Totals>()
    for (const [population, sums] of this.#populations) {
      const ordered = [...sums.values()].toSorted(
        (a, b) => a.position - b.position || a.layoutPosition - b.layoutPosition,
      )
      const totals = new Totals()
      const shape = makeShape(ordered.map(({ series }) => series))
      const values = new Float64Array(shape.width)
      ordered.forEach((one, i) => values.set(one.slots, shape.offsets[i]))
      totals.add(shape, values)
      all.set(population, totals)
    }
    return all
  }

  #addHistograms({ tags, columns, values }: QuerySeries): void {
    const cells = columns.flatMap((column, place) => {
      const match = /^(?:sum_)?b(\d+)$/.exec(column)
      return match === null ? [] : [{ place, cell: Number(match[1]) }]
    })
    const at = (name: string): number => columns.indexOf(name)
    const [count, total, unsummed, min, max] = [at('count'), at('sum'), at('unsummed'), at('min'), at('max')]
    for (const row of values) {
      const target = this.#target(tags)
      if (target === null) return
      const { slots, page } = target
      if (page === 0) {
        slots[slot.count]! += (row[count] as number | null) ?? 0
        // Absent on one side is absent in the total.
        slots[slot.sum]! += row[unsummed] === 1 ? Number.NaN : ((row[total] as number | null) ?? 0)
        extend(slots, (row[min] ?? null) as number | null, (row[max] ?? null) as number | null)
      }
      const first = histogramHeader + page * cellsPerPoint
      for (const { place, cell } of cells) {
        const value = row[place]
        if (value !== null && first + cell < slots.length) slots[first + cell]! += value as number
      }
    }
  }

  #addSums({ tags, columns, values }: QuerySeries): void {
    const place = columns.indexOf('value')
    for (const row of values) {
      const target = this.#target(tags)
      if (target === null) return
      target.slots[0]! += (row[place] as number | null) ?? 0
    }
  }

  #addExact({ tags, columns, values }: QuerySeries): void {
    const place = columns.indexOf('values')
    for (const row of values) {
      const target = this.#target(tags)
      if (target === null) return
      const { slots, page, isSum } = target
      const numbers = String(row[place]).split(',').map(Number)
      if (isSum) {
        slots[0]! += numbers[0]!
        continue
      }
      const header = page === 0 ? histogramHeader : 0
      if (page === 0) {
        slots[slot.count]! += numbers[slot.count]!
        slots[slot.sum]! += numbers[slot.sum]!
        extend(slots, numbers[slot.min]!, numbers[slot.max]!)
      }
      const first = histogramHeader + page * cellsPerPoint
      for (let i = header; i < numbers.length; i++) slots[first + i - header]! += numbers[i]!
    }
  }

  /** Null when the index does not know the ids: of points that were pruned, or written by another collector. */
  #target(
    tags: QuerySeries['tags'],
  ): { readonly slots: Float64Array; readonly page: number; readonly isSum: boolean } | null {
    const { population = '', series = '', layout = '' } = tags
    const [layoutId = '', page = '0'] = layout.split('.')
    let sums = this.#populations.get(population)
    if (sums === undefined) this.#populations.set(population, (sums = new Map()))
    const key = `${series} ${layoutId}`
    let one = sums.get(key)
    if (one === undefined) {
      const made = this.#makeSum(series, layoutId)
      if (made === null) return null
      sums.set(key, (one = made))
    }
    return { slots: one.slots, page: Number(page), isSum: one.series.layout === null }
  }

  #makeSum(id: string, layoutId: string): SeriesSum | null {
    const series = this.#index.seriesById(id)
    if (series === null) return null
    const { metric, attributes, position } = series
    if (layoutId === 'sum') {
      return { series: { metric, attributes, layout: null }, position, layoutPosition: -1, slots: new Float64Array(1) }
    }
    let found = this.#layouts.get(layoutId)
    if (found === undefined) this.#layouts.set(layoutId, (found = this.#index.layoutById(layoutId)))
    if (found === null) return null
    const slots = new Float64Array(histogramHeader + cellCount(found.layout))
    slots[slot.min] = Number.NaN
    slots[slot.max] = Number.NaN
    return { series: { metric, attributes, layout: found.layout }, position, layoutPosition: found.position, slots }
  }
}

interface SeriesSum {
  readonly series: Series
  readonly position: number
  readonly layoutPosition: number
  readonly slots: Float64Array
}

function extend(slots: Float64Array, min: number | null, max: number | null): void {
  if (min !== null && !Number.isNaN(min) && !(slots[slot.min]! <= min)) slots[slot.min] = min
  if (max !== null && !Number.isNaN(max) && !(slots[slot.max]! >= max)) slots[slot.max] = max
}

function condition({ model, version, fromMicros, toMicros }: PointRange): {
  where: string
  parameters: Record<string, string>
} {
  const parts = [`time >= ${nanoseconds(fromMicros)} AND time < ${nanoseconds(toMicros)}`]
  const parameters: Record<string, string> = {}
  // Two names may look alike as tags: what belongs to another population is left out afterwards.
  for (const [tag, name] of [
    ['model', readableTag(model)],
    ['version', readableTag(version)],
  ] as const) {
    if (name === '') continue
    parts.push(`"${tag}" = $${tag}`)
    parameters[tag] = name
  }
  return { where: parts.join(' AND '), parameters }
}

function nanoseconds(micros: number): string {
  const bounded = Math.max(0, Math.min(micros, maximumMicros))
  return `${BigInt(Math.ceil(bounded)) * 1000n}`
}
