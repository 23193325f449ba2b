import type { AttributionBaseline } from '@driftline/instrumentation/contract'
import { readRows } from '../rows/read-rows.ts'
import type { RowBatch } from '../rows/row-batch.ts'
import { AttributionTally } from './attribution-tally.ts'
import type { BaselineLayout, CategoricalLayout, NumericLayout } from './baseline-layout.ts'
import { decisionBound } from './bounds.ts'
import type { BuildBaselineOptions } from './build-options.ts'
import type { ChunkPlan } from './chunk-plan.ts'
import { ColumnTally, type RowPlaces } from './column-tally.ts'
import { categoryEncoder, numericEncoder, type Encoded, type Encoder } from './encode-cells.ts'
import type { NumericRows } from './numeric-rows.ts'
import { RowPlacer } from './row-places.ts'

/** Cells of chunks kept at most, 160 MB; beyond it segments are not cut into chunks. */
const maxChunkCells = 40_000_000

/** Counts of the second pass; exact, whatever the bounds. */
export interface RowsCounts {
  readonly rows: number
  /** As in the layout. */
  readonly features: readonly ColumnTally[]
  readonly classes: ColumnTally | undefined
  readonly labels: ColumnTally | undefined
  readonly score: ColumnTally | undefined
  readonly confidence: ColumnTally | undefined
  readonly value: ColumnTally | undefined
  /** Scores by label: one array of label x score cells per group. */
  readonly scoreByLabel: readonly Float64Array[] | undefined
  readonly attributions: AttributionBaseline | undefined
  /** Rows per group and chunk; group 0 is the whole, then the segments. */
  readonly groupRows: readonly number[]
  readonly chunkRows: readonly number[][] | undefined
  /** Whether segments are cut into chunks too. */
  readonly chunkedSegments: boolean
  /** Rows whose predicted class is not what score and threshold say, of those that have both. */
  readonly disagreeing: number
}

/** Second pass: counts every row in the cells of the layout. */
export async function countRows(
  layout: BaselineLayout,
  chunks: ChunkPlan | undefined,
  options: BuildBaselineOptions,
  kept?: NumericRows,
): Promise<RowsCounts> {
  const counter = new Counter(layout, chunks, kept, options)
  const report = { share: 0 }
  for await (const batch of readRows(options.file, {
    ...(options.format === undefined ? {} : { format: options.format }),
    columns: counter.columns,
    onProgress: (share) => (report.share = share),
  })) {
    counter.add(batch)
    options.onProgress?.({
      pass: 2,
      passes: kept === undefined || kept.stride === 1 ? 2 : 3,
      share: report.share,
      rows: counter.rows,
    })
  }
  return counter.result()
}

interface Counted {
  readonly column: string
  readonly encode: Encoder
  readonly tally: ColumnTally
}

class Counter {
  rows = 0
  readonly columns: readonly string[]
  readonly #layout: BaselineLayout
  readonly #chunks: ChunkPlan | undefined
  readonly #groups: number
  readonly #chunkedSegments: boolean
  readonly #features: readonly Counted[]
  readonly #classes: Counted | undefined
  readonly #labels: Counted | undefined
  readonly #score: Counted | undefined
  readonly #confidence: Counted | undefined
  readonly #value: Counted | undefined
  readonly #attributions: AttributionTally | undefined
  readonly #placer: RowPlacer
  readonly #kept: NumericRows | undefined
  readonly #scoreByLabel: readonly Float64Array[] | undefined
  readonly #groupRows: number[]
  readonly #chunkRows: readonly number[][]
  #disagreeing = 0
  #size = 0
  #encoded = emptyEncoded(0)
  #labelCells = emptyEncoded(0)
  #classCells = emptyEncoded(0)

