import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readBaseline } from '../baseline/read-baseline.ts'
import { baselineText, summariseBaseline } from '../baseline/summarise-baseline.ts'
import { UsageError, type Command } from './command.ts'

export const baselineShowCommand: Command = {
  name: 'baseline show',
  summary: 'print a readable summary of a baseline',
  usage: `Usage: driftline baseline show FILE [--json]

Reads and checks a baseline.json and prints its features, predictions, chunks and digest.

Options:
  --json   print one JSON document instead
`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    })
    const [file] = positionals
    if (file === undefined || positionals.length > 1)
      throw new UsageError(`expected one FILE, got ${positionals.length}`)
    const summary = summariseBaseline(await readBaseline(resolve(io.directory, file)))
    io.stdout(values.json ? `${JSON.stringify(summary)}\n` : baselineText(summary))
    return 0
  },
}
