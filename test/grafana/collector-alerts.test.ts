import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCollector, type Collector } from '../../collector/src/app.ts'
import { systemClock } from '../../collector/src/clock.ts'
import { loadConfig } from '../../collector/src/config.ts'
import { DerivedLayer } from '../../collector/src/derived-layer.ts'
import { compileAlertRules } from '../../collector/src/grafana/compile-alert-rules.ts'
import { createReceiveCounters } from '../../collector/src/receive/receive-counters.ts'
import { defaultRules } from '../../collector/src/rules/default-rules.ts'
import { openInfluxStore } from '../../collector/src/store/influx/influx-store.ts'
import { defaultInfluxSettings } from '../../collector/src/store/influx/influx-settings.ts'
import { GrafanaRuleEvaluator, type Ask } from '../../collector/test/support/grafana-rules.ts'
import { hasInfluxd, startInfluxd, type Influxd } from '../../collector/test/support/influxd.ts'
import { smallBaseline } from '../../collector/test/support/small-model.ts'
import { startMonitor } from '../../instrumentation/src/monitor.ts'
import { sentWhole } from './employment-run.ts'
import { ask } from './influxql-request.ts'

const minuteMs = 60_000
const waits = 'data waits for InfluxDB'
const lost = 'data was lost'
const refused = 'data was refused'
const fails = 'evaluation fails'
const silent = 'no report for 10 minutes'
const rules = compileAlertRules([defaultRules]).groups!.find(({ name }) => name === 'driftline collector')!.rules
const calm = { [waits]: 'Normal', [lost]: 'Normal', [refused]: 'Normal', [fails]: 'Normal', [silent]: 'Normal' }

