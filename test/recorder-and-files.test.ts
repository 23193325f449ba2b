import express from 'express'
import fc from 'fast-check'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMonitor } from '@driftline/instrumentation'
import type { Baseline, NumericFeatureBaseline } from '@driftline/instrumentation/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWindowAccumulator } from '../collector/src/baseline/window-accumulator.ts'
import { systemClock } from '../collector/src/clock.ts'
import { countsFromTotals } from '../collector/src/evaluate/counts-from-totals.ts'
import type { Distribution, WindowCounts } from '../collector/src/evaluate/window-counts.ts'
import { Totals } from '../collector/src/observation/totals.ts'
import { createReceiver } from '../collector/src/receive/otlp-route.ts'
import type { RowBatch } from '../collector/src/rows/row-batch.ts'
import { smallBaseline as smallModel } from '../collector/test/support/small-model.ts'

/** The small model with a second number, and a detector of changes between the two. */
const age = smallModel.features.find((feature) => feature.kind === 'numeric')!
const smallBaseline: Baseline = {
  ...smallModel,
  features: [...smallModel.features, { ...age, name: 'height' }],
  multivariate: {
    kind: 'pca',
    name: 'pca',
    features: ['age', 'height'],
    means: [40.1, 39.7],
    standardDeviations: [21.3, 20.9],
    components: [[0.6, 0.8]],
    explainedVariance: 0.65,
    error: {
      bounds: [-5e-324, 0.25, 0.5, 1, 2, 4],
      counts: [0, 2000, 2000, 3000, 2500, 500, 0],
      values: 10_000,
      mean: 0.8,
      variance: 0.4,
      min: 0,
      max: 4,
    },
    imputed: 0,
  },
}

/**
 * A row means the same whether it comes from a server through recorder, OTLP and collector, or from a file through a backtest:
 * otherwise a backtest would say something else than the collector.
 */
describe('the recorder and the reader of files', () => {
  let server: Server
  let url: string
  let totals = new Totals()

  beforeAll(async () => {
    const sink = async (blocks: readonly { shape: Parameters<Totals['add']>[0]; values: Float64Array }[]) => {
      for (const block of blocks) totals.add(block.shape, block.values)
      return { storedSeries: 1, duplicateSeries: 0 }
    }
    server = express()
      .use(createReceiver({ sink, clock: systemClock }).router)
      .listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())

  const cell = fc.oneof(
    fc.double({ min: -20, max: 120 }),
    fc.constantFrom(
      -0.5,
      0,
      -0,
      10,
      90,
      1e300,
      5e-324,
      Number.NaN,
      Infinity,
      -Infinity,
      null,
      undefined,
      true,
      'blue',
      'red',
      'green',
      '',
      '10',
      'NaN',
      12n,
    ),
  )
  const row = fc.record({
    age: cell,
    height: cell,
    colour: fc.oneof(cell, fc.constantFrom('blue', 'red')),
    score: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  type Row = { age: unknown; colour: unknown; score: number }

  const viaServer = async (rows: readonly Row[], baseline = smallBaseline): Promise<WindowCounts> => {
    totals = new Totals()
    const monitor = createMonitor({
      baseline,
      endpoint: url,
      exportIntervalMillis: 3_600_000,
      onError: (error) => expect(error).toBeNull(),
    })
    for (const { score, ...features } of rows) monitor.record(features, { score })
    await monitor.shutdown()
    return countsFromTotals(baseline, totals)
  }
  const viaFile = (rows: readonly Row[], baseline = smallBaseline): WindowCounts => {
    const columns = new Map(
      ['age', 'height', 'colour', 'score'].map((name) => [name, rows.map((one) => one[name as 'age'])]),
    )
    const batch: RowBatch = { firstRow: 0, rows: rows.length, columns, text: false, place: String }
    const accumulator = createWindowAccumulator(baseline, { score: 'score' })
    accumulator.add(batch)
    return accumulator.take()
  }
  /** What verdicts are computed from, in a form that can be compared. */
  const comparable = ({ rows, features, outputs, reconstruction }: WindowCounts) => ({
    rows,
    reconstruction: reconstruction && [counts(reconstruction.distribution), reconstruction.imputed],
    features: [...features].map(([name, { distribution, missing, invalid }]) => {
      const { missing: _missing, ...others } = invalid
      return [
        name,
        counts(distribution),
        missing,
        Object.fromEntries(Object.entries(others).filter(([, count]) => count > 0)),
      ]
    }),
    outputs: [...outputs]
      .filter(([name]) => name === 'score')
      .map(([name, { distribution }]) => [name, counts(distribution)]),
  })
  const counts = (distribution: {
    kind: string
    counts?: Float64Array
    values: number
    min?: number
    max?: number
  }) => [
    distribution.kind,
    [...(distribution.counts ?? [])],
    distribution.values,
    ...(distribution.kind === 'numeric' && distribution.values > 0
      ? [distribution.min! + 0, distribution.max! + 0]
      : []),
  ]

  /** Sums of floating-point numbers depend on their order in the last digits. */
  const expectSameMoments = (one: Distribution, other: Distribution, scale: number) => {
    if (one.kind !== 'numeric' || other.kind !== 'numeric') throw new Error(`${one.kind} and ${other.kind}`)
    const { values } = one
    expect(Math.abs(one.sum - other.sum)).toBeLessThanOrEqual(1e-9 * scale * values)
    expect(Math.abs(one.sumOfSquares - other.sumOfSquares)).toBeLessThanOrEqual(1e-9 * other.sumOfSquares)
  }

  it('have the same moments of outputs, which the recorder once did not send', async () => {
    const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(scores, async (some) => {
        const rows = some.map((score) => ({ age: 40, colour: 'red', score }))
        const [served, read] = [await viaServer(rows), viaFile(rows)]
        expectSameMoments(served.outputs.get('score')!.distribution, read.outputs.get('score')!.distribution, 1)
      }),
      { numRuns: 30 },
    )
  })

  it('have the same variance of whole numbers beyond 2^53, which once was lost', async () => {
    const mean = 9.01e15
    const [age, ...others] = smallBaseline.features
    const bounds = [mean - 1000, mean, mean + 1000]
    const counts = [0, 5000, 4900, 0]
    const ids = { ...(age as NumericFeatureBaseline), bounds, counts, mean, min: mean - 990, max: mean + 990 }
    const baseline: Baseline = { ...smallBaseline, features: [ids, ...others] }
    // Whole numbers of this size are even; these have a standard deviation of 285.
    const rows = [-286, 286, -284, 284].map((shift) => ({ age: mean + shift, colour: 'red', score: 0.5 }))
    for (const window of [await viaServer(rows, baseline), viaFile(rows, baseline)]) {
      expect(window.features.get('age')!.distribution).toMatchObject({
        values: 4,
        sum: 0,
        sumOfSquares: 2 * (286 ** 2 + 284 ** 2),
      })
    }
  })

  it('count any rows alike', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), async (rows) => {
        const fromServer = comparable(await viaServer(rows))
        expect(fromServer.reconstruction).toBeDefined()
        expect(fromServer).toEqual(comparable(viaFile(rows)))
      }),
      { numRuns: 60 },
    )
  })
})
