import { UsageError, type Io } from './command.ts'
import { commands, type CommandEntry } from './commands.ts'

/** Exit statuses: the arguments were wrong, or something else was. */
const usageStatus = 2
const failureStatus = 1

/**
 * Runs `driftline` with the arguments after its name, and says in one line on stderr what went wrong, if anything did.
 *
 * @returns the exit status: 0, 1 for a failure, 2 for wrong arguments.
 */
export async function runDriftline(args: readonly string[], io: Io): Promise<number> {
  const found = findCommand(args)
  if (found === undefined) return withoutCommand(args, io)
  const rest = args.slice(found.words)
  try {
    const command = await found.entry.load()
    const options = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest
    if (options.includes('--help') || options.includes('-h')) {
      io.stdout(withLineEnd(command.usage))
      return 0
    }
    return await command.run(rest, io)
  } catch (error) {
    const isUsage = isUsageError(error)
    const prefix = `driftline ${found.entry.name}: `
    // Each problem gets the prefix, so that each can be read alone.
    const lines = listsProblems(error) ? error.message.split('\n') : [reason(error)]
    for (const line of lines) io.stderr(`${prefix}${line}\n`)
    if (isUsage) io.stderr(`Try: driftline ${found.entry.name} --help\n`)
    return isUsage ? usageStatus : failureStatus
  }
}

/** The entry with the most words that the arguments start with. */
function findCommand(args: readonly string[]): { entry: CommandEntry; words: number } | undefined {
  let found: { entry: CommandEntry; words: number } | undefined
  for (const entry of commands) {
    const words = entry.name.split(' ')
    if (words.length > (found?.words ?? 0) && words.every((word, i) => args[i] === word))
      found = { entry, words: words.length }
  }
  return found
}

function withoutCommand(args: readonly string[], io: Io): number {
  const [first] = args
  const group = first === undefined ? [] : commands.filter(({ name }) => name.startsWith(`${first} `))
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    io.stdout(overview(commands))
    return 0
  }
  if (group.length > 0 && (args[1] === undefined || args[1] === '--help' || args[1] === '-h')) {
    io.stdout(overview(group))
    return args[1] === undefined ? usageStatus : 0
  }
  const known = (group.length > 0 ? group : commands).map(({ name }) => name).join(', ')
  const typed = group.length > 0 ? args.slice(0, 2).join(' ') : first
  io.stderr(`driftline: there is no command ${JSON.stringify(typed)}; known are ${known}\nTry: driftline --help\n`)
  return usageStatus
}

function overview(entries: readonly CommandEntry[]): string {
  const width = Math.max(...entries.map(({ name }) => name.length))
  const lines = entries.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return `Usage: driftline <command> [options]\n\nCommands:\n${lines.join('\n')}\n\ndriftline <command> --help says more about a command.\n`
}

function isUsageError(error: unknown): boolean {
  if (error instanceof UsageError) return true
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_')
}

/** Errors that list their problems, one a line: formats, configurations, rule files. */
function listsProblems(error: unknown): error is Error {
  return error instanceof Error && 'problems' in error && Array.isArray(error.problems)
}

/** One line: the messages of some errors have several. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.replaceAll(/\s*\n\s*/g, ' ')
}

function withLineEnd(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
