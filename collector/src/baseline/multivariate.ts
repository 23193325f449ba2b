import {
  explicitCell,
  maxMultivariateFeatures,
  ReconstructionErrors,
  type MultivariateBaseline,
  type NumericSummary,
  type ReconstructionSummary,
} from '@driftline/instrumentation/contract'
import { readRows } from '../rows/read-rows.ts'
import { principalComponents } from '../stats/principal-components.ts'
import type { BaselineLayout, NumericLayout } from './baseline-layout.ts'
import { defaultPercentages, equalPercentages, quantileBounds } from './bounds.ts'
import type { BuildBaselineOptions } from './build-options.ts'
import type { ChunkPlan } from './chunk-plan.ts'
import { ColumnTally, type RowPlaces } from './column-tally.ts'
import type { RowsCounts } from './count-rows.ts'
import { readNumber } from './encode-cells.ts'
import { NumericRows, type NumericColumn } from './numeric-rows.ts'
import type { RowsProfile } from './profile-rows.ts'
import { RowPlacer } from './row-places.ts'

/** Share of the variance that the components keep; what they leave is where a changed correlation shows (STATISTICS section 13). */
const explainedShare = 0.65

/** Rows that are measured at once. */
const blockRows = 1024

/** Gathers the numeric features that vary, for the second pass; undefined when they are too few or too many. */
export function planMultivariate(
  profile: RowsProfile,
  layout: BaselineLayout,
  chunks: ChunkPlan | undefined,
  options: BuildBaselineOptions,
  note: (text: string) => void,
): NumericRows | undefined {
  if (options.multivariate === false) return undefined
  const columns: NumericColumn[] = []
  profile.features.forEach(({ column, kind, min, max }, feature) => {
    if (kind === 'numeric' && min < max) columns.push({ column, feature })
  })
  if (columns.length < 2) return undefined
  if (columns.length > maxMultivariateFeatures) {
    note(
      `changes between features are not watched: ${columns.length} numeric features are more than ${maxMultivariateFeatures}, which a server can measure per row`,
    )
    return undefined
  }
  return new NumericRows(columns, {
    rows: profile.rows,
    segments: layout.segments !== undefined,
    chunks: chunks !== undefined,
    ...(options.maxKeptNumbers === undefined ? {} : { maxNumbers: options.maxKeptNumbers }),
  })
}

/** Errors of the baseline rows: of the whole, then per segment. */
export interface MultivariateCounts {
  readonly whole: MultivariateBaseline
  readonly segments: readonly ReconstructionSummary[]
}

/**
 * Finds the principal components of the rows that were kept, and counts the errors of all rows: from memory when all were kept, else in a
 * third pass over the file. Counts are exact either way; components and inner bounds come from the rows kept. Undefined when nothing
 * varies together with anything, to the precision of numbers.
 */
export async function measureMultivariate(
  kept: NumericRows,
  layout: BaselineLayout,
  chunks: ChunkPlan | undefined,
  counts: RowsCounts,
  options: BuildBaselineOptions,
): Promise<MultivariateCounts | undefined> {
  const columns = standardise(kept, layout, counts)
  const means = columns.map(({ mean }) => mean)
  const standardDeviations = columns.map(({ deviation }) => deviation)
  const basis = principalComponents(covariance(kept, columns), columns.length, explainedShare)
  if (basis === null) return undefined
  const components = basis.components.map((component) => [...component])
  const errors = new ReconstructionErrors({ means, standardDeviations, components })
  const measured = new Float64Array(kept.rows)
  const imputed = new Uint8Array(kept.rows)
  for (let from = 0; from < kept.rows; from += blockRows) {
    const to = Math.min(from + blockRows, kept.rows)
    columns.forEach(({ place }, i) => errors.put(i, kept.values(place).subarray(from, to), to - from))
    errors.measure(to - from, measured.subarray(from, to), imputed.subarray(from, to))
  }
  const tally = new ErrorTally({
    sample: measured,
    percentages: options.bins === undefined ? defaultPercentages : equalPercentages(options.bins),
    groups: counts.groupRows.length,
    chunks: chunks?.count ?? 0,
    chunkAllGroups: counts.chunkedSegments,
  })
  if (kept.stride === 1) tally.add(measured, imputed, kept.rows, kept.places)
  else await countFile({ columns, layout, chunks, errors, tally, options })
  return {
    whole: {
      kind: 'pca',
      name: 'pca',
      features: columns.map(({ column }) => column),
      means,
      standardDeviations,
      components,
      explainedVariance: basis.explained,
      ...tally.summary(0),
    },
    segments: (layout.segments?.names ?? []).map((_, i) => tally.summary(i + 1)),
  }
}

