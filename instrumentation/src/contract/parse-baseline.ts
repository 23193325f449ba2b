import { baselineSchema, type Baseline } from './baseline.ts'
import { compareCodePoints } from './code-point-order.ts'
import { otherCategory } from './names.ts'
import { nextDown } from './next-down.ts'
import { maxBounds, maxCategories, maxChunks, maxFeatures } from './parse-limits.ts'
import { field, item, Problems, shown, sum, type Fields } from './parse-fields.ts'
import { checkAttributions } from './parse-attributions.ts'
import { checkBasis, multivariateFields, reconstructionFields } from './parse-multivariate.ts'

const numericFields = ['bounds', 'counts', 'values', 'mean', 'variance', 'min', 'max', 'chunks']
const categoricalFields = ['categories', 'counts', 'values', 'chunks']
const featureFields = ['name', 'kind', 'missing', 'invalid', 'chunkMissing', 'chunkInvalid']
const predictionFields = ['classes', 'score', 'confidence', 'value', 'scoreByLabel', 'decision']

/** A mean is a rounded sum; it may leave [min, max] by this share of their size and no more. */
const meanTolerance = 1e-9

/**
 * Reads a baseline that came from JSON, and checks that its numbers agree with each other: counts with bounds, values and rows,
 * chunks with counts, segments with the whole, the decision threshold with the score's bounds.
 *
 * @throws FormatError with every problem and its path; fields that the format does not know are problems too.
 */
export function parseBaseline(value: unknown): Baseline {
  const problems = new Problems()
  const baseline = problems.object(value, '', [
    '$schema',
    'schema',
    'model',
    'createdAt',
    'source',
    'origin',
    'rows',
    'features',
    'predictions',
    'labels',
    'multivariate',
    'attributions',
    'chunking',
    'segments',
  ])
  if (baseline !== undefined) {
    problems.optionalText(baseline.$schema, '$schema')
    problems.oneOf(baseline.schema, 'schema', [baselineSchema])
    checkModel(problems, baseline.model)
    problems.time(baseline.createdAt, 'createdAt')
    checkSource(problems, baseline.source)
    if (baseline.origin !== undefined) checkOrigin(problems, baseline.origin)
    const rows = problems.whole(baseline.rows, 'rows')
    const chunkRows = baseline.chunking === undefined ? undefined : checkChunking(problems, baseline.chunking, rows)
    const scope: Scope = { problems, path: '', rows, chunkRows, chunked: baseline.chunking !== undefined }
    const features = checkFeatures(scope, baseline.features)
    checkPredictions(scope, baseline.predictions)
    if (baseline.labels !== undefined) checkPartial(scope, baseline.labels, 'labels', 'categorical')
    if (baseline.multivariate !== undefined) checkMultivariate(scope, baseline.multivariate, features)
    if (baseline.attributions !== undefined) checkAttributions(scope, baseline.attributions, features)
    if (baseline.segments !== undefined) checkSegments(scope, baseline, features)
  }
  problems.throwIfAny()
  return value as Baseline
}

/** The rows that a part of the document speaks of; parts that are themselves wrong are undefined and not compared with. */
interface Scope {
  readonly problems: Problems
  readonly path: string
  readonly rows: number | undefined
  readonly chunkRows: readonly number[] | undefined
  readonly chunked: boolean
}

function checkModel(problems: Problems, value: unknown): void {
  const model = problems.object(value, 'model', ['name', 'version'])
  if (model === undefined) return
  problems.nonEmptyText(model.name, 'model.name')
  problems.nonEmptyText(model.version, 'model.version')
}

function checkSource(problems: Problems, value: unknown): void {
  const source = problems.object(value, 'source', ['name', 'digest', 'boundsRankError'])
  if (source === undefined) return
  problems.nonEmptyText(source.name, 'source.name')
  if (source.digest !== undefined) problems.digest(source.digest, 'source.digest')
  const error = problems.finite(source.boundsRankError, 'source.boundsRankError')
  if (error !== undefined && (error < 0 || error > 1)) {
    problems.expected('a share between 0 and 1', error, 'source.boundsRankError')
  }
}

