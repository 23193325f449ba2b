import { createRequire } from 'node:module'
import type { Baseline, Manifest, ManifestFeature } from './contract/index.ts'
import { exporterPackage, type OtlpOptions } from './export.ts'
import type { MetricExporter } from './otel.ts'
import type { ModelPlan } from './plan.ts'
import { collectorUrl, headersFromEnvironment } from './adoption/collector-url.ts'
import { otlpEndpoint } from './otlp-endpoint.ts'
import { adoptBaseline, planModel } from './plan-model.ts'
import { readBaseline, readManifest, type Problems } from './read-file.ts'

/** How often intervals are exported when neither option nor environment says. */
export const defaultExportIntervalMillis = 10_000

/** Shorter intervals would cost more in requests than in what they carry. */
const minExportIntervalMillis = 10

const hourMillis = 3_600_000

/** Predictions that wait for their outcome: about 17 MB with ids of 36 characters, and the last minutes of a busy server. */
export const defaultMaxPendingOutcomes = 100_000
/** More would be some 200 MB of the host's memory; such joins belong into a database. */
const maxPendingOutcomesLimit = 1_000_000

/** How long a prediction waits for its outcome: what comes later than a day is joined where the labels are. */
export const defaultOutcomeTtlMillis: number = 24 * hourMillis
/** A month: no server process is relied on to live longer. */
const maxOutcomeTtlMillis = 31 * 24 * hourMillis

/** A feature as it is declared when there is neither baseline nor manifest. */
export type DeclaredFeature = Pick<ManifestFeature, 'name' | 'kind' | 'range' | 'categories'>

/** What to monitor, and where to send it. At least one of `baseline`, `manifest` and `features` must be given. */
export interface MonitorOptions {
  /** The manifest, or the file that holds it (a path is relative to the working directory). Its digest travels with every export. */
  readonly manifest?: Manifest | string | URL | undefined
  /** The baseline, or its file. It gives the buckets of all histograms; without it they are log-linear until one is made. */
  readonly baseline?: Baseline | string | URL | undefined
  /** Name and version, when they are not in a file: `{ name: 'employment', version: '3' }`. */
  readonly model?: { readonly name: string; readonly version: string } | undefined
  /** The features in the order of arrays and tensors, when there is no file: `[{ name: 'age', kind: 'numeric' }]`. */
  readonly features?: readonly DeclaredFeature[] | undefined
  /** Name of this process or replica, unique among those that run at one time. Default: `OTEL_RESOURCE_ATTRIBUTES`, else host and process. */
  readonly instance?: string | undefined
  /** Default: `OTEL_SERVICE_NAME`, else `OTEL_RESOURCE_ATTRIBUTES`. */
  readonly serviceName?: string | undefined
  /** Name of the deployment, such as `production`. Default: `OTEL_RESOURCE_ATTRIBUTES`. */
  readonly environment?: string | undefined
  /** A divisor of an hour, in milliseconds. Default: `OTEL_METRIC_EXPORT_INTERVAL`, else 10,000. */
  readonly exportIntervalMillis?: number | undefined
  /** Base URL of the receiver, such as `http://collector:4318`. Default: `OTEL_EXPORTER_OTLP_[METRICS_]ENDPOINT`, else `http://localhost:4318`. */
  readonly endpoint?: string | undefined
  /** Headers of every export, beside those of `OTEL_EXPORTER_OTLP_[METRICS_]HEADERS`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default: `OTEL_EXPORTER_OTLP_[METRICS_]PROTOCOL`, else `http/protobuf`. */
  readonly protocol?: 'http/protobuf' | 'http/json' | undefined
  /** `false`: no exporter of our own, because `monitor.metricProducer` is handed to a reader of yours. Default: true, unless `OTEL_SDK_DISABLED=true`, or `OTEL_METRICS_EXPORTER=none` and no `exporter` is given. */
  readonly export?: boolean | undefined
  /** An exporter of the OpenTelemetry SDK to use in place of the OTLP exporter. */
  readonly exporter?: MetricExporter | undefined
  /**
   * Base URL of a Driftline collector, such as `http://collector:4318`, from which a monitor without a baseline takes up the one that
   * was frozen there; false for none. Default: `DRIFTLINE_COLLECTOR_URL` (`false` for none), else where metrics are sent to.
   */
  readonly collector?: string | false | undefined
  /** `points` for backends that lose attributes of the scope. Default: `scope`. */
  readonly modelAttributesOn?: 'scope' | 'points' | undefined
  /** Predictions recorded with an id that wait for `outcome()` at one time; the oldest makes way. Default: 100,000. */
  readonly maxPendingOutcomes?: number | undefined
  /** Milliseconds that a prediction with an id waits for `outcome()`. Default: a day. */
  readonly outcomeTtlMillis?: number | undefined
  /** Called for every failure inside Driftline, none of which reach the application otherwise. */
  readonly onError?: ((error: Error) => void) | undefined
}

