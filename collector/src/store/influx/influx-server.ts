import type { Clock } from '../../clock.ts'
import { StoreUnavailableError } from '../store.ts'
import type { InfluxSettings } from './influx-settings.ts'

/** What a server said that it is. */
export interface ServerVersion {
  readonly major: 1 | 2 | 3
  readonly minor: number
  /** As the server spells it. */
  readonly text: string
  /** X-Influxdb-Build, for instance OSS, ENT, Core; empty when not said. */
  readonly build: string
}

/** InfluxDB cannot be used as it is set up. `kind` says whose turn it is; no message shows a token or password. */
export class InfluxError extends StoreUnavailableError {
  override name = 'InfluxError'
  readonly kind: 'unreachable' | 'credentials' | 'missing' | 'unsupported' | 'refused'
  readonly status: number | null
  constructor(
    kind: InfluxError['kind'],
    message: string,
    options: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.kind = kind
    this.status = options.status ?? null
  }
}

export interface InfluxRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** Behind the base URL, with its query. */
  readonly path: string
  readonly body?: URLSearchParams | string
  readonly contentType?: string
  readonly accept?: string
}

/** What of a body is shown in an error. */
const shownCharacters = 500
/** Oldest versions that are known to have what is used: multiple retention policies with bind parameters, and virtual mappings of buckets. */
const oldestMinor = { 1: 6, 2: 4, 3: 0 } as const

/** One InfluxDB: its address, credentials and version. */
export class InfluxServer {
  readonly settings: InfluxSettings
  readonly #clock: Clock
  readonly #base: string
  #version: ServerVersion | null = null
  #detecting: Promise<ServerVersion> | null = null

  constructor(settings: InfluxSettings, clock: Clock) {
    this.settings = settings
    this.#clock = clock
    this.#base = settings.url.replace(/\/+$/, '')
  }

  /** Null until it was reached. */
  get version(): ServerVersion | null {
    return this.#version
  }

