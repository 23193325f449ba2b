import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startMonitor, type Monitor } from '../instrumentation/src/monitor.ts'
import { ManualClock } from '../instrumentation/test/manual-clock.ts'
import type { Baseline } from '@driftline/instrumentation/contract'
import { startCollector, type Collector } from '../collector/src/app.ts'
import type { AlertEvent, AlertRecord } from '../collector/src/alert/alert.ts'
import type { GivenVerdict } from '../collector/src/alert/verdict.ts'
import { loadConfig } from '../collector/src/config.ts'
import type { Result } from '../collector/src/evaluate/result.ts'
import { manualClock, type ManualClock as CollectorClock } from '../collector/test/support/manual-clock.ts'
import { smallBaseline } from '../collector/test/support/small-model.ts'

const minute = 60_000
const start = 1_800_000_000_000
const token = 'an admin token of some length'

const counts = [5000, 5000, 0]
const baseline: Baseline = {
  ...smallBaseline,
  predictions: { classes: { categories: ['no', 'yes'], counts, values: 10_000 } },
  labels: { categories: ['no', 'yes'], counts, values: 10_000 },
}

interface JudgedAlert {
  readonly alert: AlertRecord
  readonly verdict: GivenVerdict | null
  readonly acknowledged: { readonly by: string; readonly atMs: number } | null
  readonly events: readonly AlertEvent[]
}

