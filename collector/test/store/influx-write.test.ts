import { copyFile, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collectorCommand } from '../../src/cli/collector.ts'
import { systemClock } from '../../src/clock.ts'
import { InfluxServer } from '../../src/store/influx/influx-server.ts'
import { initInflux } from '../../src/store/influx/init-influx.ts'
import { refusedLines } from '../../src/store/influx/write-destination.ts'
import { memoryIo } from '../cli/memory-io.ts'
import { hasInfluxd, startInfluxd, type Influxd } from '../support/influxd.ts'
import { freshSettings, openTestStore } from './open-influx-store.ts'
import { countBlock, originMs, sampleBlock, withLayout } from './sample-data.ts'

describe.skipIf(!hasInfluxd)('writing to InfluxDB', () => {
  let influxd: Influxd
  beforeAll(async () => {
    influxd = await startInfluxd()
  })
  afterAll(() => influxd.dispose())

  it('keeps the lines apart that are refused for good, and stores all others', async () => {
    const tested = await openTestStore(freshSettings(influxd.url))
    const lines = Array.from({ length: 50 }, (_, i) => `m,place=${i} v=${i} ${originMs + i}000000`)
    lines[7] = `m,place=7 u=1u ${originMs}000000`
    lines[30] = `m,place=30 v="text" ${originMs + 30}000000`
    lines[31] = 'no line at all'
    await tested.store.writeLines('results', [`m,place=first v=1 ${originMs}000000`])
    await tested.store.writeLines('results', lines)
    await tested.store.append([countBlock(0, 1)])
    expect(await tested.store.drained(20_000)).toBe(true)
    expect(tested.store.sending().sender.deadLetters).toBe(3)
    await tested.store.close()
    const [result] = await influxd.query('SELECT count("v") FROM "results"."m"', tested.settings.database)
    expect(result!.series![0]!.values[0]![1]).toBe(48)
    const letters = (await readFile(join(tested.directory, 'journal', 'dead-letters.jsonl'), 'utf8')).trim().split('\n')
    const refused = letters.map((letter) => JSON.parse(letter) as { payload: string; reason: string })
    expect(refused.map(({ payload }) => payload).toSorted()).toEqual([lines[7], lines[30], lines[31]].toSorted())
    expect(refused.find(({ payload }) => payload === lines[30])!.reason).toContain('field type conflict')
    await tested.dispose()
  })

  it('splits a histogram of thousands of cells into points with few fields, and puts it together again', async () => {
    const tested = await openTestStore(freshSettings(influxd.url))
    const layout = {
      kind: 'log-linear',
      scale: 3,
      zeroThreshold: 0,
      negative: { offset: -640, length: 1_024 },
      positive: { offset: -640, length: 1_024 },
    } as const
    const slots = [9, 4.5, -2, Number.NaN, ...Array.from({ length: 2_049 }, (_, i) => (i % 3 === 0 ? 0 : i))]
    const beyond = slots.map((value, i) => (i === 1_500 ? Number.POSITIVE_INFINITY : value))
    await tested.store.append([
      sampleBlock(0, [[withLayout('income', layout), slots]]),
      sampleBlock(10, [[withLayout('income', layout), beyond]]),
    ])
    for (const [second, expected] of [
      [0, slots],
      [10, beyond],
    ] as const) {
      const [segment] = await tested.store.totals(
        'credit',
        '1',
        originMs + second * 1_000,
        originMs + second * 1_000 + 1,
      )
      const [entry] = [...segment!.totals.entries()]
      expect(entry!.series.layout).toEqual(layout)
      expect([...entry!.values]).toEqual(expected)
    }
    const [keys] = await influxd.query('SHOW FIELD KEYS FROM "raw"."ml_histogram"', tested.settings.database)
    expect(keys!.series![0]!.values.length).toBeLessThanOrEqual(256 + 6)
    await tested.store.close()
    await tested.dispose()
  })

  it('knows what the journal has when the index was not written any more', async () => {
    const tested = await openTestStore(freshSettings(influxd.url))
    const index = join(tested.directory, 'block-index.sqlite')
    await tested.store.append([countBlock(0, 1)])
    await tested.store.close()
    await copyFile(index, `${index}.before`)
    const second = await tested.reopen()
    await second.append([countBlock(10, 2), countBlock(20, 4)])
    const slices = await second.touchedSlices('credit', '1', 60_000, 0)
    await second.close()
    await copyFile(`${index}.before`, index)
    await rm(`${index}-wal`, { force: true })
    const third = await tested.reopen()
    expect(await third.append([countBlock(20, 4)])).toEqual({ storedSeries: 0, duplicateSeries: 1 })
    expect(await third.touchedSlices('credit', '1', 60_000, 0)).toEqual(slices)
    const [segment] = await third.totals('credit', '1', originMs, originMs + 60_000)
    expect([...segment!.totals.entries()][0]!.values[0]).toBe(7)
    await third.close()
    await tested.dispose()
  })

  it('is set up by driftline collector --init-influx, and says what it did', async () => {
    const environment = {
      DRIFTLINE_INFLUX_URL: influxd.url,
      DRIFTLINE_INFLUX_DATABASE: freshSettings(influxd.url).database,
    }
    const first = { ...memoryIo('/'), environment }
    expect(await collectorCommand.run(['--init-influx'], first)).toBe(0)
    expect(first.out()).toMatch(
      /InfluxDB 1\.6\.7.*\.raw: made, kept 14 days.*\.windows: made, kept 400 days.*\.results: made, kept forever/s,
    )
    const again = { ...memoryIo('/'), environment }
    await collectorCommand.run(['--init-influx'], again)
    expect(again.out().match(/was there/g)).toHaveLength(3)
  })
})

