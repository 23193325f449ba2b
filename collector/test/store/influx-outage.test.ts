import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StoreUnavailableError } from '../../src/store/store.ts'
import { InfluxServer } from '../../src/store/influx/influx-server.ts'
import { initInflux } from '../../src/store/influx/init-influx.ts'
import { systemClock } from '../../src/clock.ts'
import { hasInfluxd, startInfluxd, type Influxd } from '../support/influxd.ts'
import { freshSettings, openTestStore, type InfluxStoreUnderTest } from './open-influx-store.ts'
import { countBlock, originMs, plainTotals, sampleEvaluation, sampleScope, sum } from './sample-data.ts'
import { makeShape } from '../../src/observation/block.ts'

const endOfTime = originMs + 1e9

describe.skipIf(!hasInfluxd)('the InfluxDB store, when things go wrong', () => {
  let influxd: Influxd
  let tested: InfluxStoreUnderTest

  beforeEach(async () => {
    influxd = await startInfluxd()
    tested = await openTestStore(freshSettings(influxd.url))
  })
  afterEach(async () => {
    await tested.store.close()
    await tested.dispose()
    await influxd.dispose()
  })

  async function jobs(store = tested.store): Promise<number> {
    const [segment] = await store.totals('credit', '1', originMs, endOfTime)
    return segment === undefined ? 0 : [...segment.totals.entries()].reduce((all, { values }) => all + values[0]!, 0)
  }

  it('goes on receiving while InfluxDB is down, and everything arrives when it is back', async () => {
    for (let i = 0; i < 5; i++) await tested.store.append([countBlock(i, 1)])
    expect(await jobs()).toBe(5)
    await influxd.stop('SIGKILL')
    for (let i = 5; i < 25; i++) expect((await tested.store.append([countBlock(i, 1)])).storedSeries).toBe(1)
    expect(await tested.store.append([countBlock(3, 1)])).toEqual({ storedSeries: 0, duplicateSeries: 1 })
    await expect(tested.store.totals('credit', '1', originMs, endOfTime)).rejects.toThrow(StoreUnavailableError)
    // What evaluation needs beside the sums is there all the time.
    expect(await tested.store.touchedSlices('credit', '1', 60_000, 0)).toHaveLength(1)
    await influxd.start()
    expect(await tested.store.drained(20_000)).toBe(true)
    expect(await jobs()).toBe(25)
    expect(tested.store.sending().sender).toMatchObject({ failing: null, deadLetters: 0 })
  })

  it('starts while InfluxDB is down, and keeps what it has over its own restarts', async () => {
    await tested.store.append([countBlock(0, 1)])
    await influxd.stop()
    await tested.store.append([countBlock(1, 1), countBlock(1, 2, sampleScope({ instance: 'b' }))])
    await tested.store.close()
    tested = { ...tested, store: await tested.reopen() }
    expect(await tested.store.append([countBlock(1, 1)])).toEqual({ storedSeries: 0, duplicateSeries: 1 })
    await tested.store.append([countBlock(2, 4)])
    await influxd.start()
    expect(await tested.store.drained(20_000)).toBe(true)
    expect(await jobs()).toBe(8)
  })

  it('makes a database again that was dropped under it', async () => {
    await tested.store.append([countBlock(0, 1)])
    expect(await tested.store.drained(20_000)).toBe(true)
    await influxd.query(`DROP DATABASE "${tested.settings.database}"`)
    await tested.store.append([countBlock(1, 2)])
    expect(await tested.store.drained(20_000)).toBe(true)
    expect(await jobs()).toBe(2)
  })

  it('writes the sums of evaluated slices to the windows', async () => {
    await tested.store.append([countBlock(0, 1), countBlock(10, 2, sampleScope({ instance: 'b' }))])
    const segments = await tested.store.totals('credit', '1', originMs, originMs + 60_000)
    await tested.store.saveEvaluation(sampleEvaluation(0, { segments, revision: 3 }))
    expect(await tested.store.drained(20_000)).toBe(true)
    const [result] = await influxd.query(
      `SELECT "value", "instances", "revision" FROM "windows"."ml_sum" GROUP BY "slice", "category", "instance"`,
      tested.settings.database,
    )
    expect(result!.series).toEqual([
      expect.objectContaining({
        tags: { slice: '60', category: 'clerk', instance: '' },
        values: [[originMs, 3, 2, 3]],
      }),
    ])
  })

  it('gives back any name of a sender, however hostile', async () => {
    const hostile = [
      'comma,space and=equals',
      `quotes ' " \``,
      'new\nline',
      '\r\ttabs\u0000and\u2028more',
      'backslash at the end\\',
      '\\\\',
      '#comment',
      'time',
      '_field',
      'Größe 大きさ 🙂',
      ' ',
      '',
      '$model',
      `' OR "model" =~ /.*/ --`,
      '"; DROP DATABASE "x',
      'x'.repeat(65_536),
      `${'x'.repeat(65_535)}y`,
    ]
    const scopes = hostile.map((name) =>
      sampleScope({ model: name, version: name, segment: name, instance: name, service: name, environment: name }),
    )
    await tested.store.append(
      scopes.map((scope, i) => {
        const shape = makeShape([
          ...hostile.map((name) => sum(name, name)),
          { ...sum('plain', 'plain'), attributes: { ['time']: hostile[i]!, __proto_: 1 } },
        ])
        const values = Float64Array.from({ length: shape.width }, (_, place) => i * 1_000 + place + 1)
        return { scope, startMicros: originMs * 1000, endMicros: originMs * 1000 + 1, shape, values }
      }),
    )
    expect(await tested.store.drained(20_000)).toBe(true)
    expect(tested.store.sending().sender.deadLetters).toBe(0)
    for (const [i, scope] of scopes.entries()) {
      const segments = await tested.store.totals(scope.model, scope.version, originMs, originMs + 1)
      expect(segments).toHaveLength(1)
      expect(segments[0]!.segment).toBe(scope.segment)
      const entries = [...segments[0]!.totals.entries()]
      expect(entries.map(({ values }) => values[0])).toEqual(
        Array.from({ length: hostile.length + 1 }, (_, place) => i * 1_000 + place + 1),
      )
      expect(entries.slice(0, -1).map(({ series }) => series.attributes)).toEqual(
        hostile.map((name) => sum(name, name).attributes),
      )
    }
    expect((await tested.store.modelVersions()).map(({ model }) => model).toSorted()).toEqual(hostile.toSorted())
  })

  it('tells blocks of one slot and start apart, up to a thousand', async () => {
    const blocks = Array.from({ length: 1_000 }, (_, i) => ({
      ...countBlock(0, 1),
      endMicros: originMs * 1000 + 1 + i,
    }))
    await tested.store.append(blocks)
    expect(await jobs()).toBe(1_000)
    const more = { ...countBlock(0, 1), endMicros: originMs * 1000 + 2_000 }
    const together = await Promise.allSettled([tested.store.append([more]), tested.store.append([countBlock(1, 1)])])
    expect(together.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(await jobs()).toBe(1_001)
  })

  it('keeps two collectors apart that share a database', async () => {
    const other = await openTestStore(tested.settings)
    try {
      await tested.store.append([countBlock(0, 1)])
      await other.store.append([countBlock(0, 10)])
      expect([await jobs(), await jobs(other.store)]).toEqual([1, 10])
      expect(
        Object.values(plainTotals((await other.store.totals('credit', '1', originMs, endOfTime))[0]!.totals)),
      ).toHaveLength(1)
    } finally {
      await other.store.close()
      await other.dispose()
    }
  })
})

describe.skipIf(!hasInfluxd)('credentials and set-up of InfluxDB 1.x', () => {
  let influxd: Influxd
  beforeEach(async () => {
    influxd = await startInfluxd({ http: ['auth-enabled = true'] })
    await influxd.query(`CREATE USER admin WITH PASSWORD 'right-password' WITH ALL PRIVILEGES`)
  })
  afterEach(() => influxd.dispose())

  it('holds with a wrong password, says so without showing it, and loses nothing', async () => {
    const settings = freshSettings(influxd.url, { username: 'admin', password: 'wrong-password' })
    const tested = await openTestStore(settings)
    try {
      await tested.store.append([countBlock(0, 1)])
      expect(await tested.store.drained(1_500)).toBe(false)
      const { held } = tested.store.sending().sender
      expect(held).toMatch(/credentials \(401.*DRIFTLINE_INFLUX_PASSWORD/)
      expect(`${held} ${tested.log.join(' ')}`).not.toContain('wrong-password')
      await expect(tested.store.totals('credit', '1', originMs, endOfTime)).rejects.toThrow(StoreUnavailableError)
    } finally {
      await tested.store.close()
      await tested.dispose()
    }
    // The same data directory with the right one.
    const right = await openTestStore({ ...settings, password: 'right-password' })
    await right.store.append([countBlock(0, 1)])
    expect(await right.store.drained(20_000)).toBe(true)
    await right.store.close()
    await right.dispose()
  })

  it('said before every attempt that it could not look whether databases are there', async () => {
    const tested = await openTestStore(freshSettings(influxd.url, { username: 'admin', password: 'wrong-password' }))
    try {
      await tested.store.append([countBlock(0, 1)])
      await expect.poll(() => tested.store.sending().sender.retries, { timeout: 20_000 }).toBeGreaterThan(2)
      expect(tested.log.filter((line) => line.includes('could not look whether databases are there'))).toHaveLength(1)
    } finally {
      await tested.store.close()
      await tested.dispose()
    }
  })

  it('makes retention policies once, and changes what is kept otherwise', async () => {
    const settings = freshSettings(influxd.url, {
      username: 'admin',
      password: 'right-password',
      keepRawDays: 14,
      keepWindowsDays: 400,
    })
    const server = new InfluxServer(settings, systemClock)
    const first = await initInflux(server)
    expect(first.map(({ keeps, done }) => `${keeps} ${done}`)).toEqual([
      '14 days made',
      '400 days made',
      'forever made',
    ])
    expect((await initInflux(server)).map(({ done }) => done)).toEqual(['was there', 'was there', 'was there'])
    const changed = await initInflux(new InfluxServer({ ...settings, keepRawDays: 30 }, systemClock))
    expect(changed.map(({ done }) => done)).toEqual(['changed', 'was there', 'was there'])
  })
})

describe('finding out what a server is', () => {
  async function serving<T>(
    headers: Record<string, string>,
    body: string,
    run: (url: string) => Promise<T>,
  ): Promise<T> {
    const server = createServer((_request, response) => response.writeHead(200, headers).end(body))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      return await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
  const detect = (url: string) => new InfluxServer(freshSettings(url, { token: 'secret-token' }), systemClock).detect()

  it.each([
    ['1.6.7~rc0', 1, 6],
    ['1.12.4', 1, 12],
    ['v2.9.1', 2, 9],
    ['3.10.1', 3, 10],
  ])('reads %s', async (text, major, minor) => {
    const headers = { 'X-Influxdb-Version': text, 'X-Influxdb-Build': 'OSS' }
    expect(await serving(headers, '', detect)).toEqual({ major, minor, text, build: 'OSS' })
  })

  it('reads the version from a body', async () => {
    expect(await serving({}, '{"version":"3.2.0","revision":"abc"}', detect)).toMatchObject({ major: 3, minor: 2 })
  })

  it.each([
    ['0.13.0', 'not supported'],
    ['1.5.4', 'not supported'],
    ['v2.3.0', 'not supported'],
    ['4.0.0', 'not supported'],
  ])('refuses %s', async (text, says) => {
    await expect(serving({ 'X-Influxdb-Version': text }, '', detect)).rejects.toThrow(says)
  })

  it('refuses what is no InfluxDB, and what is not there', async () => {
    await expect(serving({}, 'hello', detect)).rejects.toThrow('does not say that it is an InfluxDB')
    await expect(detect('http://127.0.0.1:9')).rejects.toThrow('cannot be reached')
  })
})