/** Labels from a server, and what people make of the alarms: real recorder, real exporter, real HTTP, real SQLite, turned clocks. */
describe('labels, verdicts and the budget', () => {
  let directory: string
  let collector: Collector
  let monitor: Monitor
  let clock: CollectorClock
  let recorderClock: ManualClock

  const call = async (
    method: string,
    path: string,
    body?: unknown,
    bearer: string | null = token,
  ): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${collector.url}/api/v1${path}`, {
      method,
      headers: {
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }
  const get = async <Answer>(path: string): Promise<Answer> => {
    const { status, body } = await call('GET', path)
    expect(status, path).toBe(200)
    return body as Answer
  }
  const results = async (signal: string): Promise<Result[]> =>
    (await get<{ results: Result[] }>(`/models/small/versions/1/results?order=ascending&signal=${signal}`)).results
  const alerts = async (): Promise<AlertRecord[]> => (await get<{ alerts: AlertRecord[] }>('/alerts')).alerts
  const budget = () => get<Record<string, unknown>>('/models/small/versions/1/budget')

  const startAll = async () => {
    const config = await loadConfig(
      { 'data-dir': join(directory, 'data'), port: '0', rules: [join(directory, 'rules.json')] },
      { DRIFTLINE_ADMIN_TOKEN: token },
      directory,
    )
    collector = await startCollector({ config, clock, environment: {}, log: () => undefined })
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-labels-'))
    writeFileSync(
      join(directory, 'rules.json'),
      JSON.stringify({
        model: 'small',
        window: { size: '1m' },
        falseAlarmBudget: '1 per 1d',
        rules: [{ name: 'labels moved', signal: 'label-drift', severity: 'warning' }],
      }),
    )
    clock = manualClock(start)
    recorderClock = new ManualClock(start)
    await startAll()
    expect((await call('PUT', '/models/small/versions/1/baseline', baseline)).status).toBe(200)
    monitor = startMonitor({ baseline, endpoint: collector.url, exportIntervalMillis: 3_600_000 }, recorderClock)
  })
  afterEach(async () => {
    await monitor.shutdown()
    await collector.close()
    rmSync(directory, { recursive: true })
  })

  /** One minute of traffic; the outcome of a share of it comes within the minute. */
  const serve = async ({ rows = 400, labelled = 1, yes = 0.5 }: { rows?: number; labelled?: number; yes?: number }) => {
    const minuteStart = recorderClock.now()
    for (let i = 0; i < rows; i++) {
      const predicted = i % 2 === 0 ? 'yes' : 'no'
      monitor.record({ age: 10 + ((i * 37) % 70), colour: i % 5 < 3 ? 'blue' : 'red' }, { id: i, class: predicted })
    }
    recorderClock.set(minuteStart + 30_000)
    for (let i = 0; i < rows * labelled; i++) monitor.outcome(i, (i * 0.6180339887) % 1 < yes ? 'yes' : 'no')
    await monitor.flush()
    expect(monitor.statistics()).toMatchObject({ exports: { pending: 0 }, failures: { count: 0 } })
    recorderClock.set(minuteStart + minute)
    // The recorder's interval ends with the minute, so that no block belongs to two.
    await monitor.flush()
    clock.advance(minute + (clock.now() === start ? 10_000 : 0))
    await collector.evaluate()
  }

  it('raises an alarm when the actual classes move, and none while they do not', async () => {
    for (let i = 0; i < 3; i++) await serve({})
    const calm = await results('label-drift')
    expect(calm).toHaveLength(3)
    for (const result of calm) {
      expect(result).toMatchObject({
        feature: 'label',
        rates: { completeness: { count: 400, rows: 400, rate: 1 } },
        sizes: { window: 400, baseline: 10_000 },
      })
      expect(result.status).not.toBe('drift')
      expect(result.evidence).not.toBeNull()
    }
    expect(await alerts()).toEqual([])

    for (let i = 0; i < 3; i++) await serve({ yes: 0.8 })
    expect(await alerts()).toMatchObject([{ rule: 'labels moved', state: 'firing' }])
    const [alert] = await alerts()
    expect(alert!.explanation.moved).toMatchObject([{ signal: 'label-drift', feature: 'label' }])
    expect(alert!.explanation.summary).toContain('actual class: share of')
  })

  it('takes no evidence from labels of less than half of the predictions, and says so', async () => {
    for (let i = 0; i < 4; i++) await serve({ labelled: 0.49, yes: 1 })
    await serve({ labelled: 0 })
    const found = await results('label-drift')
    expect(found.map(({ status, reason, evidence }) => ({ status, reason, evidence }))).toEqual(
      Array.from({ length: 5 }, () => ({ status: 'insufficient', reason: 'labels-incomplete', evidence: null })),
    )
    expect(found[0]!.rates['completeness']).toMatchObject({ count: 196, rows: 400, rate: 0.49 })
    expect(found[4]!.rates['completeness']).toMatchObject({ count: 0, rows: 400, rate: 0 })
    expect(await alerts()).toEqual([])
    // As many labels, but of half of the predictions, do count.
    for (let i = 0; i < 4; i++) await serve({ labelled: 0.5, yes: 1 })
    expect(await alerts()).toMatchObject([{ state: 'firing' }])
  })

  it('keeps what people say of an alarm, and counts the false ones against the budget', async () => {
    for (let i = 0; i < 2; i++) await serve({})
    for (let i = 0; i < 3; i++) await serve({ yes: 0.9 })
    const [alert] = await alerts()
    const path = `/alerts/${alert!.id}`
    expect(await budget()).toMatchObject({
      budget: '1 per 1d',
      periodMs: 1440 * minute,
      alarmThreshold: 1440,
      alarms: 1,
      unjudged: 1,
      falseAlarms: 0,
      realisedFalseAlarmsPer30d: 0,
      evidenceSteps: 5,
      watchedMs: 5 * minute,
      complete: true,
    })
    expect(await get(path)).toMatchObject({ verdict: null, acknowledged: null })

    expect(await call('POST', `${path}/acknowledge`, { by: 'ana' })).toMatchObject({
      status: 200,
      body: { acknowledged: { by: 'ana', atMs: clock.now() } },
    })
    clock.advance(1000)
    await call('POST', `${path}/verdict`, { verdict: 'true-alarm', by: 'ana' })
    clock.advance(1000)
    const note = 'a label job ran twice'
    const judged = await call('POST', `${path}/verdict`, { verdict: 'false-alarm', by: ' ben ', note })
    expect(judged.status).toBe(200)
    const stored = await get<JudgedAlert>(path)
    expect(judged.body).toEqual(stored)
    expect(stored.verdict).toEqual({ verdict: 'false-alarm', by: 'ben', note, atMs: clock.now() })
    expect(stored.events.map(({ kind }) => kind).slice(-3)).toEqual(['acknowledged', 'verdict', 'verdict'])
    // A verdict is a record: the alert stands as it stood.
    expect(stored.alert).toEqual(alert)
    expect(await budget()).toMatchObject({
      alarms: 1,
      falseAlarms: 1,
      trueAlarms: 0,
      unjudged: 0,
      realisedFalseAlarmsPer30d: (30 * 1440) / 5,
      allowedFalseAlarmsPer30d: 30,
    })

    // And it outlives the process, as does the incident, which a verdict does not close.
    await collector.close()
    await startAll()
    expect(await get(path)).toEqual(stored)
    await monitor.shutdown()
    monitor = startMonitor({ baseline, endpoint: collector.url, exportIntervalMillis: 3_600_000 }, recorderClock)
    await serve({})
    expect((await results('label-drift')).at(-1)).toMatchObject({ status: 'drift', reason: 'open-incident' })
    expect((await alerts())[0]).toMatchObject({ state: 'firing' })
  })

  it('shows the evidence that counts towards the next alarm', async () => {
    expect(await budget()).toMatchObject({ evidence: null, evidenceSteps: 0, realisedFalseAlarmsPer30d: null })
    await serve({})
    const { evidence } = (await budget()) as { evidence: { log10: number; shareOfThreshold: number; atMs: number } }
    const [result] = await results('label-drift')
    expect(evidence).toEqual({
      log10: result!.evidence!.log10Model,
      shareOfThreshold: 10 ** result!.evidence!.log10Model / 1440,
      atMs: result!.endMs,
    })
  })

  it('refuses what is no verdict, with every problem', async () => {
    for (let i = 0; i < 2; i++) await serve({ yes: 1 })
    const [alert] = await alerts()
    const path = `/alerts/${alert!.id}`
    for (const [where, body, status, problems] of [
      [`${path}/verdict`, {}, 400, ['body verdict', 'body by']],
      [`${path}/verdict`, { verdict: 'false', by: 'ana' }, 400, ['body verdict']],
      [`${path}/verdict`, { verdict: 'unsure', by: ' ' }, 400, ['body by']],
      [`${path}/verdict`, { verdict: 'unsure', by: 'a', note: 'x'.repeat(2001) }, 400, ['body note']],
      [`${path}/verdict`, { verdict: 'unsure', by: 'a', more: 1 }, 400, ['more']],
      [`${path}/acknowledge`, { by: 'x'.repeat(101) }, 400, ['body by']],
      [`${path}/acknowledge`, undefined, 400, ['body']],
      ['/alerts/none/verdict', { verdict: 'unsure', by: 'a' }, 404, ['no alert none']],
      ['/alerts/none/acknowledge', { by: 'a' }, 404, ['no alert none']],
    ] as const) {
      const answer = await call('POST', where, body)
      expect(answer.status, where).toBe(status)
      const given = (answer.body as { error: { problems: string[] } }).error.problems
      for (const problem of problems) expect(given.join('\n')).toContain(problem)
    }
    for (const where of ['verdict', 'acknowledge'])
      expect((await call('POST', `${path}/${where}`, { verdict: 'unsure', by: 'a' }, null)).status).toBe(401)
    expect((await call('GET', '/models/small/versions/9/budget')).status).toBe(404)
    expect((await get<JudgedAlert>(path)).events.map(({ kind }) => kind)).not.toContain('verdict')
  })

  it('takes a bounded number of verdicts on one alert', async () => {
    for (let i = 0; i < 2; i++) await serve({ yes: 1 })
    const [alert] = await alerts()
    const say = () => call('POST', `/alerts/${alert!.id}/verdict`, { verdict: 'unsure', by: 'a script' })
    for (let i = 0; i < 100; i++) expect((await say()).status).toBe(200)
    expect((await say()).status).toBe(409)
  })

  it('says when traffic drops, surges or stops, without spending budget', async () => {
    for (let i = 0; i < 24; i++) await serve({ rows: 100 })
    await serve({ rows: 20 })
    await serve({ rows: 300 })
    monitor.recordOutcome('yes', 'yes')
    await serve({ rows: 0 })
    const volume = (await results('data-health')).filter(({ feature }) => feature === '')
    expect(
      volume.slice(0, 24).every(({ status, findings }) => status === 'insufficient' && findings.length === 0),
    ).toBe(true)
    expect(volume[0]).toMatchObject({ reason: 'too-few-windows', rates: { ratio: { rate: null } } })
    expect(volume.slice(24)).toMatchObject([
      { status: 'ok', reason: null, evidence: null, findings: [{ kind: 'traffic-drop', value: 0.2 }] },
      { status: 'ok', findings: [{ kind: 'traffic-surge', value: 3 }], rates: { expected: { count: 100 } } },
      { status: 'insufficient', reason: 'empty-window', findings: [{ kind: 'no-traffic', value: 0 }] },
    ])
  })
})
