import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse as parseYaml } from 'yaml'
import * as zod from 'zod'
import { defaultLearnSettings, type LearnSettings } from './learn/learning.ts'

/** Everything a person can set about a collector, with its default. Paths are absolute after parsing. */
export interface CollectorConfig {
  /** Where the embedded store lives. Default: `./driftline-data`. */
  readonly dataDirectory: string
  /** Address to listen on. Default: 127.0.0.1; any address beyond loopback needs both tokens. */
  readonly host: string
  /** Default: 4318, the port of OTLP over HTTP; 0 takes a free one. */
  readonly port: number
  /** Paths of a PEM certificate and its key; default: plain HTTP. */
  readonly tls: { readonly certificate: string; readonly key: string } | null
  /** Bearer token that senders of metrics must show; default: none. */
  readonly ingestToken: string | null
  /** Bearer token for /api and /metrics; default: none. */
  readonly adminToken: string | null
  /** baseline.json files to register at start. */
  readonly baselines: readonly string[]
  /** manifest.json files to register at start. */
  readonly manifests: readonly string[]
  /** Rule files (.ts, .js, .json, .yaml). Default: the built-in rules for every model. */
  readonly rules: readonly string[]
  /** Who hears of alerts besides the console, which always does. */
  readonly notifiers: readonly WebhookConfig[]
  /** Days that raw blocks are kept. Default: 14. */
  readonly keepBlocksDays: number
  /** Days that windows and results are kept. Default: 400. */
  readonly keepResultsDays: number
  /** When a model version without a baseline gets one made of its own data; false: only when a person asks for it. */
  readonly learn: LearnSettings | false
  /** Largest request body after inflation, in bytes. Default: 64 MiB, as the OTLP specification recommends. */
  readonly maximumBodyBytes: number
}

export interface WebhookConfig {
  readonly name: string
  readonly url: string
  /** Environment variable that holds a bearer token; the token itself never stands in a file. */
  readonly tokenVariable?: string | undefined
}

/** A configuration that cannot be used: `problems` names every one with its place. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

export type Environment = Readonly<Record<string, string | undefined>>

/** As given on the command line: all optional, paths relative to the working directory. */
export interface ConfigFlags {
  readonly config?: string | undefined
  readonly 'data-dir'?: string | undefined
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly baseline?: readonly string[] | undefined
  readonly manifest?: readonly string[] | undefined
  readonly rules?: readonly string[] | undefined
  readonly 'learn-rows'?: string | undefined
  readonly 'learn-hours'?: string | undefined
  readonly 'learn-minimum-rows'?: string | undefined
  readonly 'no-learn'?: boolean | undefined
}

const learnRows = zod.int().min(2).max(Number.MAX_SAFE_INTEGER)
/** Longer than raw blocks are kept by default there is nothing to learn from. */
const learnHours = zod
  .number()
  .positive()
  .max(24 * 400)

const fileSchema = zod
  .strictObject({
    dataDirectory: zod.string().min(1),
    host: zod.string().min(1),
    port: zod.int().min(0).max(65_535),
    tls: zod.strictObject({ certificate: zod.string().min(1), key: zod.string().min(1) }),
    baselines: zod.array(zod.string().min(1)),
    manifests: zod.array(zod.string().min(1)),
    rules: zod.array(zod.string().min(1)),
    notifiers: zod.array(
      zod.strictObject({
        name: zod.string().min(1).max(100),
        url: zod.url({ protocol: /^https?$/ }),
        tokenVariable: zod.string().min(1).optional(),
      }),
    ),
    learn: zod.union([
      zod.literal(false),
      zod.strictObject({ rows: learnRows, hours: learnHours, minimumRows: learnRows }).partial(),
    ]),
    keepBlocksDays: zod.number().positive(),
    keepResultsDays: zod.number().positive(),
    maximumBodyBytes: zod.int().min(1024),
  })
  .partial()

type FileConfig = zod.infer<typeof fileSchema>

/**
 * Flags before environment (`DRIFTLINE_*`) before file before defaults. Tokens come from the environment only.
 *
 * @throws ConfigError with every problem and its place.
 */
