import * as fc from 'fast-check'
import { metrics, type BucketLayout } from '@driftline/instrumentation/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeShape, seriesKey, seriesWidth, type Block, type Series } from '../../src/observation/block.ts'
import { Totals } from '../../src/observation/totals.ts'
import { queryLimits, StoreUnavailableError, type Store } from '../../src/store/store.ts'
import {
  countBlock,
  histogram,
  originMs,
  plainSegments,
  plainTotals,
  sampleAlert,
  sampleBaseline,
  sampleBlock,
  sampleEvaluation,
  sampleEvent,
  sampleManifest,
  sampleResult,
  sampleScope,
  sum,
  withLayout,
} from './sample-data.ts'

/** An empty store, and how to come back to its data after it was closed. */
export interface StoreUnderTest {
  readonly store: Store
  reopen(): Promise<Store>
  dispose(): Promise<void>
}

const endOfTime = originMs + 1e9
const ageBounds = [20, 40]

/** What every implementation of Store must do. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: the store contract`, () => {
    let tested: StoreUnderTest
    let store: Store

    beforeEach(async () => {
      tested = await open()
      store = tested.store
    })
    afterEach(async () => {
      await store.close()
      await tested.dispose()
    })

    async function closeAndReopen(): Promise<void> {
      await store.close()
      store = await tested.reopen()
    }

    async function jobs(fromMs = originMs, toMs = endOfTime): Promise<number> {
      const [segment] = await store.totals('credit', '1', fromMs, toMs)
      return segment === undefined ? 0 : [...segment.totals.entries()].reduce((all, { values }) => all + values[0]!, 0)
    }

    describe('append and totals', () => {
      it('adds up blocks of one segment over time and instances', async () => {
        const series = [histogram('age', ageBounds), sum('job', 'clerk')] as const
        const receipt = await store.append([
          sampleBlock(0, [
            [series[0], [3, 75, 18, 41, 1, 1, 1]],
            [series[1], [2]],
          ]),
          sampleBlock(10, [
            [series[0], [2, Number.NaN, 19, 20, 2, 0, 0]],
            [series[1], [5]],
          ]),
          sampleBlock(
            0,
            [
              [series[0], [1, 60, 60, 60, 0, 0, 1]],
              [series[1], [1]],
            ],
            sampleScope({ instance: 'b' }),
          ),
        ])
        expect(receipt).toEqual({ storedSeries: 6, duplicateSeries: 0 })
        const [segment, ...others] = await store.totals('credit', '1', originMs, endOfTime)
        expect(others).toEqual([])
        expect(segment).toMatchObject({ segment: '', baselineDigest: 'sha256:b', instances: 2 })
        expect(Object.values(plainTotals(segment!.totals)).map((entry) => entry.values)).toEqual([
          [6, Number.NaN, 18, 60, 3, 1, 2],
          [8],
        ])
      })

      it('keeps every double as it was', async () => {
        const numbers = [
          0,
          -0,
          1,
          239,
          240,
          2287,
          2288,
          65_535,
          65_536,
          2 ** 32 - 1,
          2 ** 32,
          2 ** 53,
          -1,
          0.1,
          1e-320,
          -1e300,
          Infinity,
          -Infinity,
          Number.NaN,
        ]
        const block = sampleBlock(
          0,
          numbers.map((value, i) => [sum('number', String(i)), [value]]),
        )
        await store.append([block])
        const [segment] = await store.totals('credit', '1', originMs, endOfTime)
        const back = [...segment!.totals.entries()].map(({ values }) => values[0]!)
        // 0 + -0 is 0: a sum cannot keep that sign.
        expect(back).toEqual(numbers.map((value) => (value === 0 ? 0 : value)))
      })

      it('selects by the start of the interval, from inclusive, to exclusive', async () => {
        await store.append([countBlock(0, 1), countBlock(10, 10), countBlock(20, 100)])
        expect(await jobs(originMs, originMs + 10_000)).toBe(1)
        expect(await jobs(originMs + 10_000, originMs + 20_000)).toBe(10)
        expect(await jobs(originMs + 1, originMs + 20_001)).toBe(110)
        expect(await store.totals('credit', '1', originMs + 30_000, endOfTime)).toEqual([])
      })

      it('keeps models, versions, segments and baselines apart', async () => {
        await store.append([
          countBlock(0, 1),
          countBlock(0, 2, sampleScope({ segment: 'north' })),
          countBlock(0, 4, sampleScope({ baselineDigest: 'sha256:other' })),
          countBlock(0, 8, sampleScope({ version: '2' })),
          countBlock(0, 16, sampleScope({ model: 'fraud' })),
        ])
        const segments = await store.totals('credit', '1', originMs, endOfTime)
        const counts = segments.map(
          ({ segment, baselineDigest, totals }) =>
            `'${segment}' ${baselineDigest} ${[...totals.entries()][0]!.values[0]}`,
        )
        expect(counts.toSorted()).toEqual(["'' sha256:b 1", "'' sha256:other 4", "'north' sha256:b 2"])
        expect(await store.totals('credit', '3', originMs, endOfTime)).toEqual([])
      })

      it('keeps histograms of different bounds apart', async () => {
        await store.append([
          sampleBlock(0, [[histogram('age', [20]), [1, 5, 5, 5, 1, 0]]]),
          sampleBlock(10, [[histogram('age', [30]), [1, 25, 25, 25, 1, 0]]]),
        ])
        const [segment] = await store.totals('credit', '1', originMs, endOfTime)
        expect([...segment!.totals.entries()].map(({ series }) => series.layout)).toEqual([
          { kind: 'explicit', bounds: [20] },
          { kind: 'explicit', bounds: [30] },
        ])
      })

      it('brings log-linear histograms of different ranges together', async () => {
        const layout = (offset: number, length: number): BucketLayout => ({
          kind: 'log-linear',
          scale: 2,
          zeroThreshold: 0.001,
          negative: { offset: -3, length: 1 },
          positive: { offset, length },
        })
        await store.append([
          sampleBlock(0, [[withLayout('income', layout(-5, 2)), [6, 3, -1, 2, 1, 2, 1, 2]]]),
          sampleBlock(10, [[withLayout('income', layout(-4, 3)), [9, 4, -2, 8, 0, 1, 3, 4, 1]]]),
          sampleBlock(20, [[withLayout('income', layout(-5, 2)), [1, 1, 1, 1, 0, 0, 1, 0]]]),
        ])
        const [segment] = await store.totals('credit', '1', originMs, endOfTime)
        const [entry] = [...segment!.totals.entries()]
        expect(entry!.series.layout).toEqual(layout(-5, 4))
        expect([...entry!.values]).toEqual([16, 8, -2, 8, 1, 3, 2, 5, 4, 1])
      })

      it('refuses a block that contradicts itself and stores nothing of its call', async () => {
        const good = countBlock(0, 1)
        await expect(store.append([good, { ...good, values: new Float64Array(3) }])).rejects.toThrow('3 values')
        await expect(store.append([good, { ...good, endMicros: good.startMicros }])).rejects.toThrow('interval')
        expect(await jobs()).toBe(0)
        expect(await store.append([good])).toEqual({ storedSeries: 1, duplicateSeries: 0 })
      })

      it('takes an empty call and calls at the same time', async () => {
        expect(await store.append([])).toEqual({ storedSeries: 0, duplicateSeries: 0 })
        const receipts = await Promise.all(Array.from({ length: 50 }, (_, i) => store.append([countBlock(i * 10, 1)])))
        expect(receipts.every(({ storedSeries }) => storedSeries === 1)).toBe(true)
        expect(await jobs()).toBe(50)
      })
    })

    describe('duplicates', () => {
      it('stores a series of one scope, start and end once: in one call, in calls together, later, after reopening', async () => {
        expect(await store.append([countBlock(0, 1), countBlock(0, 1)])).toEqual({
          storedSeries: 1,
          duplicateSeries: 1,
        })
        const together = await Promise.all([store.append([countBlock(10, 1)]), store.append([countBlock(10, 1)])])
        expect(together.map(({ storedSeries }) => storedSeries).sort((a, b) => a - b)).toEqual([0, 1])
        expect(await store.append([countBlock(0, 1)])).toEqual({ storedSeries: 0, duplicateSeries: 1 })
        await closeAndReopen()
        expect(await store.append([countBlock(0, 1), countBlock(10, 7)])).toEqual({
          storedSeries: 0,
          duplicateSeries: 2,
        })
        expect(await jobs()).toBe(2)
      })

      it('stores the new series of a block of which some are known', async () => {
        const [age, clerk, cook] = [histogram('age', ageBounds), sum('job', 'clerk'), sum('job', 'cook')]
        const income = withLayout('income', {
          kind: 'log-linear',
          scale: 0,
          zeroThreshold: 0,
          negative: { offset: 0, length: 0 },
          positive: { offset: 3, length: 1 },
        })
        await store.append([
          sampleBlock(0, [
            [age, [1, 30, 30, 30, 0, 1, 0]],
            [clerk, [1]],
          ]),
        ])
        const second = sampleBlock(0, [
          [cook, [2]],
          [age, [9, 9, 9, 9, 9, 0, 0]],
          [income, [1, 9, 9, 9, 0, 1]],
          [clerk, [9]],
        ])
        expect(await store.append([second])).toEqual({ storedSeries: 2, duplicateSeries: 2 })
        expect(await store.append([second])).toEqual({ storedSeries: 0, duplicateSeries: 4 })
        const [segment] = await store.totals('credit', '1', originMs, endOfTime)
        const sums = new Map(
          [...segment!.totals.entries()].map(({ series, values }) => [
            seriesKey(series.metric, series.attributes),
            [...values],
          ]),
        )
        expect(sums.size).toBe(4)
        expect(
          [age, clerk, cook, income].map(({ metric, attributes }) => sums.get(seriesKey(metric, attributes))),
        ).toEqual([[1, 30, 30, 30, 0, 1, 0], [1], [2], [1, 9, 9, 9, 0, 1]])
      })

      it('counts a known series with another layout as a duplicate', async () => {
        await store.append([sampleBlock(0, [[histogram('age', [20]), [1, 5, 5, 5, 1, 0]]])])
        const other = sampleBlock(0, [[histogram('age', [30]), [1, 25, 25, 25, 1, 0]]])
        expect(await store.append([other])).toEqual({ storedSeries: 0, duplicateSeries: 1 })
        expect((await store.totals('credit', '1', originMs, endOfTime))[0]!.totals.size).toBe(1)
      })

      it('counts a series that stands in one block twice once', async () => {
        const twice = sampleBlock(0, [
          [sum('job', 'clerk'), [1]],
          [sum('job', 'cook'), [2]],
          [sum('job', 'clerk'), [4]],
        ])
        expect(await store.append([twice])).toEqual({ storedSeries: 2, duplicateSeries: 1 })
        expect(await jobs()).toBe(3)
      })

      it('does not mistake another instance, interval or end for a duplicate', async () => {
        const block = countBlock(0, 1)
        const receipt = await store.append([
          block,
          countBlock(0, 1, sampleScope({ instance: 'b' })),
          { ...block, endMicros: block.endMicros + 1 },
          { ...block, startMicros: block.startMicros + 1 },
        ])
        expect(receipt.storedSeries).toBe(4)
      })
    })

    it('gives the totals that a plain sum of the first of each series gives, whatever the blocks', async () => {
      let version = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(arbitraryBlock, { maxLength: 6 }), { maxLength: 6 }),
          fc.boolean(),
          async (calls, together) => {
            // A version of its own per case saves opening a store for each.
            const name = `property ${version++}`
            const own = calls.map((call) =>
              call.map((block) => ({ ...block, scope: { ...block.scope, version: name } })),
            )
            const receipts = []
            if (together) receipts.push(...(await Promise.all(own.map((call) => store.append(call)))))
            else for (const call of own) receipts.push(await store.append(call))

            const expected = plainSum(own.flat())
            const stored = await store.totals('credit', name, originMs, endOfTime)
            const got = new Map(
              stored.flatMap(({ segment, totals }) =>
                [...totals.entries()].map(({ series, values }) => [totalsKey(segment, series), [...values]]),
              ),
            )
            expect(got).toEqual(expected.sums)
            expect(receipts.reduce((all, { storedSeries }) => all + storedSeries, 0)).toBe(expected.stored)
            expect(receipts.reduce((all, { duplicateSeries }) => all + duplicateSeries, 0)).toBe(expected.duplicates)
          },
        ),
        { numRuns: 60 },
      )
    })

    describe('touched slices', () => {
      it('lists the slices with blocks after a sequence, in time order', async () => {
        await store.append([countBlock(65, 1)])
        await store.append([countBlock(0, 1), countBlock(10, 1)])
        const slices = await store.touchedSlices('credit', '1', 60_000, 0)
        expect(slices.map(({ startMs }) => startMs - originMs)).toEqual([0, 60_000])
        const [first, second] = slices
        expect(second!.firstSequence).toBe(second!.lastSequence)
        expect(first!.firstSequence).toBeGreaterThan(second!.lastSequence)
        expect(first!.lastSequence).toBeGreaterThan(first!.firstSequence)

        expect(await store.touchedSlices('credit', '1', 60_000, second!.lastSequence)).toEqual([first])
        expect(await store.touchedSlices('credit', '1', 60_000, first!.lastSequence)).toEqual([])
        expect(await store.touchedSlices('credit', '2', 60_000, 0)).toEqual([])
        const [segment] = await store.totals('credit', '1', originMs, endOfTime)
        expect(segment!.throughSequence).toBe(first!.lastSequence)
      })

      it('never gives a sequence twice, not even after pruning everything', async () => {
        await store.append([countBlock(0, 1), countBlock(10, 1)])
        const [before] = await store.touchedSlices('credit', '1', 60_000, 0)
        await store.prune(endOfTime, 0)
        await closeAndReopen()
        await store.append([countBlock(120, 1)])
        const [after] = await store.touchedSlices('credit', '1', 60_000, 0)
        expect(after!.firstSequence).toBeGreaterThan(before!.lastSequence)
      })

      it('does not list a slice again for a duplicate', async () => {
        await store.append([countBlock(0, 1)])
        const [slice] = await store.touchedSlices('credit', '1', 60_000, 0)
        await store.append([countBlock(0, 1)])
        expect(await store.touchedSlices('credit', '1', 60_000, slice!.lastSequence)).toEqual([])
      })

      it('remembers how far evaluation came', async () => {
        expect(await store.evaluationCursor('credit', '1')).toBe(0)
        await store.saveEvaluationCursor('credit', '1', 7)
        await store.saveEvaluationCursor('credit', '2', 9)
        await closeAndReopen()
        expect(await store.evaluationCursor('credit', '1')).toBe(7)
        expect(await store.evaluationCursor('credit', '2')).toBe(9)
      })
    })

    describe('model versions', () => {
      it('lists those with data, newest first, then those with a baseline only', async () => {
        const digest = await store.putBaseline(sampleBaseline(10))
        await store.saveEvaluationCursor('nothing', '1', 1)
        await store.append([
          countBlock(10, 1, sampleScope({ model: 'old', segment: 'south' })),
          countBlock(0, 1, sampleScope({ model: 'old', segment: 'north', instance: 'b' })),
          countBlock(500, 1, sampleScope({ model: 'new' })),
        ])
        await closeAndReopen()
        expect(await store.modelVersions()).toEqual([
          {
            model: 'new',
            version: '1',
            firstMs: originMs + 500_000,
            lastMs: originMs + 510_000,
            segments: [''],
            instances: 1,
            baselineDigest: null,
          },
          {
            model: 'old',
            version: '1',
            firstMs: originMs,
            lastMs: originMs + 20_000,
            segments: ['north', 'south'],
            instances: 2,
            baselineDigest: null,
          },
          {
            model: 'credit',
            version: '1',
            firstMs: null,
            lastMs: null,
            segments: [],
            instances: 0,
            baselineDigest: digest,
          },
        ])
        await store.append([countBlock(600, 1, sampleScope({ model: 'old' }))])
        expect((await store.modelVersions()).map(({ model }) => model)).toEqual(['old', 'new', 'credit'])
        await store.prune(endOfTime, 0)
        expect((await store.modelVersions()).map(({ firstMs }) => firstMs)).toEqual([
          originMs,
          originMs + 500_000,
          null,
        ])
      })
    })

    describe('evaluations and results', () => {
      const query = { model: 'credit', version: '1', fromMs: originMs, toMs: endOfTime }

      it('gives back what was saved', async () => {
        const result = sampleResult()
        const { state: _state, results: _results, segments: _segments, ...stored } = sampleEvaluation(0)
        await store.saveEvaluation(sampleEvaluation(0, { results: [result] }))
        await closeAndReopen()
        expect(await store.evaluations(query)).toEqual([stored])
        expect(await store.results(query)).toEqual([result])
      })

      it('selects by slice start and gives slices in either order, cut to the limit', async () => {
        for (const second of [60, 0, 120]) {
          const startMs = originMs + second * 1_000
          await store.saveEvaluation(
            sampleEvaluation(second, {
              results: [sampleResult({ startMs, feature: 'a' }), sampleResult({ startMs, feature: 'b' })],
            }),
          )
        }
        const starts = async (part: object) =>
          (await store.evaluations({ ...query, ...part })).map(({ startMs }) => (startMs - originMs) / 1000)
        expect(await starts({})).toEqual([0, 60, 120])
        expect(await starts({ order: 'descending' })).toEqual([120, 60, 0])
        expect(await starts({ limit: 2 })).toEqual([0, 60])
        expect(await starts({ limit: 2, order: 'descending' })).toEqual([120, 60])
        expect(await starts({ fromMs: originMs + 60_000, toMs: originMs + 120_000 })).toEqual([60])
        const results = async (part: object) =>
          (await store.results({ ...query, ...part })).map(
            ({ startMs, feature }) => `${(startMs - originMs) / 1000}${feature}`,
          )
        expect(await results({})).toEqual(['0a', '0b', '60a', '60b', '120a', '120b'])
        expect(await results({ order: 'descending', limit: 3 })).toEqual(['120a', '120b', '60a'])
        expect(await results({ fromMs: originMs + 1, toMs: originMs + 120_000, limit: 1 })).toEqual(['60a'])
      })

      it('gives no more than the default and the largest limit', async () => {
        const results = Array.from({ length: queryLimits.maximum + 1 }, (_, i) => sampleResult({ feature: `f${i}` }))
        await store.saveEvaluation(sampleEvaluation(0, { results }))
        expect(await store.results(query)).toHaveLength(queryLimits.default)
        expect(await store.results({ ...query, limit: 1e9 })).toHaveLength(queryLimits.maximum)
      })

      it('filters results by signal, feature, segment and status, alone and together', async () => {
        const results = [
          sampleResult({ feature: 'age', status: 'drift' }),
          sampleResult({ feature: 'age', segment: 'north' }),
          sampleResult({ feature: 'income', segment: 'north', status: 'drift' }),
          sampleResult({ signal: 'data-health', feature: 'age' }),
        ]
        await store.saveEvaluation(sampleEvaluation(0, { results }))
        const found = async (filter: object) =>
          (await store.results({ ...query, ...filter })).map((result) =>
            results.findIndex((one) => JSON.stringify(one) === JSON.stringify(result)),
          )
        expect(await found({ feature: 'age' })).toEqual([0, 1, 3])
        expect(await found({ status: 'drift' })).toEqual([0, 2])
        expect(await found({ segment: 'north' })).toEqual([1, 2])
        expect(await found({ segment: '' })).toEqual([0, 3])
        expect(await found({ signal: 'data-health' })).toEqual([3])
        expect(await found({ feature: 'income', segment: 'north', status: 'drift', signal: 'feature-drift' })).toEqual([
          2,
        ])
        expect(await found({ feature: 'income', status: 'ok' })).toEqual([])
      })

      it('gives the newest revision, and an older one when it is asked for', async () => {
        const at = (revision: number, pValue: number) =>
          sampleEvaluation(0, {
            revision,
            rows: revision * 100,
            state: Uint8Array.of(revision),
            results: [sampleResult({ revision, pValue })],
          })
        await store.saveEvaluation(at(1, 0.1))
        await store.saveEvaluation(at(3, 0.3))
        await store.saveEvaluation(at(2, 0.2))
        expect((await store.evaluations(query)).map(({ rows }) => rows)).toEqual([300])
        expect((await store.results(query)).map(({ pValue }) => pValue)).toEqual([0.3])
        for (const revision of [1, 2, 3]) {
          expect((await store.evaluations({ ...query, revision })).map(({ rows }) => rows)).toEqual([revision * 100])
          expect((await store.results({ ...query, revision })).map(({ pValue }) => pValue)).toEqual([revision / 10])
        }
        expect((await store.detectorState('credit', '1', 'detector', endOfTime))!.state).toEqual(Uint8Array.of(3))
      })

      it('replaces a revision that is saved again, as after a crash between saving and moving the cursor', async () => {
        await store.saveEvaluation(sampleEvaluation(0, { rows: 1, results: [sampleResult({ pValue: 0.1 })] }))
        await store.saveEvaluation(sampleEvaluation(0, { rows: 2, results: [sampleResult({ pValue: 0.2 })] }))
        expect((await store.evaluations(query)).map(({ rows }) => rows)).toEqual([2])
        expect((await store.results({ ...query, revision: 1 })).map(({ pValue }) => pValue)).toEqual([0.2])
      })

      it('keeps slices of another length that start together apart', async () => {
        await store.saveEvaluation(sampleEvaluation(0))
        await store.saveEvaluation(sampleEvaluation(0, { endMs: originMs + 3_600_000, revision: 2 }))
        expect((await store.evaluations(query)).map(({ endMs }) => endMs - originMs)).toEqual([60_000, 3_600_000])
      })
    })

    describe('detector states', () => {
      it('gives the state after the newest slice before a time, per detector', async () => {
        await store.saveEvaluation(sampleEvaluation(0, { state: Uint8Array.of(1) }))
        await store.saveEvaluation(sampleEvaluation(60, { state: Uint8Array.of(2) }))
        await store.saveEvaluation(sampleEvaluation(120, { state: Uint8Array.of(9), detectorId: 'other' }))
        await closeAndReopen()
        const state = (beforeMs: number, detector = 'detector') =>
          store.detectorState('credit', '1', detector, beforeMs)
        expect(await state(originMs)).toBeNull()
        expect(await state(originMs + 1)).toEqual({ startMs: originMs, state: Uint8Array.of(1) })
        expect(await state(endOfTime)).toEqual({ startMs: originMs + 60_000, state: Uint8Array.of(2) })
        expect(await state(endOfTime, 'unknown')).toBeNull()
        expect(await store.detectorState('credit', '2', 'detector', endOfTime)).toBeNull()
      })

      it('replaces the state of a slice that is evaluated again', async () => {
        await store.saveEvaluation(sampleEvaluation(0, { state: Uint8Array.of(1) }))
        await store.saveEvaluation(sampleEvaluation(0, { state: Uint8Array.of(2), revision: 2 }))
        expect((await store.detectorState('credit', '1', 'detector', endOfTime))!.state).toEqual(Uint8Array.of(2))
      })

      it('keeps the states of the newest slices, and older ones not too far apart', async () => {
        for (let slice = 0; slice < 300; slice++)
          await store.saveEvaluation(sampleEvaluation(slice * 60, { state: Uint8Array.of(slice & 0xff) }))
        for (let slice = 1; slice <= 300; slice++) {
          const found = await store.detectorState('credit', '1', 'detector', originMs + slice * 60_000)
          const behind = found === null ? slice : slice - 1 - (found.startMs - originMs) / 60_000
          expect(behind).toBeLessThanOrEqual(slice > 240 ? 0 : 64)
        }
      })
    })

    describe('alerts', () => {
      it('replaces records by id, appends events', async () => {
        await store.saveAlerts([sampleAlert({ state: 'pending' })], [sampleEvent({ kind: 'pending' })])
        await store.saveAlerts(
          [sampleAlert()],
          [sampleEvent(), sampleEvent({ kind: 'notified' }), sampleEvent({ alertId: 'other' })],
        )
        await closeAndReopen()
        expect(await store.alerts({})).toEqual([sampleAlert()])
        expect((await store.alertEvents('sha256:alert')).map(({ kind }) => kind)).toEqual([
          'pending',
          'firing',
          'notified',
        ])
        expect(await store.alertEvents('other')).toEqual([sampleEvent({ alertId: 'other' })])
        expect(await store.alertEvents('unknown')).toEqual([])
      })

      it('selects by id, model, version and state, the last first', async () => {
        await store.saveAlerts(
          [
            sampleAlert({ id: '1', activeSinceMs: 1 }),
            sampleAlert({ id: '2', activeSinceMs: 3, state: 'resolved' }),
            sampleAlert({ id: '3', activeSinceMs: 2, version: '2' }),
            sampleAlert({ id: '4', activeSinceMs: 4, model: 'fraud' }),
          ],
          [],
        )
        const ids = async (query: object) => (await store.alerts(query)).map(({ id }) => id)
        expect(await ids({})).toEqual(['4', '2', '3', '1'])
        expect(await ids({ limit: 2 })).toEqual(['4', '2'])
        expect(await ids({ state: 'firing' })).toEqual(['4', '3', '1'])
        expect(await ids({ model: 'credit', version: '1' })).toEqual(['2', '1'])
        expect(await ids({ id: '3' })).toEqual(['3'])
      })
    })

    describe('baselines and manifests', () => {
      it('gives a baseline by its digest and the one put last for a version', async () => {
        expect(await store.baselineFor('credit', '1')).toBeNull()
        const first = await store.putBaseline(sampleBaseline(10))
        const second = await store.putBaseline(sampleBaseline(20))
        expect(first).toMatch(/^sha256:[0-9a-f]{64}$/)
        expect(await store.baseline(first)).toEqual(sampleBaseline(10))
        expect(await store.baselineFor('credit', '1')).toEqual({ digest: second, baseline: sampleBaseline(20) })
        expect(await store.putBaseline(sampleBaseline(10))).toBe(first)
        await closeAndReopen()
        expect((await store.baselineFor('credit', '1'))!.digest).toBe(first)
        expect(await store.baseline('sha256:unknown')).toBeNull()
        expect(await store.baselineFor('credit', '2')).toBeNull()
      })

      it('gives the manifest put last for a version', async () => {
        await store.putManifest(sampleManifest(1))
        const digest = await store.putManifest(sampleManifest(2))
        await closeAndReopen()
        expect(await store.manifestFor('credit', '1')).toEqual({ digest, manifest: sampleManifest(2) })
        expect(await store.manifestFor('fraud', '1')).toBeNull()
      })
    })

    describe('pruning', () => {
      it('deletes old blocks, evaluations and results, and nothing else', async () => {
        await store.append(Array.from({ length: 1_200 }, (_, i) => countBlock(i, 1)))
        for (const second of [0, 60, 120])
          await store.saveEvaluation(
            sampleEvaluation(second, { results: [sampleResult({ startMs: originMs + second * 1000 })] }),
          )
        await store.putBaseline(sampleBaseline(1))
        await store.saveAlerts([sampleAlert()], [sampleEvent()])
        await store.prune(originMs + 1_100_000, originMs + 60_000)
        const query = { model: 'credit', version: '1', fromMs: originMs, toMs: endOfTime }
        expect(await jobs()).toBe(100)
        expect(await store.statistics()).toMatchObject({ blocks: 100, evaluations: 2 })
        expect((await store.results(query)).map(({ startMs }) => startMs - originMs)).toEqual([60_000, 120_000])
        expect(await store.detectorState('credit', '1', 'detector', originMs + 60_000)).toBeNull()
        expect(await store.baselineFor('credit', '1')).not.toBeNull()
        expect(await store.alerts({})).toHaveLength(1)
        await store.append([countBlock(2_000, 1)])
        expect(await jobs()).toBe(101)
      })

      it('keeps the newest detector state, however old', async () => {
        await store.saveEvaluation(sampleEvaluation(0, { state: Uint8Array.of(1) }))
        await store.saveEvaluation(sampleEvaluation(60, { state: Uint8Array.of(2) }))
        await store.prune(0, endOfTime)
        expect((await store.detectorState('credit', '1', 'detector', endOfTime))!.state).toEqual(Uint8Array.of(2))
        expect(await store.detectorState('credit', '1', 'detector', originMs + 60_000)).toBeNull()
      })
    })

    describe('sums of pruned slices', () => {
      const from = originMs
      const to = originMs + 120_000
      const series = [histogram('age', ageBounds), sum('job', 'clerk')] as const
      const rows = (second: number, scope = sampleScope()) =>
        sampleBlock(
          second,
          [
            [series[0], [3, 75, 18, 41, 1, 1, 1]],
            [series[1], [2]],
          ],
          scope,
        )

      async function saveSlice(second: number, revision = 1): Promise<void> {
        const segments = await store.totals('credit', '1', originMs + second * 1000, originMs + (second + 60) * 1000)
        await store.saveEvaluation(sampleEvaluation(second, { revision, segments }))
      }

      beforeEach(async () => {
        await store.append([
          rows(0),
          rows(50),
          rows(60),
          rows(70, sampleScope({ instance: 'b' })),
          rows(60, sampleScope({ segment: 'north' })),
        ])
        await saveSlice(0)
        await saveSlice(60)
      })

      it('stand in for the blocks, wherever the cut lies', async () => {
        const before = plainSegments(await store.totals('credit', '1', from, to))
        const second = plainSegments(await store.totals('credit', '1', from + 60_000, to))
        for (const cut of [0, 30_000, 65_000, 120_000]) {
          await store.prune(originMs + cut, 0)
          const after = plainSegments(await store.totals('credit', '1', from, to)) as { instances: number }[]
          // Which instances there were is not kept, only how many in each slice.
          expect(after).toEqual(before)
          expect(plainSegments(await store.totals('credit', '1', from + 60_000, to))).toEqual(second)
        }
        expect((await store.statistics()).blocks).toBe(0)
        await closeAndReopen()
        expect(plainSegments(await store.totals('credit', '1', from, to))).toEqual(before)
      })

      it('do so only for slices that lie wholly in the range', async () => {
        await store.prune(to, 0)
        expect(await store.totals('credit', '1', from + 1, from + 60_000)).toEqual([])
        const [segment] = await store.totals('credit', '1', from + 1, to)
        expect(plainTotals(segment!.totals)).toEqual(
          plainTotals((await store.totals('credit', '1', from + 60_000, to))[0]!.totals),
        )
      })

      it('are added to by blocks that come after the prune, until they are saved with them', async () => {
        await store.prune(to, 0)
        expect(await jobs(from, from + 60_000)).toBe(6 + 4)
        await store.append([countBlock(20, 5)])
        expect(await jobs(from, from + 60_000)).toBe(15)
        await saveSlice(0, 2)
        expect(await jobs(from, from + 60_000)).toBe(15)
        await store.prune(to, 0)
        expect(await jobs(from, from + 60_000)).toBe(15)
      })

      it('are not replaced by an older revision or by none', async () => {
        await saveSlice(0, 5)
        const before = plainSegments(await store.totals('credit', '1', from, from + 60_000))
        await store.saveEvaluation(sampleEvaluation(0, { revision: 6 }))
        await store.saveEvaluation(
          sampleEvaluation(0, { revision: 2, segments: await store.totals('credit', '1', from + 60_000, to) }),
        )
        await store.prune(to, 0)
        expect(plainSegments(await store.totals('credit', '1', from, from + 60_000))).toEqual(before)
      })

      it('go with the evaluations', async () => {
        await store.prune(to, to)
        expect(await store.totals('credit', '1', from, to)).toEqual([])
      })
    })

    describe('as a service', () => {
      it('answers queries while it stores', async () => {
        const appending = (async () => {
          for (let i = 0; i < 200; i++) await store.append([countBlock(i * 10, 1)])
        })()
        let seen = 0
        let reads = 0
        while (seen < 200) {
          const now = await jobs()
          expect(now).toBeGreaterThanOrEqual(seen)
          seen = now
          reads++
        }
        await appending
        expect(reads).toBeGreaterThan(1)
      })

      it('sees in a query what was stored before it', async () => {
        for (let i = 1; i <= 30; i++) {
          await store.append([countBlock(i * 10, 1)])
          expect(await jobs()).toBe(i)
        }
      })

      it('counts what it holds', async () => {
        await store.append([countBlock(0, 1), countBlock(10, 1), countBlock(10, 1)])
        await store.saveEvaluation(sampleEvaluation(0))
        const { blocks, evaluations, bytes } = await store.statistics()
        expect({ blocks, evaluations }).toEqual({ blocks: 2, evaluations: 1 })
        expect(bytes).toBeGreaterThan(0)
      })

      it('finishes what was asked of it when it is closed, then rejects', async () => {
        const asked = store.append([countBlock(0, 1)])
        await Promise.all([store.close(), store.close()])
        expect(await asked).toEqual({ storedSeries: 1, duplicateSeries: 0 })
        await expect(store.append([countBlock(10, 1)])).rejects.toThrow(StoreUnavailableError)
        await expect(store.alerts({})).rejects.toThrow(StoreUnavailableError)
        store = await tested.reopen()
        expect(await jobs()).toBe(1)
      })
    })
  })
}

const arbitrarySeries: fc.Arbitrary<Series> = fc.oneof(
  fc.constantFrom('clerk', 'cook', 'smith').map((category) => sum('job', category)),
  fc.constantFrom([20], [20, 40], [1, 2, 3]).map((bounds) => histogram('age', bounds)),
  fc.record({ offset: fc.integer({ min: -20, max: 20 }), length: fc.integer({ min: 0, max: 5 }) }).map((positive) =>
    withLayout('income', {
      kind: 'log-linear',
      scale: 1,
      zeroThreshold: 0,
      negative: { offset: 0, length: 0 },
      positive,
    }),
  ),
)

/** Whole numbers below 2^40, so that sums are exact in any order. */
const arbitraryNumber = fc.oneof(fc.nat(300), fc.integer({ min: -(2 ** 31), max: 2 ** 40 }))