interface StandardisedColumn {
  readonly column: string
  /** In the rows kept. */
  readonly place: number
  readonly mean: number
  readonly deviation: number
}

/** Mean and standard deviation of each column, over all rows; columns whose variance is lost in rounding are left out. */
function standardise(kept: NumericRows, layout: BaselineLayout, counts: RowsCounts): StandardisedColumn[] {
  return kept.columns.flatMap(({ column, feature }, place) => {
    const { values, sum, sumOfSquares } = counts.features[feature]!.group(0)
    const shift = sum / values
    const deviation = Math.sqrt(sumOfSquares / values - shift * shift)
    // Its inverse must be a number too.
    if (!(deviation > 0) || !Number.isFinite(deviation) || !Number.isFinite(1 / deviation)) return []
    return [{ column, place, mean: (layout.features[feature] as NumericLayout).mean + shift, deviation }]
  })
}

/** Of the standardised values, the mean standing in for those that are missing; row-major. Divisor: the rows. */
function covariance(kept: NumericRows, columns: readonly StandardisedColumn[]): Float64Array {
  const size = columns.length
  const sums = new Float64Array(size * size)
  const block = columns.map(() => new Float64Array(blockRows))
  for (let from = 0; from < kept.rows; from += blockRows) {
    const count = Math.min(blockRows, kept.rows - from)
    columns.forEach(({ place, mean, deviation }, i) => {
      const values = kept.values(place)
      const target = block[i]!
      for (let row = 0; row < count; row++) {
        const value = values[from + row]!
        target[row] = value - value === 0 ? (value - mean) / deviation : 0
      }
    })
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) sums[i * size + j]! += dot(block[i]!, block[j]!, count)
    }
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) sums[j * size + i] = sums[i * size + j]! /= kept.rows
  }
  return sums
}

function dot(a: Float64Array, b: Float64Array, count: number): number {
  // Four sums that do not wait for each other.
  let first = 0
  let second = 0
  let third = 0
  let fourth = 0
  let i = 0
  for (; i + 3 < count; i += 4) {
    first += a[i]! * b[i]!
    second += a[i + 1]! * b[i + 1]!
    third += a[i + 2]! * b[i + 2]!
    fourth += a[i + 3]! * b[i + 3]!
  }
  for (; i < count; i++) first += a[i]! * b[i]!
  return first + second + (third + fourth)
}

interface FileErrors {
  readonly columns: readonly StandardisedColumn[]
  readonly layout: BaselineLayout
  readonly chunks: ChunkPlan | undefined
  readonly errors: ReconstructionErrors
  readonly tally: ErrorTally
  readonly options: BuildBaselineOptions
}