export async function loadConfig(
  flags: ConfigFlags,
  environment: Environment,
  directory: string,
): Promise<CollectorConfig> {
  const problems: string[] = []
  const configPath = flags.config ?? environment.DRIFTLINE_CONFIG
  const file = configPath === undefined ? {} : await readConfigFile(resolve(directory, configPath), problems)
  const fromDirectory = (path: string) => resolve(directory, path)
  const list = (variable: string) =>
    environment[variable]
      ?.split(',')
      .map((path) => path.trim())
      .filter((path) => path !== '')

  const paths = (flag: readonly string[] | undefined, variable: string, inFile: readonly string[] | undefined) =>
    flag?.map(fromDirectory) ?? list(variable)?.map(fromDirectory) ?? inFile ?? []

  const config: CollectorConfig = {
    dataDirectory: fromDirectory(
      flags['data-dir'] ?? environment.DRIFTLINE_DATA_DIR ?? file.dataDirectory ?? 'driftline-data',
    ),
    host: flags.host ?? environment.DRIFTLINE_HOST ?? file.host ?? '127.0.0.1',
    port:
      portFrom(flags.port, '--port', problems) ??
      portFrom(environment.DRIFTLINE_PORT, 'DRIFTLINE_PORT', problems) ??
      file.port ??
      4318,
    tls: file.tls ?? null,
    ingestToken: tokenFrom(environment, 'DRIFTLINE_INGEST_TOKEN', problems),
    adminToken: tokenFrom(environment, 'DRIFTLINE_ADMIN_TOKEN', problems),
    baselines: paths(flags.baseline, 'DRIFTLINE_BASELINES', file.baselines),
    manifests: paths(flags.manifest, 'DRIFTLINE_MANIFESTS', file.manifests),
    rules: paths(flags.rules, 'DRIFTLINE_RULES', file.rules),
    notifiers: file.notifiers ?? [],
    learn: learnFrom(flags, environment, file.learn, problems),
    keepBlocksDays: file.keepBlocksDays ?? 14,
    keepResultsDays: file.keepResultsDays ?? 400,
    maximumBodyBytes: file.maximumBodyBytes ?? 64 * 1024 * 1024,
  }
  if (!isLoopback(config.host) && (config.ingestToken === null || config.adminToken === null)) {
    problems.push(
      `host: ${config.host} is reachable from other machines; set DRIFTLINE_INGEST_TOKEN and DRIFTLINE_ADMIN_TOKEN, or listen on 127.0.0.1`,
    )
  }
  for (const notifier of config.notifiers) {
    if (notifier.tokenVariable !== undefined && !environment[notifier.tokenVariable]) {
      problems.push(`notifiers '${notifier.name}': the environment variable ${notifier.tokenVariable} is not set`)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

async function readConfigFile(path: string, problems: string[]): Promise<FileConfig> {
  let raw: unknown
  try {
    raw = await readAny(path)
  } catch (error) {
    problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`)
    return {}
  }
  const parsed = fileSchema.safeParse(raw)
  if (!parsed.success) {
    for (const issue of parsed.error.issues)
      problems.push(`${path}: ${issue.path.join('.') || '(top)'}: ${issue.message}`)
    return {}
  }
  const base = dirname(path)
  const inFile = (paths: string[] | undefined) => paths?.map((one) => resolve(base, one))
  const { dataDirectory, baselines, manifests, rules, tls, learn, ...rest } = parsed.data
  return {
    ...rest,
    ...(learn === undefined ? {} : { learn }),
    ...(dataDirectory === undefined ? {} : { dataDirectory: resolve(base, dataDirectory) }),
    ...(baselines === undefined ? {} : { baselines: inFile(baselines) }),
    ...(manifests === undefined ? {} : { manifests: inFile(manifests) }),
    ...(rules === undefined ? {} : { rules: inFile(rules) }),
    ...(tls === undefined ? {} : { tls: { certificate: resolve(base, tls.certificate), key: resolve(base, tls.key) } }),
  }
}

async function readAny(path: string): Promise<unknown> {
  const extension = extname(path)
  if (extension === '.json') return JSON.parse(readFileSync(path, 'utf8'))
  if (extension === '.yaml' || extension === '.yml') return parseYaml(readFileSync(path, 'utf8'))
  if (['.ts', '.mts', '.js', '.mjs'].includes(extension)) {
    const loaded: { default?: unknown } = await import(pathToFileURL(path).href)
    return loaded.default
  }
  throw new Error(`cannot read a configuration with the extension '${extension}'; use .ts, .js, .json or .yaml`)
}

function portFrom(text: string | undefined, place: string, problems: string[]): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  problems.push(`${place}: expected a port between 0 and 65535, got '${text}'`)
  return undefined
}

function learnFrom(
  flags: ConfigFlags,
  environment: Environment,
  file: FileConfig['learn'],
  problems: string[],
): LearnSettings | false {
  const { DRIFTLINE_LEARN: switched } = environment
  if (switched !== undefined && switched !== '' && switched !== 'true' && switched !== 'false')
    problems.push(`DRIFTLINE_LEARN: expected true or false, got '${switched}'`)
  const read = (flag: keyof ConfigFlags, variable: string, schema: zod.ZodNumber): number | undefined => {
    for (const [place, text] of [
      [`--${flag}`, flags[flag]],
      [variable, environment[variable]],
    ] as const) {
      if (typeof text !== 'string' || text === '') continue
      const parsed = schema.safeParse(text.trim() === '' ? Number.NaN : Number(text))
      if (parsed.success) return parsed.data
      problems.push(`${place}: expected a number, got '${text}': ${parsed.error.issues[0]!.message}`)
    }
    return undefined
  }
  const fromFile = typeof file === 'object' ? file : {}
  const rows = read('learn-rows', 'DRIFTLINE_LEARN_ROWS', learnRows) ?? fromFile.rows ?? defaultLearnSettings.rows
  const hours = read('learn-hours', 'DRIFTLINE_LEARN_HOURS', learnHours) ?? fromFile.hours ?? defaultLearnSettings.hours
  const minimumRows =
    read('learn-minimum-rows', 'DRIFTLINE_LEARN_MINIMUM_ROWS', learnRows) ??
    fromFile.minimumRows ??
    Math.min(defaultLearnSettings.minimumRows, rows)
  if (minimumRows > rows)
    problems.push(`learn: minimumRows is ${minimumRows}, more than the ${rows} rows that are enough`)
  const off =
    flags['no-learn'] === true || (switched === undefined || switched === '' ? file === false : switched === 'false')
  return off ? false : { rows, hours, minimumRows }
}

/** Short tokens can be guessed over the network in little time. */
const minimumTokenLength = 16

function tokenFrom(environment: Environment, variable: string, problems: string[]): string | null {
  const token = environment[variable]
  if (token === undefined || token === '') return null
  if (token.length < minimumTokenLength)
    problems.push(`${variable}: a token needs at least ${minimumTokenLength} characters`)
  return token
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