function checkOrigin(problems: Problems, value: unknown): void {
  const origin = problems.object(value, 'origin', ['kind', 'fromMs', 'toMs', 'rows'])
  if (origin === undefined) return
  problems.oneOf(origin.kind, 'origin.kind', ['frozen'])
  const from = problems.whole(origin.fromMs, 'origin.fromMs')
  const to = problems.whole(origin.toMs, 'origin.toMs')
  if (from !== undefined && to !== undefined && from >= to)
    problems.add('origin.toMs', `${to} is not after fromMs ${from}`)
  problems.whole(origin.rows, 'origin.rows')
}

function checkChunking(problems: Problems, value: unknown, rows: number | undefined): readonly number[] | undefined {
  const chunking = problems.object(value, 'chunking', ['column', 'rows', 'durationMs'])
  if (chunking === undefined) return undefined
  problems.nonEmptyText(chunking.column, 'chunking.column')
  if (chunking.durationMs !== undefined) {
    const duration = problems.finite(chunking.durationMs, 'chunking.durationMs')
    if (duration !== undefined && duration <= 0) problems.expected('a number > 0', duration, 'chunking.durationMs')
  }
  const chunkRows = problems.wholes(chunking.rows, 'chunking.rows', maxChunks)
  if (chunkRows !== undefined && rows !== undefined && sum(chunkRows) !== rows) {
    problems.add('chunking.rows', `add up to ${sum(chunkRows)}, but rows is ${rows}`)
  }
  return chunkRows
}

function checkFeatures(scope: Scope, value: unknown): readonly unknown[] | undefined {
  const { problems } = scope
  const path = field(scope.path, 'features')
  const features = problems.array(value, path, 'features', maxFeatures)
  const names = new Map<string, number>()
  features?.forEach((one, index) => {
    const name = checkFeature(scope, one, item(path, index))
    if (name === undefined) return
    const earlier = names.get(name)
    if (earlier === undefined) names.set(name, index)
    else problems.add(field(item(path, index), 'name'), `${shown(name)} is the name of ${item(path, earlier)} already`)
  })
  return features
}

/** Returns the name. */
function checkFeature(scope: Scope, value: unknown, path: string): string | undefined {
  const { problems, rows, chunkRows } = scope
  const kind = problems.record(value, path) === undefined ? undefined : (value as Fields).kind
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const known =
    kind === 'numeric'
      ? [...featureFields, ...numericFields, 'range', 'outOfRange']
      : kind === 'categorical' || kind === 'boolean'
        ? [...featureFields, ...categoricalFields]
        : [...featureFields, ...numericFields, ...categoricalFields, 'range', 'outOfRange']
  const feature = problems.object(value, path, known)!
  const name = problems.nonEmptyText(feature.name, field(path, 'name'))
  problems.oneOf(kind, field(path, 'kind'), ['numeric', 'categorical', 'boolean'])
  const missing = problems.whole(feature.missing, field(path, 'missing'))
  const invalid = checkInvalid(problems, feature.invalid, field(path, 'invalid'))
  const summary =
    kind === 'numeric'
      ? checkNumericSummary(scope, feature, path)
      : kind === 'categorical' || kind === 'boolean'
        ? checkCategoricalSummary(scope, feature, path)
        : undefined
  if (kind === 'numeric') checkRange(problems, feature, path)
  if (kind === 'boolean' && Array.isArray(feature.categories) && feature.categories.join() !== 'false,true') {
    problems.add(field(path, 'categories'), 'a boolean feature has the categories "false" and "true"')
  }
  const chunkMissing = checkChunkCounts(scope, feature.chunkMissing, field(path, 'chunkMissing'), missing)
  const chunkInvalid = checkChunkCounts(scope, feature.chunkInvalid, field(path, 'chunkInvalid'), invalid)
  if (summary === undefined || missing === undefined || invalid === undefined) return name
  const all = summary.values + missing + invalid
  if (rows !== undefined && all !== rows) {
    problems.add(
      path,
      `values ${summary.values} + missing ${missing} + invalid ${invalid} = ${all}, but rows is ${rows}`,
    )
  }
  if (summary.chunks !== undefined && chunkMissing !== undefined && chunkInvalid !== undefined) {
    summary.chunks.forEach((counts, k) => {
      const inChunk = sum(counts) + chunkMissing[k]! + chunkInvalid[k]!
      const expected = chunkRows?.[k]
      if (expected !== undefined && inChunk !== expected) {
        problems.add(
          item(field(path, 'chunks'), k),
          `values, missing and invalid of this chunk add up to ${inChunk}, but it has ${expected} rows`,
        )
      }
    })
  }
  return name
}

