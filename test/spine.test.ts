import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMonitor } from '@driftline/instrumentation'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCollector, type Collector } from '../collector/src/app.ts'
import { systemClock } from '../collector/src/clock.ts'
import { loadConfig } from '../collector/src/config.ts'
import type { AlertRecord } from '../collector/src/alert/alert.ts'
import { smallBaseline } from '../collector/test/support/small-model.ts'

/** From a prediction in a server to an explained alarm: real recorder, real exporter, real HTTP, real SQLite. */
describe('the whole way', () => {
  let directory: string
  let collector: Collector
  let ahead: number
  let printed: string[]

  const start = async () => {
    const config = await loadConfig(
      { 'data-dir': join(directory, 'data'), port: '0', rules: [join(directory, 'rules.json')] },
      {},
      directory,
    )
    // The rows are recorded at the real time; evaluation is told that the window has long ended.
    const clock = { ...systemClock, now: () => Date.now() + ahead }
    return startCollector({ config, clock, environment: {}, log: (line) => printed.push(line) })
  }
  const get = async <Answer>(path: string): Promise<Answer> => {
    const response = await fetch(`${collector.url}${path}`)
    expect(response.status, path).toBe(200)
    return (await response.json()) as Answer
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-spine-'))
    printed = []
    ahead = 0
    const { writeFileSync } = await import('node:fs')
    writeFileSync(
      join(directory, 'rules.json'),
      JSON.stringify({
        model: 'small',
        window: { size: '10s' },
        falseAlarmBudget: '1 per 30d',
        rules: [{ name: 'inputs moved', signal: 'feature-drift', severity: 'warning' }],
      }),
    )
    collector = await start()
  })
  afterEach(async () => {
    await collector.close()
    rmSync(directory, { recursive: true })
  })

  /** Rows of the small model, drawn so that they look like its baseline. */
  const rows = function* (count: number, factor: number) {
    const { counts, bounds } = smallBaseline.features[0] as { counts: readonly number[]; bounds: readonly number[] }
    for (let i = 0; i < count; i++) {
      // A low-discrepancy walk through the baseline's distribution: as regular as rows can be.
      let rank = ((i * 0.6180339887) % 1) * 9900
      let cell = 0
      while (rank >= counts[cell]!) rank -= counts[cell++]!
      yield { age: bounds[cell]! * factor, colour: (i * 0.7548776662) % 1 < 0.6 ? 'blue' : 'red' }
    }
  }

  const record = async (count: number, factor: number) => {
    const monitor = createMonitor({ baseline: smallBaseline, endpoint: collector.url, exportIntervalMillis: 3_600_000 })
    for (const row of rows(count, factor)) monitor.record(row, { score: 0.3 })
    await monitor.flush()
    await monitor.shutdown()
  }

  it('leads from a unit change in one feature to an alarm that explains it, and survives a restart', async () => {
    const put = await fetch(`${collector.url}/api/v1/models/small/versions/1/baseline`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(smallBaseline),
    })
    expect(put.status).toBe(200)

    await record(2000, 1)
    ahead += 60_000
    await collector.evaluate()
    expect((await get<{ alerts: AlertRecord[] }>('/api/v1/alerts')).alerts).toEqual([])

    await record(2000, 12)
    ahead += 60_000
    await collector.evaluate()
    const { alerts } = await get<{ alerts: AlertRecord[] }>('/api/v1/alerts')
    expect(alerts).toMatchObject([{ rule: 'inputs moved', state: 'firing', model: 'small', version: '1' }])
    const { explanation } = alerts[0]!
    expect(explanation.moved[0]!.feature).toBe('age')
    expect(explanation.comparedWith.baselineDigest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(explanation.diagnosis[0]).toMatchObject({ cause: 'unit-or-scale-change', features: ['age'] })
    expect(printed.join('\n')).toContain('inputs moved')

    const before = await get('/api/v1/models/small/versions/1/results?limit=1000')
    await collector.close()
    collector = await start()
    await collector.evaluate()
    expect(await get('/api/v1/models/small/versions/1/results?limit=1000')).toEqual(before)
    expect((await get<{ alerts: AlertRecord[] }>('/api/v1/alerts')).alerts).toEqual(alerts)
  })

  it('pages through windows, the newest first', async () => {
    const path = '/api/v1/models/small/versions/1/windows'
    for (let i = 0; i < 3; i++) {
      await record(100, 1)
      ahead += 20_000
    }
    await collector.evaluate()
    const all = await get<{ windows: { startMs: number }[]; more: boolean }>(path)
    const starts = all.windows.map(({ startMs }) => startMs)
    expect(starts.length).toBeGreaterThan(0)
    expect(starts).toEqual(starts.toSorted((a, b) => b - a))
    const from = new Date(starts.at(-1)!).toISOString()
    const last = await get<{ windows: object[]; more: boolean }>(`${path}?order=ascending&limit=1&from=${from}`)
    expect(last.windows).toHaveLength(1)
    expect(last.more).toBe(starts.length > 1)
  })

  it('refuses rules that do not fit, each problem on a line of its own', async () => {
    const { writeFileSync } = await import('node:fs')
    const { runDriftline } = await import('../collector/src/cli/run-driftline.ts')
    writeFileSync(
      join(directory, 'bad.yaml'),
      'model: small\nwindow: { size: soon }\nfalseAlarmBudget: often\nrules: []\nextra: 1\n',
    )
    let stderr = ''
    const io = {
      stdout: () => undefined,
      stderr: (text: string) => void (stderr += text),
      terminal: false,
      environment: {},
      directory,
      clock: systemClock,
      untilStopped: () => Promise.resolve(),
    }
    const status = await runDriftline(
      ['collector', '--rules', 'bad.yaml', '--port', '0', '--data-dir', join(directory, 'other')],
      io,
    )
    expect(status).toBe(1)
    expect(stderr.trim().split('\n').length).toBeGreaterThanOrEqual(4)
  })

  it('stops although a sender stalls in the middle of a request, which once held it for minutes', async () => {
    const { connect } = await import('node:net')
    const { port } = new URL(collector.url)
    const socket = connect(Number(port), '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.write(
      'POST /v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"a"',
    )
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => undefined)
    // The request is under way once the collector has answered another one that came after it.
    await get('/api/v1/models')
    await collector.close()
    await ended
    expect(socket.destroyed).toBe(true)
    collector = await start()
  })

  it('answers every wrong question with a reason', async () => {
    for (const [path, status, part] of [
      ['/api/v1/nothing', 404, 'nothing at GET'],
      ['/api/v1/models/small/versions/9/baseline', 404, 'no baseline'],
      ['/api/v1/models/small/versions/1/results?limit=0', 400, 'limit'],
      ['/api/v1/models/small/versions/1/results?form=1', 400, 'form'],
      ['/api/v1/models/small/versions/1/results?from=yesterday', 400, 'from'],
      ['/api/v1/alerts/none', 404, 'no alert none'],
    ] as const) {
      const response = await fetch(`${collector.url}${path}`)
      expect(response.status, path).toBe(status)
      expect(((await response.json()) as { error: { message: string } }).error.message, path).toContain(part)
    }
    const put = await fetch(`${collector.url}/api/v1/models/small/versions/1/baseline`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...smallBaseline, rows: -1, extra: 1 }),
    })
    expect(put.status).toBe(400)
    expect(((await put.json()) as { error: { problems: string[] } }).error.problems.length).toBeGreaterThanOrEqual(2)
  })
})
