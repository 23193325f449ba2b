import { parseArgs, type ParseArgsConfig } from 'node:util'
import type { Drift } from '../drift/drift.ts'
import { drifts } from '../drift/drifts.ts'

export interface TrafficCommandOptions {
  /** Where predictions are asked for. */
  readonly url: string
  /** Predictions per second. */
  readonly rate: number
  readonly drift: Drift
  /** Seconds of undisturbed traffic before the drift. */
  readonly driftAfter: number
  /** Share of the predictions whose outcome is told some seconds later. */
  readonly outcomes: number
  readonly seed: number
  /** A file that is touched while predictions are answered; null for none. */
  readonly heartbeat: string | null
}

/** The wish to read the help, or what is wrong with the options, one line each. */
export type TrafficArguments =
  | { readonly kind: 'run'; readonly options: TrafficCommandOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] }

const defaults = {
  url: 'http://127.0.0.1:3000/predict',
  rate: 20,
  drift: 'none',
  'drift-after': 3600,
  outcomes: 0.8,
  seed: 1,
}
/** More than one client process can send. */
const maximumRate = 50_000
const maximumSeconds = 365 * 24 * 3600

const names = drifts.map(({ name }) => name).join('|')

export const trafficUsage: string = `usage: driftline-simulate traffic [--url URL] [--rate N] [--drift ${names}] [--drift-after S] [--outcomes SHARE] [--seed N] [--heartbeat FILE]`

export const trafficHelp: string = `${trafficUsage}

Sends rows of the employment example to an inference server that runs already, until it is told to end.

  --url URL          where predictions are asked for (default ${defaults.url})
  --rate N           predictions per second (default ${defaults.rate})
  --drift NAME       what to plant (default ${defaults.drift}):
${drifts.map(({ name, description }) => `                       ${name.padEnd(16)} ${description}`).join('\n')}
  --drift-after S    seconds of undisturbed traffic before it (default ${defaults['drift-after']})
  --outcomes SHARE   share of the predictions whose outcome is told some seconds later, where predictions are asked for but
                     at /outcomes; a server without such a route gets none (default ${defaults.outcomes})
  --seed N           of the order of the rows and of the drift (default ${defaults.seed})
  --heartbeat FILE   touch this file while predictions are answered
  --help             this text
`

const config = {
  url: { type: 'string', default: defaults.url },
  rate: { type: 'string', default: String(defaults.rate) },
  drift: { type: 'string', default: defaults.drift },
  'drift-after': { type: 'string', default: String(defaults['drift-after']) },
  outcomes: { type: 'string', default: String(defaults.outcomes) },
  seed: { type: 'string', default: String(defaults.seed) },
  heartbeat: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options']

/** Reads the arguments after `traffic`; lists every problem. */
export function parseTrafficArguments(argv: readonly string[]): TrafficArguments {
  let values
  try {
    values = parseArgs({ args: [...argv], options: config, strict: true, allowPositionals: false }).values
  } catch (error) {
    return { kind: 'wrong', problems: [(error as Error).message] }
  }
  if (values.help === true) return { kind: 'help' }

  const problems: string[] = []
  const number = (name: 'rate' | 'drift-after' | 'outcomes' | 'seed', least: number, most: number): number => {
    const text = values[name]
    const value = text.trim() === '' ? Number.NaN : Number(text)
    const whole = name !== 'seed' || Number.isInteger(value)
    if (!whole || !(value >= least && value <= most))
      problems.push(
        `--${name}: ${name === 'seed' ? 'a whole number' : 'a number'} from ${least} to ${most} is needed, not '${text}'`,
      )
    return value
  }
  const drift = drifts.find(({ name }) => name === values.drift)
  if (drift === undefined) problems.push(`--drift: '${values.drift}' is not one of ${names}`)
  // The client speaks HTTP without TLS.
  if (!URL.canParse(values.url) || new URL(values.url).protocol !== 'http:')
    problems.push(`--url: an http URL is needed, not '${values.url}'`)
  if (values.heartbeat?.trim() === '') problems.push('--heartbeat: the name of a file is needed')
  const options = {
    url: values.url,
    rate: number('rate', 0.1, maximumRate),
    driftAfter: number('drift-after', 0, maximumSeconds),
    outcomes: number('outcomes', 0, 1),
    seed: number('seed', 0, 2 ** 32 - 1),
    heartbeat: values.heartbeat ?? null,
  }
  if (problems.length > 0 || drift === undefined) return { kind: 'wrong', problems }
  return { kind: 'run', options: { ...options, drift } }
}
