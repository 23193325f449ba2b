import { systemClock } from './clock.ts'
import { runDemo } from './demo/demo.ts'
import { demoHelp, demoUsage, parseDemoArguments, type DemoOptions } from './demo/options.ts'
import { blockOutput, jsonOutput, lineOutput, type DemoOutput } from './demo/output.ts'
import { runTraffic } from './traffic/run-traffic.ts'
import { parseTrafficArguments, trafficHelp, trafficUsage } from './traffic/traffic-options.ts'

/** Ctrl-C under npm arrives twice, from the terminal and from npm; only a later one means impatience. */
const impatienceMs = 1500

const [command, ...rest] = process.argv.slice(2)
if (command === 'demo') await demo(rest)
else if (command === 'traffic') await traffic(rest)
else if (command === '--help' || command === '-h') process.stdout.write(`${demoHelp}\n${trafficHelp}`)
else {
  process.stderr.write(
    `${command === undefined ? '' : `driftline-simulate: unknown command '${command}'\n`}${demoUsage}\n${trafficUsage}\n`,
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
  await untilInterrupted((interrupted) =>
    runDemo(options, { clock: systemClock, output: chooseOutput(options), interrupted }),
  )
}

async function traffic(argv: readonly string[]): Promise<void> {
  const parsed = parseTrafficArguments(argv)
  if (parsed.kind === 'help') {
    process.stdout.write(trafficHelp)
    return
  }
  if (parsed.kind === 'wrong') {
    process.stderr.write(
      `${parsed.problems.map((problem) => `driftline-simulate: ${problem}\n`).join('')}${trafficUsage}\n`,
    )
    process.exitCode = 2
    return
  }
  const log = (line: string): void => void process.stdout.write(`${line}\n`)
  await untilInterrupted((interrupted) => runTraffic(parsed.options, { clock: systemClock, log, interrupted }))
}

/** Runs a command that ends in order at a signal; a failure is told and gives exit code 1. */
async function untilInterrupted(run: (interrupted: AbortSignal) => Promise<void>): Promise<void> {
  const interrupt = new AbortController()
  let firstSignalMs: number | null = null
  const onSignal = (): void => {
    firstSignalMs ??= systemClock.now()
    interrupt.abort()
    // Children end with this process: their channel to it closes.
    if (systemClock.now() - firstSignalMs > impatienceMs) process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  // A reader that went away (`| head`) is a wish to end as well.
  process.stdout.on('error', () => interrupt.abort())

  try {
    await run(interrupt.signal)
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
