/** One series of an answer, as InfluxDB gives it. */
export interface AnswerSeries {
  readonly tags: Readonly<Record<string, string>>
  readonly columns: readonly string[]
  readonly values: readonly (readonly (string | number | boolean | null)[])[]
}

export interface QueryContext {
  readonly url: string
  readonly database: string
  readonly fromMs: number
  readonly toMs: number
  /** As Grafana writes it, such as `10m`. */
  readonly interval: string
  /** Chosen values by variable; several are alternatives. `null`: all, which stands in the query as it is. */
  readonly variables: Readonly<Record<string, string | readonly string[] | null>>
}

/** What Grafana escapes for the format `regex` (public/app/features/templating: lodash-like, with the slash). */
const special = /[\\^$*+?.()|[\]{}/]/g

/** Puts macros and variables in place, as Grafana does before it asks. */
export function interpolated(query: string, { fromMs, toMs, interval, variables }: QueryContext): string {
  return query
    .replaceAll('$timeFilter', `time >= ${fromMs}ms and time <= ${toMs}ms`)
    .replaceAll('$__interval', interval)
    .replaceAll(/\$\{(\w+)(?::(\w+))?\}/g, (_text, name: string, format: string | undefined) => {
      const chosen = variables[name]
      if (chosen === undefined) throw new Error(`the variable ${name} has no value`)
      if (chosen === null) return '.*'
      const values = typeof chosen === 'string' ? [chosen] : chosen
      if (format !== 'regex') return values.join(',')
      const escaped = values.map((value) => value.replaceAll(special, String.raw`\$&`))
      return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`
    })
}

export async function ask(query: string, context: QueryContext): Promise<AnswerSeries[]> {
  const text = interpolated(query, context)
  if (/\$[a-z_{]/i.test(text)) throw new Error(`something was not put in place: ${text}`)
  const answer = await fetch(`${context.url}/query?db=${encodeURIComponent(context.database)}&epoch=ms`, {
    method: 'POST',
    body: new URLSearchParams({ q: text }),
  })
  const body = (await answer.json()) as {
    error?: string
    results?: { error?: string; series?: Partial<AnswerSeries>[] }[]
  }
  const error = body.error ?? body.results?.find((result) => result.error !== undefined)?.error
  if (error !== undefined) throw new Error(`${text}: ${error}`)
  return (body.results ?? []).flatMap(({ series = [] }) =>
    series.map(({ tags = {}, columns = [], values = [] }) => ({ tags, columns, values })),
  )
}

/** The name that Grafana gives a column of a series by an alias; without one, measurement and tags, which no panel of ours shows. */
export function aliased(alias: string, tags: Readonly<Record<string, string>>, column: string): string {
  return alias.replaceAll(/\$(?:tag_(\w+)|(col))/g, (_text, tag: string | undefined) =>
    tag === undefined ? column : (tags[tag] ?? ''),
  )
}
