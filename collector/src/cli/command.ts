import type { Clock } from '../clock.ts'

/** One command of `driftline`. */
export interface Command {
  /** As it is typed after `driftline`, such as `baseline build`. */
  readonly name: string
  /** What it does, in a few words, for the list of commands. */
  readonly summary: string
  /** What `--help` prints. */
  readonly usage: string
  /**
   * Runs it with the arguments after its name. Resolves to the exit status.
   *
   * @throws UsageError, or what node:util parseArgs throws, for wrong arguments (status 2); any other error for what went wrong (status 1).
   */
  run(args: readonly string[], io: Io): Promise<number>
}

/** The world as a command sees it, so that tests can stand in for it. */
export interface Io {
  stdout(text: string): void
  stderr(text: string): void
  /** Whether a person looks at stderr; progress is shown only then. */
  readonly terminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where relative paths start. */
  readonly directory: string
  readonly clock: Clock
  /** Resolves once the process is asked to end (Ctrl-C, SIGTERM). Until it is called, those end the process at once. */
  untilStopped(): Promise<void>
}

/** Arguments that make no sense; exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
