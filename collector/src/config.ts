import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { dirname, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse as parseYaml } from 'yaml'
import * as zod from 'zod'
import { defaultLearnSettings, type LearnSettings } from './learn/learning.ts'
import { defaultInfluxSettings, type InfluxSettings } from './store/influx/influx-settings.ts'
import type { TelegrafSource } from './store/influx/telegraf-reader.ts'

/** Everything a person can set about a collector, with its default. Paths are absolute after parsing. */
export interface CollectorConfig {
  /** Under which it reports on itself, where several collectors write to one database. Default: the host name. */
  readonly name: string
  /** Where the embedded store lives. Default: `./driftline-data`. */
  readonly dataDirectory: string
  /** Where numbers are kept: in a file of the data directory (the default), or in InfluxDB. */
  readonly store: 'sqlite' | 'influx'
  /** Needed for the store `influx`. Credentials come from the environment only. */
  readonly influx: (InfluxSettings & { readonly read: readonly TelegrafSource[] }) | null
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
  readonly store?: string | undefined
}

const learnRows = zod.int().min(2).max(Number.MAX_SAFE_INTEGER)
/** Longer than raw blocks are kept by default there is nothing to learn from. */
const learnHours = zod
  .number()
  .positive()
  .max(24 * 400)

/** Names that stand in InfluxQL and in the names of buckets. */
const nameSchema = zod.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, 'expected letters, digits, _ . and -')
const keepSchema = zod.union([zod.int().min(1), zod.literal('forever')])

const influxSchema = zod
  .strictObject({
    url: zod.string(),
    org: zod.string().min(1),
    database: nameSchema,
    keepRawDays: keepSchema,
    keepWindowsDays: keepSchema,
    keepResultsDays: keepSchema,
    instances: zod.array(zod.string().min(1)).max(10_000),
    instanceSlots: zod.int().min(1).max(10_000),
    timeoutMs: zod.int().min(1_000),
    read: zod.array(
      zod.strictObject({
        layout: zod.literal('telegraf-prometheus-v1'),
        database: zod.string().min(1).max(200),
        retentionPolicy: zod.string().min(1).max(200).optional(),
        overlapMs: zod.int().min(0).optional(),
        everyMs: zod.int().min(1_000).optional(),
      }),
    ),
  })
  .partial()

