import { escape } from '@influxdata/influxdb-client'
import { cellCount } from '@driftline/instrumentation/contract'
import { histogramHeader, slot, type BlockShape, type Scope, type Series } from '../../observation/block.ts'
import type { SegmentTotals } from '../store.ts'
import type { IndexedScope } from './block-index.ts'
import {
  attributeTags,
  cellsPerPoint,
  layoutId,
  pointMeasurements,
  populationId,
  readableTag,
  seriesId,
} from './point-schema.ts'

/** Line beginnings of this many scopes are kept per shape. */
const keptScopes = 256

/** What lines of one series begin with: measurement and tags, for each of its points. */
interface SeriesPrefixes {
  /** Of the point that holds the header, or the value; then one per further `cellsPerPoint` cells. */
  readonly pages: readonly string[]
  readonly exactPages: readonly string[]
}

/**
 * Line protocol of blocks. What a line begins with is put together once per scope and shape, as tags do not change from one export
 * to the next.
 */
export class LineEncoder {
  #prefixes = new WeakMap<BlockShape, Map<number, readonly SeriesPrefixes[]>>()

  /**
   * @param turn - nanoseconds within the start's microsecond.
   * @returns one line per series, or several for one of more than `cellsPerPoint` cells.
   */
  encode(
    scope: IndexedScope,
    shape: BlockShape,
    values: Float64Array,
    { startMicros, turn, sequence }: { readonly startMicros: number; readonly turn: number; readonly sequence: number },
  ): string[] {
    let byScope = this.#prefixes.get(shape)
    if (byScope === undefined) this.#prefixes.set(shape, (byScope = new Map()))
    let prefixes = byScope.get(scope.id)
    if (prefixes === undefined) {
      const tags = { ...scopeTags(scope.scope), population: scope.population, instance: scope.instanceTag }
      prefixes = shape.series.map((series) => seriesPrefixes(series, tags))
      if (byScope.size >= keptScopes) byScope.clear()
      byScope.set(scope.id, prefixes)
    }
    const suffix = `sequence=${sequence} ${nanoseconds(startMicros, turn)}`
    const lines: string[] = []
    for (let i = 0; i < prefixes.length; i++) {
      encodeSeries(prefixes[i]!, shape.series[i]!, values, shape.offsets[i]!, suffix, lines)
    }
    return lines
  }
}

/** The sums of a slice, for the retention policy of windows: the same measurements without instances. */
export function encodeWindowLines(
  directoryId: string,
  slice: {
    readonly model: string
    readonly version: string
    readonly startMs: number
    readonly endMs: number
    readonly revision: number
  },
  segments: readonly SegmentTotals[],
): string[] {
  const lines: string[] = []
  for (const { segment, baselineDigest, totals, instances, throughSequence } of segments) {
    const scope = {
      model: slice.model,
      version: slice.version,
      segment,
      baselineDigest,
      instance: '',
      service: '',
      environment: '',
      manifestDigest: '',
    }
    const tags = {
      ...scopeTags(scope),
      population: populationId(directoryId, scope),
      slice: String((slice.endMs - slice.startMs) / 1000),
    }
    const suffix = `instances=${instances},revision=${slice.revision},sequence=${throughSequence} ${nanoseconds(slice.startMs * 1000, 0)}`
    for (const { series, values } of totals.entries()) {
      encodeSeries(seriesPrefixes(series, tags), series, values, 0, suffix, lines)
    }
  }
  return lines
}

/** As text: nanoseconds do not fit a double. */
function nanoseconds(micros: number, turn: number): string {
  return `${micros}${String(turn).padStart(3, '0')}`
}

function encodeSeries(
  prefixes: SeriesPrefixes,
  series: Series,
  values: Float64Array,
  offset: number,
  suffix: string,
  lines: string[],
): void {
  if (series.layout === null) {
    const value = values[offset]!
    if (Number.isFinite(value)) lines.push(`${prefixes.pages[0]!}value=${value},${suffix}`)
    else lines.push(`${prefixes.exactPages[0]!}values="${value}",${suffix}`)
    return
  }
  const end = offset + histogramHeader + cellCount(series.layout)
  if (!hasFloats(values, offset, end)) {
    prefixes.exactPages.forEach((prefix, page) => {
      const [from, to] = pageSlots(page, offset, end)
      lines.push(`${prefix}values="${values.subarray(from, to).join(',')}",${suffix}`)
    })
    return
  }
  for (let page = 0; page < prefixes.pages.length; page++) {
    const [from, to] = pageSlots(page, offset, end)
    let fields = ''
    let first = from
    if (page === 0) {
      fields = `count=${values[offset]!},`
      const sum = values[offset + slot.sum]!
      const min = values[offset + slot.min]!
      const max = values[offset + slot.max]!
      // Not told from the number of sums: counting them would cost the server as much as adding them.
      fields += Number.isNaN(sum) ? 'unsummed=1,' : `sum=${sum},`
      if (!Number.isNaN(min)) fields += `min=${min},`
      if (!Number.isNaN(max)) fields += `max=${max},`
      first += histogramHeader
    }
    // Most cells of most intervals are empty: leaving them out saves half of the bytes.
    for (let i = first; i < to; i++) if (values[i]! !== 0) fields += `b${i - first}=${values[i]!},`
    if (fields !== '') lines.push(`${prefixes.pages[page]!}${fields}${suffix}`)
  }
}

/** Slots of one point: the header and the first cells, then cells. */
function pageSlots(page: number, offset: number, end: number): [from: number, to: number] {
  const from = page === 0 ? offset : offset + histogramHeader + page * cellsPerPoint
  return [from, Math.min(end, offset + histogramHeader + (page + 1) * cellsPerPoint)]
}

/** Whether every slot is a number that InfluxDB takes; an absent sum, min or max is none that is sent. */
function hasFloats(values: Float64Array, offset: number, end: number): boolean {
  for (let i = offset; i < end; i++) {
    const value = values[i]!
    if (value - value === 0) continue
    const place = i - offset
    if (Number.isNaN(value) && (place === slot.sum || place === slot.min || place === slot.max)) continue
    return false
  }
  return true
}

function scopeTags({ model, version, segment, service, environment }: Scope): Record<string, string> {
  return {
    model: readableTag(model),
    version: readableTag(version),
    segment: readableTag(segment),
    service: readableTag(service),
    environment: readableTag(environment),
  }
}

function seriesPrefixes(series: Series, tags: Readonly<Record<string, string>>): SeriesPrefixes {
  const own: Record<string, string> = { ...tags, metric: readableTag(series.metric), series: seriesId(series) }
  for (const [name, value] of Object.entries(series.attributes)) {
    const tag = Object.hasOwn(attributeTags, name) ? attributeTags[name]! : undefined
    if (tag !== undefined && own[tag] === undefined) own[tag] = readableTag(String(value))
  }
  const layout = layoutId(series.layout)
  const points = series.layout === null ? 1 : Math.max(1, Math.ceil(cellCount(series.layout) / cellsPerPoint))
  const { measurement } = series.layout === null ? pointMeasurements.sum : pointMeasurements.histogram
  const pages = (name: string): string[] =>
    Array.from({ length: points }, (_, page) => {
      const all: Record<string, string> = { ...own, layout: page === 0 ? layout : `${layout}.${page}` }
      const list = Object.keys(all)
        .sort()
        .filter((key) => all[key] !== '')
        .map((key) => `,${key}=${escape.tag(all[key]!)}`)
      return `${escape.measurement(name)}${list.join('')} `
    })
  return { pages: pages(measurement), exactPages: pages(pointMeasurements.exact.measurement) }
}