describe.skipIf(!hasInfluxd)('the shipped alert rules on the collector, against a real InfluxDB', () => {
  let directory: string
  let influxd: Influxd
  let now: number
  const clock = { ...systemClock, now: () => now }
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'driftline-collector-alerts-'))
    influxd = await startInfluxd()
    now = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 6 * 3_600_000
  })
  afterEach(async () => {
    await influxd.dispose()
    await rm(directory, { recursive: true })
  })

  const asking: Ask = async ({ query }, fromMs, toMs) => {
    const context = { url: influxd.url, database: 'driftline', fromMs, toMs, interval: '1m', variables: {} }
    const answer = await ask(query, context)
    return answer.map(({ tags, values }) => ({ labels: tags, values: values.map((row) => row[1] as number | null) }))
  }
  const states = async () =>
    Object.fromEntries(
      await Promise.all(
        rules.map(async (rule): Promise<[string, string]> => {
          const { state } = await new GrafanaRuleEvaluator(rule, asking).evaluate(now)
          return [rule.title.replace('driftline collector: ', ''), state]
        }),
      ),
    )
  const live = async (collector: Collector, minutes: number, sent = true) => {
    for (let minute = 0; minute < minutes; minute++) {
      now += minuteMs
      await collector.report()
      // A minute is long enough for it, where time is not ours.
      if (sent) await sentWhole(collector)
    }
  }
  const send = async (collector: Collector, atMs: number) => {
    let at = atMs
    const monitorClock = { now: () => at, after: () => () => undefined }
    const monitor = startMonitor({ baseline: smallBaseline, instance: 'a', endpoint: collector.url }, monitorClock)
    monitor.record({ age: 40, colour: 'red' }, { score: 0.3 })
    at += 1_000
    await monitor.shutdown()
  }

  it('fire on data that is refused, an InfluxDB that is away, and evaluations that fail, and calm down again', async () => {
    const config = await loadConfig(
      { 'data-dir': join(directory, 'data'), port: '0', store: 'influx' },
      { DRIFTLINE_INFLUX_URL: influxd.url, DRIFTLINE_NAME: 'a' },
      directory,
    )
    const collector = await startCollector({ config, clock, environment: {}, log: () => {} })
    try {
      await live(collector, 12)
      expect(await states()).toEqual(calm)

      // The collector refuses what is older than it has asked InfluxDB to keep; here someone shortened that.
      await influxd.query('ALTER RETENTION POLICY "raw" ON "driftline" DURATION 1d SHARD DURATION 1h')
      await send(collector, now - 5 * 86_400_000)
      await sentWhole(collector)
      await live(collector, 1)
      expect(await states(), 'older than the retention').toEqual({ ...calm, [refused]: 'Alerting' })

      await send(collector, now)
      await sentWhole(collector)
      await influxd.stop()
      await live(collector, 1, false)
      expect(new Set(Object.values(await states())), 'InfluxDB is away').toEqual(new Set(['Error']))
      now += 80 * minuteMs
      await collector.report()
      await collector.evaluate()
      await live(collector, 7, false)
      const metrics = await (await fetch(`${collector.url}/metrics`)).text()
      expect(metrics).toMatch(/^driftline_sender_failing 1$/m)
      expect(metrics).toMatch(/^driftline_journal_oldest_age_seconds [1-9]\d{3}/m)
      await influxd.start()
      await sentWhole(collector)
      expect(await states(), 'before the next report').toEqual({ ...calm, [waits]: 'Alerting', [fails]: 'Alerting' })

      await live(collector, 12)
      expect(await states(), 'all is well again').toEqual(calm)
      const [lags] = await influxd.query('SELECT "evaluation_lag" FROM "results"."ml_collector"', 'driftline')
      const lag = lags!.series![0]!.values.map((row) => row[1] as number)
      expect(Math.max(...lag), 'the slice was due while InfluxDB was away').toBeGreaterThan(420)
      await collector.evaluate()
      await live(collector, 1)
      const [after] = await influxd.query('SELECT last("evaluation_lag") FROM "results"."ml_collector"', 'driftline')
      expect(after!.series![0]!.values[0]![1], 'evaluated since').toBe(0)

      now += 11 * minuteMs
      expect(await states(), 'the collector says nothing').toEqual({
        ...calm,
        [waits]: 'Alerting',
        [silent]: 'Alerting',
      })
    } finally {
      await collector.close()
    }
  }, 90_000)

  it('fire when one of two collectors ends, of which nothing told as long as the other ran', async () => {
    const line = (collector: string, atMs: number) => `ml_collector,collector=${collector} journal_age=0 ${atMs}000000`
    const report = (minutes: number, ...collectors: string[]) => {
      const lines: string[] = []
      for (let minute = 0; minute < minutes; minute++) {
        now += minuteMs
        lines.push(...collectors.map((collector) => line(collector, now)))
      }
      return influxd.write(lines.join('\n'), 'driftline', 'results')
    }
    await influxd.query('CREATE DATABASE "driftline"')
    await influxd.query('CREATE RETENTION POLICY "results" ON "driftline" DURATION INF REPLICATION 1')
    await report(30, 'a', 'b')
    expect(await states()).toEqual(calm)
    await report(8, 'a')
    expect(await states(), 'eight minutes are not yet silence').toEqual(calm)
    await report(4, 'a')
    expect(await states()).toEqual({ ...calm, [silent]: 'Alerting' })
    const rule = rules.find(({ title }) => title.endsWith(silent))!
    const { instances } = await new GrafanaRuleEvaluator(rule, asking).evaluate(now)
    expect(instances.map(({ labels, state }) => [labels['collector'], state])).toEqual([
      ['a', 'Normal'],
      ['b', 'Alerting'],
    ])
    await report(1, 'a', 'b')
    expect(await states(), 'it is back').toEqual(calm)
  }, 60_000)

  it('fire when the journal is full and its oldest data is dropped', async () => {
    const store = await openInfluxStore({
      directory: join(directory, 'data'),
      influx: { ...defaultInfluxSettings, url: influxd.url },
      clock,
      log: () => {},
      journal: { segmentBytes: 20_000, maximumBytes: 100_000 },
    })
    try {
      const layer = new DerivedLayer({
        store,
        clock,
        collector: 'a',
        received: createReceiveCounters,
        evaluator: {
          counters: { ticks: 0, slices: 0, revisions: 0, failures: 0, unwatched: 0 },
          lagMs: () => 0,
        },
        firing: async () => 0,
      })
      const live = async (minutes: number, sent = true) => {
        for (let minute = 0; minute < minutes; minute++) {
          now += minuteMs
          await layer.report()
          if (sent) expect(await store.drained(30_000)).toBe(true)
        }
      }
      await live(3)
      expect(await states()).toEqual(calm)
      await influxd.stop()
      for (let i = 0; i < 60; i++)
        await store.writeLines('results', [`filler,i=${i} text="${'x'.repeat(8_000)}" ${now}000000`])
      await live(1, false)
      expect(store.sending().journal.droppedRecords).toBeGreaterThan(0)
      await influxd.start()
      expect(await store.drained(60_000)).toBe(true)
      expect(await states()).toEqual({ ...calm, [lost]: 'Alerting' })
      await live(12)
      expect(await states()).toEqual(calm)
    } finally {
      await store.close()
    }
  }, 90_000)
})
