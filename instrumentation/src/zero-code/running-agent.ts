import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { systemClock } from '../clock.ts'
import type { Problems } from '../read-file.ts'
import { version } from '../version.ts'
import { ModelAgent, type AgentStatistics } from './agent.ts'
import { shutdownDeadline, watchProcessEnd } from './lifecycle.ts'
import { metricsExporterChoice } from './destination.ts'
import { isDisabled } from './disabled.ts'
import { Doctor } from './doctor.ts'
import { watchRequests } from './doctor-requests.ts'
import { doctorVariable } from '../contract/doctor-lines.ts'
import { configPath, loadConfig, noConfig } from './load-config.ts'
import { warnWhenNothingIsRecorded } from './nothing-recorded.ts'
import type { Agent } from './sighting.ts'
import { answerFlushRequests, ThreadFlush } from './thread-flush.ts'

/**
 * The agent of this thread, for whoever asks: `globalThis[Symbol.for('driftline.agent')]`. There is one, however many
 * copies of this package are loaded.
 */
export interface RunningAgent {
  /** Of the copy of this package that started it. */
  readonly version: string
  readonly agent: Agent
  statistics(): AgentStatistics
  /** Sends what was recorded so far. */
  flush(): Promise<void>
}

const agentKey: unique symbol = Symbol.for('driftline.agent') as never

type Environment = Readonly<Record<string, string | undefined>>

/** What patches the libraries, and what is to be called before anything is sent for the last time. */
export type Install = (agent: ModelAgent) => { readonly drain: () => void }

export function runningAgent(): RunningAgent | undefined {
  return (globalThis as { [agentKey]?: RunningAgent })[agentKey]
}

/**
 * Starts the agent of this thread unless there is one. With a wrong configuration it says what is wrong, and watches nothing. Never throws.
 *
 * @returns undefined when the environment forbids it, or it could not start
 */
export function startAgent(install: Install): RunningAgent | undefined {
  try {
    const { env } = process
    if (isDisabled(env)) return undefined
    return runningAgent() ?? start(install, env)
  } catch (error) {
    print(`driftline: could not start: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

function start(install: Install, environment: Environment): RunningAgent {
  const quiet = environment.DRIFTLINE_LOG?.trim().toLowerCase() === 'none'
  const doctorFile = environment[doctorVariable]
  const doctor = doctorFile === undefined || doctorFile === '' ? null : new Doctor(doctorFile)
  doctor?.start(environment, configPath(environment, process.cwd()))
  // The doctor says it all in his report.
  const say = quiet || doctor !== null ? (): void => undefined : print
  const problems: Problems = []
  const config = loadConfig(environment, process.cwd(), problems)
  const exporter = metricsExporterChoice(environment)
  const agent = new ModelAgent({
    config: config === null || !exporter.exports ? { ...noConfig, discover: false } : config,
    environment,
    clock: systemClock,
    print: say,
    ...(doctor === null ? {} : { witness: doctor }),
  })
  const running: RunningAgent = {
    version,
    agent,
    statistics: () => agent.statistics(),
    flush: () => agent.flush(),
  }
  Object.defineProperty(globalThis, agentKey, { value: running, configurable: true })
  if (config === null) {
    for (const problem of problems) {
      say(`driftline: ${problem}`)
      doctor?.tell({ event: 'problem', reason: problem })
    }
    say('driftline: nothing is watched until that is put right')
    return running
  }
  if (!exporter.exports) {
    const reason = 'OTEL_METRICS_EXPORTER is none: nothing is watched'
    say(`driftline: ${reason}`)
    doctor?.tell({ event: 'problem', reason })
    return running
  }
  if (exporter.problem !== null) agent.warn('configuration', 'exporter', exporter.problem)
  const { drain } = install(agent)
  const settle = (): boolean => {
    drain()
    agent.announceModels()
    agent.warnOfUnmatched(false)
    return agent.settle()
  }
  const flush = (): Promise<void> => {
    settle()
    return agent.flush()
  }
  answerFlushRequests(flush)
  const threads = isMainThread ? new ThreadFlush(systemClock) : null
  watchProcessEnd({
    settle,
    flush: async () => {
      await Promise.all([flush(), threads?.flush()])
    },
    clock: systemClock,
    deadlineMillis: shutdownDeadline(environment),
  })
  warnWhenNothingIsRecorded(agent)
  if (doctor !== null) {
    watchRequests(doctor)
    doctor.watchNothing(agent, systemClock)
  }
  return running
}

/** Past `process.stderr`, whose failures are events that nobody may listen to. */
function print(line: string): void {
  try {
    writeSync(2, `${line}\n`)
  } catch {
    // A closed or full pipe.
  }
}
