type Environment = Readonly<Record<string, string | undefined>>

const defaultBase = 'http://localhost:4318'
const metricsPath = /\/v1\/metrics\/?$/

/**
 * Base of the addresses of a collector that takes OTLP where metrics are sent to; null when the environment names no URL.
 *
 * @param otlpUrl with the path; undefined: the environment says it, as OpenTelemetry's exporters read it
 */
export function collectorUrl(otlpUrl: string | undefined, environment: Environment): string | null {
  const given =
    otlpUrl ??
    [environment.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, environment.OTEL_EXPORTER_OTLP_ENDPOINT]
      .map((one) => one?.trim())
      .find((one) => one !== undefined && one !== '') ??
    defaultBase
  if (!URL.canParse(given)) return null
  const url = new URL(given)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null
  url.search = ''
  url.hash = ''
  url.pathname = url.pathname.replace(metricsPath, '')
  return url.href.replace(/\/+$/, '')
}

/**
 * Headers of `OTEL_EXPORTER_OTLP_HEADERS` and, before those, `OTEL_EXPORTER_OTLP_METRICS_HEADERS`: `name=value` pairs between
 * commas, values percent-encoded. What is no pair is left out.
 *
 * @see OpenTelemetry, OTLP exporter configuration: the format of W3C Baggage without properties.
 */
export function headersFromEnvironment(environment: Environment): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const variable of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_METRICS_HEADERS']) {
    for (const pair of environment[variable]?.split(',') ?? []) {
      const at = pair.indexOf('=')
      const name = pair.slice(0, Math.max(at, 0)).trim().toLowerCase()
      if (name === '') continue
      const value = pair.slice(at + 1).trim()
      try {
        headers[name] = decodeURIComponent(value)
      } catch {
        headers[name] = value
      }
    }
  }
  return headers
}
