import { compareCodePoints, otherCategory, type Decision } from '@driftline/instrumentation/contract'
import { DataFileError } from '../rows/data-file-error.ts'
import {
  decisionBound,
  defaultPercentages,
  equalPercentages,
  quantileBounds,
  rangeBounds,
  unitBounds,
} from './bounds.ts'
import type { BuildBaselineOptions } from './build-options.ts'
import type { ColumnKind, ColumnProfile } from './column-profile.ts'
import type { RowsProfile } from './profile-rows.ts'

/** Classes of a model; more are kept as `_OTHER`. */
const maxClasses = 1000

/** A segment with fewer rows is too small to be compared with. */
const minSegmentRows = 200

/** Segments that are kept, the largest ones; each costs as much as the whole. */
const maxSegments = 50

const defaultMaxCategories = 50
const defaultThreshold = 0.5

/** The cells in which the second pass counts. */
export interface BaselineLayout {
  readonly features: readonly FeatureLayout[]
  readonly classes?: CategoricalLayout
  readonly labels?: CategoricalLayout
  readonly score?: NumericLayout
  readonly confidence?: NumericLayout
  readonly value?: NumericLayout
  readonly decision?: Decision
  readonly segments?: { readonly column: string; readonly names: readonly string[] }
  /** The largest share by which the rank of a quantile bound can be off. */
  readonly boundsRankError: number
}

export type FeatureLayout =
  | ({ readonly kind: 'numeric'; readonly range?: { readonly min?: number; readonly max?: number } } & NumericLayout)
  | ({ readonly kind: 'categorical' | 'boolean' } & CategoricalLayout)

export interface NumericLayout {
  readonly column: string
  readonly bounds: readonly number[]
  /** Mean of the first pass, about which moments are summed. */
  readonly mean: number
}

export interface CategoricalLayout {
  readonly column: string
  /** In code-point order. */
  readonly categories: readonly string[]
}

/** Chooses bounds, categories, decision and segments from what the first pass saw. `note` is told what a person should know. */
export function planLayout(
  profile: RowsProfile,
  options: BuildBaselineOptions,
  note: (text: string) => void,
): BaselineLayout {
  const { manifest } = options
  const { roles } = profile
  const features = profile.features.map((column) => featureLayout(column, options))
  const outputClasses = manifest?.output?.classes
  const prediction = roles.get('prediction')
  const regression = roles.has('value') && prediction === undefined && !roles.has('score')
  const target = regression ? undefined : roles.get('target')
  if (regression && roles.has('target')) note('the target of a regression is not kept: labels are classes')
  const classes = prediction && classLayout(prediction, outputClasses, note)
  const labels = target && classLayout(target, outputClasses, note)
  const score = roles.get('score')
  const names = outputClasses ?? [...new Set([...(classes?.categories ?? []), ...(labels?.categories ?? [])])]
  const decision = score && decide(score, names, options, note)
  const confidence = roles.get('confidence')
  const value = roles.get('value')
  const segments = roles.get('segment')
  const numeric = [
    ...profile.features.filter(({ kind }) => kind === 'numeric'),
    ...(value === undefined ? [] : [value]),
  ]
  return {
    features,
    ...(classes === undefined ? {} : { classes }),
    ...(labels === undefined ? {} : { labels }),
    ...(score === undefined ? {} : { score: scoreLayout(score, decision, options) }),
    ...(confidence === undefined ? {} : { confidence: confidenceLayout(confidence, names.length, options) }),
    ...(value === undefined ? {} : { value: numericLayout(value, options) }),
    ...(decision === undefined ? {} : { decision }),
    ...(segments === undefined ? {} : { segments: segmentsLayout(segments, note) }),
    boundsRankError: Math.max(0, ...numeric.map(({ sketch }) => sketch.rankError)),
  }
}

function featureLayout(column: ColumnProfile, options: BuildBaselineOptions): FeatureLayout {
  const kind = column.kind as ColumnKind
  if (kind === 'boolean') return { kind, column: column.column, categories: ['false', 'true'] }
  const declared = options.manifest?.features.find(({ name }) => name === column.column)
  if (kind === 'categorical') {
    const categories =
      declared?.categories === undefined
        ? frequentCategories(column, options.maxCategories ?? defaultMaxCategories)
        : [...declared.categories].sort(compareCodePoints)
    return { kind, column: column.column, categories }
  }
  const range = options.ranges?.get(column.column) ?? declared?.range
  return { kind, ...numericLayout(column, options, range), ...(range === undefined ? {} : { range }) }
}

function numericLayout(
  column: ColumnProfile,
  { file, bins }: BuildBaselineOptions,
  range?: { readonly min?: number; readonly max?: number },
  forced: readonly number[] = [],
): NumericLayout {
  const { column: name, mean, min, max, sketch } = column
  if (sketch.count === 0) return { column: name, mean: 0, bounds: [...rangeBounds(range), ...forced] }
  // No sum of squares about the mean is larger.
  if (!Number.isFinite(mean) || !Number.isFinite((max - min) ** 2 * sketch.count)) {
    throw new DataFileError(
      file,
      `column ${JSON.stringify(name)}: values between ${min} and ${max} are too far apart for a mean and a variance`,
    )
  }
  const quantiles = sketch.quantiles(bins === undefined ? defaultPercentages : equalPercentages(bins))
  return { column: name, mean, bounds: quantileBounds({ min, max, quantiles, range, forced }) }
}