/** Returns the invalid values in all. */
function checkInvalid(problems: Problems, value: unknown, path: string): number | undefined {
  const reasons = ['nan', 'infinite', 'wrong_type']
  const invalid = problems.object(value, path, reasons)
  if (invalid === undefined) return undefined
  let total: number | undefined = 0
  for (const reason of reasons) {
    if (invalid[reason] === undefined) continue
    const count = problems.whole(invalid[reason], field(path, reason))
    total = count === undefined || total === undefined ? undefined : total + count
  }
  return total
}

function checkRange(problems: Problems, feature: Fields, path: string): void {
  if (feature.range !== undefined) problems.range(feature.range, field(path, 'range'))
  if (feature.outOfRange === undefined) return
  const outside = problems.whole(feature.outOfRange, field(path, 'outOfRange'))
  if (outside === undefined) return
  if (outside > 0 && feature.range === undefined) problems.add(field(path, 'outOfRange'), 'given without a range')
  if (typeof feature.values === 'number' && outside > feature.values) {
    problems.add(field(path, 'outOfRange'), `${outside} is more than the ${feature.values} values`)
  }
}

interface Summary {
  readonly values: number
  readonly counts: readonly number[]
  readonly chunks: readonly (readonly number[])[] | undefined
}

function checkNumericSummary(scope: Scope, fields: Fields, path: string): Summary | undefined {
  const { problems } = scope
  const bounds = checkBounds(problems, fields.bounds, field(path, 'bounds'))
  const counts = problems.wholes(fields.counts, field(path, 'counts'), maxBounds + 1)
  if (bounds !== undefined && counts !== undefined && counts.length !== bounds.length + 1) {
    problems.add(
      field(path, 'counts'),
      `expected ${bounds.length + 1} cells for ${bounds.length} bounds, got ${counts.length}`,
    )
  }
  checkMoments(problems, fields, path)
  return checkCounts(scope, fields, path, counts)
}

function checkMoments(problems: Problems, fields: Fields, path: string): void {
  const [mean, variance, min, max] = ['mean', 'variance', 'min', 'max'].map((key) =>
    problems.finite(fields[key], field(path, key)),
  )
  if (variance !== undefined && variance < 0) problems.expected('a number >= 0', variance, field(path, 'variance'))
  if (mean === undefined || min === undefined || max === undefined) return
  const slack = meanTolerance * Math.max(Math.abs(min), Math.abs(max))
  if (fields.values === 0) {
    for (const key of ['mean', 'variance', 'min', 'max']) {
      if (fields[key] !== 0) problems.expected('0, as there are no values', fields[key], field(path, key))
    }
  } else if (min > max) problems.add(field(path, 'min'), `${min} is above max ${max}`)
  else if (mean < min - slack || mean > max + slack) {
    problems.add(field(path, 'mean'), `${mean} is not between min ${min} and max ${max}`)
  }
}

function checkCategoricalSummary(scope: Scope, fields: Fields, path: string): Summary | undefined {
  const { problems } = scope
  const listPath = field(path, 'categories')
  const categories = problems.distinctTexts(fields.categories, listPath, 'categories', maxCategories)
  categories?.forEach((category, i) => {
    if (category === otherCategory) {
      problems.add(
        item(listPath, i),
        `${otherCategory} stands for all that is not listed; its count comes last in counts`,
      )
    }
    const previous = categories[i - 1]
    if (previous !== undefined && compareCodePoints(previous, category) > 0) {
      problems.add(item(listPath, i), `${shown(category)} comes before ${shown(previous)} in code-point order`)
    }
  })
  const counts = problems.wholes(fields.counts, field(path, 'counts'), maxCategories + 1)
  if (categories !== undefined && counts !== undefined && counts.length !== categories.length + 1) {
    problems.add(
      field(path, 'counts'),
      `expected ${categories.length + 1} counts for ${categories.length} categories and ${otherCategory}, got ${counts.length}`,
    )
  }
  return checkCounts(scope, fields, path, counts)
}

