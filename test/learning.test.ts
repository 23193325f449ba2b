import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AlertRecord } from '../collector/src/alert/alert.ts'
import { startCollector, type Collector } from '../collector/src/app.ts'
import { runDriftline } from '../collector/src/cli/run-driftline.ts'
import { systemClock } from '../collector/src/clock.ts'
import { loadConfig } from '../collector/src/config.ts'
import { digestJson, parseBaseline, type Baseline, type Json } from '../instrumentation/src/contract/index.ts'
import type { Clock } from '../instrumentation/src/clock.ts'
import { startMonitor, type ModelMonitor } from '../instrumentation/src/monitor.ts'
import type { MonitorOptions } from '../instrumentation/src/options.ts'

const model = { name: 'learned', version: '1' }
const versionPath = '/api/v1/models/learned/versions/1'
const baselinePath = '/api/v1/models/learned/baseline?version=1'

/** A server without a baseline, and a collector that makes one of what it sees: real recorder, HTTP and SQLite. */
describe('learning a baseline from production', () => {
  let directory: string
  let collector: Collector
  /** Added to the real time, in which rows are recorded, when windows shall be over. */
  let ahead: number
  let printed: string[]
  let monitors: ModelMonitor[]
  let flags: Record<string, string | boolean>
  let environment: Record<string, string>

  const start = async (port = '0') => {
    const config = await loadConfig(
      { 'data-dir': join(directory, 'data'), port, rules: [join(directory, 'rules.json')], ...flags },
      environment,
      directory,
    )
    const clock = { ...systemClock, now: () => Date.now() + ahead }
    return startCollector({ config, clock, environment: {}, log: (line) => printed.push(line) })
  }
  const request = (path: string, options?: RequestInit) => fetch(`${collector.url}${path}`, options)
  const get = async <Answer>(path: string): Promise<Answer> => {
    const response = await request(path)
    expect(response.status, path).toBe(200)
    return (await response.json()) as Answer
  }
  const learning = async () => (await get<{ models: { learning?: Learning }[] }>('/api/v1/models')).models[0]?.learning

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-learning-'))
    printed = []
    monitors = []
    ahead = 0
    flags = { 'learn-rows': '3000' }
    environment = {}
    writeFileSync(
      join(directory, 'rules.json'),
      JSON.stringify({
        model: 'learned',
        window: { size: '10s' },
        falseAlarmBudget: '1 per 30d',
        rules: [{ name: 'inputs moved', signal: 'feature-drift', severity: 'warning' }],
      }),
    )
    collector = await start()
  })
  afterEach(async () => {
    for (const monitor of monitors) await monitor.shutdown()
    await collector.close()
    rmSync(directory, { recursive: true })
  })

  /** A monitor whose timers a test runs: asking for a baseline is what `ask` does. */
  const monitorOf = (instance: string, options: Partial<MonitorOptions> = {}) => {
    const timers = handTimers()
    const monitor = startMonitor(
      {
        model,
        features: [
          { name: 'colour', kind: 'categorical' },
          { name: 'age', kind: 'numeric' },
          { name: 'balance', kind: 'numeric' },
          { name: 'constant', kind: 'numeric' },
          { name: 'absent', kind: 'numeric' },
          { name: 'flag', kind: 'boolean' },
        ],
        instance,
        endpoint: collector.url,
        exportIntervalMillis: 3_600_000,
        ...options,
      },
      timers,
    )
    monitors.push(monitor)
    return { monitor, ask: timers.run }
  }
  let drawn = 0
  /** Regular rows: golden-ratio walks through skewed, signed and few-valued distributions. */
  const record = (monitor: ModelMonitor, rows: number, factor = 1) => {
    for (let i = 0; i < rows; i++) {
      drawn++
      const u = (drawn * 0.6180339887) % 1
      const v = (drawn * 0.7548776662) % 1
      monitor.record(
        {
          colour: v < 0.6 ? 'blue' : v < 0.95 ? 'red' : 'green',
          age: drawn % 97 === 0 ? null : Math.round(20 + 50 * u * u) * factor,
          balance: (v - 0.3) * 1000 * u,
          constant: 7,
          flag: u > 0.5,
        },
        { score: u, class: u > 0.5 ? 'yes' : 'no' },
      )
    }
  }
  /** Asks, and waits until the answer has come over HTTP and is taken up at the end of an interval. */
  const adopt = async ({ monitor, ask }: ReturnType<typeof monitorOf>, digest: string) => {
    ask()
    const current = async () => {
      await monitor.flush()
      return monitor.statistics().baselineDigest
    }
    await expect.poll(current, { timeout: 10_000 }).toBe(digest)
  }
  const freeze = (options: readonly string[] = [], env: Record<string, string> = {}) =>
    command(
      ['baseline', 'freeze', '--model', 'learned', '--version', '1', '--url', collector.url, ...options],
      directory,
      env,
    )
  const rowsOfWindows = async () =>
    (await get<{ windows: { rows: number }[] }>(`${versionPath}/windows?limit=1000`)).windows.reduce(
      (sum, { rows }) => sum + rows,
      0,
    )
  const resultsOf = async (status: string) =>
    (await get<{ results: ResultRow[] }>(`${versionPath}/results?limit=1000&status=${status}`)).results
  const evaluate = async () => {
    ahead += 60_000
    await collector.evaluate()
  }

  it('goes from the first row to an alarm, and counts every row once', async () => {
    const { monitor, ask } = monitorOf('a')
    record(monitor, 1400)
    await monitor.flush()
    await collector.learn()
    expect(await learning()).toMatchObject({
      rows: 1400,
      neededRows: 3000,
      needed: 1600,
      text: 'learning, 1,400 of 3,000 rows',
    })
    const early = await request(baselinePath)
    expect(early.status).toBe(404)
    expect(await early.json()).toMatchObject({ learning: { rows: 1400, needed: 1600 } })
    expect(printed.join('\n')).toContain('learned 1 has no baseline: learning, 1,400 of 3,000 rows')

    record(monitor, 1600)
    await monitor.flush()
    await collector.learn()
    expect(await learning()).toBeUndefined()
    expect(printed.join('\n')).toContain('learned 1: froze a baseline of 3,000 rows')
    const served = await request(baselinePath)
    const baseline = parseBaseline(await served.json())
    const digest = digestJson(baseline as unknown as Json)
    expect(served.headers.get('etag')).toBe(`"${digest}"`)
    expect((await request(baselinePath, { headers: { 'if-none-match': `"${digest}"` } })).status).toBe(304)
    expect(baseline).toMatchObject({
      rows: 3000,
      origin: { kind: 'frozen', rows: 3000 },
      source: { name: 'production' },
    })
    expect(Object.fromEntries(baseline.features.map(({ name, values, missing }) => [name, [values, missing]]))).toEqual(
      {
        colour: [3000, 0],
        age: [3000 - Math.floor(3000 / 97), Math.floor(3000 / 97)],
        balance: [3000, 0],
        constant: [3000, 0],
        absent: [0, 3000],
        flag: [3000, 0],
      },
    )

    // Recorded in the old cells after the freeze, then in the new ones: together they are all rows.
    record(monitor, 500)
    await adopt({ monitor, ask }, digest)
    record(monitor, 700)
    await monitor.flush()
    expect(monitor.statistics()).toMatchObject({ rows: 4200, dropped: {}, failures: { count: 0 } })
    await evaluate()
    expect(await resultsOf('error')).toEqual([])
    expect(await resultsOf('drift')).toEqual([])
    expect((await get<{ alerts: AlertRecord[] }>('/api/v1/alerts')).alerts).toEqual([])
    expect(await rowsOfWindows()).toBe(4200)

    record(monitor, 2000, 12)
    await monitor.flush()
    await evaluate()
    const { alerts } = await get<{ alerts: AlertRecord[] }>('/api/v1/alerts')
    expect(alerts).toMatchObject([{ rule: 'inputs moved', state: 'firing', model: 'learned' }])
    expect(alerts[0]!.explanation.moved[0]!.feature).toBe('age')
    expect(alerts[0]!.explanation.comparedWith.baselineDigest).toBe(digest)
  })

  it('judges recorders that took the baseline up at different times, or never, as one', async () => {
    const first = monitorOf('first')
    const second = monitorOf('second')
    const never = monitorOf('never', { collector: false })
    const all = [first, second, never]
    for (const { monitor } of all) record(monitor, 1100)
    for (const { monitor } of all) await monitor.flush()
    await collector.learn()
    const baseline = await get<Baseline>(baselinePath)
    const digest = digestJson(baseline as unknown as Json)
    expect(baseline.rows).toBe(3300)
    // Three recorders have three origins of their own, and yet the moments are exact.
    const age = baseline.features.find(({ name }) => name === 'age') as { mean: number; variance: number }
    expect(age.mean).toBeCloseTo(20 + 50 / 3, 1)
    expect(age.variance).toBeCloseTo(50 ** 2 * (1 / 5 - 1 / 9), -0.5)

    await adopt(first, digest)
    for (const { monitor } of all) record(monitor, 300)
    for (const { monitor } of all) await monitor.flush()
    await adopt(second, digest)
    for (const { monitor } of all) record(monitor, 300)
    for (const { monitor } of all) await monitor.flush()
    never.ask()
    expect(all.map(({ monitor }) => monitor.statistics().baselineDigest)).toEqual([digest, digest, null])
    await evaluate()
    expect(await resultsOf('error')).toEqual([])
    expect(await resultsOf('drift')).toEqual([])
    expect(await rowsOfWindows()).toBe(3 * 1700)
    const balance = (
      await get<{ results: { effect: object | null; sizes: object }[] }>(`${versionPath}/results?feature=balance`)
    ).results
    expect(balance.length).toBeGreaterThan(0)

    // A newer baseline replaces one that was taken up.
    expect((await freeze(['--replace', '--json'])).status).toBe(0)
    const newer = digestJson((await get<Baseline>(baselinePath)) as unknown as Json)
    expect(newer).not.toBe(digest)
    await adopt(first, newer)
  })

  it('goes on learning where a collector that was stopped left off', async () => {
    const { monitor } = monitorOf('a')
    record(monitor, 1500)
    await monitor.flush()
    await collector.learn()
    const { port } = new URL(collector.url)
    await collector.close()
    collector = await start(port)
    expect(await learning()).toMatchObject({ rows: 1500 })
    record(monitor, 1500)
    await monitor.flush()
    await collector.learn()
    expect(await learning()).toBeUndefined()
    expect((await get<Baseline>(baselinePath)).rows).toBe(3000)
  })

  it('freezes fewer rows once the hours have passed, and too few never', async () => {
    const { monitor } = monitorOf('a')
    record(monitor, 400)
    await monitor.flush()
    ahead += 25 * 3_600_000
    await collector.learn()
    expect(await learning()).toMatchObject({ rows: 400, minimumRows: 500 })
    record(monitor, 200)
    await monitor.flush()
    await collector.learn()
    expect((await get<Baseline>(baselinePath)).rows).toBe(600)
  })

  it('freezes by command, and says why it does not', async () => {
    const { monitor } = monitorOf('a')
    expect((await freeze()).err).toContain('no data of learned 1')
    record(monitor, 100)
    await monitor.flush()
    expect((await freeze()).err).toContain('learned 1 has 100 rows; at least 500 are needed')
    record(monitor, 500)
    await monitor.flush()
    const frozen = await freeze(['--out', 'frozen.json'])
    expect(frozen).toMatchObject({ status: 0 })
    expect(frozen.out).toContain('learned 1: 600 rows of production')
    const written = parseBaseline(JSON.parse(readFileSync(join(directory, 'frozen.json'), 'utf8')))
    expect(written).toEqual(await get<Baseline>(baselinePath))
    expect(await freeze()).toMatchObject({ status: 1, err: expect.stringContaining('--replace freezes a new one') })
    expect(await freeze(['--replace'])).toMatchObject({ status: 0 })
    expect((await freeze(['--url', 'nowhere'])).status).toBe(2)
    expect((await freeze(['--url', 'http://127.0.0.1:1'])).err).toContain('no collector answers at http://127.0.0.1:1')
  })

  it('learns only by command where that was asked for', async () => {
    await collector.close()
    flags = { 'no-learn': true }
    collector = await start()
    const { monitor } = monitorOf('a')
    record(monitor, 12_000)
    await monitor.flush()
    await collector.learn()
    expect(await learning()).toBeUndefined()
    expect((await request(baselinePath)).status).toBe(404)
    expect((await freeze()).status).toBe(0)
  })

  it('shows a baseline to senders of metrics, and nothing else', async () => {
    await collector.close()
    environment = { DRIFTLINE_INGEST_TOKEN: 'ingest-ingest-ingest', DRIFTLINE_ADMIN_TOKEN: 'admin-admin-admin-admin' }
    collector = await start()
    const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
    const { ingest, admin } = { ingest: withToken('ingest-ingest-ingest'), admin: withToken('admin-admin-admin-admin') }
    const own = monitorOf('a', { headers: { authorization: 'Bearer ingest-ingest-ingest' } })
    record(own.monitor, 700)
    await own.monitor.flush()
    expect((await request(baselinePath)).status).toBe(401)
    expect((await request(baselinePath, withToken('wrong-wrong-wrong'))).status).toBe(401)
    expect((await request(baselinePath, ingest)).status).toBe(404)
    expect((await request('/api/v1/models', ingest)).status).toBe(401)
    expect((await request(`${versionPath}/baseline/freeze`, { method: 'POST', ...ingest })).status).toBe(401)
    expect((await freeze()).err).toContain('set DRIFTLINE_ADMIN_TOKEN')
    expect((await freeze([], { DRIFTLINE_ADMIN_TOKEN: 'admin-admin-admin-admin' })).status).toBe(0)
    const served = await request(baselinePath, admin)
    await adopt(own, digestJson((await served.json()) as Json))
  })

  it('does not take up a baseline of other features, and says so once', async () => {
    const { monitor } = monitorOf('a')
    record(monitor, 700)
    await monitor.flush()
    expect((await freeze()).status).toBe(0)
    const errors: string[] = []
    const other = monitorOf('b', {
      features: [{ name: 'age', kind: 'categorical' }],
      onError: (error) => errors.push(error.message),
    })
    other.ask()
    await expect.poll(() => errors.length).toBe(1)
    expect(errors[0]).toMatch(
      /can not be taken up: the baseline has 'age' as numeric, and it is recorded as a category; .*'balance', which is not recorded/,
    )
    await other.monitor.flush()
    expect(other.monitor.statistics()).toMatchObject({ baselineDigest: null, failures: { count: 1 } })
  })
})

interface Learning {
  readonly rows: number
  readonly needed: number
  readonly text: string
}

interface ResultRow {
  readonly status: string
  readonly feature: string
}

async function command(
  args: readonly string[],
  directory: string,
  environment: Record<string, string>,
): Promise<{ status: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const status = await runDriftline(args, {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    terminal: false,
    environment,
    directory,
    clock: systemClock,
    untilStopped: () => Promise.resolve(),
  })
  return { status, out, err }
}

/** The real time, with timers that run when a test says so. */
function handTimers(): Clock & { run(): void } {
  let waiting: (() => void)[] = []
  return {
    now: () => Date.now(),
    after(delayMillis, callback) {
      const own = () => callback()
      waiting.push(own)
      return () => {
        waiting = waiting.filter((other) => other !== own)
      }
    },
    run() {
      const due = waiting
      waiting = []
      for (const one of due) one()
    },
  }
}
