import { maxCategories, maxFeatures } from '../contract/parse-limits.ts'
import { field, item, Problems, type Fields } from '../contract/parse-fields.ts'
import { compileJsonPath } from '../patch/http-routes/json-path.ts'
import { compileRoutePattern } from '../patch/http-routes/route-pattern.ts'
import { instrumentSchema, type InstrumentConfig } from './instrument-config.ts'

/** More models in one process than this are a mistake in what wrote the file. */
const maxModels = 1000

/** Values that stand for a missing one; a list is searched for every value of a tensor. */
const maxMissingValues = 16

/**
 * Reads a driftline.instrument.json that came from JSON.
 *
 * @throws FormatError with every problem and its path; members that the format does not know are problems too
 */
export function parseInstrumentConfig(value: unknown): InstrumentConfig {
  const problems = new Problems()
  const config = problems.object(value, '', ['$schema', 'schema', 'models', 'discover', 'collector'])
  if (config !== undefined) {
    problems.optionalText(config.$schema, '$schema')
    problems.oneOf(config.schema, 'schema', [instrumentSchema])
    if (config.discover !== undefined) problems.boolean(config.discover, 'discover')
    if (config.collector !== undefined && config.collector !== false) checkUrl(problems, config.collector, 'collector')
    const models = problems.array(config.models, 'models', 'models', maxModels)
    const seen = new Map<string, string>()
    models?.forEach((model, index) => checkModelConfig(problems, model, item('models', index), seen))
  }
  problems.throwIfAny()
  return value as InstrumentConfig
}

function checkModelConfig(problems: Problems, value: unknown, path: string, seen: Map<string, string>): void {
  const model = problems.object(value, path, [
    'match',
    'watch',
    'manifest',
    'baseline',
    'model',
    'inputs',
    'outputs',
    'request',
    'response',
  ])
  if (model === undefined) return
  const kind = checkMatch(problems, model.match, field(path, 'match'), seen)
  if (model.watch !== undefined) problems.boolean(model.watch, field(path, 'watch'))
  for (const key of ['manifest', 'baseline'])
    if (model[key] !== undefined) problems.nonEmptyText(model[key], field(path, key))
  const identity =
    model.model === undefined ? undefined : problems.object(model.model, field(path, 'model'), ['name', 'version'])
  if (identity !== undefined) {
    problems.nonEmptyText(identity.name, `${field(path, 'model')}.name`)
    if (identity.version !== undefined) problems.nonEmptyText(identity.version, `${field(path, 'model')}.version`)
  }
  if (model.inputs !== undefined) checkInputs(problems, model.inputs, field(path, 'inputs'))
  const roles = ['class', 'score', 'probabilities', 'logits', 'value']
  if (model.outputs !== undefined) checkTexts(problems, model.outputs, field(path, 'outputs'), roles)
  if (model.request !== undefined) checkRequest(problems, model.request, field(path, 'request'))
  if (model.response !== undefined) checkResponse(problems, model.response, field(path, 'response'))
  for (const key of ['request', 'response'])
    if (model[key] !== undefined && kind !== undefined && kind !== 'route')
      problems.add(field(path, key), `only a model that is matched by 'route' has one`)
}

/** The member that a model is matched by; undefined when it is not exactly one. */
function checkMatch(problems: Problems, value: unknown, path: string, seen: Map<string, string>): string | undefined {
  const kinds = ['file', 'task', 'route', 'name']
  const match = problems.object(value, path, kinds)
  if (match === undefined) return undefined
  const given = kinds.filter((kind) => match[kind] !== undefined)
  if (given.length !== 1) {
    problems.add(path, `exactly one of ${kinds.join(', ')} is needed, not ${given.length}`)
    return undefined
  }
  const kind = given[0]!
  const text = problems.nonEmptyText(match[kind], field(path, kind))
  if (text === undefined) return kind
  if (kind === 'route') checkCompiles(problems, text, field(path, kind), compileRoutePattern)
  const earlier = seen.get(`${kind}\0${text}`)
  if (earlier !== undefined) problems.add(field(path, kind), `'${text}' is matched already at ${earlier}`)
  else seen.set(`${kind}\0${text}`, path)
  return kind
}

