import { join, relative } from 'node:path'
import type { Clock } from '../clock.ts'
import { readTrafficRows } from '../traffic/rows.ts'
import { TrafficSource } from '../traffic/source.ts'
import { Traffic } from '../traffic/traffic.ts'
import { AlarmBook } from './alarms.ts'
import { CollectorApi } from './collector-api.ts'
import { employmentExample, type Example } from './example.ts'
import type { DemoOptions } from './options.ts'
import type { DemoOutput } from './output.ts'
import { startCollector, startServer, stopProcesses, type Processes } from './processes.ts'
import { secondsBetween, watch } from './watch.ts'

export interface DemoSurroundings {
  readonly clock: Clock
  readonly output: DemoOutput
  /** Aborted when somebody wants the demo to end. */
  readonly interrupted: AbortSignal
}

/**
 * Runs the whole way once: collector, model server, traffic, a planted drift, the alarm. Resolves after everything is ended.
 *
 * @throws ChildFailure when a process does not start or dies; Error when the example is incomplete.
 */
export async function runDemo(options: DemoOptions, { clock, output, interrupted }: DemoSurroundings): Promise<void> {
  const startedMs = clock.now()
  const example = employmentExample()
  const source = openSource(example, options)
  const dataDirectory = options.dataDirectory ?? freshDirectory(startedMs)
  const alarms = new AlarmBook()
  let started: Partial<Processes> = {}
  let traffic: Traffic | undefined
  try {
    const collector = await startCollector(example, options.port, dataDirectory, clock)
    started = { collector }
    if (interrupted.aborted) return
    const server = await startServer(example, collector.origin, clock)
    const processes = { collector, server }
    started = processes
    if (interrupted.aborted) return

    const api = new CollectorApi(collector.origin, example.manifest.model)
    alarms.look((await api.view(startedMs)).alerts)
    traffic = new Traffic({
      url: `${server.origin}/predict`,
      rate: options.rate,
      next: () => source.next(),
      outcomes: { share: options.outcomes, label: example.label, seed: options.seed },
      clock,
    })
    output({
      event: 'started',
      api: collector.origin,
      server: server.origin,
      dataDirectory: shown(dataDirectory),
      rate: options.rate,
      drift: options.drift.name,
      driftAfterSeconds: options.driftAfter,
      rowsPerPass: source.rowsPerPass,
      seed: options.seed,
    })
    traffic.start()
    const trafficSinceMs = clock.now()
    await watch({
      options,
      processes,
      source,
      traffic,
      alarms,
      collector: api,
      clock,
      output,
      interrupted,
      startedMs,
      trafficSinceMs,
    })
  } finally {
    await traffic?.stop()
    await stopProcesses(started)
    // Somebody who interrupts the start wants to know as well that it is over.
    if (traffic !== undefined || interrupted.aborted) {
      const { sent, failed } = traffic?.counts ?? { sent: 0, failed: 0 }
      const elapsedSeconds = secondsBetween(startedMs, clock.now())
      const { raised } = alarms
      output({ event: 'stopped', elapsedSeconds, sent, failed, alarms: raised, dataDirectory: shown(dataDirectory) })
    }
  }
}

function openSource(
  { heldOutFile, laterYearsFile, manifest, label }: Example,
  { drift, seed }: DemoOptions,
): TrafficSource {
  return new TrafficSource({
    heldOut: readTrafficRows(heldOutFile, manifest.features, label),
    laterYears: drift.source === 'later-years' ? readTrafficRows(laterYearsFile, manifest.features, label) : [],
    drift,
    seed,
  })
}

/** A folder of its own for every run: a drift that was planted before is no news in the same data. */
function freshDirectory(startedMs: number): string {
  const stamp = new Date(startedMs).toISOString().slice(0, 19).replaceAll(':', '-')
  return join('driftline-data', `demo-${stamp}`)
}

/** Relative to the working directory where it lies below it. */
function shown(directory: string): string {
  const path = relative(process.cwd(), directory)
  return path.startsWith('..') ? directory : path || '.'
}
