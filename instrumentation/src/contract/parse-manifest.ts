import { manifestSchema, type Manifest } from './manifest.ts'
import { otherCategory } from './names.ts'
import { maxCategories, maxFeatures } from './parse-limits.ts'
import { field, item, Problems, shown } from './parse-fields.ts'

/**
 * Reads a manifest that came from JSON.
 *
 * @throws FormatError with every problem and its path; fields that the format does not know are problems too, except
 *   below `parameters.explicit`, `parameters.defaulted`, `seeds`, `versions` and `offlineMetrics.values`, whose names the user chooses.
 */
export function parseManifest(value: unknown): Manifest {
  const problems = new Problems()
  const manifest = problems.object(value, '', [
    '$schema',
    'schema',
    'model',
    'createdAt',
    'features',
    'output',
    'segment',
    'artefact',
    'data',
    'code',
    'parameters',
    'seeds',
    'versions',
    'offlineMetrics',
    'baselineDigest',
  ])
  if (manifest !== undefined) {
    problems.optionalText(manifest.$schema, '$schema')
    problems.oneOf(manifest.schema, 'schema', [manifestSchema])
    checkModel(problems, manifest.model)
    problems.time(manifest.createdAt, 'createdAt')
    checkFeatures(problems, manifest.features)
    if (manifest.output !== undefined) checkOutput(problems, manifest.output)
    if (manifest.segment !== undefined) {
      const segment = problems.object(manifest.segment, 'segment', ['column'])
      if (segment !== undefined) problems.nonEmptyText(segment.column, 'segment.column')
    }
    checkFile(problems, manifest.artefact, 'artefact')
    checkOrigins(problems, manifest.data, manifest.code)
    if (manifest.parameters !== undefined) {
      const parameters = problems.object(manifest.parameters, 'parameters', ['explicit', 'defaulted'])
      for (const key of ['explicit', 'defaulted']) {
        if (parameters?.[key] !== undefined) problems.record(parameters[key], field('parameters', key))
      }
    }
    checkRecord(manifest.seeds, 'seeds', problems, (seed, path) => problems.finite(seed, path))
    checkRecord(manifest.versions, 'versions', problems, (version, path) => problems.text(version, path))
    checkOfflineMetrics(problems, manifest.offlineMetrics)
    if (manifest.baselineDigest !== undefined) problems.digest(manifest.baselineDigest, 'baselineDigest')
  }
  problems.throwIfAny()
  return value as Manifest
}

function checkModel(problems: Problems, value: unknown): void {
  const model = problems.object(value, 'model', ['name', 'version', 'task'])
  if (model === undefined) return
  problems.nonEmptyText(model.name, 'model.name')
  problems.nonEmptyText(model.version, 'model.version')
  problems.oneOf(model.task, 'model.task', [
    'binary-classification',
    'multiclass-classification',
    'regression',
    'ranking',
    'other',
  ])
}

function checkFeatures(problems: Problems, value: unknown): void {
  const features = problems.array(value, 'features', 'features', maxFeatures)
  if (features === undefined) return
  const names = new Map<string, number>()
  features.forEach((one, index) => {
    const path = item('features', index)
    const feature = problems.object(one, path, [
      'name',
      'kind',
      'unit',
      'description',
      'missing',
      'range',
      'categories',
    ])
    if (feature === undefined) return
    const name = problems.nonEmptyText(feature.name, field(path, 'name'))
    if (name !== undefined) {
      const earlier = names.get(name)
      if (earlier !== undefined)
        problems.add(field(path, 'name'), `${shown(name)} is the name of features[${earlier}] already`)
      else names.set(name, index)
    }
    const kind = problems.oneOf(feature.kind, field(path, 'kind'), ['numeric', 'categorical', 'boolean'])
    for (const key of ['unit', 'description', 'missing']) problems.optionalText(feature[key], field(path, key))
    if (feature.range !== undefined) {
      problems.range(feature.range, field(path, 'range'))
      if (kind !== undefined && kind !== 'numeric') problems.add(field(path, 'range'), `a ${kind} feature has no range`)
    }
    if (feature.categories !== undefined) {
      const categories = problems.distinctTexts(
        feature.categories,
        field(path, 'categories'),
        'categories',
        maxCategories,
      )
      if (kind === 'numeric') problems.add(field(path, 'categories'), 'a numeric feature has no categories')
      if (categories?.includes(otherCategory)) {
        problems.add(field(path, 'categories'), `${otherCategory} stands for all that is not listed; leave it out`)
      }
    }
  })
}

function checkOutput(problems: Problems, value: unknown): void {
  const output = problems.object(value, 'output', ['classes', 'positiveClass', 'decisionThreshold', 'decisionRule'])
  if (output === undefined) return
  const classes =
    output.classes === undefined
      ? undefined
      : problems.distinctTexts(output.classes, 'output.classes', 'classes', maxCategories)
  if (output.positiveClass !== undefined) {
    const positive = problems.text(output.positiveClass, 'output.positiveClass')
    if (positive !== undefined && classes !== undefined && !classes.includes(positive)) {
      problems.add('output.positiveClass', `${shown(positive)} is not one of output.classes`)
    }
  }
  if (output.decisionThreshold !== undefined) problems.finite(output.decisionThreshold, 'output.decisionThreshold')
  if (output.decisionRule !== undefined) problems.oneOf(output.decisionRule, 'output.decisionRule', ['>', '>='])
}

function checkOrigins(problems: Problems, dataValue: unknown, codeValue: unknown): void {
  if (dataValue !== undefined) {
    const data = problems.object(dataValue, 'data', ['training', 'pipeline'])
    checkFile(problems, data?.training, 'data.training')
    checkFile(problems, data?.pipeline, 'data.pipeline')
  }
  if (codeValue !== undefined) {
    const code = problems.object(codeValue, 'code', ['commit', 'dirty', 'file'])
    problems.optionalText(code?.commit, 'code.commit')
    if (code?.dirty !== undefined) problems.boolean(code.dirty, 'code.dirty')
    checkFile(problems, code?.file, 'code.file')
  }
}

function checkOfflineMetrics(problems: Problems, value: unknown): void {
  if (value === undefined) return
  const metrics = problems.object(value, 'offlineMetrics', ['data', 'values'])
  if (metrics === undefined) return
  checkFile(problems, metrics.data, 'offlineMetrics.data')
  if (metrics.values === undefined) problems.expected('an object', undefined, 'offlineMetrics.values')
  checkRecord(metrics.values, 'offlineMetrics.values', problems, (metric, path) => problems.finite(metric, path))
}

function checkFile(problems: Problems, value: unknown, path: string): void {
  if (value === undefined) return
  const file = problems.object(value, path, ['name', 'digest'])
  if (file === undefined) return
  problems.nonEmptyText(file.name, field(path, 'name'))
  problems.digest(file.digest, field(path, 'digest'))
}

function checkRecord(
  value: unknown,
  path: string,
  problems: Problems,
  check: (member: unknown, path: string) => unknown,
): void {
  if (value === undefined) return
  for (const [key, member] of Object.entries(problems.record(value, path) ?? {})) check(member, field(path, key))
}