const arbitraryBlock: fc.Arbitrary<Block> = fc
  .record({
    series: fc.array(arbitrarySeries, { maxLength: 5 }),
    second: fc.nat(4),
    length: fc.constantFrom(1_000, 2_000),
    segment: fc.constantFrom('', 'north'),
    instance: fc.constantFrom('a', 'b'),
  })
  .chain(({ series, second, length, segment, instance }) => {
    const shape = makeShape(series)
    return fc.array(arbitraryNumber, { minLength: shape.width, maxLength: shape.width }).map((values) => ({
      scope: sampleScope({ segment, instance }),
      startMicros: (originMs + second * 1_000) * 1_000,
      endMicros: (originMs + second * 1_000 + length) * 1_000,
      shape,
      values: Float64Array.from(values),
    }))
  })

function totalsKey(segment: string, { metric, attributes, layout }: Series): string {
  const which = layout === null ? '' : layout.kind === 'explicit' ? layout.bounds.join(',') : layout.kind
  return `${segment} ${metric === metrics.featureValue.name ? 'value' : 'sum'} ${Object.values(attributes).join(' ')} ${which}`
}

/** The first of each series of a scope and interval counts, one series after the other. */
function plainSum(blocks: readonly Block[]): { sums: Map<string, number[]>; stored: number; duplicates: number } {
  const seen = new Set<string>()
  const bySegment = new Map<string, Totals>()
  let stored = 0
  let duplicates = 0
  for (const { scope, startMicros, endMicros, shape, values } of blocks) {
    shape.series.forEach((series, i) => {
      const key = `${scope.segment} ${scope.instance} ${startMicros} ${endMicros} ${seriesKey(series.metric, series.attributes)}`
      if (seen.has(key)) {
        duplicates++
        return
      }
      seen.add(key)
      stored++
      const totals = bySegment.get(scope.segment) ?? new Totals()
      bySegment.set(scope.segment, totals)
      const offset = shape.offsets[i]!
      totals.add(makeShape([series]), values.slice(offset, offset + seriesWidth(series)))
    })
  }
  const sums = new Map<string, number[]>()
  for (const [segment, totals] of bySegment) {
    for (const { series, values } of totals.entries()) sums.set(totalsKey(segment, series), [...values])
  }
  return { sums, stored, duplicates }
}
