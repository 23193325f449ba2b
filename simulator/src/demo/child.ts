import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../clock.ts'

export interface ChildOptions {
  /** What people call it: `collector`. */
  readonly name: string
  /** A script and its arguments, run by the Node that runs this. */
  readonly script: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** The line on standard output that says it is ready. Its first group is what start() resolves to. */
  readonly ready: RegExp
  readonly clock: Clock
}

/** A process that did not start, or ended without being asked. */
export class ChildFailure extends Error {
  override name = 'ChildFailure'
}

const startTimeoutMs = 30_000
/** Lines kept of what a child says, to be shown when it dies. */
const keptLines = 40
/** A line without an end is cut here. */
const maximumLineLength = 4_000

/** A Node process that the demo started and will end. */
export class Child {
  readonly name: string
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>
  readonly #options: ChildOptions
  readonly #process: ChildProcess
  readonly #errors: string[] = []
  #ended = false
  #stopping = false

  private constructor(options: ChildOptions) {
    this.name = options.name
    this.#options = options
    // A process group of its own: Ctrl-C in the terminal reaches the demo alone, which then ends the others in order.
    this.#process = spawn(
      process.execPath,
      [...process.execArgv, '--import', preload, options.script, ...options.arguments],
      {
        detached: true,
        env: { ...inheritedEnvironment(), ...options.environment },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    )
    this.exited = new Promise((resolve) => {
      const end = (): void => {
        this.#ended = true
        resolve()
      }
      this.#process.once('close', end)
      this.#process.once('error', (error) => {
        this.#errors.push(error.message)
        end()
      })
    })
    onLine(this.#process.stderr!, (line) => {
      this.#errors.push(line)
      if (this.#errors.length > keptLines) this.#errors.shift()
    })
  }

  /**
   * Starts a process and waits until it says that it is ready.
   *
   * @throws ChildFailure with what it wrote to standard error, when it ends before or says nothing for 30 seconds.
   */
  static async start(options: ChildOptions): Promise<{ child: Child; ready: string }> {
    const child = new Child(options)
    let cancel = (): void => {}
    const ready = new Promise<string>((resolve, reject) => {
      onLine(child.#process.stdout!, (line) => {
        const match = options.ready.exec(line)
        if (match !== null) resolve(match[1] ?? line)
      })
      void child.exited.then(() =>
        reject(new ChildFailure(child.lastWords || `the ${child.name} ended with ${child.howItEnded}`)),
      )
      cancel = options.clock.after(startTimeoutMs, () =>
        reject(new ChildFailure(`the ${child.name} did not start within ${startTimeoutMs / 1000} s`)),
      )
    })
    try {
      return { child, ready: await ready }
    } catch (error) {
      await child.stop(0)
      throw error
    } finally {
      cancel()
    }
  }

  /** True once it has ended without having been asked to. */
  get died(): boolean {
    return this.#ended && !this.#stopping
  }

  /** What it wrote to standard error last; empty when nothing. */
  get lastWords(): string {
    return this.#errors.join('\n')
  }

  /** `exit code 1` or the name of a signal. */
  get howItEnded(): string {
    const { exitCode, signalCode } = this.#process
    return signalCode ?? `exit code ${exitCode}`
  }

  /** Asks it to end, and ends it by force after `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    if (this.#ended) return
    this.#stopping = true
    this.#process.kill('SIGTERM')
    const cancel = this.#options.clock.after(patienceMs, () => this.#process.kill('SIGKILL'))
    await this.exited
    cancel()
  }

  /** Ends it by force. */
  kill(): void {
    this.#stopping = true
    if (!this.#ended) this.#process.kill('SIGKILL')
  }
}

/** Settings meant for another collector or another server must not change what the demo shows. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DRIFTLINE|OTEL)_/.test(name)))
}

/** This file is TypeScript when run from source and JavaScript when built; its neighbour is the same. */
const preload = new URL(`./end-with-parent${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href

function onLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!.slice(0, maximumLineLength)
    for (const line of lines) if (line.trim() !== '') take(line.trimEnd())
  })
  stream.on('end', () => {
    if (rest.trim() !== '') take(rest.trimEnd())
    rest = ''
  })
}

/** The path of a script that sits beside a package's entry point, in the form (source or built) that this process uses. */
export function packageScript(packageName: string, name: string): string {
  const entry = import.meta.resolve(packageName)
  return fileURLToPath(new URL(`./${name}${entry.endsWith('.ts') ? '.ts' : '.js'}`, entry))
}
