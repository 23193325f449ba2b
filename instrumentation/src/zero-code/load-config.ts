import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { FormatError } from '../contract/format-error.ts'
import type { Baseline } from '../contract/baseline.ts'
import type { Manifest } from '../contract/manifest.ts'
import { readBaseline, readManifest, type Problems } from '../read-file.ts'
import type { InstrumentConfig, ModelConfig } from './instrument-config.ts'
import { parseInstrumentConfig } from './parse-config.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The name under which a configuration is found without being asked for. */
export const configFile = 'driftline.instrument.json'

/** One entry of `models`, with the files that it names. */
export interface LoadedModel {
  /** Null for the model of `DRIFTLINE_MANIFEST` or `DRIFTLINE_BASELINE`, which is recognised by its shape. */
  readonly config: ModelConfig | null
  readonly manifest: Manifest | null
  readonly baseline: Baseline | null
}

export interface LoadedConfig {
  readonly models: readonly LoadedModel[]
  /** Whether models that are not listed are watched. */
  readonly discover: boolean
  /** `false`: frozen baselines are not fetched; null: from where metrics go. */
  readonly collector: string | false | null
}

export const noConfig: LoadedConfig = { models: [], discover: true, collector: null }

/**
 * What the environment says is to be watched: the file of `DRIFTLINE_INSTRUMENT`, else driftline.instrument.json in the working directory,
 * else the manifest and baseline of `DRIFTLINE_MANIFEST` and `DRIFTLINE_BASELINE`, else everything there is. Null when that is
 * wrong, with every reason in `problems`.
 */
export function loadConfig(environment: Environment, directory: string, problems: Problems): LoadedConfig | null {
  const file = configPath(environment, directory)
  if (file !== null) return loadFile(file, problems)
  const manifest = present(environment.DRIFTLINE_MANIFEST)
  const baseline = present(environment.DRIFTLINE_BASELINE)
  if (manifest === null && baseline === null) return noConfig
  const before = problems.length
  const model = loadModel(null, { manifest, baseline }, directory, problems)
  return problems.length > before ? null : { ...noConfig, models: [model] }
}

/** The configuration that the environment names, whether or not it exists, or that lies in the working directory; null when there is none. */
export function configPath(environment: Environment, directory: string): string | null {
  const named = present(environment.DRIFTLINE_INSTRUMENT)
  const file = resolve(directory, named ?? configFile)
  return named !== null || existsSync(file) ? file : null
}

function loadFile(file: string, problems: Problems): LoadedConfig | null {
  const before = problems.length
  let config: InstrumentConfig
  try {
    config = parseInstrumentConfig(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if (error instanceof FormatError)
      for (const problem of error.problems) problems.push(`${file}: ${problem.path}: ${problem.message}`)
    else problems.push(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    return null
  }
  const models = config.models.map((model) =>
    loadModel(model, { manifest: present(model.manifest), baseline: present(model.baseline) }, dirname(file), problems),
  )
  if (problems.length > before) return null
  return { models, discover: config.discover ?? true, collector: config.collector ?? null }
}

function loadModel(
  config: ModelConfig | null,
  files: { readonly manifest: string | null; readonly baseline: string | null },
  directory: string,
  problems: Problems,
): LoadedModel {
  const { manifest, baseline } = files
  return {
    config,
    manifest: manifest === null ? null : readManifest(resolve(directory, manifest), problems),
    baseline: baseline === null ? null : readBaseline(resolve(directory, baseline), problems),
  }
}

function present(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' ? null : text
}
