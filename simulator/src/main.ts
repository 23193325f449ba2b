import { systemClock } from './clock.ts'
import { runDemo } from './demo/demo.ts'
import { demoHelp, demoUsage, parseDemoArguments, type DemoOptions } from './demo/options.ts'
import { blockOutput, jsonOutput, lineOutput, type DemoOutput } from './demo/output.ts'

/** Ctrl-C under npm arrives twice, from the terminal and from npm; only a later one means impatience. */
const impatienceMs = 1500

const [command, ...rest] = process.argv.slice(2)
if (command === 'demo') await demo(rest)
else if (command === '--help' || command === '-h') process.stdout.write(demoHelp)
else {
  process.stderr.write(
    `${command === undefined ? '' : `driftline-simulate: unknown command '${command}'\n`}${demoUsage}\n`,
  )
  process.exitCode = 2
}

async function demo(argv: readonly string[]): Promise<void> {
  const parsed = parseDemoArguments(argv)
  if (parsed.kind === 'help') {
    process.stdout.write(demoHelp)
    return
  }
  if (parsed.kind === 'wrong') {
    process.stderr.write(
      `${parsed.problems.map((problem) => `driftline-simulate: ${problem}\n`).join('')}${demoUsage}\n`,
    )
    process.exitCode = 2
    return
  }
  const { options } = parsed
  const interrupt = new AbortController()
  let firstSignalMs: number | null = null
  const onSignal = (): void => {
    firstSignalMs ??= systemClock.now()
    interrupt.abort()
    // The children end with this process: their channel to it closes.
    if (systemClock.now() - firstSignalMs > impatienceMs) process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  // A reader that went away (`| head`) is a wish to end as well.
  process.stdout.on('error', () => interrupt.abort())

  try {
    await runDemo(options, { clock: systemClock, output: chooseOutput(options), interrupted: interrupt.signal })
  } catch (error) {
    process.stderr.write(`driftline-simulate: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

function chooseOutput({ json, drift }: DemoOptions): DemoOutput {
  const { stdout } = process
  const write = (text: string): void => void stdout.write(text)
  if (json) return jsonOutput({ write })
  if (!stdout.isTTY) return lineOutput({ write, truth: drift.truth })
  return blockOutput({ write, truth: drift.truth, columns: () => stdout.columns })
}
