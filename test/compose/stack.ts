import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** The files that make up the stack, as texts, so that a test can plant mistakes. */
export interface StackFiles {
  readonly root: string
  readonly compose: string
  readonly dockerfile: string
  readonly dockerignore: string
  readonly envExample: string
  readonly dataSources: string
  readonly dashboardProvider: string
}

export interface Service {
  readonly image: string
  readonly build?: { readonly context: string; readonly target: string }
  readonly pull_policy?: string
  readonly restart?: string
  readonly user?: string
  readonly profiles?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly read_only?: boolean
  readonly tmpfs?: readonly string[]
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> }
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

export interface Mount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
  readonly bind: boolean
}

export function readStack(root: string): StackFiles {
  const text = (path: string): string => readFileSync(join(root, path), 'utf8')
  return {
    root,
    compose: text('docker-compose.yml'),
    dockerfile: text('Dockerfile'),
    dockerignore: text('.dockerignore'),
    envExample: text('.env.example'),
    dataSources: text('dashboards/grafana/provisioning/datasources/driftline.yaml'),
    dashboardProvider: text('dashboards/grafana/provisioning/dashboards/driftline.yaml'),
  }
}

const interpolation = /\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}/g

/** Variables that compose reads from .env, with their defaults; null for one without. */
export function composeVariables(text: string): Map<string, Set<string | null>> {
  const found = new Map<string, Set<string | null>>()
  for (const [, name, otherwise] of withoutComments(text).matchAll(interpolation))
    found.set(name!, (found.get(name!) ?? new Set<string | null>()).add(otherwise ?? null))
  return found
}

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*#.*$/gm, '')
}

/** As compose sees it with no .env: anchors merged, then defaults put into the texts. */
export function parseCompose(text: string): Compose {
  const fill = (value: unknown): unknown => {
    if (typeof value === 'string')
      return value.replaceAll(interpolation, (_all, _name, otherwise = '') => String(otherwise))
    if (Array.isArray(value)) return value.map(fill)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one)]))
  }
  return fill(parse(text, { merge: true })) as Compose
}

/** Only the short form, which is the one in use. */
export function mountsOf({ volumes = [] }: Service): Mount[] {
  return volumes.map((text) => {
    const [source = '', target = '', mode] = text.split(':')
    return { source, target, readOnly: mode === 'ro', bind: /^[./~]/.test(source) }
  })
}

/** One instruction of a Dockerfile, its lines joined. */
export interface Instruction {
  readonly name: string
  readonly text: string
}

export interface Stage {
  readonly name: string
  readonly from: string
  readonly instructions: readonly Instruction[]
}

export function parseDockerfile(text: string): { readonly stages: readonly Stage[]; readonly nodeImage: string } {
  const joined = text.replaceAll(/^#.*\n/gm, '').replaceAll(/\\\n\s*/g, '')
  const instructions = [...joined.matchAll(/^([A-Z]+) (.*)$/gm)].map((match) => ({ name: match[1]!, text: match[2]! }))
  const stages: (Stage & { instructions: Instruction[] })[] = []
  let nodeImage = ''
  for (const instruction of instructions) {
    const argument = /^NODE_IMAGE=(.*)$/.exec(instruction.text)
    if (instruction.name === 'ARG' && argument !== null) nodeImage = argument[1]!
    else if (instruction.name === 'FROM') {
      const [from = '', , name = ''] = instruction.text.split(' ')
      stages.push({ name, from, instructions: [] })
    } else stages.at(-1)?.instructions.push(instruction)
  }
  return { stages, nodeImage }
}

/** The stage's instructions with those of the stages that it is made from, oldest first. */
export function wholeStage(stages: readonly Stage[], name: string): Instruction[] {
  const stage = stages.find((one) => one.name === name)
  return stage === undefined ? [] : [...wholeStage(stages, stage.from), ...stage.instructions]
}

/** Files of a folder and all below it, as paths from the root. */
export function filesBelow(root: string, folder: string): string[] {
  const path = join(root, folder)
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [folder]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
}
