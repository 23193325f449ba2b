import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEvaluator, type EvaluatedSlice, type Evaluator } from '../../src/evaluate/evaluator.ts'
import type { PresetName } from '../../src/evaluate/presets/preset-names.ts'
import { makeShape } from '../../src/observation/block.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { StoreUnavailableError, type Store } from '../../src/store/store.ts'
import { manualClock, type ManualClock } from '../support/manual-clock.ts'
import { smallBaseline, smallBlock, usualWindow } from '../support/small-model.ts'

const minute = 60_000
const start = 1_800_000_000_000
const plan = { windows: { sizeMs: minute, everyMs: minute, graceMs: 5000 }, budgetSteps: 720 }

describe('evaluator', () => {
  let directory: string
  let store: Store
  let clock: ManualClock
  let evaluator: Evaluator
  let evaluated: EvaluatedSlice[]
  let problems: string[]

  const open = async (windows = plan.windows, presets?: readonly PresetName[]) => {
    store = await openSqliteStore({ directory })
    evaluator = createEvaluator({
      store,
      clock,
      planFor: () => ({ ...plan, windows, ...(presets === undefined ? {} : { presets }) }),
      onEvaluated: async (slice) => void evaluated.push(slice),
      log: (line) => problems.push(line),
    })
  }
  const windows = () => store.evaluations({ model: 'small', version: '1', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })
  const resultsOf = (feature: string) =>
    store.results({
      model: 'small',
      version: '1',
      fromMs: 0,
      toMs: Number.MAX_SAFE_INTEGER,
      feature,
      signal: 'feature-drift',
    })

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-evaluator-'))
    clock = manualClock(start)
    evaluated = []
    problems = []
    await open()
    await store.putBaseline(smallBaseline)
  })
  afterEach(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
    expect(problems).toEqual([])
  })

  it('computes and stores what rules of other tools say only when they are asked for', async () => {
    await store.append([smallBlock(start, start + 10_000, usualWindow(1000))])
    clock.advance(2 * minute)
    await evaluator.tick()
    expect((await resultsOf('age'))[0]).not.toHaveProperty('presets')
    await store.close()
    await open(plan.windows, ['sagemaker', 'nannyml-3std'])
    await store.append([smallBlock(start + 2 * minute, start + 2 * minute + 10_000, usualWindow(1000))])
    clock.advance(2 * minute)
    await evaluator.tick()
    const stored = (await resultsOf('age')).find((result) => result.presets !== undefined)!
    expect(Object.keys(stored.presets!)).toEqual(['sagemaker', 'nannyml-3std'])
    expect(stored.presets!['sagemaker']).toMatchObject({ drift: false, n: stored.sizes.window, threshold: 0.1 })
    expect(stored.presets!['nannyml-3std']).toMatchObject({ drift: null, note: 'no-chunks' })
    const health = evaluated.at(-1)!.results.filter(({ signal }) => signal === 'data-health')
    expect(health.every((result) => result.presets === undefined)).toBe(true)
  })

  it('waits for the end of a slice and its grace period, and evaluates it once', async () => {
    await store.append([smallBlock(start, start + 10_000, usualWindow(1000))])
    clock.advance(minute + 4999)
    await evaluator.tick()
    expect(await windows()).toEqual([])
    clock.advance(1)
    await evaluator.tick()
    await evaluator.tick()
    expect(await windows()).toMatchObject([{ startMs: start, revision: 1, rows: 1000, status: 'ok' }])
    expect(evaluated).toHaveLength(1)
  })

  it('adds up instances and intervals of a slice', async () => {
    await store.append([
      smallBlock(start, start + 10_000, usualWindow(1000)),
      smallBlock(start, start + 10_000, usualWindow(1000), { instance: 'b' }),
      smallBlock(start + 59_999, start + 70_000, usualWindow(1000)),
    ])
    clock.advance(minute + 5000)
    await evaluator.tick()
    expect(await windows()).toMatchObject([{ rows: 3000 }])
  })

  it('evaluates a slice again when data comes late, with the evidence of all later slices', async () => {
    await store.append(
      [0, 1, 2].map((i) => smallBlock(start + i * minute, start + i * minute + 10_000, usualWindow(1000))),
    )
    clock.advance(3 * minute + 5000)
    await evaluator.tick()
    const before = await resultsOf('age')
    await store.append([
      smallBlock(start + minute, start + minute + 10_000, { ...usualWindow(1000), missing: 300 }, { instance: 'late' }),
    ])
    await evaluator.tick()
    expect((await windows()).map(({ revision }) => revision)).toEqual([1, 2, 2])
    const after = await resultsOf('age')
    expect(after[0]!.evidence).toEqual(before[0]!.evidence)
    expect(after[1]!.evidence!.log10Feature).toBeGreaterThan(before[1]!.evidence!.log10Feature + 1)
    expect(after[2]!.revision).toBe(2)
  })

  it('catches up after a restart, with the same evidence as without one', async () => {
    const blocks = [0, 1, 2, 3].map((i) =>
      smallBlock(start + i * minute, start + i * minute + 10_000, { ...usualWindow(1000), missing: 20 }),
    )
    await store.append(blocks.slice(0, 2))
    clock.advance(2 * minute + 5000)
    await evaluator.tick()
    await store.append(blocks.slice(2))
    await store.close()
    clock.advance(100 * minute)
    await open()
    await evaluator.tick()
    expect((await windows()).map(({ startMs, revision }) => [(startMs - start) / minute, revision])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
    ])
    const restarted = (await resultsOf('age')).map(({ evidence }) => evidence)

    await store.close()
    rmSync(directory, { recursive: true })
    await open()
    await store.putBaseline(smallBaseline)
    await store.append(blocks)
    await evaluator.tick()
    expect((await resultsOf('age')).map(({ evidence }) => evidence)).toEqual(restarted)
  })

  it('raises drift for values above anything seen, and names the feature', async () => {
    const shifted = { ...usualWindow(1000), age: [0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 890] }
    await store.append([
      smallBlock(start, start + 10_000, usualWindow(1000)),
      smallBlock(start + minute, start + minute + 10_000, shifted),
    ])
    clock.advance(2 * minute + 5000)
    await evaluator.tick()
    const [usual, drifted] = await resultsOf('age')
    expect(usual).toMatchObject({ status: 'ok', evidence: { alarm: false } })
    expect(drifted).toMatchObject({ status: 'drift', evidence: { alarm: true, threshold: 720 } })
    expect(drifted!.effect!.value).toBeGreaterThan(1)
    expect((await resultsOf('colour')).map(({ status }) => status)).toEqual(['ok', 'ok'])
    const health = await store.results({
      model: 'small',
      version: '1',
      fromMs: start + minute,
      toMs: start + 2 * minute,
      signal: 'data-health',
      feature: 'age',
    })
    expect(health[0]!.findings.map(({ kind }) => kind)).toContain('above-maximum')
  })

  it('says error, not ok, for a feature that never came and for other buckets, and leaves the others alone', async () => {
    const { age: _age, ...withoutAge } = usualWindow(1000)
    await store.append([smallBlock(start, start + 10_000, { colour: withoutAge.colour!, score: withoutAge.score! })])
    const other = smallBlock(start + minute, start + minute + 10_000, usualWindow(1000))
    const series = other.shape.series.map((one) =>
      one.layout?.kind === 'explicit' && one.layout.bounds.length === 10
        ? { ...one, layout: { kind: 'explicit' as const, bounds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } }
        : one,
    )
    await store.append([{ ...other, shape: makeShape(series) }])
    clock.advance(2 * minute + 5000)
    await evaluator.tick()
    expect(problems.splice(0)).toHaveLength(2)
    expect((await resultsOf('age')).map(({ status, reason }) => [status, reason])).toEqual([
      ['error', 'feature-absent'],
      ['error', 'layout-mismatch'],
    ])
    expect((await resultsOf('colour')).map(({ status }) => status)).toEqual(['ok', 'ok'])
  })

  it('watches a model one of whose features was missing in every row of the baseline, and that feature by its missing flag', async () => {
    const empty = {
      name: 'empty',
      kind: 'numeric',
      bounds: [],
      counts: [0],
      values: 0,
      mean: 0,
      variance: 0,
      min: 0,
      max: 0,
      missing: 10_000,
      invalid: {},
    } as const
    await store.putBaseline({ ...smallBaseline, features: [...smallBaseline.features, empty] })
    evaluator.forget('small', '1')
    const block = smallBlock(start, start + 10_000, usualWindow(1000))
    const missing = {
      metric: 'ml.feature.invalid_values',
      attributes: { 'ml.feature.invalid.reason': 'missing', 'ml.feature.name': 'empty' },
      layout: null,
    }
    await store.append([
      { ...block, shape: makeShape([...block.shape.series, missing]), values: Float64Array.of(...block.values, 1000) },
    ])
    clock.advance(minute + 5000)
    await evaluator.tick()
    expect((await resultsOf('age'))[0]).toMatchObject({ status: 'ok' })
    expect((await resultsOf('empty'))[0]).toMatchObject({ status: 'insufficient', reason: 'no-values' })
  })

  it('says once what is not watched, and once that it is again', async () => {
    const withoutAge = { colour: usualWindow(1000).colour!, score: usualWindow(1000).score! }
    for (const [i, window] of [withoutAge, withoutAge, usualWindow(1000)].entries()) {
      await store.append([smallBlock(start + i * minute, start + i * minute + 10_000, window)])
    }
    clock.advance(3 * minute + 5000)
    await evaluator.tick()
    expect(problems.splice(0)).toEqual(['small 1: age is not watched: feature-absent', 'small 1: age is watched again'])
    expect(evaluator.counters.unwatched).toBe(0)
  })

  it('says error when adding up leaves the numbers that are exact', async () => {
    const half = { ...usualWindow(1000), colour: [2 ** 52, 2 ** 52, 0] }
    await store.append([
      smallBlock(start, start + 10_000, half),
      smallBlock(start, start + 10_000, half, { instance: 'b' }),
    ])
    clock.advance(minute + 5000)
    await evaluator.tick()
    expect((await resultsOf('colour'))[0]).toMatchObject({ status: 'error', reason: 'too-many-values' })
    expect((await resultsOf('age'))[0]).toMatchObject({ status: 'ok' })
    problems.length = 0
  })

  it('takes no feature for missing of which only the missing rows came', async () => {
    const more = ['height', 'weight'].map((name) => ({ ...smallBaseline.features[1]!, name }))
    await store.putBaseline({ ...smallBaseline, features: [...smallBaseline.features, ...more] })
    evaluator.forget('small', '1')
    const { age: _age, ...rest } = usualWindow(1000)
    const block = smallBlock(start, start + 10_000, rest)
    const counts = more.flatMap(({ name }) =>
      ['blue', 'red'].map((category) => ({
        metric: 'ml.feature.observations',
        attributes: { 'ml.feature.category': category, 'ml.feature.name': name },
        layout: null,
      })),
    )
    const values = Float64Array.of(...block.values, 600, 400, 600, 400)
    await store.append([{ ...block, shape: makeShape([...block.shape.series, ...counts]), values }])
    clock.advance(minute + 5000)
    await evaluator.tick()
    expect((await resultsOf('age'))[0]).toMatchObject({
      status: 'error',
      reason: 'partly-reported',
      evidence: { alarm: false },
    })
    expect((await resultsOf('colour'))[0]).toMatchObject({ status: 'ok' })
    problems.length = 0
  })

  it('never says that the health of a feature is ok when everything lies beyond the baseline, or when hardly a row came', async () => {
    const beyond = { ...usualWindow(1000), age: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 990] }
    const few = { age: [0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], missing: 0, colour: [2, 1, 0], score: [1, 1, 1, 0, 0, 0] }
    await store.append([
      smallBlock(start, start + 10_000, few),
      smallBlock(start + minute, start + minute + 10_000, beyond),
    ])
    clock.advance(2 * minute + 5000)
    await evaluator.tick()
    const health = await store.results({
      model: 'small',
      version: '1',
      fromMs: 0,
      toMs: Number.MAX_SAFE_INTEGER,
      signal: 'data-health',
      feature: 'age',
    })
    expect(health.map(({ status, reason }) => [status, reason])).toEqual([
      ['insufficient', 'too-few-rows'],
      ['drift', 'alarm'],
    ])
  })

  it('says insufficient for a window of a few rows', async () => {
    await store.append([
      smallBlock(start, start + 10_000, {
        age: [0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        missing: 0,
        colour: [2, 1, 0],
        score: [1, 1, 1, 0, 0, 0],
      }),
    ])
    clock.advance(minute + 5000)
    await evaluator.tick()
    expect((await resultsOf('age'))[0]).toMatchObject({ status: 'insufficient', reason: 'too-few-rows', pValue: null })
  })

  it('computes distances on the sliding window and evidence on disjoint slices', async () => {
    await store.close()
    await open({ sizeMs: 3 * minute, everyMs: minute, graceMs: 5000 })
    await store.append(
      [0, 1, 2].map((i) => smallBlock(start + i * minute, start + i * minute + 10_000, usualWindow(1000))),
    )
    clock.advance(3 * minute + 5000)
    await evaluator.tick()
    const results = await resultsOf('age')
    expect(results.map(({ sizes }) => sizes.windowRows)).toEqual([1000, 2000, 3000])
    expect((await windows()).map(({ rows }) => rows)).toEqual([1000, 1000, 1000])
  })

  it('keeps windows without a baseline, and takes one up that comes later', async () => {
    await store.append([
      {
        ...smallBlock(start, start + 10_000, usualWindow(1000)),
        scope: { ...smallBlock(0, 1, {}).scope, model: 'unknown' },
      },
    ])
    clock.advance(minute + 5000)
    await evaluator.tick()
    const query = { model: 'unknown', version: '1', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }
    expect(await store.evaluations(query)).toMatchObject([{ status: 'no-baseline' }])
    await store.putBaseline({ ...smallBaseline, model: { name: 'unknown', version: '1' } })
    evaluator.forget('unknown', '1')
    await store.append([
      {
        ...smallBlock(start + minute, start + minute + 10_000, usualWindow(1000)),
        scope: { ...smallBlock(0, 1, {}).scope, model: 'unknown' },
      },
    ])
    clock.advance(minute)
    await evaluator.tick()
    expect((await store.evaluations(query)).map(({ status }) => status)).toEqual(['no-baseline', 'ok'])
  })

  it('logged a stack while it only had to wait for the store', async () => {
    const waiting = createEvaluator({
      store: {
        ...store,
        modelVersions: () => Promise.reject(new StoreUnavailableError('InfluxDB has not taken everything yet')),
      },
      clock,
      planFor: () => plan,
      onEvaluated: async () => {},
      log: (line) => problems.push(line),
    })
    await waiting.tick()
    await waiting.tick()
    expect(problems.splice(0)).toEqual(['evaluation could not list the models: InfluxDB has not taken everything yet'])
  })

  describe('when nothing comes any more', () => {
    const healthOfModel = () =>
      store.results({ model: 'small', version: '1', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, feature: '' })
    const send = (slice: number) =>
      store.append([smallBlock(start + slice * minute, start + slice * minute + 10_000, usualWindow(1000))])

    it('evaluates the first silent slice, once, also over a restart, and goes on when traffic does', async () => {
      for (let slice = 0; slice < 24; slice++) await send(slice)
      clock.advance(25 * minute + 4999)
      await evaluator.tick()
      expect(await windows()).toHaveLength(24)
      clock.advance(1)
      await evaluator.tick()
      expect((await windows()).at(-1)).toMatchObject({ startMs: start + 24 * minute, rows: 0, status: 'insufficient' })
      expect((await healthOfModel()).at(-1)).toMatchObject({
        findings: [{ kind: 'no-traffic', detail: 'no rows, where 1000 are usual' }],
      })
      clock.advance(10 * minute)
      await evaluator.tick()
      await store.close()
      await open()
      await evaluator.tick()
      expect(await windows()).toHaveLength(25)
      expect(evaluated).toHaveLength(25)

      // What came late after all is evaluated as ever.
      await send(24)
      await send(34)
      await evaluator.tick()
      expect((await windows()).slice(24)).toMatchObject([
        { startMs: start + 24 * minute, rows: 1000, revision: 2, status: 'ok' },
        { startMs: start + 34 * minute, rows: 1000, revision: 1 },
      ])
      expect((await healthOfModel()).slice(24)).toMatchObject([
        { status: 'ok', findings: [] },
        { status: 'ok', findings: [], rates: { expected: { count: 1000 }, ratio: { rate: 1 } } },
      ])
    })

    it('says nothing of a version that never had regular traffic', async () => {
      for (let slice = 0; slice < 23; slice++) await send(slice)
      clock.advance(60 * minute)
      await evaluator.tick()
      await evaluator.tick()
      expect(await windows()).toHaveLength(23)
    })
  })
})
