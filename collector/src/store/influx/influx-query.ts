import { InfluxError, messageOf, type InfluxServer } from './influx-server.ts'

/** Rows of one series of an answer; a series may come in several pieces. */
export interface QuerySeries {
  /** Which of the statements it answers, from 0. */
  readonly statement: number
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  readonly columns: readonly string[]
  readonly values: readonly (readonly (string | number | boolean | null)[])[]
}

export interface InfluxQuery {
  /** Statements of InfluxQL, separated by `;`. */
  readonly text: string
  /** Stand in for `$name`; the only way for anything that a sender or user wrote. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>
  readonly retentionPolicy?: string
  readonly database?: string
  /** Unit of times in the answer. Default: ms. Nanoseconds do not fit a double. */
  readonly epoch?: 'ms' | 'u'
}

/** Rows per piece of an answer, of which one is in memory at a time. */
const rowsPerChunk = 10_000
/** An answer of one request; as much as 500,000 series of 20 sums take. */
const maximumAnswerBytes = 512 * 1024 * 1024

/**
 * InfluxQL over POST /query, which 1.x, 2.x and 3.x answer. The answer is read as it comes.
 *
 * @param take - is called with every piece of a series, in order.
 * @throws InfluxError; `missing` when the database does not exist.
 */
export async function queryInflux(
  server: InfluxServer,
  query: InfluxQuery,
  take: (series: QuerySeries) => void,
): Promise<void> {
  const { text, parameters = {}, retentionPolicy, database = server.settings.database } = query
  const form = new URLSearchParams({
    q: text,
    db: database,
    epoch: query.epoch ?? 'ms',
    chunked: 'true',
    chunk_size: String(rowsPerChunk),
  })
  if (retentionPolicy !== undefined) form.set('rp', retentionPolicy)
  if (Object.keys(parameters).length > 0) form.set('params', JSON.stringify(parameters))
  await server.request(
    { method: 'POST', path: '/query', body: form, contentType: 'application/x-www-form-urlencoded' },
    async (answer) => {
      if (answer.status !== 200) throw queryError(server, answer.status, await answer.text())
      let rest = ''
      let bytes = 0
      const decoder = new TextDecoder()
      for await (const chunk of answer.body ?? []) {
        bytes += (chunk as Uint8Array).length
        if (bytes > maximumAnswerBytes) {
          throw new InfluxError(
            'refused',
            `an answer of InfluxDB is larger than ${maximumAnswerBytes} bytes; ask for a shorter time`,
          )
        }
        rest += decoder.decode(chunk as Uint8Array, { stream: true })
        let end = rest.indexOf('\n')
        if (end === -1) continue
        let start = 0
        for (; end !== -1; end = rest.indexOf('\n', start)) {
          takePiece(server, rest.slice(start, end), take)
          start = end + 1
        }
        rest = rest.slice(start)
      }
      takePiece(server, rest + decoder.decode(), take)
    },
  )
}

interface AnswerPiece {
  readonly error?: string
  readonly results?: readonly {
    readonly statement_id?: number
    readonly error?: string
    readonly series?: readonly {
      readonly name?: string
      readonly tags?: Readonly<Record<string, string>>
      readonly columns: readonly string[]
      readonly values?: QuerySeries['values']
    }[]
  }[]
}

function takePiece(server: InfluxServer, text: string, take: (series: QuerySeries) => void): void {
  if (text.trim() === '') return
  let piece: AnswerPiece
  try {
    piece = JSON.parse(text) as AnswerPiece
  } catch {
    throw new InfluxError(
      'unreachable',
      `an answer of InfluxDB is cut off or no JSON: ${messageOf(text.slice(0, 200))}`,
    )
  }
  if (piece.error !== undefined) throw queryError(server, 200, piece.error)
  for (const { statement_id: statement = 0, error, series = [] } of piece.results ?? []) {
    if (error !== undefined) throw queryError(server, 200, error)
    for (const { name = '', tags = {}, columns, values = [] } of series)
      take({ statement, name, tags, columns, values })
  }
}

function queryError(server: InfluxServer, status: number, body: string): InfluxError {
  const said = messageOf(body)
  if (/(database|retention policy|bucket).*not found|not found.*(database|bucket)|does not exist/i.test(said)) {
    return new InfluxError('missing', server.redact(`InfluxDB: ${said}; run driftline collector --init-influx`), {
      status: 404,
    })
  }
  return server.errorOf(status === 200 ? 400 : status, body)
}
