import { basename, dirname, extname } from 'node:path'
import type { ModelMatch } from './instrument-config.ts'
import type { LoadedModel } from './load-config.ts'
import type { ModelSighting, ValueDescription } from './sighting.ts'

/** The first entry of the configuration that means this model; undefined when none does. */
export function matchModel(sighting: ModelSighting, models: readonly LoadedModel[]): LoadedModel | undefined {
  return models.find(({ config }) => config !== null && matches(config.match, sighting))
}

function matches(match: ModelMatch, { kind, name, file }: ModelSighting): boolean {
  if (match.file !== undefined) {
    // `dist/a/model.onnx` on any system.
    const path = (file ?? (kind === 'route' || kind === 'pipeline' ? '' : name)).replaceAll('\\', '/')
    const wanted = match.file.replaceAll('\\', '/').replace(/^\.\//, '')
    return path === wanted || path.endsWith(`/${wanted}`)
  }
  if (match.task !== undefined) return kind === 'pipeline' && name === match.task
  if (match.route !== undefined) return kind === 'route' && name === match.route
  return name === match.name
}

/** Words for what an entry looks for: `file model.onnx`. */
export function describeMatch({ file, task, route, name }: ModelMatch): string {
  if (file !== undefined) return `file ${file}`
  if (task !== undefined) return `task ${task}`
  return route === undefined ? `name ${name}` : `route ${route}`
}

/**
 * Whether a manifest or baseline that came without a configuration may be this model's: the same file by digest or name, else inputs of its names
 * or of as many columns as it has features. What says nothing of its inputs may be any model.
 */
export function hasShapeOf({ manifest, baseline }: LoadedModel, sighting: ModelSighting): boolean {
  if (sighting.kind === 'route' || sighting.kind === 'pipeline') return false
  const artefact = manifest?.artefact
  if (artefact !== undefined && sighting.file !== null) {
    if (artefact.digest === sighting.artefactDigest || basename(sighting.file) === basename(artefact.name)) return true
  }
  const { inputs } = sighting
  if (inputs === null) return true
  const names = (manifest ?? baseline)?.features.map(({ name }) => name) ?? []
  if (names.every((name) => inputs.some((input) => input.name === name))) return true
  const columns = columnCount(inputs)
  return columns === null || columns === names.length
}

/** Columns of all inputs together; null when a shape does not tell. */
export function columnCount(inputs: readonly ValueDescription[]): number | null {
  let columns = 0
  for (const { shape } of inputs) {
    if (shape === null) return null
    for (const [i, size] of shape.entries()) if (i > 0 && typeof size !== 'number') return null
    columns += shape.slice(1).reduce<number>((product, size) => product * Number(size), 1)
  }
  return columns
}

/** What a model is called that nobody named: as the application calls it, else its file without extension, its task, its route. */
export function defaultName({ kind, name, file, title }: ModelSighting): string {
  if (title !== undefined && title !== null && title !== '') return title
  const path = file ?? (kind === 'route' || kind === 'pipeline' || kind === 'object' ? null : name)
  if (path === null) return name === '' ? kind : name
  const base = basename(path)
  return base.slice(0, base.length - extname(base).length) || kind
}

/** The same with the folder before it, for a second file of one name. */
export function longerName(sighting: ModelSighting): string {
  const folder = sighting.file === null ? '' : basename(dirname(sighting.file))
  return folder === '' ? `${sighting.library}:${defaultName(sighting)}` : `${folder}/${defaultName(sighting)}`
}

/** Digits of a digest that tell versions apart. */
const versionDigits = 12

export function defaultVersion({ artefactDigest }: ModelSighting): string {
  return artefactDigest === null ? 'unversioned' : artefactDigest.replace(/^sha256:/, '').slice(0, versionDigits)
}