  /**
   * Asks once what the server is; an answer is kept until `forgetVersion`.
   *
   * @throws InfluxError
   */
  detect(): Promise<ServerVersion> {
    if (this.#version !== null) return Promise.resolve(this.#version)
    this.#detecting ??= this.#detect().finally(() => {
      this.#detecting = null
    })
    return this.#detecting
  }

  /** After the server may have been replaced: the next `detect` asks again. */
  forgetVersion(): void {
    this.#version = null
  }

  /** The value of the Authorization header; null for none. */
  authorization(): string | null {
    const { token, username, password } = this.settings
    if (token !== null) {
      // 1.x reads `Token user:password` from 1.8 on only; Basic is read by all.
      if (this.#version?.major === 1 && token.includes(':')) return basic(token)
      return `Token ${token}`
    }
    return username === null ? null : basic(`${username}:${password ?? ''}`)
  }

  /** Path and query of writes; every version takes this one. */
  writePath(retentionPolicy: string): string {
    const query = new URLSearchParams({ db: this.settings.database, rp: retentionPolicy, precision: 'ns' })
    return `/write?${query.toString()}`
  }

  /**
   * The answer, whatever its status. Its body has to be read within the same time limit.
   *
   * @throws InfluxError when there was no answer.
   */
  async request<T>(request: InfluxRequest, read: (answer: Response) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const { timeoutMs } = this.settings
    let timedOut = false
    const cancel = this.#clock.after(timeoutMs, () => {
      timedOut = true
      controller.abort()
    })
    const headers: Record<string, string> = { accept: request.accept ?? 'application/json' }
    const authorization = this.authorization()
    if (authorization !== null) headers['authorization'] = authorization
    if (request.contentType !== undefined) headers['content-type'] = request.contentType
    try {
      const answer = await fetch(`${this.#base}${request.path}`, {
        method: request.method,
        headers,
        redirect: 'error',
        signal: controller.signal,
        ...(request.body === undefined ? {} : { body: request.body }),
      })
      return await read(answer)
    } catch (error) {
      if (error instanceof InfluxError) throw error
      const why = timedOut ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error)
      throw new InfluxError('unreachable', this.redact(`InfluxDB at ${this.#base} cannot be reached: ${why}`), {
        cause: undefined,
      })
    } finally {
      cancel()
    }
  }

  /** What an answer other than success means. */
  errorOf(status: number, body: string): InfluxError {
    const { major } = this.#version ?? { major: null }
    const said = this.redact(messageOf(body))
    const at = `InfluxDB${this.#version === null ? '' : ` ${this.#version.text}`} at ${this.#base}`
    if (status === 401 || status === 403) {
      const variables =
        major === 1 ? 'DRIFTLINE_INFLUX_USERNAME and DRIFTLINE_INFLUX_PASSWORD' : 'DRIFTLINE_INFLUX_TOKEN'
      return new InfluxError(
        'credentials',
        `${at} refuses the credentials (${status}: ${said}); look at ${variables}`,
        { status },
      )
    }
    if (status === 404) {
      return new InfluxError(
        'missing',
        `${at} does not have what was asked for (404: ${said}); run driftline collector --init-influx`,
        { status },
      )
    }
    if (status === 429 || status >= 500)
      return new InfluxError('unreachable', `${at} cannot answer now (${status}: ${said})`, { status })
    return new InfluxError('refused', `${at} refused a request (${status}: ${said})`, { status })
  }

  /** Takes every secret out of a text. */
  redact(text: string): string {
    let clean = text
    for (const secret of [this.settings.token, this.settings.password]) {
      if (secret !== null && secret !== '') clean = clean.replaceAll(secret, '***')
    }
    return clean
  }

  async #detect(): Promise<ServerVersion> {
    const ping = await this.request({ method: 'GET', path: '/ping' }, async (answer) => ({
      status: answer.status,
      version: answer.headers.get('x-influxdb-version'),
      build: answer.headers.get('x-influxdb-build') ?? '',
      body: await answer.text(),
    }))
    if (ping.status === 401 || ping.status === 403) throw this.errorOf(ping.status, ping.body)
    // 3.x says it in the body as well; a proxy may have taken the headers away.
    let text = ping.version ?? versionIn(ping.body)
    if (text === null) {
      const health = await this.request({ method: 'GET', path: '/health' }, async (answer) => answer.text())
      text = versionIn(health)
    }
    const parsed = /^v?(\d+)\.(\d+)/.exec(text ?? '')
    if (parsed === null) {
      if (ping.status >= 500) throw this.errorOf(ping.status, ping.body)
      throw new InfluxError(
        'unsupported',
        `${this.#base} does not say that it is an InfluxDB (GET /ping gave ${ping.status} without X-Influxdb-Version)`,
      )
    }
    const [major, minor] = [Number(parsed[1]), Number(parsed[2])]
    if ((major !== 1 && major !== 2 && major !== 3) || minor < oldestMinor[major]) {
      throw new InfluxError(
        'unsupported',
        `InfluxDB ${text} at ${this.#base} is not supported: it takes 1.6 or later, 2.4 or later, or 3.x`,
      )
    }
    this.#version = { major, minor, text: text!, build: ping.build }
    return this.#version
  }
}

function basic(userAndPassword: string): string {
  return `Basic ${Buffer.from(userAndPassword).toString('base64')}`
}

function versionIn(body: string): string | null {
  try {
    const { version } = JSON.parse(body) as { version?: unknown }
    return typeof version === 'string' ? version : null
  } catch {
    return null
  }
}

/** What the server says, out of the forms that the versions give it. */
export function messageOf(body: string): string {
  let text = body.trim()
  try {
    const parsed = JSON.parse(body) as { error?: unknown; message?: unknown }
    const said = parsed.error ?? parsed.message
    if (typeof said === 'string') text = said
  } catch {
    // Plain text then.
  }
  if (text === '') return 'without a reason'
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // fetch says only "fetch failed"; its cause says why.
  const { cause } = error
  return cause instanceof Error ? cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name) : error.message
}
