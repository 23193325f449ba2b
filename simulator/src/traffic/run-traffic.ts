import { writeFileSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import { employmentExample } from '../demo/example.ts'
import { readTrafficRows } from './rows.ts'
import { TrafficSource } from './source.ts'
import type { TrafficCommandOptions } from './traffic-options.ts'
import { Traffic } from './traffic.ts'

export interface TrafficSurroundings {
  readonly clock: Clock
  /** One line for a person who watches the process. */
  readonly log: (line: string) => void
  /** Aborted when somebody wants the traffic to end. */
  readonly interrupted: AbortSignal
}

/** How often it is looked whether predictions are answered; the heartbeat is never older than this while they are. */
const heartbeatIntervalMs = 5_000
/** A line of counts comes with every so many looks: once a minute. */
const looksPerLine = 12

/**
 * Sends the example's rows until it is interrupted. Resolves when every request is answered, or given up.
 *
 * @throws Error when the example is incomplete, or the heartbeat cannot be written.
 */
export async function runTraffic(
  { url, rate, drift, driftAfter, outcomes, seed, heartbeat }: TrafficCommandOptions,
  { clock, log, interrupted }: TrafficSurroundings,
): Promise<void> {
  const { heldOutFile, laterYearsFile, manifest, label } = employmentExample()
  const source = new TrafficSource({
    heldOut: readTrafficRows(heldOutFile, manifest.features, label),
    laterYears: drift.source === 'later-years' ? readTrafficRows(laterYearsFile, manifest.features, label) : [],
    drift,
    seed,
  })
  const traffic = new Traffic({
    url,
    rate,
    next: () => source.next(),
    outcomes: { share: outcomes, label, seed },
    clock,
  })
  const line = (): string => {
    const { sent, answered, failed, skipped, lastFailure } = traffic.counts
    const { told, failed: untold } = traffic.outcomes
    const predictions = `sent ${sent}, answered ${answered}, failed ${failed}, skipped ${skipped}`
    return `${predictions}${lastFailure === null ? '' : `; last failure: ${lastFailure}`}; outcomes ${told}, failed ${untold}`
  }
  const touch = (): void => {
    if (heartbeat !== null) writeFileSync(heartbeat, `${line()}\n`)
  }
  // A path that cannot be written is told at the start, not in the middle of the night.
  touch()
  log(`sending ${rate} predictions a second to ${url}`)
  traffic.start()
  const startedMs = clock.now()
  try {
    let answeredBefore = 0
    let refused = false
    for (let look = 1; !interrupted.aborted; look++) {
      await pause(clock, heartbeatIntervalMs, interrupted)
      if (drift.truth !== null && !source.planted && clock.now() - startedMs >= driftAfter * 1000) {
        source.plantDrift()
        log(`planted the drift ${drift.name}: ${drift.description}`)
      }
      if (!refused && traffic.outcomes.refused) {
        refused = true
        log('the server has no route for outcomes: none are told')
      }
      const { answered } = traffic.counts
      if (answered > answeredBefore) touch()
      answeredBefore = answered
      if (look % looksPerLine === 0) log(line())
    }
  } finally {
    await traffic.stop()
    log(line())
  }
}

function pause(clock: Clock, milliseconds: number, interrupted: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      interrupted.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(milliseconds, end)
    if (interrupted.aborted) end()
    else interrupted.addEventListener('abort', end)
  })
}
