import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { doctorVariable } from '@driftline/instrumentation/contract'
import type { Io } from '../cli/command.ts'
import { Findings } from './findings.ts'
import { makeRequest, type GivenRequest, type RequestOutcome } from './given-request.ts'

/** How often it is looked what was told. */
const lookMs = 100

/** After the first calls it is waited so long for more models to show. */
const quietMs = 1_500

/** What a server that is asked to end may take. */
const endDeadlineMs = 5_000

/** A request is not waited for longer than this; the model may be loaded by it. */
const requestTimeoutMs = 30_000

/** Lines of the server that are shown when it failed. */
const tailLines = 20

export interface ServerRunOptions {
  readonly command: readonly string[]
  /** URL of what is put before the program by `--import`. */
  readonly register: string
  readonly waitMs: number
  readonly requests: readonly GivenRequest[]
  readonly io: Io
}

export interface ServerRun {
  readonly findings: Findings
  /** `ended`: by itself. */
  readonly reason: 'seen' | 'waited' | 'stopped' | 'ended'
  readonly status: number | null
  readonly signal: string | null
  readonly requests: readonly RequestOutcome[]
  /** The last lines of its standard error. */
  readonly tail: readonly string[]
}

/**
 * Starts a server with Driftline inside, shows on standard error what it prints, and ends it, with everything that it has started, once
 * the first model calls were seen, the wait is over, or a person wants it.
 *
 * @throws Error when the command cannot be started
 */
export async function runServer(options: ServerRunOptions): Promise<ServerRun> {
  const folder = mkdtempSync(join(tmpdir(), 'driftline-doctor-'))
  try {
    const file = join(folder, 'lines.jsonl')
    writeFileSync(file, '')
    return await watchServer(options, file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function watchServer(
  { command, register, waitMs, requests, io }: ServerRunOptions,
  file: string,
): Promise<ServerRun> {
  const [program = '', ...given] = command
  const { NODE_OPTIONS: nodeOptions = '', ...environment } = io.environment
  const child = spawn(program, given, {
    cwd: io.directory,
    env: { ...environment, NODE_OPTIONS: `${nodeOptions} --import ${register}`.trim(), [doctorVariable]: file },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: npm and shells do not hand on signals.
    detached: process.platform !== 'win32',
    // There npm is a script.
    shell: process.platform === 'win32',
  })
  const tail = showOutput(child, io)
  let exited = false
  const exit = once(child, 'close').then(
    () => void (exited = true),
    (error: unknown) => {
      exited = true
      throw new Error(`${program} cannot be started: ${(error as Error).message}`)
    },
  )
  // It is awaited below.
  exit.catch(() => undefined)
  let stopped = false
  void io.untilStopped().then(() => void (stopped = true))

  const findings = new Findings()
  const lines = new LineFile(file)
  const begun = io.clock.now()
  const over = (): boolean => exited || stopped || io.clock.now() - begun >= waitMs
  const outcomes: RequestOutcome[] = []
  const asking = askAll(requests, outcomes, over, io)
  let reason: ServerRun['reason'] = 'waited'
  let lastNews = begun
  try {
    while (!over()) {
      if (lines.readInto(findings)) lastNews = io.clock.now()
      const seen =
        findings.models.some(({ answered }) => answered !== null) ||
        (requests.length > 0 && findings.models.length === 0)
      if (seen && outcomes.length === requests.length && io.clock.now() - lastNews >= quietMs) {
        reason = 'seen'
        break
      }
      await pause(io, lookMs)
    }
    if (exited) reason = 'ended'
    else if (stopped) reason = 'stopped'
  } finally {
    if (!exited || groupLives(child)) await endGroup(child, () => exited, io)
  }
  await exit
  await asking
  lines.readInto(findings)
  lines.close()
  const { exitCode: status, signalCode: signal } = child
  return { findings, reason, status, signal, requests: outcomes, tail }
}

async function askAll(
  requests: readonly GivenRequest[],
  outcomes: RequestOutcome[],
  over: () => boolean,
  io: Io,
): Promise<void> {
  for (const request of requests) {
    const { method, url } = request
    let status: number | null = null
    // It takes a while until the server listens.
    while (!over() && status === null) {
      status = await makeRequest(request, requestTimeoutMs)
      if (status === null) await pause(io, lookMs)
    }
    outcomes.push({ method, url, status })
  }
}

/** Hands on what the server prints, and keeps its last lines. */
function showOutput(child: ChildProcess, io: Io): string[] {
  const tail: string[] = []
  child.stdout!.setEncoding('utf8').on('data', (text: string) => io.stderr(text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    io.stderr(text)
    tail.push(...text.split('\n').filter((line) => line.trim() !== ''))
    tail.splice(0, tail.length - tailLines)
  })
  return tail
}

async function endGroup(child: ChildProcess, exited: () => boolean, io: Io): Promise<void> {
  send(child, 'SIGTERM')
  const deadline = io.clock.now() + endDeadlineMs
  while ((!exited() || groupLives(child)) && io.clock.now() < deadline) await pause(io, lookMs)
  if (!exited() || groupLives(child)) send(child, 'SIGKILL')
  // What left the group may still hold the pipes.
  child.stdout?.destroy()
  child.stderr?.destroy()
}

function send(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  const { pid } = child
  if (pid === undefined) return false
  try {
    return process.platform === 'win32' ? child.kill(signal) : process.kill(-pid, signal)
  } catch {
    // It has ended meanwhile.
    return false
  }
}

function groupLives(child: ChildProcess): boolean {
  return process.platform !== 'win32' && send(child, 0)
}

async function pause(io: Io, milliseconds: number): Promise<void> {
  await new Promise<void>((resolve) => void io.clock.after(milliseconds, resolve, { hold: true }))
}

/** The lines of a file that grows. */
class LineFile {
  readonly #descriptor: number
  readonly #buffer = Buffer.alloc(65_536)
  readonly #decoder = new StringDecoder('utf8')
  #offset = 0
  #rest = ''

  constructor(file: string) {
    this.#descriptor = openSync(file, 'r')
  }

  /** Whether there was a line that tells of a model. */
  readInto(findings: Findings): boolean {
    let news = false
    for (;;) {
      const bytes = readSync(this.#descriptor, this.#buffer, 0, this.#buffer.length, this.#offset)
      if (bytes === 0) return news
      this.#offset += bytes
      const lines = (this.#rest + this.#decoder.write(this.#buffer.subarray(0, bytes))).split('\n')
      this.#rest = lines.pop()!
      for (const line of lines) {
        findings.read(line)
        news ||= !line.includes('"event":"request"') && !line.includes('"event":"nothing"')
      }
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
