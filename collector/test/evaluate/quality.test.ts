import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attributes, durationBounds, metrics, type Manifest } from '@driftline/instrumentation/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEvaluator, type EvaluatedSlice } from '../../src/evaluate/evaluator.ts'
import { makeShape, type Block, type Series } from '../../src/observation/block.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'
import { manualClock } from '../support/manual-clock.ts'
import { smallBaseline, smallBlock, usualWindow } from '../support/small-model.ts'

const minute = 60_000
const start = 1_800_000_000_000
const baseline = {
  ...smallBaseline,
  predictions: {
    ...smallBaseline.predictions,
    scoreByLabel: { no: [1800, 1400, 550, 450, 600, 200], yes: [200, 600, 450, 550, 1400, 1800] },
    decision: { threshold: 0.5, rule: '>' as const, positiveClass: 'yes', negativeClass: 'no' },
  },
}
const manifest: Manifest = {
  schema: 'driftline.manifest/1',
  model: { name: 'small', version: '1', task: 'binary-classification' },
  createdAt: '2026-01-01T00:00:00Z',
  features: [
    { name: 'age', kind: 'numeric' },
    { name: 'colour', kind: 'categorical' },
  ],
  offlineMetrics: { values: { accuracy: 0.75 } },
}

/** Series as further points of the same interval, under another scope segment or none. */
function blockOf(startMs: number, sums: readonly [string, Series['attributes'], number][]): Block {
  const base = smallBlock(startMs, startMs + minute, {})
  const series = sums.map(([metric, at]): Series => ({ metric, attributes: at, layout: null }))
  const calls: Series = {
    metric: metrics.inferenceDuration.name,
    attributes: { [attributes.runtimeName.name]: 'onnxruntime' },
    layout: { kind: 'explicit', bounds: durationBounds },
  }
  const counts = [...durationBounds, 0].map((_, cell) => (cell === 7 ? 50 : 0))
  return {
    ...base,
    shape: makeShape([...series, calls]),
    values: Float64Array.from([...sums.map(([, , value]) => value), 50, 0.075, 0.001, 0.002, ...counts]),
  }
}

describe('quality of stored slices', () => {
  let directory: string
  let store: Store
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-quality-'))
    store = await openSqliteStore({ directory })
    await store.putBaseline(baseline)
    await store.putManifest(manifest)
  })
  afterEach(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })

  it('stands beside drift in what is stored, and leaves the status of the slice alone', async () => {
    const clock = manualClock(start)
    const evaluated: EvaluatedSlice[] = []
    const lines: string[] = []
    const evaluator = createEvaluator({
      store,
      clock,
      planFor: () => ({ windows: { sizeMs: minute, everyMs: minute, graceMs: 5000 }, budgetSteps: 720 }),
      onEvaluated: async (slice) => void evaluated.push(slice),
      log: (line) => lines.push(line),
    })
    const pair = (predicted: string, actual: string) => ({
      [attributes.predictionClass.name]: predicted,
      [attributes.outcomeClass.name]: actual,
    })
    const outcomes = metrics.outcomes.name
    await store.append([
      smallBlock(start, start + minute, usualWindow(5000)),
      blockOf(start, [
        [outcomes, pair('yes', 'yes'), 1200],
        [outcomes, pair('yes', 'no'), 1300],
        [outcomes, pair('no', 'no'), 1300],
        [outcomes, pair('no', 'yes'), 1200],
      ]),
    ])
    clock.advance(minute + 6000)
    await evaluator.tick()
    expect(lines).toEqual([])
    const query = { model: 'small', version: '1', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }
    const [accuracy] = await store.results({ ...query, signal: 'performance', feature: 'accuracy' })
    expect(accuracy).toMatchObject({
      status: 'drift',
      reason: 'beyond-stated-loss',
      metric: { value: 0.5, rows: 5000, offline: 0.75, difference: -0.25 },
    })
    const [estimate] = await store.results({ ...query, signal: 'estimated-performance', feature: 'accuracy' })
    expect(estimate).toMatchObject({ status: 'ok', metric: { rows: 5000 } })
    const serving = await store.results({ ...query, signal: 'serving' })
    expect(serving.map(({ feature, serving: numbers }) => [feature, numbers!.calls, numbers!.mean])).toEqual(
      expect.arrayContaining([
        ['', 50, 0.0015],
        ['onnxruntime', 50, 0.0015],
      ]),
    )
    const [stored] = await store.evaluations({ ...query, limit: 1, order: 'descending' })
    expect(stored!.status).not.toBe('drift')
    expect(evaluated[0]!.results.some(({ signal }) => signal === 'performance')).toBe(true)
  })

  it('gives the results of drift unchanged', async () => {
    const run = async (withOutcomes: boolean) => {
      const own = mkdtempSync(join(tmpdir(), 'driftline-quality-'))
      const other = await openSqliteStore({ directory: own })
      await other.putBaseline(baseline)
      const clock = manualClock(start)
      const evaluated: EvaluatedSlice[] = []
      const evaluator = createEvaluator({
        store: other,
        clock,
        planFor: () => ({ windows: { sizeMs: minute, everyMs: minute, graceMs: 5000 }, budgetSteps: 720 }),
        onEvaluated: async (slice) => void evaluated.push(slice),
        log: () => undefined,
      })
      await other.append([
        smallBlock(start, start + minute, usualWindow(5000)),
        ...(withOutcomes
          ? [
              blockOf(start, [
                [
                  metrics.outcomes.name,
                  { [attributes.predictionClass.name]: 'yes', [attributes.outcomeClass.name]: 'no' },
                  10,
                ],
              ]),
            ]
          : []),
      ])
      clock.advance(minute + 6000)
      await evaluator.tick()
      await other.close()
      rmSync(own, { recursive: true })
      return evaluated[0]!
    }
    const drift = (slice: EvaluatedSlice) =>
      slice.results.filter(({ evidence, signal }) => evidence !== null || signal === 'data-health')
    const [plain, more] = [await run(false), await run(true)]
    expect(drift(more)).toEqual(drift(plain))
    expect(drift(plain).length).toBeGreaterThan(3)
    expect(more.detectorId).toBe(plain.detectorId)
    expect(more.results.length).toBeGreaterThan(plain.results.length)
  })
})
