import { defaultExportIntervalMillis } from '../options.ts'

type Environment = Readonly<Record<string, string | undefined>>

const hourMillis = 3_600_000

/** Below this an interval would cost more in requests than in what it carries; as in `MonitorOptions`. */
const minIntervalMillis = 10

/** Where metrics go, for people: no password or query. */
export function describeDestination(environment: Environment): string {
  const { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: metrics, OTEL_EXPORTER_OTLP_ENDPOINT: all } = environment
  const text = [metrics, all].find((endpoint) => endpoint !== undefined && endpoint !== '') ?? 'http://localhost:4318'
  if (!URL.canParse(text)) return 'an endpoint that is no URL'
  const { protocol, host, pathname } = new URL(text)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
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