const fileSchema = zod
  .strictObject({
    name: zod.string().min(1).max(100),
    dataDirectory: zod.string().min(1),
    store: zod.enum(['sqlite', 'influx']),
    influx: influxSchema,
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
    name: setting(environment, 'DRIFTLINE_NAME') ?? file.name ?? hostname(),
    dataDirectory: fromDirectory(
      flags['data-dir'] ?? environment.DRIFTLINE_DATA_DIR ?? file.dataDirectory ?? 'driftline-data',
    ),
    ...storeFrom(flags, environment, file, problems),
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

function storeFrom(
  flags: ConfigFlags,
  environment: Environment,
  file: FileConfig,
  problems: string[],
): Pick<CollectorConfig, 'store' | 'influx'> {
  const place = flags.store !== undefined ? '--store' : 'DRIFTLINE_STORE'
  const store = flags.store ?? setting(environment, 'DRIFTLINE_STORE') ?? file.store ?? 'sqlite'
  if (store !== 'sqlite' && store !== 'influx') {
    problems.push(`${place}: expected sqlite or influx, got '${store}'`)
    return { store: 'sqlite', influx: null }
  }
  const { url: urlInFile, keepRawDays, keepWindowsDays, keepResultsDays, read = [], ...rest } = file.influx ?? {}
  const url = setting(environment, 'DRIFTLINE_INFLUX_URL') ?? urlInFile
  if (url === undefined) {
    if (store === 'influx')
      problems.push('influx: the store influx needs DRIFTLINE_INFLUX_URL, or influx.url in the file')
    return { store, influx: null }
  }
  checkInfluxUrl(url, problems)
  const database = setting(environment, 'DRIFTLINE_INFLUX_DATABASE')
  if (database !== undefined && !nameSchema.safeParse(database).success) {
    problems.push(`DRIFTLINE_INFLUX_DATABASE: expected letters, digits, _ . and -, got '${database}'`)
  }
  const token = secretFrom(environment, 'DRIFTLINE_INFLUX_TOKEN', problems) ?? null
  const username = setting(environment, 'DRIFTLINE_INFLUX_USERNAME') ?? null
  const password = secretFrom(environment, 'DRIFTLINE_INFLUX_PASSWORD', problems) ?? null
  for (const [name, value] of [
    ['TOKEN', token],
    ['USERNAME', username],
    ['PASSWORD', password],
  ] as const) {
    // Such a header cannot be sent; the message must not show the value.
    if (value !== null && /[^\x20-\x7e]/.test(value))
      problems.push(`DRIFTLINE_INFLUX_${name}: has characters that a header cannot carry`)
  }
  if (password !== null && username === null)
    problems.push('DRIFTLINE_INFLUX_PASSWORD: needs DRIFTLINE_INFLUX_USERNAME')
  const keep = (name: string, inFile: number | 'forever' | undefined, otherwise: number | null): number | null => {
    const text = setting(environment, `DRIFTLINE_INFLUX_${name}`)
    if (text === undefined) return inFile === undefined ? otherwise : inFile === 'forever' ? null : inFile
    if (text === 'forever') return null
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
    problems.push(`DRIFTLINE_INFLUX_${name}: expected days or 'forever', got '${text}'`)
    return otherwise
  }
  const defaults = defaultInfluxSettings
  return {
    store,
    influx: {
      ...defaults,
      ...defined(rest),
      url,
      token,
      username,
      password,
      org: setting(environment, 'DRIFTLINE_INFLUX_ORG') ?? rest.org ?? null,
      database: database ?? rest.database ?? defaults.database,
      keepRawDays: keep(
        'KEEP_RAW_DAYS',
        keepRawDays,
        file.keepBlocksDays === undefined ? defaults.keepRawDays : Math.ceil(file.keepBlocksDays),
      ),
      keepWindowsDays: keep(
        'KEEP_WINDOWS_DAYS',
        keepWindowsDays,
        file.keepResultsDays === undefined ? defaults.keepWindowsDays : Math.ceil(file.keepResultsDays),
      ),
      keepResultsDays: keep('KEEP_RESULTS_DAYS', keepResultsDays, defaults.keepResultsDays),
      read: read.map((source) => defined(source) as TelegrafSource),
    },
  }
}

function checkInfluxUrl(url: string, problems: string[]): void {
  try {
    const { protocol, username, password, search, hash } = new URL(url)
    if (protocol !== 'http:' && protocol !== 'https:') problems.push('influx.url: expected http:// or https://')
    // Not shown, as it holds a password.
    if (username !== '' || password !== '') {
      problems.push('influx.url: credentials belong into DRIFTLINE_INFLUX_USERNAME and DRIFTLINE_INFLUX_PASSWORD')
    } else if (search !== '' || hash !== '')
      problems.push(`influx.url: expected an address without a query, got '${url}'`)
  } catch {
    problems.push('influx.url: expected an address such as http://127.0.0.1:8086')
  }
}

/** An empty variable counts as none, as compose files set those. */
function setting(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return value === undefined || value === '' ? undefined : value
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
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
  const token = secretFrom(environment, variable, problems)
  if (token === undefined) return null
  if (token.length < minimumTokenLength)
    problems.push(`${variable}: a token needs at least ${minimumTokenLength} characters`)
  return token
}

/** A secret stands in its variable, or in the file that the variable with `_FILE` at its end names, as Docker and Kubernetes hand secrets over. */
function secretFrom(environment: Environment, variable: string, problems: string[]): string | undefined {
  const value = setting(environment, variable)
  const path = setting(environment, `${variable}_FILE`)
  if (path === undefined) return value
  if (value !== undefined) {
    problems.push(`${variable}_FILE: set it or ${variable}, not both`)
    return value
  }
  try {
    // Editors and `echo` end a file with a line break; it is no part of the secret.
    const secret = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
    if (secret !== '') return secret
    problems.push(`${variable}_FILE: ${path} is empty`)
  } catch (error) {
    problems.push(`${variable}_FILE: ${error instanceof Error ? error.message : String(error)}`)
  }
  return undefined
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
