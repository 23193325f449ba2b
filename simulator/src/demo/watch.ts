import type { Clock } from '../clock.ts'
import type { TrafficSource } from '../traffic/source.ts'
import type { Traffic } from '../traffic/traffic.ts'
import type { AlarmBook, AlertNews } from './alarms.ts'
import { ChildFailure } from './child.ts'
import type { CollectorApi, CollectorView } from './collector-api.ts'
import type { DemoStatus } from './event.ts'
import type { DemoOptions } from './options.ts'
import type { DemoOutput } from './output.ts'
import type { Processes } from './processes.ts'

/** All that runs while a demo is watched. */
export interface Running {
  readonly options: DemoOptions
  readonly processes: Processes
  readonly source: TrafficSource
  readonly traffic: Traffic
  readonly alarms: AlarmBook
  readonly collector: CollectorApi
  readonly clock: Clock
  readonly output: DemoOutput
  readonly interrupted: AbortSignal
  /** Start of the whole demo, and of its traffic. */
  readonly startedMs: number
  readonly trafficSinceMs: number
}

const lookEveryMs = 1000
/** A collector that does not answer for so long is reported; it may only be busy. */
const looksBeforeNote = 5

/**
 * Plants the drift when its time has come and tells what the collector says, until the time is over or somebody interrupts.
 *
 * @throws ChildFailure when one of the processes dies.
 */
export async function watch(running: Running): Promise<void> {
  const { options, processes, source, alarms, collector, clock, output, interrupted, startedMs } = running
  const driftAtMs = options.drift.truth === null ? Infinity : running.trafficSinceMs + options.driftAfter * 1000
  const endAtMs = options.duration === null ? Infinity : startedMs + options.duration * 1000
  let plantedMs: number | null = null
  let view: CollectorView = { alerts: [], windows: 0, evidence: null, accuracy: null }
  let news: AlertNews = { raised: [], resolved: [], firing: 0, fromBefore: 0 }
  let failedLooks = 0

  for (;;) {
    const nextMs = Math.min(clock.now() + lookEveryMs, endAtMs, plantedMs === null ? driftAtMs : Infinity)
    await pause(Math.max(nextMs - clock.now(), 0), clock, interrupted, processes)
    if (interrupted.aborted) {
      output({ event: 'stopping', reason: 'Ending ...' })
      return
    }
    requireAlive(processes)
    if (clock.now() >= endAtMs) return
    const elapsedSeconds = secondsBetween(startedMs, clock.now())
    if (plantedMs === null && clock.now() >= driftAtMs) {
      source.plantDrift()
      plantedMs = clock.now()
      const { name, description } = options.drift
      output({ event: 'drift-planted', elapsedSeconds, drift: name, description })
    }
    try {
      view = await collector.view(startedMs)
      failedLooks = 0
      news = alarms.look(view.alerts)
      const secondsSinceDrift = plantedMs === null ? null : secondsBetween(plantedMs, clock.now())
      for (const alert of news.raised) output({ event: 'alarm', elapsedSeconds, secondsSinceDrift, alert })
      for (const { rule, id } of news.resolved) output({ event: 'resolved', elapsedSeconds, rule, id })
    } catch (error) {
      if (++failedLooks === looksBeforeNote) {
        output({ event: 'note', text: `The collector does not answer: ${(error as Error).message}` })
      }
    }
    output({ event: 'status', status: statusOf(running, view, news, plantedMs !== null, driftAtMs) })
  }
}

function statusOf(
  { options, traffic, processes, clock, startedMs }: Running,
  { windows, evidence, accuracy }: CollectorView,
  { firing, fromBefore }: AlertNews,
  planted: boolean,
  driftAtMs: number,
): DemoStatus {
  const inSeconds = driftAtMs === Infinity ? null : Math.max(secondsBetween(clock.now(), driftAtMs), 0)
  return {
    elapsedSeconds: secondsBetween(startedMs, clock.now()),
    traffic: traffic.counts,
    outcomes: traffic.outcomes,
    windows,
    evidence,
    accuracy,
    firing,
    fromBefore,
    drift: { name: options.drift.name, planted, inSeconds },
    api: processes.collector.origin,
  }
}

/** Rounded to milliseconds: what is finer only fills the lines. */
export function secondsBetween(fromMs: number, toMs: number): number {
  return Math.round(toMs - fromMs) / 1000
}

/** Ends early when somebody interrupts or a process dies. */
async function pause(
  milliseconds: number,
  clock: Clock,
  interrupted: AbortSignal,
  { collector, server }: Processes,
): Promise<void> {
  let cancel = (): void => {}
  let wake = (): void => {}
  await Promise.race([
    new Promise<void>((resolve) => {
      cancel = clock.after(milliseconds, resolve)
      wake = resolve
      interrupted.addEventListener('abort', wake)
      if (interrupted.aborted) resolve()
    }),
    collector.child.exited,
    server.child.exited,
  ])
  interrupted.removeEventListener('abort', wake)
  cancel()
}

function requireAlive({ collector, server }: Processes): void {
  for (const { child } of [collector, server]) {
    if (!child.died) continue
    const words = child.lastWords
    throw new ChildFailure(
      `the ${child.name} ended unexpectedly with ${child.howItEnded}${words === '' ? '' : `:\n${words}`}`,
    )
  }
}
