import { DataFileError } from '../rows/data-file-error.ts'
import { listed } from '../rows/csv.ts'
import { formatOf, readRows } from '../rows/read-rows.ts'
import type { RowBatch } from '../rows/row-batch.ts'
import type { BuildBaselineOptions } from './build-options.ts'
import { fileOrder } from './chunk-plan.ts'
import { ColumnProfile, type ColumnKind } from './column-profile.ts'
import type { QuantileSketchOptions } from './quantile-sketch.ts'
import { TimeProfile } from './time-profile.ts'

/** Values of one column of which quantiles are exact. */
const exactValues = 200_000

/** Numbers that all columns keep together at most while quantiles are exact, and once they are sketched: 128 and 256 MB. */
const exactBudget = 16_000_000
const sketchBudget = 32_000_000

/** Doublings beyond the first level that the budget is made for: enough for 2^12 x 8192 rows. */
const expectedLevels = 12

/** What the first pass learned. */
export interface RowsProfile {
  readonly rows: number
  /** In the order of the file. */
  readonly features: readonly ColumnProfile[]
  /** Target, prediction, score and so on, by role. */
  readonly roles: ReadonlyMap<Role, ColumnProfile>
  readonly times: TimeProfile | undefined
  /** Columns that looked like features and hold nothing a feature is made of. */
  readonly unusable: readonly ColumnProfile[]
}

type Role = 'target' | 'prediction' | 'score' | 'value' | 'confidence' | 'segment'

/** What the values of each role are; targets and predictions are classes. */
const roleKinds: Readonly<Record<Role, ColumnKind>> = {
  target: 'categorical',
  prediction: 'categorical',
  score: 'numeric',
  value: 'numeric',
  confidence: 'numeric',
  segment: 'categorical',
}

/** First pass: rows, kinds, means, extremes, quantiles and categories. */
export async function profileRows(options: BuildBaselineOptions): Promise<RowsProfile> {
  const profile = new Profiler(options)
  const report = { share: 0 }
  for await (const batch of readRows(options.file, {
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(profile.wanted === undefined ? {} : { columns: profile.wanted }),
    onProgress: (share) => (report.share = share),
  })) {
    profile.add(batch)
    options.onProgress?.({ pass: 1, passes: 2, share: report.share, rows: profile.rows })
  }
  const learned = profile.finish()
  return { ...learned, features: await completeCategories(options, learned.features) }
}

/** Reads once more the columns whose first text came after numbers, so that the numbers count as categories too. */
async function completeCategories(
  options: BuildBaselineOptions,
  features: readonly ColumnProfile[],
): Promise<readonly ColumnProfile[]> {
  const incomplete = features.filter((feature) => feature.incomplete)
  if (incomplete.length === 0) return features
  const again = new Map(
    incomplete.map(({ column }) => [column, new ColumnProfile(column, 'categorical', { exactLimit: 0 })]),
  )
  for await (const batch of readRows(options.file, {
    ...(options.format === undefined ? {} : { format: options.format }),
    columns: [...again.keys()],
  })) {
    for (const [column, profile] of again) {
      const values = batch.columns.get(column)
      if (values !== undefined) profile.add(values, batch.rows, batch.text, batch.place)
    }
  }
  return features.map((feature) => {
    const profile = again.get(feature.column)
    if (profile === undefined) return feature
    Object.assign(profile.seen, feature.seen)
    profile.firstText = feature.firstText
    return profile
  })
}

class Profiler {
  rows = 0
  /** Columns to read; undefined for all. */
  readonly wanted: readonly string[] | undefined
  readonly #options: BuildBaselineOptions
  readonly #roles = new Map<Role, string>()
  readonly #features = new Map<string, ColumnProfile>()
  readonly #byRole = new Map<Role, ColumnProfile>()
  /** Columns that are no features. */
  readonly #apart = new Set<string>()
  readonly #found = new Set<string>()
  #sketch: QuantileSketchOptions = { exactLimit: exactValues }
  #times: TimeProfile | undefined

