import { afterAll, beforeAll, describe } from 'vitest'
import { hasInfluxd, startInfluxd, type Influxd } from '../support/influxd.ts'
import { freshSettings, openTestStore } from './open-influx-store.ts'
import { storeContract } from './store-contract.ts'

/** Another server than our own: any version, with a token that may make and write buckets. */
const given = process.env['INFLUX_URL']

describe.skipIf(given === undefined && !hasInfluxd)('the InfluxDB store', () => {
  let influxd: Influxd | null = null

  beforeAll(async () => {
    if (given === undefined) influxd = await startInfluxd()
  })
  afterAll(async () => influxd?.dispose())

  storeContract('influx', () => {
    const { INFLUX_TOKEN, INFLUX_ORG, INFLUX_BUCKET } = process.env
    return openTestStore(
      freshSettings(given ?? influxd!.url, {
        token: INFLUX_TOKEN ?? null,
        org: INFLUX_ORG ?? null,
        // One for all tests: 3 Core has five. Each data directory sees its own points only.
        ...(given === undefined ? {} : { database: INFLUX_BUCKET ?? 'driftline_test' }),
      }),
    )
  })
})
