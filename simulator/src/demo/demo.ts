import { join, relative } from 'node:path'
import type { Clock } from '../clock.ts'
import { TrafficSource } from '../traffic/source.ts'
import { readTrafficRows } from '../traffic/rows.ts'
import { Traffic } from '../traffic/traffic.ts'
import { AlarmBook, type AlertNews } from './alarms.ts'
import { ChildFailure } from './child.ts'
import { CollectorApi, type CollectorView } from './collector-api.ts'
import type { DemoOptions } from './options.ts'
import type { DemoOutput } from './output.ts'
import { employmentExample } from './example.ts'
import { startCollector, startServer, stopProcesses, type Processes } from './processes.ts'

export interface DemoSurroundings {
  readonly clock: Clock
  readonly output: DemoOutput
  /** Aborted when somebody wants the demo to end. */
  readonly interrupted: AbortSignal
}

const lookEveryMs = 1000
/** A collector that does not answer for so long is reported; it may only be busy. */
const looksBeforeNote = 5

/**
 * Runs the whole way once: collector, model server, traffic, a planted drift, the alarm. Resolves after everything is ended.
 *
 * @throws ChildFailure when a process does not start or dies; Error when the example is incomplete.
 */
export async function runDemo(options: DemoOptions, { clock, output, interrupted }: DemoSurroundings): Promise<void> {
  const startedMs = clock.now()
  const elapsedSeconds = (): number => roundSeconds((clock.now() - startedMs) / 1000)
  const example = employmentExample()
  const source = new TrafficSource({
    heldOut: readTrafficRows(example.heldOutFile, example.manifest.features),
    laterYears:
      options.drift.source === 'later-years' ? readTrafficRows(example.laterYearsFile, example.manifest.features) : [],
    drift: options.drift,
    seed: options.seed,
  })
  const dataDirectory = options.dataDirectory ?? freshDirectory(startedMs)
  const shownDirectory = relative(process.cwd(), dataDirectory).startsWith('..')
    ? dataDirectory
    : relative(process.cwd(), dataDirectory) || '.'

  const processes: { -readonly [name in keyof Processes]?: Processes[name] } = {}
  let traffic: Traffic | undefined
  const alarms = new AlarmBook()
  try {
    processes.collector = await startCollector(example, options.port, dataDirectory, clock)
    if (interrupted.aborted) return
    const { origin: api } = processes.collector
    processes.server = await startServer(example, api, clock)
    if (interrupted.aborted) return

    const collector = new CollectorApi(api, example.manifest.model)
    alarms.look((await collector.view(startedMs)).alerts)
    traffic = new Traffic({
      url: `${processes.server.origin}/predict`,
      rate: options.rate,
      next: () => source.next(),
      clock,
    })
    output({
      event: 'started',
      api,
      server: processes.server.origin,
      dataDirectory: shownDirectory,
      rate: options.rate,
      drift: options.drift.name,
      driftAfterSeconds: options.driftAfter,
      rowsPerPass: source.rowsPerPass,
      seed: options.seed,
    })
    traffic.start()
    const trafficSinceMs = clock.now()
    const plants = options.drift.truth !== null
    let plantedMs: number | null = null
    let view: CollectorView = { alerts: [], windows: 0, evidence: null }
    let news: AlertNews = { raised: [], resolved: [], firing: 0, fromBefore: 0 }
    let failedLooks = 0

    for (;;) {
      const remainingMs = options.duration === null ? Infinity : startedMs + options.duration * 1000 - clock.now()
      const untilDriftMs =
        plants && plantedMs === null ? trafficSinceMs + options.driftAfter * 1000 - clock.now() : Infinity
      await pause(Math.max(Math.min(lookEveryMs, remainingMs, untilDriftMs), 0), clock, interrupted, processes)
      if (interrupted.aborted) {
        output({ event: 'stopping', reason: 'Ending ...' })
        return
      }
      requireAlive(processes)
      if (options.duration !== null && elapsedSeconds() >= options.duration) return

      if (plants && plantedMs === null && clock.now() >= trafficSinceMs + options.driftAfter * 1000) {
        source.plantDrift()
        plantedMs = clock.now()
        output({
          event: 'drift-planted',
          elapsedSeconds: elapsedSeconds(),
          drift: options.drift.name,
          description: options.drift.description,
        })
      }
      try {
        view = await collector.view(startedMs)
        failedLooks = 0
        news = alarms.look(view.alerts)
        for (const alert of news.raised) {
          const secondsSinceDrift = plantedMs === null ? null : roundSeconds((clock.now() - plantedMs) / 1000)
          output({ event: 'alarm', elapsedSeconds: elapsedSeconds(), secondsSinceDrift, alert })
        }
        for (const { rule, id } of news.resolved)
          output({ event: 'resolved', elapsedSeconds: elapsedSeconds(), rule, id })
      } catch (error) {
        if (++failedLooks === looksBeforeNote)
          output({ event: 'note', text: `The collector does not answer: ${(error as Error).message}` })
      }
      output({
        event: 'status',
        status: {
          elapsedSeconds: elapsedSeconds(),
          traffic: traffic.counts,
          windows: view.windows,
          evidence: view.evidence,
          firing: news.firing,
          fromBefore: news.fromBefore,
          drift: {
            name: options.drift.name,
            planted: plantedMs !== null,
            inSeconds: plants
              ? roundSeconds(Math.max(trafficSinceMs / 1000 + options.driftAfter - clock.now() / 1000, 0))
              : null,
          },
          api,
        },
      })
    }
  } finally {
    await traffic?.stop()
    await stopProcesses(processes)
    if (traffic !== undefined) {
      const { sent, failed } = traffic.counts
      output({
        event: 'stopped',
        elapsedSeconds: elapsedSeconds(),
        sent,
        failed,
        alarms: alarms.raised,
        dataDirectory: shownDirectory,
      })
    }
  }
}

/** To milliseconds: what is finer only fills the lines. */
function roundSeconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}

/** Ends early when somebody interrupts or a process dies. */
async function pause(
  milliseconds: number,
  clock: Clock,
  interrupted: AbortSignal,
  { collector, server }: Partial<Processes>,
): Promise<void> {
  let cancel = (): void => {}
  let wake = (): void => {}
  await Promise.race([
    new Promise<void>((resolve) => {
      cancel = clock.after(milliseconds, resolve)
      wake = resolve
      interrupted.addEventListener('abort', wake)
    }),
    ...[collector, server].filter((started) => started !== undefined).map(({ child }) => child.exited),
  ])
  interrupted.removeEventListener('abort', wake)
  cancel()
}

function requireAlive({ collector, server }: Partial<Processes>): void {
  for (const child of [collector?.child, server?.child]) {
    if (child?.died === true) {
      const words = child.lastWords
      throw new ChildFailure(
        `the ${child.name} ended unexpectedly with ${child.howItEnded}${words === '' ? '' : `:\n${words}`}`,
      )
    }
  }
}

/** A folder of its own for every run: a drift that was planted before is no news in the same data. */
function freshDirectory(startedMs: number): string {
  const stamp = new Date(startedMs).toISOString().slice(0, 19).replaceAll(':', '-')
  return join('driftline-data', `demo-${stamp}`)
}