function checkCounts(
  scope: Scope,
  fields: Fields,
  path: string,
  counts: readonly number[] | undefined,
): Summary | undefined {
  const { problems } = scope
  const values = problems.whole(fields.values, field(path, 'values'))
  if (values !== undefined && counts !== undefined && sum(counts) !== values) {
    problems.add(field(path, 'values'), `is ${values}, but counts add up to ${sum(counts)}`)
  }
  const chunks = checkChunks(scope, fields.chunks, field(path, 'chunks'), counts)
  return values === undefined || counts === undefined ? undefined : { values, counts, chunks }
}

/** Strictly increasing finite numbers. */
function checkBounds(problems: Problems, value: unknown, path: string): readonly number[] | undefined {
  const bounds = problems.array(value, path, 'bounds', maxBounds)
  if (bounds === undefined) return undefined
  let right = true
  for (let i = 0; i < bounds.length; i++) {
    const bound = problems.finite(bounds[i], item(path, i))
    if (bound === undefined) {
      right = false
      continue
    }
    const previous = bounds[i - 1]
    if (typeof previous === 'number' && bound <= previous) {
      right = false
      problems.add(item(path, i), `bounds must increase, but ${bound} follows ${previous}`)
    }
  }
  return right ? (bounds as readonly number[]) : undefined
}

function checkChunks(
  scope: Scope,
  value: unknown,
  path: string,
  counts: readonly number[] | undefined,
): readonly (readonly number[])[] | undefined {
  if (value === undefined) return undefined
  const { problems } = scope
  const list = problems.array(value, path, 'chunks', maxChunks)
  if (list === undefined || !hasChunkCount(scope, list.length, path)) return undefined
  const chunks: (readonly number[])[] = []
  list.forEach((one, k) => {
    const chunk = problems.wholes(one, item(path, k), maxCategories + 1)
    if (chunk === undefined || counts === undefined) return
    if (chunk.length !== counts.length) {
      problems.add(item(path, k), `expected ${counts.length} counts as in counts, got ${chunk.length}`)
    } else chunks.push(chunk)
  })
  if (counts === undefined || chunks.length !== list.length) return undefined
  const totals = counts.map(() => 0)
  for (const chunk of chunks) for (let i = 0; i < chunk.length; i++) totals[i]! += chunk[i]!
  counts.forEach((count, i) => {
    if (totals[i] !== count)
      problems.add(path, `cell ${i} adds up to ${totals[i]} over the chunks, but counts[${i}] is ${count}`)
  })
  return chunks
}

/** Counts per chunk of something that has `total` in all; also an array of zeros when there are chunks and no counts. */
function checkChunkCounts(
  scope: Scope,
  value: unknown,
  path: string,
  total: number | undefined,
): readonly number[] | undefined {
  if (value === undefined) return total === 0 ? scope.chunkRows?.map(() => 0) : undefined
  const { problems } = scope
  const counts = problems.wholes(value, path, maxChunks)
  if (counts === undefined || !hasChunkCount(scope, counts.length, path)) return undefined
  if (total !== undefined && sum(counts) !== total) {
    problems.add(path, `add up to ${sum(counts)}, but there are ${total} in all`)
  }
  return counts
}

function hasChunkCount(scope: Scope, length: number, path: string): boolean {
  if (!scope.chunked) scope.problems.add(path, 'given without chunking, which says what the chunks are')
  else if (scope.chunkRows !== undefined && scope.chunkRows.length !== length) {
    scope.problems.add(path, `expected ${scope.chunkRows.length} chunks as in chunking.rows, got ${length}`)
  } else return scope.chunkRows !== undefined
  return false
}

/** A distribution over some of the rows: of labels or predictions, which may be absent in a row. */
function checkPartial(
  scope: Scope,
  value: unknown,
  path: string,
  kind: 'numeric' | 'categorical',
): Summary | undefined {
  const { problems, rows } = scope
  const fields = problems.object(value, path, kind === 'numeric' ? numericFields : categoricalFields)
  if (fields === undefined) return undefined
  const summary =
    kind === 'numeric' ? checkNumericSummary(scope, fields, path) : checkCategoricalSummary(scope, fields, path)
  if (summary !== undefined && rows !== undefined && summary.values > rows) {
    problems.add(field(path, 'values'), `is ${summary.values}, but rows is ${rows}`)
  }
  return summary
}

