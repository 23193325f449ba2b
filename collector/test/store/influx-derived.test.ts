import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { verdictEvent } from '../../src/alert/verdict.ts'
import { systemClock } from '../../src/clock.ts'
import { DerivedLayer } from '../../src/derived-layer.ts'
import type { Result } from '../../src/evaluate/result.ts'
import { createReceiveCounters } from '../../src/receive/receive-counters.ts'
import type { LoadedRules } from '../../src/rules/loaded.ts'
import { otherCollector } from '../../src/store/influx/derived/other-collectors.ts'
import { InfluxServer } from '../../src/store/influx/influx-server.ts'
import { hasInfluxd, startInfluxd, type Influxd } from '../support/influxd.ts'
import { smallBaseline } from '../support/small-model.ts'
import { alert as alertWith } from '../alert/sample-alert.ts'
import { freshSettings, openTestStore, type InfluxStoreUnderTest } from './open-influx-store.ts'
import { countBlock, originMs, sampleEvaluation, sampleScope } from './sample-data.ts'

describe.skipIf(!hasInfluxd)('what the InfluxDB store derives for dashboards', () => {
  let influxd: Influxd
  let tested: InfluxStoreUnderTest
  beforeAll(async () => void (influxd = await startInfluxd()))
  afterAll(() => influxd?.dispose())
  beforeEach(async () => {
    tested = await openTestStore(freshSettings(influxd.url))
  })
  afterEach(async () => {
    await tested.store.close()
    await tested.dispose()
  })

  /** Rows of a query on the derived layer, as objects, once all was sent. */
  async function rows(query: string): Promise<Record<string, unknown>[]> {
    expect(await tested.store.drained(20_000)).toBe(true)
    const [result] = await influxd.query(query, tested.settings.database)
    return (result?.series ?? []).flatMap(({ tags = {}, columns, values }) =>
      values.map((row) => ({ ...tags, ...Object.fromEntries(columns.map((name, i) => [name, row[i]])) })),
    )
  }

  /** Rules that judge nothing. */
  const noRules = { rules: [] } as unknown as LoadedRules

  /** The derived layer of a collector of that name. */
  const layerOf = (collector: string, now: () => number, log: string[] = []) => {
    const clock = { ...systemClock, now }
    const server = new InfluxServer(tested.settings, clock)
    return new DerivedLayer({
      store: tested.store,
      clock,
      collector,
      received: createReceiveCounters,
      evaluator: { counters: { ticks: 0, slices: 0, revisions: 0, failures: 0, unwatched: 0 }, lagMs: () => 0 },
      firing: async () => 0,
      otherCollector: (evaluated, sinceMs) => otherCollector(server, evaluated, sinceMs),
      log: (line) => void log.push(line),
    })
  }

  const metricResult = (signal: Result['signal'], feature: string, parts: Partial<Result>): Result => ({
    model: 'credit',
    version: '1',
    segment: '',
    signal,
    feature,
    startMs: originMs,
    endMs: originMs + 60_000,
    revision: 1,
    status: 'ok',
    reason: null,
    effect: null,
    pValue: null,
    evidence: null,
    distances: {},
    tests: {},
    rates: {},
    findings: [],
    smallestDetectable: null,
    sizes: { window: 100, baseline: 50, windowRows: 100, dispersion: 1, zEta: 3 },
    baselineDigest: '',
    detectorId: '',
    summary: null,
    ...parts,
  })
  const metric = {
    interval: null,
    rows: 100,
    offline: 0.9,
    baseline: 0.88,
    difference: -0.1,
    differenceInterval: null,
    better: 'higher',
    statedLoss: null,
  } as const

  it('shows a slice that is evaluated again once, as it is now', async () => {
    await tested.store.saveEvaluation(sampleEvaluation(0, { results: [], rows: 10 }))
    await tested.store.saveEvaluation(sampleEvaluation(0, { results: [], rows: 12, revision: 2 }))
    expect(await rows('SELECT "rows", "revision" FROM "results"."ml_window"')).toMatchObject([
      { rows: 12, revision: 2 },
    ])
  })

  it('counts a slice as done only once dashboards will show it', async () => {
    const shown = () => rows('SELECT "rows" FROM "results"."ml_window"')
    // The control data refuse a slice without a detector: as a full disk would, after the lines are in the journal.
    const refused = sampleEvaluation(0, { results: [], rows: 10, detectorId: null as never })
    await expect(tested.store.saveEvaluation(refused)).rejects.toThrow('NOT NULL')
    const query = { model: 'credit', version: '1', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }
    expect(await tested.store.evaluations(query)).toEqual([])
    expect(await shown()).toHaveLength(1)
    await tested.store.saveEvaluation(sampleEvaluation(0, { results: [], rows: 10 }))
    expect(await tested.store.evaluations(query)).toHaveLength(1)
    expect(await shown()).toMatchObject([{ rows: 10 }])
  })

  it('shows quality, calibration, the ranking of attributions, and calls of all runtimes apart from those of each', async () => {
    const distances = { eceByChance: 0.02, calibrationInTheLarge: -0.01 }
    const completeness = {
      count: 80,
      rows: 100,
      rate: 0.8,
      interval: null,
      baselineRate: null,
      difference: null,
      differenceInterval: null,
    }
    const calls = {
      calls: 9,
      errors: 0,
      errorRate: 0,
      p50: 1,
      p90: 2,
      p99: 3,
      mean: 1,
      max: 3,
      rowsPerCall: null,
      droppedRows: null,
      dropped: {},
    }
    const results = [
      metricResult('performance', 'f1', { metric: { ...metric, value: 0.8 }, rates: { completeness } }),
      metricResult('calibration', 'expected_calibration_error', { metric: { ...metric, value: 0.05 }, distances }),
      metricResult('calibration', 'brier', { metric: { ...metric, value: 0.1 }, distances }),
      metricResult('attribution', '', {
        distances: { totalVariation: 0.3 },
        ranking: { method: 'shap', window: ['a'], baseline: ['a'], ndcg: 0.97, ndcgByChance: 0.95 },
      }),
      metricResult('serving', '', { serving: { ...calls, runtime: null, rowsPerCall: 8, droppedRows: 2 } }),
      metricResult('serving', 'onnx', { serving: { ...calls, runtime: 'onnx' } }),
    ]
    await tested.store.saveEvaluation(sampleEvaluation(0, { results }))
    expect(await rows('SELECT * FROM "results"."ml_performance"')).toMatchObject([
      { metric: 'f1', source: 'realised', value: 0.8, difference: -0.1, baseline: 0.88, completeness: 0.8, status: 0 },
    ])
    expect(await rows('SELECT * FROM "results"."ml_calibration"')).toMatchObject([
      {
        expected_calibration_error: 0.05,
        brier: 0.1,
        expected_by_chance: 0.02,
        calibration_in_the_large: -0.01,
        rows: 100,
      },
    ])
    expect(await rows('SELECT * FROM "results"."ml_attribution"')).toMatchObject([
      { feature: '_all', method: 'shap', ndcg: 0.97, ndcg_by_chance: 0.95, total_variation: 0.3 },
    ])
    const serving = await rows('SELECT "calls", "rows_per_call", "dropped_rows" FROM "results"."ml_serving" GROUP BY *')
    expect(serving).toMatchObject([
      { runtime: '_all', calls: 9, rows_per_call: 8, dropped_rows: 2 },
      { runtime: 'onnx', calls: 9, rows_per_call: null },
    ])
  })

  it('notes the first data of a version, and only these, also after a restart', async () => {
    const events = () => rows(`SELECT "title", "text", "version", "kind" FROM "results"."ml_event"`)
    await tested.store.append([countBlock(3, 1), countBlock(1, 1)])
    await tested.store.append([countBlock(0, 1)])
    await tested.store.close()
    tested = { ...tested, store: await tested.reopen() }
    await tested.store.append([countBlock(4, 1), countBlock(5, 1, sampleScope({ version: '2' }))])
    expect(await events()).toMatchObject([
      { kind: 'deployment', version: '1', time: originMs + 1_000 },
      { kind: 'deployment', version: '2' },
    ])
  })

  it('notes a baseline when it is another one, and what the version is made from', async () => {
    const events = () => rows(`SELECT "text", "subject" FROM "results"."ml_event" WHERE "kind" = 'baseline'`)
    const first = await tested.store.putBaseline(smallBaseline)
    expect(await tested.store.putBaseline(smallBaseline)).toBe(first)
    expect(await events()).toMatchObject([{ subject: first }])
    const second = await tested.store.putBaseline({ ...smallBaseline, rows: 20_000 })
    expect((await events()).map(({ subject }) => subject)).toEqual([first, second])
    expect(await tested.store.baselineFor('small', '1')).toMatchObject({ digest: second })
    expect(await rows('SELECT last("baseline"), "baseline_rows" FROM "results"."ml_lineage"')).toMatchObject([
      { last: second, baseline_rows: 20_000 },
    ])
  })

  it('shows alerts, their onset, and a verdict in words though the alert itself did not change', async () => {
    const alert = alertWith({ firedAtMs: originMs, activeSinceMs: originMs })
    await tested.store.saveAlerts([alert], [{ alertId: alert.id, atMs: alert.firedAtMs!, kind: 'firing', detail: '' }])
    const given = { verdict: 'false-alarm', by: 'Ada', note: 'a test', atMs: alert.firedAtMs! + 1 } as const
    await tested.store.saveAlerts([], [verdictEvent(alert.id, given)])
    expect(await rows('SELECT "state" FROM "results"."ml_alert"')).toMatchObject([{ state: 2 }])
    const events = await rows('SELECT "text", "kind" FROM "results"."ml_event"')
    expect(events.map(({ kind }) => kind).toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual([
      'alert',
      'drift-onset',
      'verdict',
    ])
    expect(events.find(({ kind }) => kind === 'verdict')).toMatchObject({ text: 'false-alarm, by Ada: a test' })
  })

  it('writes an open alert again, and its end, which a look at the last hours once missed', async () => {
    let now = originMs
    const layer = layerOf('a', () => now)
    const alert = alertWith({ firedAtMs: originMs - 3_600_000, activeSinceMs: originMs - 7_200_000 })
    await tested.store.saveAlerts([alert], [])
    const states = () =>
      rows(`SELECT "state", "since" FROM "results"."ml_alert" WHERE time >= ${originMs}ms AND time <= ${now}ms`)
    await layer.report()
    now += 10_000
    await layer.report()
    expect(await states(), 'once a minute').toMatchObject([{ state: 2, since: originMs - 3_600_000 }])
    now += 50_000
    await layer.report()
    expect(await states()).toHaveLength(2)
    // It ends with data that are older than the last time that it was said to fire.
    const ended = { ...alert, state: 'resolved', resolvedAtMs: originMs - 1 } as const
    await tested.store.saveAlerts([ended], [])
    now += 10_000
    await layer.report()
    expect((await states()).at(-1)).toMatchObject({ state: 0, since: originMs - 1 })
    now += 600_000
    await layer.report()
    expect(await states()).toHaveLength(3)
    // Nor is an end forgotten that came just before a stop.
    const again = { ...alertWith({ firedAtMs: originMs, activeSinceMs: originMs }), id: 'again' }
    await tested.store.saveAlerts([again], [])
    now += 60_000
    await layer.report()
    expect((await states()).at(-1)).toMatchObject({ state: 2, since: originMs })
    await tested.store.saveAlerts([{ ...again, state: 'resolved', resolvedAtMs: originMs + 1 }], [])
    expect((await states()).at(-1)).toMatchObject({ state: 2 })
    now += 1_000
    await layerOf('a', () => now).report()
    expect((await states()).at(-1)).toMatchObject({ state: 0, since: originMs + 1 })
  })

  it('tells of another collector that evaluates the same version, which once overwrote it in silence', async () => {
    let now = originMs
    const log: string[] = []
    const [first, second] = [layerOf('a', () => now, log), layerOf("b's", () => now, log)]
    const slice = (layer: DerivedLayer, version: string) => {
      const { startMs, endMs } = sampleEvaluation(0, {})
      return layer.judged({ model: "o'neil", version, slice: { startMs, endMs }, results: [] } as never, noRules)
    }
    const look = async (layer: DerivedLayer) => {
      expect(await tested.store.drained(20_000)).toBe(true)
      await layer.report()
    }
    await slice(first, '1')
    await look(first)
    now += 1_000
    await slice(second, '2')
    await look(second)
    expect(log).toEqual([])
    await slice(second, '1')
    await look(second)
    expect(log).toEqual([expect.stringMatching(/collector 'a' also evaluates o'neil 1 .* what 'b's' says/)])
    now += 600_000
    await slice(first, '1')
    await look(first)
    expect(log).toHaveLength(2)
    expect(log[1]).toContain("collector 'b's' also evaluates")
    now += 600_000
    await slice(first, '1')
    await look(first)
    expect(log, 'once').toHaveLength(2)
    // One that took the place of another, under a new host name, hears nothing of it.
    const next = layerOf('c', () => now + 1, log)
    await slice(next, '2')
    await look(next)
    expect(log).toHaveLength(2)
  })

  it('shows a category without a name under one, as which it once was lost among the others', async () => {
    const summary = {
      kind: 'categorical',
      categories: ['', 'red, or "blue"'],
      baselineCounts: [1, 1, 0],
      windowCounts: [3, 1, 0],
    } as const
    await tested.store.saveEvaluation(
      sampleEvaluation(0, { results: [metricResult('feature-drift', 'colour', { summary })] }),
    )
    expect(await rows('SELECT "actual" FROM "results"."ml_window_bucket" GROUP BY "le"')).toMatchObject([
      { le: '(empty)', actual: 0.75 },
      { le: '_OTHER', actual: 0 },
      { le: 'red, or "blue"', actual: 0.25 },
    ])
    expect(await rows('SELECT "cell" FROM "results"."ml_window_bucket" GROUP BY "le"')).toMatchObject([
      { le: '(empty)', cell: 0 },
      { le: '_OTHER', cell: 2 },
      { le: 'red, or "blue"', cell: 1 },
    ])
  })
})
