import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { slot, type BlockShape } from '../../observation/block.ts'
import { Totals } from '../../observation/totals.ts'
import type { SegmentTotals } from '../store.ts'
import { ShapeDecoder, type ShapedValues, type StoredSeries } from './stored-shape.ts'

/** Sums blocks, and saved windows where blocks were pruned. */
export class TotalsReader {
  /** Decoders of stored shapes; a hundred or so of a few hundred series each, where recorders are alike. */
  static readonly #keptDecoders = 1_024
  readonly #retention: StatementSync
  readonly #windows: StatementSync
  readonly #scopes: StatementSync
  readonly #blocks: StatementSync
  readonly #series: StatementSync
  readonly #decoders = new Map<number, ShapeDecoder>()
  #scratch = new Float64Array(4_096)

  constructor(database: DatabaseSync) {
    this.#retention = database.prepare('SELECT pruned_before_us AS prunedBefore FROM retention')
    this.#windows = database.prepare(
      `SELECT start_ms * 1000 AS start, end_ms * 1000 AS end, segment, baseline_digest AS baselineDigest, instances,
         through_sequence AS throughSequence, shape_id AS shapeId, data
       FROM windows WHERE version_id = ? AND start_ms >= ? AND start_ms < ? AND end_ms <= ? AND start_ms * 1000 < ?
       ORDER BY start_ms, end_ms DESC`,
    )
    this.#scopes = database.prepare(
      `SELECT scope_id AS id, segment, instance, baseline_digest AS baselineDigest FROM scopes WHERE version_id = ? ORDER BY scope_id`,
    )
    this.#blocks = database.prepare(
      `SELECT sequence, start_us AS start, shape_id AS shapeId, data FROM blocks
       WHERE scope_id = ? AND start_us >= ? AND start_us < ? ORDER BY start_us, end_us, part`,
    )
    this.#series = database.prepare('SELECT series FROM shapes WHERE shape_id = ?')
  }

  /** Within one read transaction of the caller. */
  totals(versionId: number, fromMs: number, toMs: number): SegmentTotals[] {
    const groups = new Map<string, GroupSum>()
    const group = (segment: string, baselineDigest: string): GroupSum => {
      const key = `${segment}\u0000${baselineDigest}`
      let found = groups.get(key)
      if (found === undefined) groups.set(key, (found = new GroupSum(segment, baselineDigest)))
      return found
    }
    const { prunedBefore } = this.#retention.get() as { prunedBefore: number }
    const standIns = fromMs * 1000 < prunedBefore ? this.#chooseWindows(versionId, fromMs, toMs, prunedBefore) : []
    for (const { rows } of standIns) {
      for (const row of rows) group(row.segment, row.baselineDigest).addWindow(this.#decode(row), row)
    }
    for (const scope of this.#scopes.all(versionId) as unknown as ScopeRow[]) {
      const { segment, instance, baselineDigest } = scope
      for (const row of this.#blocks.iterate(
        scope.id,
        fromMs * 1000,
        toMs * 1000,
      ) as Iterable<unknown> as Iterable<BlockRow>) {
        if (standIns.length > 0 && isIncluded(standIns, scope, row)) continue
        group(segment, baselineDigest).addBlock(this.#decode(row), row.sequence, instance)
      }
    }
    return [...groups.values()].map((sum) => sum.finish())
  }

  /** The saved sums that stand in for pruned blocks in the range, slice by slice. Within one read transaction of the caller. */
  savedSlices(versionId: number, fromMs: number, toMs: number): SavedSlice[] {
    const { prunedBefore } = this.#retention.get() as { prunedBefore: number }
    if (fromMs * 1000 >= prunedBefore) return []
    return this.#chooseWindows(versionId, fromMs, toMs, prunedBefore).map(({ start, end, rows }) => ({
      startMs: start / 1000,
      endMs: end / 1000,
      segments: rows.map((row) => {
        const sum = new GroupSum(row.segment, row.baselineDigest)
        sum.addWindow(this.#decode(row), row)
        return sum.finish()
      }),
    }))
  }

  /** Slices that lie in the range and do not overlap: where `every` was changed between, the longer one of two. */
  #chooseWindows(versionId: number, fromMs: number, toMs: number, prunedBefore: number): StandIn[] {
    const chosen: StandIn[] = []
    for (const row of this.#windows.iterate(
      versionId,
      fromMs,
      toMs,
      toMs,
      prunedBefore,
    ) as Iterable<unknown> as Iterable<WindowRow>) {
      const last = chosen.at(-1)
      if (last !== undefined && row.start === last.start && row.end === last.end) last.rows.push(row)
      else if (last === undefined || row.start >= last.end) chosen.push({ start: row.start, end: row.end, rows: [row] })
    }
    return chosen
  }

  /** Into an array that the next call overwrites. */
  #decode({ shapeId, data }: { shapeId: number; data: Uint8Array }): ShapedValues & { readonly fixed: boolean } {
    let decoder = this.#decoders.get(shapeId)
    if (decoder === undefined) {
      const { series } = this.#series.get(shapeId) as { series: string }
      decoder = new ShapeDecoder(JSON.parse(series) as StoredSeries[])
      if (this.#decoders.size >= TotalsReader.#keptDecoders) this.#decoders.clear()
      this.#decoders.set(shapeId, decoder)
    }
    const { shape, values } = decoder.decode(data, (width) => {
      if (width > this.#scratch.length) this.#scratch = new Float64Array(width)
      return this.#scratch
    })
    return { shape, values, fixed: decoder.fixed }
  }
}

