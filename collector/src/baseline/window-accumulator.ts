import type { Baseline, CategoricalSummary, InvalidReason, NumericSummary } from '@driftline/instrumentation/contract'
import type { Distribution, FeatureCounts, OutputCounts, OutputName, WindowCounts } from '../evaluate/window-counts.ts'
import type { RowBatch } from '../rows/row-batch.ts'
import { ColumnTally, type GroupTally } from './column-tally.ts'
import { categoryEncoder, numericEncoder, type Encoded, type Encoder } from './encode-cells.ts'
import { ReconstructionColumn } from './reconstruction-column.ts'

/** Which columns of a file hold the outputs of the model; those that are not named are not counted. */
export interface OutputColumns {
  /** The predicted class. */
  readonly class?: string
  readonly score?: string
  readonly confidence?: string
  /** Output of a regression model. */
  readonly value?: string
  /** The actual class, known later; empty where it is not known. */
  readonly label?: string
}

/** Counts rows of files in the cells of a baseline, as the recorder counts them in a server. */
export interface WindowAccumulator {
  /** Counts the rows from `fromRow` up to, not including, `toRow` of a batch. */
  add(batch: RowBatch, fromRow?: number, toRow?: number): void
  /** What was counted since the last call; starts anew. */
  take(): WindowCounts
}

/** The columns that an accumulator reads. */
export function columnsOf(baseline: Pick<Baseline, 'features'>, outputs: OutputColumns = {}): string[] {
  const names = [
    ...baseline.features.map(({ name }) => name),
    ...Object.values(outputs).filter((name) => name !== undefined),
  ]
  return [...new Set(names)]
}

/**
 * An accumulator for the features of a baseline and the outputs that are in named columns.
 *
 * A feature whose column a batch lacks counts as missing in all its rows, as it would in a server.
 */
export function createWindowAccumulator(
  baseline: Pick<Baseline, 'features' | 'predictions' | 'labels' | 'multivariate'>,
  outputs: OutputColumns = {},
): WindowAccumulator {
  const features = baseline.features.map((feature) =>
    feature.kind === 'numeric'
      ? numericColumn(feature.name, feature, feature.range)
      : categoricalColumn(feature.name, feature, feature.kind === 'boolean'),
  )
  const { classes, score, confidence, value } = baseline.predictions
  const outputColumns: [OutputName, CountedColumn][] = []
  if (classes !== undefined && outputs.class !== undefined) {
    outputColumns.push(['class', categoricalColumn(outputs.class, classes, false)])
  }
  for (const [name, summary] of [
    ['score', score],
    ['confidence', confidence],
    ['value', value],
  ] as const) {
    const column = outputs[name]
    if (summary !== undefined && column !== undefined) outputColumns.push([name, numericColumn(column, summary)])
  }
  const labels =
    baseline.labels === undefined || outputs.label === undefined
      ? null
      : categoricalColumn(outputs.label, baseline.labels, false)
  const all = [...features, ...outputColumns.map(([, column]) => column), ...(labels === null ? [] : [labels])]
  const errors = baseline.multivariate === undefined ? null : new ReconstructionColumn(baseline.multivariate)
  let rows = 0
  let encoded: Encoded = { cells: new Int32Array(0), numbers: new Float64Array(0) }
  return {
    add(batch, fromRow = 0, toRow = batch.rows) {
      const count = toRow - fromRow
      if (encoded.cells.length < count) {
        encoded = { cells: new Int32Array(count), numbers: new Float64Array(count) }
      }
      rows += count
      all.forEach((column, i) => {
        column.encode(batch.columns.get(column.name), batch.text, fromRow, toRow, encoded)
        column.tally.add(encoded, count)
        if (i < features.length) errors?.put(column.name, encoded, count)
      })
      errors?.count(count)
    },
    take() {
      const window: WindowCounts = {
        rows,
        features: new Map(features.map((column): [string, FeatureCounts] => [column.name, featureCounts(column)])),
        outputs: new Map(
          outputColumns.map(([name, column]): [OutputName, OutputCounts] => [
            name,
            { distribution: distribution(column) },
          ]),
        ),
        ...(labels === null ? {} : { labels: { distribution: distribution(labels), predictions: rows } }),
        ...(errors === null ? {} : { reconstruction: errors.take() }),
      }
      rows = 0
      for (const column of all) column.tally = column.newTally()
      return window
    },
  }
}

interface CountedColumn {
  readonly name: string
  readonly kind: 'numeric' | 'categorical'
  readonly encode: Encoder
  readonly newTally: () => ColumnTally
  tally: ColumnTally
}

function numericColumn(
  name: string,
  summary: NumericSummary,
  range?: { readonly min?: number; readonly max?: number },
): CountedColumn {
  const newTally = (): ColumnTally => new ColumnTally({ cells: summary.bounds.length + 1, origin: summary.mean, range })
  return { name, kind: 'numeric', encode: numericEncoder(summary.bounds), newTally, tally: newTally() }
}

function categoricalColumn(name: string, { categories }: CategoricalSummary, isBoolean: boolean): CountedColumn {
  const newTally = (): ColumnTally => new ColumnTally({ cells: categories.length + 1 })
  return { name, kind: 'categorical', encode: categoryEncoder(categories, isBoolean), newTally, tally: newTally() }
}

function distribution({ kind, tally }: CountedColumn): Distribution {
  const { counts, values, sum, sumOfSquares, min, max } = tally.group(0)
  if (kind === 'categorical') return { kind, counts, values }
  const none = values === 0
  return { kind, counts, values, sum, sumOfSquares, min: none ? Number.NaN : min, max: none ? Number.NaN : max }
}

function featureCounts(column: CountedColumn): FeatureCounts {
  const tally = column.tally.group(0)
  return { distribution: distribution(column), missing: tally.missing, invalid: invalidByReason(column, tally) }
}

function invalidByReason({ kind }: CountedColumn, tally: Readonly<GroupTally>): FeatureCounts['invalid'] {
  const counts: [InvalidReason, number][] = [
    ['missing', tally.missing],
    ['nan', tally.nan],
    ['infinite', tally.infinite],
    ['wrong_type', tally.wrongType],
    kind === 'numeric' ? ['out_of_range', tally.outOfRange] : ['unknown_category', tally.counts.at(-1)!],
  ]
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}
