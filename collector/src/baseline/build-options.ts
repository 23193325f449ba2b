import type { Manifest } from '@driftline/instrumentation/contract'
import type { RowFormat } from '../rows/read-rows.ts'
import type { AttributionColumns } from './attribution-tally.ts'
import type { ColumnKind } from './column-profile.ts'

export interface BuildBaselineOptions {
  /** The file of training rows. */
  readonly file: string
  readonly format?: RowFormat
  readonly model: { readonly name: string; readonly version: string }
  /** ISO 8601 time of the build. */
  readonly createdAt: string
  readonly columns?: RoleColumns
  /** The features in the order in which the model takes them; every other column of the file when absent. */
  readonly features?: readonly string[]
  readonly exclude?: readonly string[]
  /** Columns that tell how much each feature moved the prediction of its row; every feature needs one. */
  readonly attributions?: AttributionColumns
  /** Kinds of columns that the values do not tell, or tell wrongly. */
  readonly types?: ReadonlyMap<string, ColumnKind | 'ignore'>
  /** Allowed ranges, both ends inclusive. */
  readonly ranges?: ReadonlyMap<string, { readonly min?: number; readonly max?: number }>
  /** Gives features, kinds, ranges, categories, classes and threshold where the options do not. */
  readonly manifest?: Manifest
  readonly threshold?: number
  readonly decisionRule?: '>' | '>='
  readonly positiveClass?: string
  /** Chunks of equal row counts; 168, or fewer for few rows, when absent. */
  readonly chunks?: number
  /** Chunks of equal duration instead. */
  readonly chunkDurationMs?: number
  /** Categories kept of a feature, the most frequent ones. */
  readonly maxCategories?: number
  /** Cells of equal share for numeric features; the percentages of the statistics when absent. */
  readonly bins?: number
  /** False: without the principal components of the numeric features. */
  readonly multivariate?: boolean
  /** Numbers kept in memory for these; 32 million when absent. With fewer than the file has, components come from a sample of the rows. */
  readonly maxKeptNumbers?: number
  readonly onProgress?: (progress: BuildProgress) => void
}

/** Columns that are not plain features. */
interface RoleColumns {
  /** The actual class. */
  readonly target?: string
  /** The predicted class. */
  readonly prediction?: string
  readonly score?: string
  /** The output of a regression model. */
  readonly value?: string
  readonly confidence?: string
  /** Orders the rows; `@row` for the order of the file. */
  readonly time?: string
  readonly segment?: string
}

interface BuildProgress {
  readonly pass: number
  /** Passes that are known to be needed. */
  readonly passes: number
  /** Share of the file that this pass has read, 0 to 1. */
  readonly share: number
  /** Rows that this pass has read. */
  readonly rows: number
}