/** The most frequent categories in code-point order; a category called `_OTHER` counts as such. */
function frequentCategories({ categories }: ColumnProfile, most: number): string[] {
  return categories
    .ranked()
    .filter(({ text }) => text !== otherCategory)
    .slice(0, most)
    .map(({ text }) => text)
    .sort(compareCodePoints)
}

function classLayout(
  column: ColumnProfile,
  declared: readonly string[] | undefined,
  note: (text: string) => void,
): CategoricalLayout {
  if (declared !== undefined) return { column: column.column, categories: [...declared].sort(compareCodePoints) }
  if (column.categories.distinct > maxClasses) {
    note(`column ${column.column} has ${column.categories.distinct} classes; the ${maxClasses} most frequent are kept`)
  }
  return { column: column.column, categories: frequentCategories(column, maxClasses) }
}

/** Classes of which convention says which one is the positive one. */
const knownPositives: readonly (readonly [negative: string, positive: string])[] = [
  ['0', '1'],
  ['-1', '1'],
  ['false', 'true'],
  ['False', 'True'],
  ['no', 'yes'],
]

/** How the score becomes a class; undefined when that is not known, which is an error only if a threshold was given. */
function decide(
  score: ColumnProfile,
  classes: readonly string[],
  { file, manifest, ...options }: BuildBaselineOptions,
  note: (text: string) => void,
): Decision | undefined {
  const asked = options.threshold !== undefined || options.positiveClass !== undefined
  const threshold = options.threshold ?? manifest?.output?.decisionThreshold
  const found =
    classes.length === 0 ? '' : ` (classes: ${classes.slice(0, 5).join(', ')}${classes.length > 5 ? ', ...' : ''})`
  if (classes.length !== 2) {
    const why = `a decision needs two classes, and the data shows ${classes.length}${found}`
    if (asked) throw new DataFileError(file, why)
    note(`no decision threshold is kept: ${why}`)
    return undefined
  }
  const positiveClass =
    options.positiveClass ??
    manifest?.output?.positiveClass ??
    knownPositives.find((pair) => pair.every((name) => classes.includes(name)))?.[1]
  if (positiveClass === undefined || !classes.includes(positiveClass)) {
    const why =
      positiveClass === undefined
        ? `which class is positive is not told${found}; say it with --positive-class`
        : `there is no class ${JSON.stringify(positiveClass)}${found}`
    if (asked) throw new DataFileError(file, why)
    note(`no decision threshold is kept: ${why}`)
    return undefined
  }
  if (threshold === undefined && !insideUnit(score)) {
    note('no decision threshold is kept: the score is not between 0 and 1, so say it with --threshold')
    return undefined
  }
  return {
    threshold: threshold ?? defaultThreshold,
    rule: options.decisionRule ?? manifest?.output?.decisionRule ?? '>=',
    positiveClass,
    negativeClass: classes.find((name) => name !== positiveClass)!,
  }
}

function insideUnit({ min, max, sketch }: ColumnProfile): boolean {
  return sketch.count > 0 && min >= 0 && max <= 1
}

/** A probability gets 50 equal buckets, any other score quantiles; both a bound at the threshold. */
function scoreLayout(
  score: ColumnProfile,
  decision: Decision | undefined,
  options: BuildBaselineOptions,
): NumericLayout {
  const forced = decision === undefined ? [] : [decisionBound(decision.threshold, decision.rule)]
  if (insideUnit(score)) return { column: score.column, mean: score.mean, bounds: unitBounds(0, forced) }
  return numericLayout(score, options, undefined, forced)
}

/** The confidence in the best of k classes is at least 1/k, unless the user means something else by it. */
function confidenceLayout(column: ColumnProfile, classes: number, options: BuildBaselineOptions): NumericLayout {
  if (!insideUnit(column)) return numericLayout(column, options)
  const start = classes > 1 && column.min >= 1 / classes ? 1 / classes : 0
  return { column: column.column, mean: column.mean, bounds: unitBounds(start) }
}

function segmentsLayout(
  column: ColumnProfile,
  note: (text: string) => void,
): { readonly column: string; readonly names: readonly string[] } {
  const ranked = column.categories.ranked()
  const large = ranked.filter(({ count }) => count >= minSegmentRows)
  if (large.length < ranked.length) {
    note(
      `${ranked.length - large.length} of ${ranked.length} segments have fewer than ${minSegmentRows} rows and are left out`,
    )
  }
  if (large.length > maxSegments) note(`${large.length} segments are large enough; the ${maxSegments} largest are kept`)
  const names = large.slice(0, maxSegments).map(({ text }) => text)
  return { column: column.column, names: names.sort(compareCodePoints) }
}
