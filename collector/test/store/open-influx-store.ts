import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { defaultInfluxSettings, type InfluxSettings } from '../../src/store/influx/influx-settings.ts'
import { openInfluxStore, type InfluxStore } from '../../src/store/influx/influx-store.ts'
import type { StoreUnderTest } from './store-contract.ts'

let databases = 0

/** Settings of a database that no other test uses, for the server at `url`; the sample data is older than any retention. */
export function freshSettings(url: string, parts: Partial<InfluxSettings> = {}): InfluxSettings {
  const database = `driftline_${process.pid}_${Date.now()}_${databases++}`
  return { ...defaultInfluxSettings, url, database, keepRawDays: null, keepWindowsDays: null, ...parts }
}

export interface InfluxStoreUnderTest extends StoreUnderTest {
  readonly store: InfluxStore
  readonly settings: InfluxSettings
  readonly directory: string
  readonly log: readonly string[]
  reopen(): Promise<InfluxStore>
}

/** An empty store in a temporary directory. */
export async function openTestStore(settings: InfluxSettings): Promise<InfluxStoreUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'driftline-influx-store-'))
  const log: string[] = []
  const open = () =>
    openInfluxStore({ directory, influx: settings, clock: systemClock, log: (line) => void log.push(line) })
  return {
    store: await open(),
    settings,
    directory,
    log,
    reopen: open,
    dispose: () => rm(directory, { recursive: true }),
  }
}
