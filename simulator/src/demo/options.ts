import { parseArgs, type ParseArgsConfig } from 'node:util'
import type { Drift } from '../drift/drift.ts'
import { drifts } from '../drift/drifts.ts'

export interface DemoOptions {
  /** Predictions per second. */
  readonly rate: number
  readonly drift: Drift
  /** Seconds of undisturbed traffic before the drift. */
  readonly driftAfter: number
  /** Share of the predictions whose outcome is told some seconds later. */
  readonly outcomes: number
  /** Port of the collector; 0 takes any free one. */
  readonly port: number
  /** Null: a new folder for this run. */
  readonly dataDirectory: string | null
  /** Seconds after which the run ends by itself; null: when it is told to. */
  readonly duration: number | null
  readonly seed: number
  /** Events as JSON lines instead of text. */
  readonly json: boolean
}

/** The wish to read the help, or what is wrong with the options, one line each. */
export type DemoArguments =
  | { readonly kind: 'run'; readonly options: DemoOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] }

const defaults = { rate: 400, drift: 'age-in-months', 'drift-after': 30, outcomes: 0.8, port: 4318, seed: 1 }
/** More than one client process can send. */
const maximumRate = 50_000
const maximumSeconds = 30 * 24 * 3600

const names = drifts.map(({ name }) => name).join('|')

export const demoUsage: string = `usage: driftline-simulate demo [--rate N] [--drift ${names}] [--drift-after S] [--outcomes SHARE] [--port P] [--data-dir DIR] [--duration S] [--seed N] [--json]`

export const demoHelp: string = `${demoUsage}

Starts a collector, an inference server with a real model, and traffic; plants a drift; shows the alarm with its explanation.

  --rate N           predictions per second (default ${defaults.rate})
  --drift NAME       what to plant (default ${defaults.drift}):
${drifts.map(({ name, description }) => `                       ${name.padEnd(16)} ${description}`).join('\n')}
  --drift-after S    seconds of undisturbed traffic before it (default ${defaults['drift-after']})
  --outcomes SHARE   share of the predictions whose outcome is told some seconds later; 0 for none (default ${defaults.outcomes})
  --port P           port of the collector, on 127.0.0.1; 0 takes a free one (default ${defaults.port})
  --data-dir DIR     where the collector keeps its data (default: a new folder in ./driftline-data for every run)
  --duration S       end by itself after so many seconds (default: when interrupted)
  --seed N           of the order of the rows and of the drift (default ${defaults.seed})
  --json             print events as JSON lines
  --help             this text
`

const config = {
  rate: { type: 'string' },
  drift: { type: 'string' },
  'drift-after': { type: 'string' },
  outcomes: { type: 'string' },
  port: { type: 'string' },
  'data-dir': { type: 'string' },
  duration: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options']

/** Reads the arguments after `demo`; lists every problem. */
export function parseDemoArguments(argv: readonly string[]): DemoArguments {
  let values
  try {
    values = parseArgs({ args: [...argv], options: config, strict: true, allowPositionals: false }).values
  } catch (error) {
    return { kind: 'wrong', problems: [(error as Error).message] }
  }
  if (values.help === true) return { kind: 'help' }

  const problems: string[] = []
  const number = (
    name: 'rate' | 'drift-after' | 'outcomes' | 'port' | 'duration' | 'seed',
    fallback: number,
    limits: Limits,
  ): number => {
    const text = values[name]
    if (text === undefined) return fallback
    const value = text.trim() === '' ? Number.NaN : Number(text)
    const whole = !limits.whole || Number.isInteger(value)
    if (whole && value >= limits.least && value <= limits.most) return value
    problems.push(
      `--${name}: ${limits.whole ? 'a whole number' : 'a number'} from ${limits.least} to ${limits.most} is needed, not '${text}'`,
    )
    return fallback
  }
  const driftName = values.drift ?? defaults.drift
  const drift = drifts.find(({ name }) => name === driftName)
  if (drift === undefined) problems.push(`--drift: '${driftName}' is not one of ${names}`)
  if (values['data-dir']?.trim() === '') problems.push('--data-dir: the name of a directory is needed')
  const options = {
    rate: number('rate', defaults.rate, { least: 0.1, most: maximumRate, whole: false }),
    driftAfter: number('drift-after', defaults['drift-after'], { least: 0, most: maximumSeconds, whole: false }),
    outcomes: number('outcomes', defaults.outcomes, { least: 0, most: 1, whole: false }),
    port: number('port', defaults.port, { least: 0, most: 65_535, whole: true }),
    dataDirectory: values['data-dir'] ?? null,
    duration:
      values.duration === undefined ? null : number('duration', 0, { least: 1, most: maximumSeconds, whole: false }),
    seed: number('seed', defaults.seed, { least: 0, most: 2 ** 32 - 1, whole: true }),
    json: values.json === true,
  }
  if (problems.length > 0 || drift === undefined) return { kind: 'wrong', problems }
  return { kind: 'run', options: { ...options, drift } }
}

interface Limits {
  readonly least: number
  readonly most: number
  readonly whole: boolean
}