/** The sums that were saved of one slice. */
export interface SavedSlice {
  readonly startMs: number
  readonly endMs: number
  readonly segments: readonly SegmentTotals[]
}

interface ScopeRow {
  readonly id: number
  readonly segment: string
  readonly instance: string
  readonly baselineDigest: string
}

interface BlockRow {
  readonly sequence: number
  /** Microseconds. */
  readonly start: number
  readonly shapeId: number
  readonly data: Uint8Array
}

interface WindowRow {
  /** Microseconds. */
  readonly start: number
  readonly end: number
  readonly segment: string
  readonly baselineDigest: string
  readonly instances: number
  readonly throughSequence: number
  readonly shapeId: number
  readonly data: Uint8Array
}

/** A saved slice that stands in for its blocks. */
interface StandIn {
  readonly start: number
  readonly end: number
  readonly rows: WindowRow[]
}

/** Whether the saved sums hold this block already; one that came later is added to them. */
function isIncluded(
  standIns: readonly StandIn[],
  { segment, baselineDigest }: ScopeRow,
  { start, sequence }: BlockRow,
): boolean {
  let low = 0
  let high = standIns.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (standIns[middle]!.end <= start) low = middle + 1
    else high = middle
  }
  const standIn = standIns[low]
  if (standIn === undefined || start < standIn.start) return false
  return standIn.rows.some(
    (row) => row.segment === segment && row.baselineDigest === baselineDigest && sequence <= row.throughSequence,
  )
}

/** The sum of one segment under one baseline. */
class GroupSum {
  readonly #segment: string
  readonly #baselineDigest: string
  readonly #totals = new Totals()
  readonly #byShape = new Map<BlockShape, ShapeSum>()
  readonly #instances = new Set<string>()
  #savedInstances = 0
  #throughSequence = 0

  constructor(segment: string, baselineDigest: string) {
    this.#segment = segment
    this.#baselineDigest = baselineDigest
  }

  addBlock(block: ShapedValues & { readonly fixed: boolean }, sequence: number, instance: string): void {
    this.#instances.add(instance)
    if (sequence > this.#throughSequence) this.#throughSequence = sequence
    this.#add(block)
  }

  addWindow(window: ShapedValues & { readonly fixed: boolean }, row: WindowRow): void {
    // Which instances they were is not kept; the largest slice is the best that can be said.
    this.#savedInstances = Math.max(this.#savedInstances, row.instances)
    this.#throughSequence = Math.max(this.#throughSequence, row.throughSequence)
    this.#add(window)
  }

  finish(): SegmentTotals {
    for (const [shape, sum] of this.#byShape) this.#totals.add(shape, sum.finish())
    return {
      segment: this.#segment,
      baselineDigest: this.#baselineDigest,
      totals: this.#totals,
      instances: Math.max(this.#savedInstances, this.#instances.size),
      throughSequence: this.#throughSequence,
    }
  }

  #add({ shape, values, fixed }: ShapedValues & { readonly fixed: boolean }): void {
    // Ranges may differ with every block: nothing would be gained by a sum per shape.
    if (!fixed) {
      this.#totals.add(shape, values.length === shape.width ? values : values.subarray(0, shape.width))
      return
    }
    let sum = this.#byShape.get(shape)
    if (sum === undefined) this.#byShape.set(shape, (sum = new ShapeSum(shape)))
    sum.add(values)
  }
}

/** The sum of blocks of one shape, slot by slot; Totals.add looks at every series of every block and takes several times as long. */
class ShapeSum {
  readonly #sums: Float64Array
  /** First slot of every histogram, with its least and greatest value so far. */
  readonly #histograms: Int32Array
  readonly #least: Float64Array
  readonly #greatest: Float64Array

  constructor(shape: BlockShape) {
    this.#sums = new Float64Array(shape.width)
    this.#histograms = Int32Array.from(shape.offsets.filter((_, i) => shape.series[i]!.layout !== null))
    this.#least = new Float64Array(this.#histograms.length).fill(Number.NaN)
    this.#greatest = new Float64Array(this.#histograms.length).fill(Number.NaN)
  }

  add(values: Float64Array): void {
    const sums = this.#sums
    for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!
    for (let i = 0; i < this.#histograms.length; i++) {
      const offset = this.#histograms[i]!
      const min = values[offset + slot.min]!
      const max = values[offset + slot.max]!
      // Not (a <= b) is also true when a is the NaN of "nothing yet".
      if (!(this.#least[i]! <= min) && !Number.isNaN(min)) this.#least[i] = min
      if (!(this.#greatest[i]! >= max) && !Number.isNaN(max)) this.#greatest[i] = max
    }
  }

  finish(): Float64Array {
    for (let i = 0; i < this.#histograms.length; i++) {
      const offset = this.#histograms[i]!
      this.#sums[offset + slot.min] = this.#least[i]!
      this.#sums[offset + slot.max] = this.#greatest[i]!
    }
    return this.#sums
  }
}