function checkPredictions(scope: Scope, value: unknown): void {
  const { problems } = scope
  const path = field(scope.path, 'predictions')
  const predictions = problems.object(value, path, predictionFields)
  if (predictions === undefined) return
  if (predictions.classes !== undefined) {
    checkPartial(scope, predictions.classes, field(path, 'classes'), 'categorical')
  }
  for (const key of ['confidence', 'value']) {
    if (predictions[key] !== undefined) checkPartial(scope, predictions[key], field(path, key), 'numeric')
  }
  const score =
    predictions.score === undefined
      ? undefined
      : checkPartial(scope, predictions.score, field(path, 'score'), 'numeric')
  if (predictions.scoreByLabel !== undefined) {
    if (predictions.score === undefined)
      problems.add(field(path, 'scoreByLabel'), 'given without score, whose cells it uses')
    checkScoreByLabel(problems, predictions.scoreByLabel, field(path, 'scoreByLabel'), score)
  }
  if (predictions.decision !== undefined) {
    checkDecision(
      problems,
      predictions.decision,
      field(path, 'decision'),
      (predictions.score as Fields | undefined)?.bounds,
    )
  }
}

function checkScoreByLabel(problems: Problems, value: unknown, path: string, score: Summary | undefined): void {
  const byLabel = problems.record(value, path)
  if (byLabel === undefined) return
  if (Object.keys(byLabel).length > maxCategories) {
    problems.add(path, `expected at most ${maxCategories} labels, got ${Object.keys(byLabel).length}`)
    return
  }
  const totals = score?.counts.map(() => 0)
  for (const [label, one] of Object.entries(byLabel)) {
    const counts = problems.wholes(one, field(path, label), maxBounds + 1)
    if (counts === undefined || totals === undefined) continue
    if (counts.length !== totals.length) {
      problems.add(field(path, label), `expected ${totals.length} counts as in score.counts, got ${counts.length}`)
    } else counts.forEach((count, i) => (totals[i]! += count))
  }
  totals?.forEach((total, i) => {
    if (total > score!.counts[i]!) {
      problems.add(path, `cell ${i} adds up to ${total} over the labels, but score.counts[${i}] is ${score!.counts[i]}`)
    }
  })
}

function checkDecision(problems: Problems, value: unknown, path: string, scoreBounds: unknown): void {
  const decision = problems.object(value, path, ['threshold', 'rule', 'positiveClass', 'negativeClass'])
  if (decision === undefined) return
  const threshold = problems.finite(decision.threshold, field(path, 'threshold'))
  const rule = problems.oneOf(decision.rule, field(path, 'rule'), ['>', '>='])
  const positive = problems.text(decision.positiveClass, field(path, 'positiveClass'))
  const negative = problems.text(decision.negativeClass, field(path, 'negativeClass'))
  if (positive !== undefined && positive === negative) {
    problems.add(field(path, 'negativeClass'), `is ${shown(negative)} like positiveClass`)
  }
  if (threshold === undefined || rule === undefined || !Array.isArray(scoreBounds)) return
  const forced = rule === '>' ? threshold : nextDown(threshold)
  if (!scoreBounds.includes(forced)) {
    const what = rule === '>' ? 'the threshold itself' : 'the number just below the threshold'
    problems.add(
      field(path, 'threshold'),
      `score.bounds must hold ${what}, ${forced}, so that no cell holds both decisions`,
    )
  }
}

function checkMultivariate(scope: Scope, value: unknown, features: readonly unknown[] | undefined): void {
  const fields = scope.problems.object(value, 'multivariate', multivariateFields)
  if (fields === undefined) return
  checkBasis(scope.problems, fields, 'multivariate', features)
  checkReconstruction(scope, fields, 'multivariate')
}

/** Every row has an error, and none is negative. */
function checkReconstruction(scope: Scope, fields: Fields, path: string): void {
  const { problems, rows } = scope
  const errorPath = field(path, 'error')
  const error = problems.object(fields.error, errorPath, numericFields)
  if (error !== undefined) {
    const summary = checkNumericSummary(scope, error, errorPath)
    if (summary !== undefined && rows !== undefined && summary.values !== rows)
      problems.add(field(errorPath, 'values'), `is ${summary.values}, but rows is ${rows}`)
    if (typeof error.min === 'number' && error.min < 0)
      problems.expected('a number >= 0', error.min, field(errorPath, 'min'))
  }
  const imputed = problems.whole(fields.imputed, field(path, 'imputed'))
  if (imputed !== undefined && rows !== undefined && imputed > rows)
    problems.add(field(path, 'imputed'), `is ${imputed}, but rows is ${rows}`)
}

