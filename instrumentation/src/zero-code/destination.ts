import { defaultExportIntervalMillis } from '../options.ts'
import { otlpEndpoint } from '../otlp-endpoint.ts'

type Environment = Readonly<Record<string, string | undefined>>

const hourMillis = 3_600_000

/** Below this an interval would cost more in requests than in what it carries; as in `MonitorOptions`. */
const minIntervalMillis = 10

/** Where metrics go, for people: no password or query. */
export function describeDestination(environment: Environment): string {
  const given = otlpEndpoint(environment)
  if (given === null) return 'http://localhost:4318'
  if (given.url === null) return `nowhere, as ${given.variable} is no http or https URL`
  const { protocol, host, pathname } = given.url
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}

export interface MetricsExporterChoice {
  /** `false`: metrics were turned off for the whole process. */
  readonly exports: boolean
  /** Set when the variable asks for what Driftline does not do. */
  readonly problem: string | null
}

/**
 * `OTEL_METRICS_EXPORTER`: `otlp`, `none`, or a list of exporters, of which OTLP is the only one here.
 *
 * @see OpenTelemetry specification, SDK environment variables, "Exporter Selection": lists between commas, default `otlp`.
 */
export function metricsExporterChoice({ OTEL_METRICS_EXPORTER: variable }: Environment): MetricsExporterChoice {
  const names = (variable ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  if (names.length > 0 && names.every((name) => name === 'none')) return { exports: false, problem: null }
  const others = names.filter((name) => name !== 'otlp' && name !== 'none')
  if (others.length === 0) return { exports: true, problem: null }
  const problem = `OTEL_METRICS_EXPORTER: Driftline sends by otlp, and not by ${others.slice(0, 5).join(', ')}`
  return { exports: true, problem }
}

export interface ExportInterval {
  readonly millis: number
  /** Set when the variable said something else. */
  readonly problem: string | null
}

/**
 * `OTEL_METRIC_EXPORT_INTERVAL`. It is set for all of a deployment's metrics, so one that does not divide an hour, as
 * windows need it, is no reason to watch nothing: the next shorter that does is taken.
 */
export function exportInterval({ OTEL_METRIC_EXPORT_INTERVAL: variable }: Environment): ExportInterval {
  if (variable === undefined || variable.trim() === '') return { millis: defaultExportIntervalMillis, problem: null }
  const asked = Number(variable)
  if (!Number.isFinite(asked) || asked <= 0) {
    const problem = `OTEL_METRIC_EXPORT_INTERVAL: a number of milliseconds is needed, not '${variable}'; ${defaultExportIntervalMillis} is used`
    return { millis: defaultExportIntervalMillis, problem }
  }
  let millis = Math.min(Math.max(Math.floor(asked), minIntervalMillis), hourMillis)
  while (hourMillis % millis !== 0) millis--
  if (millis === asked) return { millis, problem: null }
  return { millis, problem: `OTEL_METRIC_EXPORT_INTERVAL: ${asked} does not divide an hour; ${millis} is used` }
}