/** Options, files and environment after reading. */
export interface MonitorSetup {
  readonly plan: ModelPlan
  readonly exportIntervalMillis: number
  readonly otlp: OtlpOptions
  readonly exports: boolean
  readonly modelAttributesOn: 'scope' | 'points'
  readonly maxPendingOutcomes: number
  readonly outcomeTtlMillis: number
  /** Where a baseline may be taken up from; null when one was given, or nowhere. */
  readonly adoption: AdoptionSetup | null
}

export interface AdoptionSetup {
  readonly baselineUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** Joins a baseline with what the monitor was started with; null, with reasons, when they do not fit. */
  readonly plan: (baseline: Baseline, problems: string[]) => ModelPlan | null
}

/** Options, a file or an environment variable that a monitor cannot start with; the message has one line per problem. */
export class DriftlineConfigError extends Error {
  override readonly name = 'DriftlineConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the monitor cannot start:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

type Environment = Readonly<Record<string, string | undefined>>

const knownOptions: ReadonlySet<string> = new Set([
  'manifest',
  'baseline',
  'model',
  'features',
  'instance',
  'serviceName',
  'environment',
  'exportIntervalMillis',
  'endpoint',
  'headers',
  'protocol',
  'export',
  'exporter',
  'collector',
  'modelAttributesOn',
  'maxPendingOutcomes',
  'outcomeTtlMillis',
  'onError',
] satisfies (keyof MonitorOptions)[])

/** @throws DriftlineConfigError with every problem. */
export function readOptions(options: MonitorOptions, environment: Environment): MonitorSetup {
  if (typeof options !== 'object' || options === null) throw new DriftlineConfigError(['options: an object is needed'])
  const problems: Problems = []
  for (const key of Object.keys(options)) if (!knownOptions.has(key)) problems.push(`${key}: there is no such option`)
  const baseline = options.baseline === undefined ? null : readBaseline(options.baseline, problems)
  const manifest = options.manifest === undefined ? null : readManifest(options.manifest, problems)
  // What a file that could not be read would have said is not missing as well.
  const readable =
    (baseline !== null || options.baseline === undefined) && (manifest !== null || options.manifest === undefined)
  const plan = readable
    ? planModel({ baseline, manifest, model: options.model, features: options.features }, problems)
    : null
  for (const key of ['instance', 'serviceName', 'environment'] as const) checkText(options[key], key, problems)
  if (options.onError !== undefined && typeof options.onError !== 'function')
    problems.push('onError: a function is needed')
  checkOneOf(options.modelAttributesOn, ['scope', 'points'], 'modelAttributesOn', problems)
  checkHeaders(options.headers, problems)
  const exporter: unknown = options.exporter
  if (exporter !== undefined && typeof (exporter as MetricExporter | null)?.export !== 'function') {
    problems.push('exporter: an exporter of the OpenTelemetry SDK is needed, which has a method export()')
  }
  if (options.export !== undefined && typeof options.export !== 'boolean')
    problems.push('export: true or false is needed')
  const exports = options.export ?? exportsByEnvironment(environment, exporter !== undefined)
  const exportIntervalMillis = readInterval(options, environment, problems)
  const otlp = {
    protocol: readProtocol(options, environment, exports && exporter === undefined, problems),
    url: readEndpoint(options.endpoint, environment, exports && exporter === undefined, problems),
    headers: options.headers,
  }
  if (exports && exporter === undefined) checkInstalled(exporterPackage(otlp.protocol), problems)
  const collector = readCollector(options, otlp.url, environment, problems)
  const { maxPendingOutcomes = defaultMaxPendingOutcomes, outcomeTtlMillis = defaultOutcomeTtlMillis } = options
  checkWholeNumber(maxPendingOutcomes, maxPendingOutcomesLimit, 'maxPendingOutcomes', problems)
  checkWholeNumber(outcomeTtlMillis, maxOutcomeTtlMillis, 'outcomeTtlMillis', problems)
  if (problems.length > 0 || plan === null) throw new DriftlineConfigError(problems)
  return {
    plan,
    exportIntervalMillis,
    otlp,
    exports,
    modelAttributesOn: options.modelAttributesOn ?? 'scope',
    maxPendingOutcomes,
    outcomeTtlMillis,
    adoption:
      baseline !== null || collector === null || !exports
        ? null
        : {
            baselineUrl: `${collector}/api/v1/models/${encodeURIComponent(plan.name)}/baseline?version=${encodeURIComponent(plan.version)}`,
            headers: { ...headersFromEnvironment(environment), ...options.headers },
            plan: (found, reasons) =>
              adoptBaseline({ manifest, model: options.model, features: options.features }, found, reasons),
          },
  }
}

function checkText(value: unknown, place: string, problems: Problems): void {
  if (value !== undefined && (typeof value !== 'string' || value === ''))
    problems.push(`${place}: a text that is not empty is needed`)
}

function checkWholeNumber(value: unknown, limit: number, place: string, problems: Problems): void {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > limit)
    problems.push(`${place}: a whole number from 1 to ${limit} is needed, not '${String(value)}'`)
}