describe('which lines a server refused', () => {
  const lines = ['a v=1 1', 'b v=2u 2', "c,x='y v= 3"]
  it('of 1.x, when it quotes them', () => {
    const said = {
      error: `partial write: unable to parse 'b v=2u 2': invalid number\nunable to parse 'c,x='y v= 3': missing field value dropped=0`,
    }
    expect(refusedLines(1, JSON.stringify(said), lines)!.map(({ index }) => index)).toEqual([1, 2])
  })
  it('of 1.x, when it is all of them, and not when it only counts some', () => {
    expect(refusedLines(1, '{"error":"partial write: points beyond retention policy dropped=3"}', lines)).toHaveLength(
      3,
    )
    expect(refusedLines(1, '{"error":"partial write: points beyond retention policy dropped=2"}', lines)).toBeNull()
    expect(refusedLines(1, `{"error":"partial write: unable to parse 'b v=2u 2': x dropped=1"}`, lines)).toBeNull()
  })
  it('of 2.x never, as a line that cannot be read keeps out all others', () => {
    expect(
      refusedLines(2, `{"code":"invalid","message":"unable to parse 'b v=2u 2': invalid number"}`, lines),
    ).toBeNull()
  })
  it('of 3.x by number', () => {
    const said = { error: 'partial write', data: [{ line_number: 2, original_line: 'b', error_message: 'bad' }] }
    expect(refusedLines(3, JSON.stringify(said), lines)).toEqual([{ index: 1, reason: 'bad' }])
    expect(refusedLines(3, JSON.stringify({ data: [{ line_number: 9 }] }), lines)).toBeNull()
  })
})

/** Of the calls of 2.x and 3.x that make buckets and databases, as their documentation has them. */
describe('setting up 2.x and 3.x', () => {
  async function withServer<T>(
    version: string,
    answer: (call: string, body: unknown) => { status?: number; body: unknown },
    run: (url: string) => Promise<T>,
  ): Promise<T> {
    const server = createServer((request, response) => {
      void read(request).then((text) => {
        const call = `${request.method} ${decodeURIComponent(request.url!)}`
        if (call === 'GET /ping') {
          response.writeHead(204, { 'X-Influxdb-Version': version }).end()
          return
        }
        const { status = 200, body } = answer(call, text === '' ? null : JSON.parse(text))
        response.writeHead(request.headers.authorization === 'Token t' ? status : 401).end(JSON.stringify(body))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      return await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }

  it('makes missing buckets and changes retention on 2.x', async () => {
    const changes: [string, unknown][] = []
    const buckets = [
      { id: 'b1', name: 'driftline/windows', retentionRules: [{ type: 'expire', everySeconds: 86_400 }] },
    ]
    const answer = (call: string, body: unknown) => {
      if (call.startsWith('GET /api/v2/orgs?org=acme')) return { body: { orgs: [{ id: 'o1' }] } }
      const name = /^GET \/api\/v2\/buckets\?name=([^&]+)&orgID=o1$/.exec(call)?.[1]
      if (name === 'driftline/results') return { status: 404, body: { code: 'not found' } }
      if (name !== undefined) return { body: { buckets: buckets.filter((bucket) => bucket.name === name) } }
      changes.push([call, body])
      return { body: {} }
    }
    const settings = { token: 't', org: 'acme', database: 'driftline', keepRawDays: 14, keepWindowsDays: 400 }
    const parts = await withServer('v2.9.1', answer, (url) =>
      initInflux(new InfluxServer(freshSettings(url, settings), systemClock)),
    )
    expect(parts.map(({ name, done }) => `${name} ${done}`)).toEqual([
      'bucket driftline/raw made',
      'bucket driftline/windows changed',
      'bucket driftline/results made',
    ])
    const rule = (days: number, shardDays: number) => [
      { type: 'expire', everySeconds: days * 86_400, shardGroupDurationSeconds: shardDays * 86_400 },
    ]
    expect(changes).toEqual([
      ['POST /api/v2/buckets', { orgID: 'o1', name: 'driftline/raw', retentionRules: rule(14, 1) }],
      ['PATCH /api/v2/buckets/b1', { retentionRules: rule(400, 7) }],
      ['POST /api/v2/buckets', { orgID: 'o1', name: 'driftline/results', retentionRules: rule(0, 7) }],
    ])
  })

  it('makes missing databases on 3.x', async () => {
    const made: unknown[] = []
    const answer = (call: string, body: unknown) => {
      if (call.startsWith('GET /api/v3/configure/database')) return { body: [{ 'iox::database': 'driftline/raw' }] }
      made.push(body)
      return { status: made.length === 1 ? 200 : 409, body: {} }
    }
    const settings = { token: 't', database: 'driftline', keepWindowsDays: 400 }
    await withServer('3.10.1', answer, (url) => initInflux(new InfluxServer(freshSettings(url, settings), systemClock)))
    expect(made).toEqual([{ db: 'driftline/windows', retention_period: '400d' }, { db: 'driftline/results' }])
  })

  it('says that the token is wrong, and does not show it', async () => {
    const settings = { token: 'wrong-token', org: 'acme' }
    const answer = () => ({ body: { message: 'unauthorized: wrong-token' } })
    const failed = withServer('v2.9.1', answer, (url) =>
      initInflux(new InfluxServer(freshSettings(url, settings), systemClock)),
    )
    await expect(failed).rejects.toThrow(/credentials \(401: unauthorized: \*\*\*\).*DRIFTLINE_INFLUX_TOKEN/)
  })
})

async function read(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