/** Third pass: the errors of every row of the file. */
async function countFile({ columns, layout, chunks, errors, tally, options }: FileErrors): Promise<void> {
  const placer = new RowPlacer(layout.segments, chunks)
  const report = { share: 0 }
  let rows = 0
  let values = new Float64Array(0)
  let measured = new Float64Array(0)
  let imputed = new Uint8Array(0)
  for await (const batch of readRows(options.file, {
    ...(options.format === undefined ? {} : { format: options.format }),
    columns: [...new Set([...columns.map(({ column }) => column), ...placer.columns])],
    onProgress: (share) => (report.share = share),
  })) {
    if (values.length < batch.rows) {
      values = new Float64Array(batch.rows)
      measured = new Float64Array(batch.rows)
      imputed = new Uint8Array(batch.rows)
    }
    columns.forEach(({ column }, i) => {
      const own = batch.columns.get(column)
      for (let row = 0; row < batch.rows; row++)
        values[row] = own === undefined ? Number.NaN : readNumber(own[row], batch.text)
      errors.put(i, values, batch.rows)
    })
    errors.measure(batch.rows, measured, imputed)
    tally.add(measured, imputed, batch.rows, placer.place(batch))
    rows += batch.rows
    options.onProgress?.({ pass: 3, passes: 3, share: report.share, rows })
  }
}

interface ErrorTallyOptions {
  /** Errors of some rows, from which the bounds come. */
  readonly sample: Float64Array
  readonly percentages: readonly number[]
  readonly groups: number
  readonly chunks: number
  readonly chunkAllGroups: boolean
}

/** Counts errors between quantiles; the outermost bounds, at the smallest and largest error, are known at the end. */
class ErrorTally {
  readonly #quantiles: readonly number[]
  readonly #origin: number
  readonly #tally: ColumnTally
  readonly #imputed: number[]
  #cells = new Int32Array(0)

  constructor({ sample, percentages, groups, chunks, chunkAllGroups }: ErrorTallyOptions) {
    const sorted = sample.slice().sort()
    this.#quantiles = [
      ...new Set(percentages.map((percent) => sorted[Math.max(1, Math.ceil((percent * sorted.length) / 100)) - 1]!)),
    ]
    this.#origin = sample.reduce((sum, error) => sum + error, 0) / sample.length
    const cells = this.#quantiles.length + 1
    this.#tally = new ColumnTally({ cells, origin: this.#origin, groups, chunks, chunkAllGroups })
    this.#imputed = Array.from({ length: groups }, () => 0)
  }

  add(errors: Float64Array, imputed: Uint8Array, rows: number, places: RowPlaces): void {
    if (this.#cells.length < rows) this.#cells = new Int32Array(rows)
    for (let row = 0; row < rows; row++) {
      this.#cells[row] = explicitCell(this.#quantiles, errors[row]!)
      if (imputed[row] === 0) continue
      this.#imputed[0]!++
      const own = places.group?.[row] ?? 0
      if (own > 0) this.#imputed[own]!++
    }
    this.#tally.add({ cells: this.#cells, numbers: errors }, rows, places)
  }

  summary(group: number): ReconstructionSummary {
    const whole = this.#tally.group(0)
    const bounds = quantileBounds({ min: whole.min, max: whole.max, quantiles: this.#quantiles })
    // Below the smallest error there is nothing, nor above the largest, which may be the last quantile.
    const spread = (counts: ArrayLike<number>): number[] => {
      const all = [0, ...Array.from(counts), 0]
      return all.slice(0, bounds.length + 1)
    }
    const { counts, values, sum, sumOfSquares, min, max } = this.#tally.group(group)
    const chunks = this.#tally.chunks(group)
    const shift = values === 0 ? 0 : sum / values
    const error: NumericSummary = {
      bounds,
      counts: spread(counts),
      values,
      mean: values === 0 ? 0 : Math.min(max, Math.max(min, this.#origin + shift)),
      variance: values === 0 ? 0 : Math.max(0, sumOfSquares / values - shift * shift),
      min: values === 0 ? 0 : min,
      max: values === 0 ? 0 : max,
      ...(chunks === undefined ? {} : { chunks: chunks.counts.map(spread) }),
    }
    return { error, imputed: this.#imputed[group]! }
  }
}
