import type { Io } from '../../src/cli/command.ts'

/** The world of a command, with what it printed. */
export interface MemoryIo extends Io {
  readonly out: () => string
  readonly err: () => string
}

export function memoryIo(directory: string, options: { readonly terminal?: boolean } = {}): MemoryIo {
  let out = ''
  let err = ''
  let now = Date.UTC(2026, 0, 31, 12)
  return {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    terminal: options.terminal ?? false,
    environment: {},
    directory,
    // Every look at the clock takes a second, so that progress is always due.
    clock: { now: () => (now += 1000), after: () => () => undefined },
    untilStopped: async () => undefined,
    out: () => out,
    err: () => err,
  }
}
