import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCollector, type Collector } from '../../src/app.ts'
import { systemClock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config.ts'
import { smallBaseline } from '../support/small-model.ts'

const dayMs = 86_400_000
/** Nobody listens there: receiving does not depend on InfluxDB. */
const influxUrl = 'http://127.0.0.1:9'

/** Real collectors, one after the other, on one data directory. */
describe('a data directory', () => {
  let directory: string
  let running: Collector | null

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'driftline-one-store-'))
    running = null
  })
  afterEach(async () => {
    await running?.close()
    await rm(directory, { recursive: true })
  })

  const start = async (store: 'sqlite' | 'influx', environment: Record<string, string> = {}) => {
    const flags = { 'data-dir': join(directory, 'data'), port: '0', store }
    const config = await loadConfig(flags, { DRIFTLINE_INFLUX_URL: influxUrl, ...environment }, directory)
    running = await startCollector({ config, clock: systemClock, environment: {}, log: () => {} })
    return running
  }
  const stop = async () => {
    await running!.close()
    running = null
  }
  const send = async (url: string, ageMs = 0) => {
    const response = await fetch(`${url}/v1/metrics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(requestOf(Date.now() - ageMs)),
    })
    expect(response.status).toBe(200)
    return (await response.json()) as { partialSuccess?: { rejectedDataPoints: string; errorMessage: string } }
  }

  it('of the embedded store stopped being evaluated once the collector ran with InfluxDB', async () => {
    await send((await start('sqlite')).url)
    await stop()
    await expect(start('influx')).rejects.toThrow(
      /holds blocks of the store sqlite, .*use another directory .*or start with --store sqlite/,
    )
    // Nothing was changed by the attempt.
    await start('sqlite')
  })

  it('of the InfluxDB store stopped being evaluated once the collector ran without', async () => {
    await send((await start('influx')).url)
    await stop()
    await expect(start('sqlite')).rejects.toThrow(
      /holds blocks of the store influx, .*use another directory .*or start with --store influx/,
    )
    await start('influx')
  })

  it('without data goes to either store, with its baselines', async () => {
    const put = async (url: string) => {
      const path = `${url}/api/v1/models/${smallBaseline.model.name}/versions/${smallBaseline.model.version}/baseline`
      const response = await fetch(path, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(smallBaseline),
      })
      expect(response.ok).toBe(true)
    }
    await put((await start('sqlite')).url)
    await stop()
    await start('influx')
    await stop()
    const { url } = await start('sqlite')
    const { models } = (await (await fetch(`${url}/api/v1/models`)).json()) as { models: { model: string }[] }
    expect(models).toHaveLength(1)
  })

  it('took points older than InfluxDB keeps them, which ended as dead letters', async () => {
    const { url } = await start('influx', { DRIFTLINE_INFLUX_KEEP_RAW_DAYS: '3' })
    const { partialSuccess } = await send(url, 3 * dayMs)
    expect(partialSuccess).toMatchObject({ rejectedDataPoints: '1' })
    expect(partialSuccess!.errorMessage).toContain('too_old 1')
    expect((await send(url, 3 * dayMs - 60_000)).partialSuccess?.rejectedDataPoints ?? '0').toBe('0')
  })

  it('takes what InfluxDB keeps forever, and what the embedded store keeps', async () => {
    for (const [store, environment] of [
      ['influx', { DRIFTLINE_INFLUX_KEEP_RAW_DAYS: 'forever' }],
      ['sqlite', {}],
    ] as const) {
      await rm(join(directory, 'data'), { recursive: true, force: true })
      const { url } = await start(store, environment)
      expect((await send(url, 300 * dayMs)).partialSuccess?.rejectedDataPoints ?? '0').toBe('0')
      await stop()
    }
  })
})

/** One point that covers the 10 s before a time. */
function requestOf(endMs: number): unknown {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
  const point = {
    attributes: [text('ml.feature.name', 'job'), text('ml.feature.category', 'a')],
    startTimeUnixNano: `${endMs - 10_000}000000`,
    timeUnixNano: `${endMs}000000`,
    asInt: '5',
  }
  const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] }
  const metrics = [{ name: 'ml.feature.observations', unit: '{observation}', sum }]
  const attributes = [text('ml.model.name', 'switched'), text('ml.model.version', '1')]
  return { resourceMetrics: [{ scopeMetrics: [{ scope: { attributes }, metrics }] }] }
}