function checkOneOf(value: unknown, allowed: readonly string[], place: string, problems: Problems): void {
  if (value !== undefined && !allowed.includes(value as string))
    problems.push(`${place}: one of ${allowed.join(', ')} is needed, not ${JSON.stringify(value)}`)
}

function checkHeaders(headers: unknown, problems: Problems): void {
  if (headers === undefined) return
  if (typeof headers !== 'object' || headers === null) {
    problems.push('headers: an object of texts is needed')
    return
  }
  // Values may be secrets: only names are told.
  for (const [name, value] of Object.entries(headers))
    if (typeof value !== 'string') problems.push(`headers.${name}: a text is needed`)
}

/** An exporter that the program itself gives is not what `OTEL_METRICS_EXPORTER` speaks of. */
function exportsByEnvironment(environment: Environment, hasExporter: boolean): boolean {
  if (environment.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return false
  return hasExporter || environment.OTEL_METRICS_EXPORTER?.trim().toLowerCase() !== 'none'
}

function readInterval(
  { exportIntervalMillis: option }: MonitorOptions,
  environment: Environment,
  problems: Problems,
): number {
  const variable = environment.OTEL_METRIC_EXPORT_INTERVAL
  const fromVariable = option === undefined && variable !== undefined && variable.trim() !== ''
  const millis: unknown = fromVariable ? Number(variable) : (option ?? defaultExportIntervalMillis)
  const place = fromVariable ? 'OTEL_METRIC_EXPORT_INTERVAL' : 'exportIntervalMillis'
  if (
    !Number.isInteger(millis) ||
    (millis as number) < minExportIntervalMillis ||
    hourMillis % (millis as number) !== 0
  ) {
    problems.push(
      `${place}: a whole number of milliseconds >= ${minExportIntervalMillis} that divides an hour is needed, so that intervals fit into windows, not '${String(fromVariable ? variable : option)}'`,
    )
  }
  return millis as number
}

function readProtocol(
  { protocol: option }: MonitorOptions,
  environment: Environment,
  needed: boolean,
  problems: Problems,
): OtlpOptions['protocol'] {
  const variables = ['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']
  const variable = variables.find((name) => environment[name] !== undefined && environment[name] !== '')
  const protocol = option ?? (variable === undefined ? 'http/protobuf' : environment[variable])
  if (protocol === 'http/protobuf' || protocol === 'http/json') return protocol
  if (needed || option !== undefined) {
    problems.push(
      `${option === undefined ? variable : 'protocol'}: http/protobuf or http/json is needed, not '${String(protocol)}'`,
    )
  }
  return 'http/protobuf'
}

/** The URL that metrics are posted to. An endpoint is a base, as in `OTEL_EXPORTER_OTLP_ENDPOINT`; one with the path is taken as it is. */
function readEndpoint(
  endpoint: unknown,
  environment: Environment,
  needed: boolean,
  problems: Problems,
): string | undefined {
  if (endpoint === undefined) {
    const given = otlpEndpoint(environment)
    // Its text may hold a password.
    if (needed && given?.url === null)
      problems.push(`${given.variable}: an http or https URL is needed, such as http://collector:4318`)
    return undefined
  }
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    problems.push('endpoint: an http or https URL is needed')
    return undefined
  }
  if (!url.pathname.endsWith('/v1/metrics')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/metrics`
  return url.href
}

/** Base of the collector's addresses, without a slash at the end; null for none. */
function readCollector(
  { collector: option, exporter }: MonitorOptions,
  otlpUrl: string | undefined,
  environment: Environment,
  problems: Problems,
): string | null {
  const variable = environment.DRIFTLINE_COLLECTOR_URL
  const given: unknown = option ?? (variable === '' ? undefined : variable)
  if (given === false || given === 'false') return null
  // Where an exporter of one's own sends to is not known.
  if (given === undefined) return exporter === undefined ? collectorUrl(otlpUrl, environment) : null
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : null
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url.href.replace(/\/+$/, '')
  problems.push(
    `${option === undefined ? 'DRIFTLINE_COLLECTOR_URL' : 'collector'}: an http or https URL or false is needed`,
  )
  return null
}

function checkInstalled(name: string, problems: Problems): void {
  try {
    createRequire(import.meta.url).resolve(name)
  } catch {
    problems.push(
      `${name} is not installed: run 'npm install ${name} @opentelemetry/api', or give 'exporter', or set 'export: false' and hand monitor.metricProducer to a reader of yours`,
    )
  }
}