function checkSegmentReconstruction(scope: Scope, value: unknown, whole: unknown): void {
  const { problems } = scope
  const path = field(scope.path, 'multivariate')
  const fields = problems.object(value, path, reconstructionFields)
  if (fields === undefined) return
  if (whole === undefined) problems.add(path, 'given without multivariate at the top, whose components it needs')
  checkReconstruction(scope, fields, path)
  const error = (whole as Fields | undefined | null)?.error
  sameField(problems, fields.error, error, 'bounds', `${path}.error.bounds`, 'multivariate.error.bounds')
}

function checkSegments(scope: Scope, baseline: Fields, features: readonly unknown[] | undefined): void {
  const { problems, rows } = scope
  const segments = problems.object(baseline.segments, 'segments', ['column', 'values'])
  if (segments === undefined) return
  problems.nonEmptyText(segments.column, 'segments.column')
  const values = problems.record(segments.values, 'segments.values')
  if (values === undefined) return
  const names = Object.keys(values)
  if (names.length > maxCategories) {
    problems.add('segments.values', `expected at most ${maxCategories} segments, got ${names.length}`)
    return
  }
  let total = 0
  for (const name of names) {
    const path = field('segments.values', name)
    const segment = problems.object(values[name], path, [
      'rows',
      'features',
      'predictions',
      'multivariate',
      'chunkRows',
    ])
    if (segment === undefined) continue
    const segmentRows = problems.whole(segment.rows, field(path, 'rows'))
    total += segmentRows ?? 0
    const chunkRows = checkChunkCounts(scope, segment.chunkRows, field(path, 'chunkRows'), segmentRows)
    const inner: Scope = { problems, path, rows: segmentRows, chunkRows, chunked: segment.chunkRows !== undefined }
    const own = checkFeatures(inner, segment.features)
    checkPredictions(inner, segment.predictions)
    if (segment.multivariate !== undefined)
      checkSegmentReconstruction(inner, segment.multivariate, baseline.multivariate)
    if (own !== undefined && features !== undefined) sameFeatures(problems, own, features, field(path, 'features'))
    samePredictions(problems, segment.predictions, baseline.predictions, field(path, 'predictions'))
  }
  if (rows !== undefined && total > rows) problems.add('segments.values', `hold ${total} rows, but rows is ${rows}`)
}

/** A segment is counted in the cells of the whole, so that segments can be added and compared. */
function sameFeatures(problems: Problems, own: readonly unknown[], whole: readonly unknown[], path: string): void {
  if (own.length !== whole.length)
    problems.add(path, `expected ${whole.length} features as at the top, got ${own.length}`)
  own.forEach((one, i) => {
    for (const key of ['name', 'kind', 'bounds', 'categories']) {
      sameField(problems, one, whole[i], key, field(item(path, i), key), field(`features[${i}]`, key))
    }
  })
}

function samePredictions(problems: Problems, own: unknown, whole: unknown, path: string): void {
  for (const output of ['classes', 'score', 'confidence', 'value']) {
    const mine = (own as Fields | undefined | null)?.[output]
    const theirs = (whole as Fields | undefined | null)?.[output]
    for (const key of ['bounds', 'categories']) {
      const place = `${output}.${key}`
      sameField(problems, mine, theirs, key, `${path}.${place}`, `predictions.${place}`)
    }
  }
}

function sameField(
  problems: Problems,
  own: unknown,
  whole: unknown,
  key: string,
  path: string,
  wholePath: string,
): void {
  const mine = (own as Fields | undefined | null)?.[key]
  const theirs = (whole as Fields | undefined | null)?.[key]
  if (mine === undefined || theirs === undefined) return
  const same =
    Array.isArray(mine) && Array.isArray(theirs)
      ? mine.length === theirs.length && mine.every((one, i) => one === theirs[i])
      : mine === theirs || (typeof mine === 'object' && typeof theirs === 'object')
  if (!same) problems.add(path, `must be the same as ${wholePath}`)
}
