import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface InfluxdOptions {
  /** Lines put under `[http]`, for example `auth-enabled = true`. */
  readonly http?: readonly string[]
  /** Lines put under `[data]`, for example `max-values-per-tag = 10`. */
  readonly data?: readonly string[]
}

/** A real InfluxDB 1.x on loopback with a temporary directory. */
export interface Influxd {
  /** Stays the same over stop and start. */
  readonly url: string
  readonly directory: string
  start(): Promise<void>
  /** SIGTERM, and waits for the end; `SIGKILL` loses nothing that was acknowledged. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Stops it for good and removes its directory. */
  dispose(): Promise<void>
  /** An InfluxQL statement as it is; throws what the server says against it. Returns `results` of the answer. */
  query(statement: string, database?: string): Promise<InfluxdResult[]>
  /** Line protocol as it is, timestamps in ns. */
  write(lines: string, database: string, retentionPolicy?: string): Promise<void>
}

export interface InfluxdResult {
  readonly series?: readonly {
    readonly name: string
    readonly tags?: Readonly<Record<string, string>>
    readonly columns: readonly string[]
    readonly values: readonly (readonly (string | number | boolean | null)[])[]
  }[]
  readonly error?: string
}

const executable = process.env['INFLUXD'] ?? '/usr/bin/influxd'
/** The first start on a busy machine can take some seconds. */
const startDeadlineMs = 60_000
const stopDeadlineMs = 20_000

/** Tests that need the server say `describe.skipIf(!hasInfluxd)`; in CI nothing may be skipped for want of it. */
export const hasInfluxd: boolean = existsSync(executable)
if (!hasInfluxd && process.env['CI'] !== undefined) throw new Error(`${executable} is not there: install influxdb`)

/** Starts a server of its own; `dispose` when done. */
export async function startInfluxd(options: InfluxdOptions = {}): Promise<Influxd> {
  const directory = await mkdtemp(join(tmpdir(), 'driftline-influxd-'))
  const server = new RunningInfluxd(directory, await freePort(), options)
  try {
    await server.start()
  } catch (error) {
    await server.dispose()
    throw error
  }
  return server
}

class RunningInfluxd implements Influxd {
  readonly directory: string
  readonly url: string
  readonly #port: number
  readonly #options: InfluxdOptions
  #child: ChildProcess | null = null
  #log = ''

  constructor(directory: string, port: number, options: InfluxdOptions) {
    this.directory = directory
    this.#port = port
    this.#options = options
    this.url = `http://127.0.0.1:${port}`
  }

  async start(): Promise<void> {
    if (this.#child !== null) return
    const file = join(this.directory, 'influxdb.conf')
    await writeFile(file, this.#configuration())
    const child = spawn(executable, ['-config', file], { stdio: ['ignore', 'pipe', 'pipe'], env: {} })
    this.#child = child
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-4_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('exit', () => {
      if (this.#child === child) this.#child = null
    })
    // A test that dies must not leave a server behind.
    const endWithUs = (): void => void child.kill('SIGKILL')
    process.once('exit', endWithUs)
    child.once('exit', () => process.off('exit', endWithUs))
    const deadline = Date.now() + startDeadlineMs
    for (;;) {
      if (this.#child === null) throw new Error(`influxd ended while starting:\n${this.#log}`)
      try {
        const answer = await fetch(`${this.url}/ping`)
        if (answer.status === 204) return
      } catch {
        // Not listening yet.
      }
      if (Date.now() > deadline) throw new Error(`influxd does not answer:\n${this.#log}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopDeadlineMs)
    await ended
    clearTimeout(timer)
    this.#child = null
  }

  async dispose(): Promise<void> {
    await this.stop('SIGKILL')
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  async query(statement: string, database = ''): Promise<InfluxdResult[]> {
    const answer = await fetch(`${this.url}/query?db=${encodeURIComponent(database)}&epoch=ms`, {
      method: 'POST',
      body: new URLSearchParams({ q: statement }),
    })
    const body = (await answer.json()) as { error?: string; results?: InfluxdResult[] }
    const error = body.error ?? body.results?.find((result) => result.error !== undefined)?.error
    if (error !== undefined) throw new Error(`${statement}: ${error}`)
    return body.results ?? []
  }

  async write(lines: string, database: string, retentionPolicy = ''): Promise<void> {
    const parameters = new URLSearchParams({ db: database, precision: 'ns' })
    if (retentionPolicy !== '') parameters.set('rp', retentionPolicy)
    const answer = await fetch(`${this.url}/write?${parameters.toString()}`, { method: 'POST', body: lines })
    if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`)
  }

  #configuration(): string {
    const { http = [], data = [] } = this.#options
    return `reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "${this.directory}/meta"
[data]
  dir = "${this.directory}/data"
  wal-dir = "${this.directory}/wal"
  query-log-enabled = false
  ${data.join('\n  ')}
[http]
  bind-address = "127.0.0.1:${this.#port}"
  log-enabled = false
  flux-enabled = false
  ${http.join('\n  ')}
[monitor]
  store-enabled = false
[logging]
  level = "warn"
`
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
