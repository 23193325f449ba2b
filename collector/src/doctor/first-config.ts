import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { InstrumentConfig, ModelConfig } from '@driftline/instrumentation'
import { parseManifest, type DoctorBody, type DoctorMember } from '@driftline/instrumentation/contract'
import type { Findings, SeenModel, SeenRoute } from './findings.ts'

/** A configuration for what was seen, to be completed by a person. Without models it has the routes that look like predictions. */
export function firstConfig(findings: Findings, directory: string): InstrumentConfig {
  const models = findings.models.filter(({ model }) => model !== null)
  const entries =
    models.length > 0
      ? models.map((model) => modelEntry(model, directory))
      : findings.routes.flatMap((route) => (route.bodies === null ? [] : [routeEntry(route)]))
  const matches = new Set<string>()
  return {
    schema: 'driftline.instrument/1',
    models: entries.filter(({ match }) => {
      const key = JSON.stringify(match)
      return matches.size < matches.add(key).size
    }),
  }
}

/** What the entry of a model looks like: the names of what has none are to be put in. */
export function modelEntry(seen: SeenModel, directory: string): ModelConfig {
  const match = matchOf(seen)
  const files = isTensorModel(seen) || seen.kind === 'pipeline' ? filesFor(seen, directory) : null
  if (files !== null) return { match, ...files }
  const { called, answered } = seen
  const roles = Object.entries(answered?.roles ?? {}).filter(([, output]) => output !== null)
  return {
    match,
    model: { name: seen.model!.name },
    ...(isTensorModel(seen) && called !== null && called.features.length > 0 && !called.named
      ? { inputs: { features: called.features.map(({ name }) => name) } }
      : {}),
    ...(isTensorModel(seen) && roles.length > 0 ? { outputs: Object.fromEntries(roles) } : {}),
  }
}

function matchOf({ kind, name }: SeenModel): ModelConfig['match'] {
  if (kind === 'pipeline') return { task: name }
  if (kind === 'route') return { route: name }
  return kind === 'object' ? { name } : { file: name }
}

export function isTensorModel({ kind }: Pick<SeenModel, 'kind'>): boolean {
  return kind === 'session' || kind === 'layers-model' || kind === 'graph-model'
}

/** A manifest that names the digest of the model's file, and the baseline beside it. */
function filesFor({ file, digest }: SeenModel, directory: string): Pick<ModelConfig, 'manifest' | 'baseline'> | null {
  if (digest === null) return null
  const folders = [directory, ...(file === null ? [] : [dirname(file)])]
  for (const folder of folders) {
    const manifest = join(folder, 'manifest.json')
    if (!existsSync(manifest)) continue
    try {
      if (parseManifest(JSON.parse(readFileSync(manifest, 'utf8'))).artefact?.digest !== digest) continue
    } catch {
      // Some other manifest.
      continue
    }
    const baseline = join(folder, 'baseline.json')
    const path = (to: string): string => relative(directory, to).replaceAll('\\', '/')
    return { manifest: path(manifest), ...(existsSync(baseline) ? { baseline: path(baseline) } : {}) }
  }
  return null
}

/** An identifier or time would be a feature of as many categories as there are rows. */
const idMember = /^(?:_?id|uuid|.*_id|.*Id)$/

export function routeEntry({ method, path, bodies }: SeenRoute): ModelConfig {
  const { request, response } = bodies!
  const id = request.members?.find(({ name }) => idMember.test(name))
  const features = request.members?.filter(({ name, type }) => !idMember.test(name) && isPlain(type)) ?? []
  const name = path.split('/').findLast((part) => part !== '') ?? 'model'
  const answer = answerRoles(response)
  return {
    match: { route: `${method} ${path}` },
    model: { name },
    request: {
      ...(request.rows === '$' ? {} : { rows: request.rows }),
      ...(features.length > 0 ? { features: features.map((feature) => feature.name) } : {}),
      ...(id === undefined ? {} : { id: place(id) }),
    },
    ...(answer === null ? {} : { response: answer }),
  }
}

/** What members of an answer are by name and type: a guess, for a person to look at. */
function answerRoles({ rows, members }: DoctorBody): NonNullable<ModelConfig['response']> | null {
  if (members === null) return null
  const numbers = members.filter(({ type, name }) => type === 'number' && !idMember.test(name))
  const score =
    numbers.find(({ name, withinOne }) => withinOne === true && /prob|score/i.test(name)) ??
    numbers.find(({ name, withinOne }) => withinOne === true && !/conf/i.test(name))
  const confidence = numbers.find(({ name }) => /conf/i.test(name))
  const label =
    members.find(({ name, type }) => isPlain(type) && /class|label|predict|decision/i.test(name)) ??
    members.find(({ type, name }) => (type === 'boolean' || type === 'string') && !idMember.test(name))
  const value = score === undefined && label === undefined ? numbers[0] : undefined
  if ([score, confidence, label, value].every((one) => one === undefined)) return null
  return {
    ...(rows === '$' ? {} : { rows }),
    ...(label === undefined ? {} : { class: place(label) }),
    ...(score === undefined || score === label ? {} : { score: place(score) }),
    ...(confidence === undefined ? {} : { confidence: place(confidence) }),
    ...(value === undefined ? {} : { value: place(value) }),
  }
}

function isPlain(type: DoctorMember['type']): boolean {
  return type !== 'array' && type !== 'object'
}

function place({ name }: DoctorMember): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `$.${name}` : `$['${name.replaceAll(/['\\]/g, String.raw`\$&`)}']`
}