  constructor(options: BuildBaselineOptions) {
    this.#options = options
    const { columns = {}, features, exclude = [], types } = options
    for (const role of Object.keys(roleKinds) as Role[]) {
      const column = columns[role]
      if (column !== undefined) this.#roles.set(role, column)
    }
    const time = columns.time === fileOrder ? undefined : columns.time
    for (const column of [...this.#roles.values(), ...(time === undefined ? [] : [time]), ...exclude])
      this.#apart.add(column)
    for (const [column, kind] of types ?? []) if (kind === 'ignore') this.#apart.add(column)
    const named = features?.filter((column) => types?.get(column) !== 'ignore')
    if (named !== undefined) {
      this.wanted = [...new Set([...named, ...this.#roles.values(), ...(time === undefined ? [] : [time])])]
      // Named features keep their order, whatever the order of the file.
      this.#apart.clear()
    }
  }

  add(batch: RowBatch): void {
    if (batch.firstRow === 0) this.#start(batch)
    if (this.wanted === undefined) {
      for (const column of batch.columns.keys()) {
        this.#found.add(column)
        if (this.#isApart(column)) continue
        if (!this.#features.has(column)) this.#features.set(column, this.#newFeature(column))
      }
    } else for (const column of batch.columns.keys()) this.#found.add(column)
    for (const profile of [...this.#features.values(), ...this.#byRole.values()]) {
      const values = batch.columns.get(profile.column)
      if (values !== undefined) profile.add(values, batch.rows, batch.text, batch.place)
    }
    this.#times?.add(batch)
    this.rows += batch.rows
  }

  #isApart(column: string): boolean {
    const { attributions } = this.#options
    return this.#apart.has(column) || (attributions !== undefined && column.startsWith(attributions.prefix))
  }

  finish(): RowsProfile {
    const { file, features } = this.#options
    if (this.rows === 0) throw new DataFileError(file, 'has no rows')
    this.#checkNames()
    const profiles = [...this.#features.values()]
    const unusable = profiles.filter(({ kind }) => kind === undefined)
    const [bad] = unusable
    if (bad !== undefined && features !== undefined) {
      const what = bad.seen.dates > 0 ? 'dates' : 'lists or objects'
      throw new DataFileError(file, `column ${JSON.stringify(bad.column)} holds ${what}, which can not be a feature`)
    }
    const usable = profiles.filter(({ kind }) => kind !== undefined)
    if (usable.length === 0) throw new DataFileError(file, 'no column is left to be a feature')
    return { rows: this.rows, features: usable, roles: this.#byRole, times: this.#times, unusable }
  }

  #start(batch: RowBatch): void {
    const { file, format = formatOf(file), columns = {}, features } = this.#options
    const numbers = Math.max(1, this.wanted?.length ?? batch.columns.size)
    const levelSize = 2 ** Math.floor(Math.log2(sketchBudget / numbers / expectedLevels))
    this.#sketch = {
      exactLimit: Math.min(exactValues, Math.floor(exactBudget / numbers)),
      levelSize: Math.max(256, Math.min(8192, levelSize)),
    }
    // JSON lines show their fields only as they come; CSV and Parquet have them all at once.
    if (format !== 'jsonl') {
      for (const column of batch.columns.keys()) this.#found.add(column)
      this.#checkNames()
    }
    for (const [role, column] of this.#roles) {
      this.#byRole.set(role, new ColumnProfile(column, roleKinds[role], this.#sketch))
    }
    for (const column of features ?? []) {
      if (this.#options.types?.get(column) !== 'ignore') this.#features.set(column, this.#newFeature(column))
    }
    if (columns.time !== undefined && columns.time !== fileOrder) {
      this.#times = new TimeProfile(file, columns.time, exactValues)
    }
  }

  #newFeature(column: string): ColumnProfile {
    const declared = this.#options.types?.get(column)
    return new ColumnProfile(column, declared === 'ignore' ? undefined : declared, this.#sketch)
  }

  /** Every column that an option names must be there. */
  #checkNames(): void {
    const { file, columns = {}, features, exclude = [], types, ranges } = this.#options
    const named: [string, string | undefined][] = [
      ...Object.entries(columns).map(([role, column]): [string, string | undefined] => [`--${role}`, column]),
      ...(features ?? []).map((column): [string, string] => ['--features', column]),
    ]
    if (features === undefined) {
      for (const column of exclude) named.push(['--exclude', column])
      for (const column of types?.keys() ?? []) named.push(['--type', column])
      for (const column of ranges?.keys() ?? []) named.push(['--range', column])
    } else {
      // With a list of features only those are read; a name that is not among them is a slip.
      for (const [option, names] of [
        ['--type', types?.keys() ?? []],
        ['--range', ranges?.keys() ?? []],
      ] as const) {
        for (const column of names) {
          if (features.includes(column) || exclude.includes(column)) continue
          throw new DataFileError(
            file,
            `${option} names ${JSON.stringify(column)}, which is not one of the features: ${listed(features)}`,
          )
        }
      }
    }
    for (const [option, column] of named) {
      if (column === undefined || this.#found.has(column) || (option === '--time' && column === fileOrder)) continue
      throw new DataFileError(
        file,
        `has no column ${JSON.stringify(column)} (${option}); its columns are ${listed([...this.#found])}`,
      )
    }
  }
}
