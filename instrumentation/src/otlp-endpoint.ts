type Environment = Readonly<Record<string, string | undefined>>

/** Before each other: the one for metrics, and the one for everything. */
const variables = ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const

export interface OtlpEndpoint {
  /** The environment variable that says it. */
  readonly variable: (typeof variables)[number]
  /** Null when its text is no http or https URL: the exporters would then send to `http://localhost:4318`, whoever listens there. */
  readonly url: URL | null
}

/** Where the environment sends metrics; null when it says nothing. */
export function otlpEndpoint(environment: Environment): OtlpEndpoint | null {
  for (const variable of variables) {
    const text = environment[variable]?.trim() ?? ''
    if (text === '') continue
    const url = URL.canParse(text) ? new URL(text) : null
    // 'localhost:4318' is a URL, whose protocol is 'localhost:'.
    return { variable, url: url?.protocol === 'http:' || url?.protocol === 'https:' ? url : null }
  }
  return null
}