  constructor(
    layout: BaselineLayout,
    chunks: ChunkPlan | undefined,
    kept: NumericRows | undefined,
    { attributions }: Pick<BuildBaselineOptions, 'attributions'>,
  ) {
    this.#layout = layout
    this.#chunks = chunks
    this.#kept = kept
    this.#placer = new RowPlacer(layout.segments, chunks)
    const segments = layout.segments?.names ?? []
    this.#groups = 1 + segments.length
    const { features, classes, labels, score, confidence, value } = layout
    const everything = [...features, classes, labels, score, confidence, value].filter((one) => one !== undefined)
    const cells = everything.reduce((sum, one) => sum + cellsOf(one), 0)
    this.#chunkedSegments = chunks !== undefined && cells * chunks.count * this.#groups <= maxChunkCells
    this.#features = features.map((one) => this.#counted(one))
    this.#classes = classes && this.#counted({ kind: 'categorical', ...classes })
    this.#labels = labels && this.#counted({ kind: 'categorical', ...labels })
    this.#score = score && this.#counted(score)
    this.#confidence = confidence && this.#counted(confidence)
    this.#value = value && this.#counted(value)
    if (labels !== undefined && score !== undefined) {
      const width = cellsOf(labels) * cellsOf(score)
      this.#scoreByLabel = Array.from({ length: this.#groups }, () => new Float64Array(width))
    }
    this.#groupRows = Array.from({ length: this.#groups }, () => 0)
    this.#chunkRows = Array.from({ length: chunks === undefined ? 0 : this.#chunkedSegments ? this.#groups : 1 }, () =>
      Array.from({ length: chunks!.count }, () => 0),
    )
    const names = features.map(({ column }) => column)
    this.#attributions = attributions && new AttributionTally(names, attributions, chunks?.count)
    const needed = [...everything.map(({ column }) => column), ...this.#placer.columns]
    this.columns = [...new Set([...needed, ...(this.#attributions?.columns ?? [])])]
  }

  add(batch: RowBatch): void {
    this.#grow(batch.rows)
    const places = this.#place(batch)
    const count = (one: Counted | undefined, encoded: Encoded): void => {
      if (one === undefined) return
      one.encode(batch.columns.get(one.column), batch.text, 0, batch.rows, encoded)
      one.tally.add(encoded, batch.rows, places)
    }
    this.#kept?.begin(batch.rows, places)
    this.#features.forEach((feature, i) => {
      count(feature, this.#encoded)
      this.#kept?.put(i, this.#encoded)
    })
    this.#kept?.end()
    count(this.#confidence, this.#encoded)
    count(this.#value, this.#encoded)
    count(this.#classes, this.#classCells)
    count(this.#labels, this.#labelCells)
    count(this.#score, this.#encoded)
    this.#countScores(batch.rows, places.group)
    this.#attributions?.add(batch, places)
    this.rows += batch.rows
  }

  result(): RowsCounts {
    return {
      rows: this.rows,
      features: this.#features.map(({ tally }) => tally),
      classes: this.#classes?.tally,
      labels: this.#labels?.tally,
      score: this.#score?.tally,
      confidence: this.#confidence?.tally,
      value: this.#value?.tally,
      scoreByLabel: this.#scoreByLabel,
      attributions: this.#attributions?.result(),
      groupRows: this.#groupRows,
      chunkRows: this.#chunks === undefined ? undefined : this.#chunkRows,
      chunkedSegments: this.#chunkedSegments,
      disagreeing: this.#disagreeing,
    }
  }

  #counted(layout: BaselineLayout['features'][number] | NumericLayout): Counted {
    const tally = new ColumnTally({
      cells: cellsOf(layout),
      ...('bounds' in layout ? { origin: layout.mean } : {}),
      ...('range' in layout ? { range: layout.range } : {}),
      groups: this.#groups,
      chunks: this.#chunks?.count ?? 0,
      chunkAllGroups: this.#chunkedSegments,
    })
    const encode =
      'bounds' in layout ? numericEncoder(layout.bounds) : categoryEncoder(layout.categories, layout.kind === 'boolean')
    return { column: layout.column, encode, tally }
  }

  #grow(rows: number): void {
    if (rows <= this.#size) return
    this.#size = rows
    this.#encoded = emptyEncoded(rows)
    this.#labelCells = emptyEncoded(rows)
    this.#classCells = emptyEncoded(rows)
  }

  /** Finds the group and the chunk of every row. */
  #place(batch: RowBatch): RowPlaces {
    const { rows } = batch
    const places = this.#placer.place(batch)
    const { group, chunk } = places
    this.#groupRows[0]! += rows
    for (let row = 0; row < rows; row++) {
      const own = group?.[row] ?? 0
      if (own > 0) this.#groupRows[own]!++
      if (chunk === undefined) continue
      this.#chunkRows[0]![chunk[row]!]!++
      if (own > 0 && this.#chunkedSegments) this.#chunkRows[own]![chunk[row]!]!++
    }
    return places
  }

  /** Scores by label, and whether predicted classes follow from scores; `#encoded` still holds the scores. */
  #countScores(rows: number, group: Int32Array | undefined): void {
    const { score, decision, classes } = this.#layout
    if (score === undefined) return
    const width = score.bounds.length + 1
    const threshold = decision === undefined ? Number.NaN : decisionBound(decision.threshold, decision.rule)
    const positive = decision === undefined ? -1 : (classes?.categories.indexOf(decision.positiveClass) ?? -1)
    for (let row = 0; row < rows; row++) {
      const cell = this.#encoded.cells[row]!
      if (cell < 0) continue
      if (this.#scoreByLabel !== undefined) {
        const label = this.#labelCells.cells[row]!
        if (label >= 0) {
          this.#scoreByLabel[0]![label * width + cell]!++
          const own = group?.[row] ?? 0
          if (own > 0) this.#scoreByLabel[own]![label * width + cell]!++
        }
      }
      if (positive < 0) continue
      const predicted = this.#classCells.cells[row]!
      if (predicted >= 0 && (predicted === positive) !== this.#encoded.numbers[row]! > threshold) this.#disagreeing++
    }
  }
}

function emptyEncoded(rows: number): Encoded {
  return { cells: new Int32Array(rows), numbers: new Float64Array(rows) }
}

function cellsOf(layout: NumericLayout | CategoricalLayout): number {
  return 'bounds' in layout ? layout.bounds.length + 1 : layout.categories.length + 1
}