/** Says what a route or JSON path has against it. */
function checkCompiles(problems: Problems, text: string, path: string, compile: (text: string) => unknown): void {
  try {
    compile(text)
  } catch (error) {
    problems.add(path, error instanceof Error ? error.message : String(error))
  }
}

function checkJsonPath(problems: Problems, value: unknown, path: string): void {
  const text = problems.nonEmptyText(value, path)
  if (text !== undefined) checkCompiles(problems, text, path, compileJsonPath)
}

function checkInputs(problems: Problems, value: unknown, path: string): void {
  const inputs = problems.object(value, path, ['order', 'features', 'missing', 'segment'])
  if (inputs === undefined) return
  for (const key of ['order', 'features']) {
    const names = inputs[key]
    if (names !== undefined) checkNames(problems, names, field(path, key))
  }
  if (inputs.segment !== undefined) problems.nonEmptyText(inputs.segment, field(path, 'segment'))
  if (inputs.missing === undefined) return
  const list = problems.array(inputs.missing, field(path, 'missing'), 'values', maxMissingValues)
  list?.forEach((one, index) => {
    if (typeof one !== 'string') problems.finite(one, item(field(path, 'missing'), index))
  })
}

function checkNames(problems: Problems, value: unknown, path: string): void {
  const names = problems.distinctTexts(value, path, 'names', maxFeatures)
  if (names?.length === 0) problems.add(path, 'at least one name is needed; leave it out for the default')
  names?.forEach((name, index) => {
    if (name === '') problems.nonEmptyText(name, item(path, index))
  })
}

function checkRequest(problems: Problems, value: unknown, path: string): void {
  const request = problems.object(value, path, ['rows', 'features', 'id', 'segment'])
  if (request === undefined) return
  for (const key of ['rows', 'id', 'segment'])
    if (request[key] !== undefined) checkJsonPath(problems, request[key], field(path, key))
  const { features } = request
  if (features === undefined) return
  const place = field(path, 'features')
  if (typeof features === 'string') checkJsonPath(problems, features, place)
  else if (Array.isArray(features)) checkNames(problems, features, place)
  else {
    const paths = problems.record(features, place)
    if (paths === undefined) return
    if (Object.keys(paths).length === 0) problems.add(place, 'at least one feature is needed')
    if (Object.keys(paths).length > maxFeatures) problems.add(place, `at most ${maxFeatures} features are possible`)
    for (const [name, one] of Object.entries(paths)) {
      if (name === '') problems.add(place, 'a feature needs a name that is not empty')
      checkJsonPath(problems, one, field(place, name))
    }
  }
}

function checkResponse(problems: Problems, value: unknown, path: string): void {
  const places = ['rows', 'class', 'score', 'confidence', 'value', 'id']
  const response = problems.object(value, path, [...places, 'classes'])
  if (response === undefined) return
  for (const key of places) if (response[key] !== undefined) checkJsonPath(problems, response[key], field(path, key))
  if (response.classes === undefined) return
  const classes = problems.record(response.classes, field(path, 'classes'))
  if (classes === undefined) return
  const entries = Object.entries(classes)
  if (entries.length > maxCategories) problems.add(field(path, 'classes'), `at most ${maxCategories} are possible`)
  for (const [name, one] of entries) problems.nonEmptyText(one, field(field(path, 'classes'), name))
}

function checkTexts(problems: Problems, value: unknown, path: string, keys: readonly string[]): Fields | undefined {
  const fields = problems.object(value, path, keys)
  for (const key of keys) if (fields?.[key] !== undefined) problems.nonEmptyText(fields[key], field(path, key))
  return fields
}

function checkUrl(problems: Problems, value: unknown, path: string): void {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    problems.expected('an http or https URL, or false', value, path)
}
