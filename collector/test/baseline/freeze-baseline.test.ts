import { attributes, metrics, parseBaseline, type Manifest } from '@driftline/instrumentation/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { startMonitor } from '../../../instrumentation/src/monitor.ts'
import type { MonitorOptions } from '../../../instrumentation/src/options.ts'
import type { ScopeMetrics } from '../../../instrumentation/src/otel.ts'
import { freezeBaseline, type FreezeSlice } from '../../src/baseline/freeze-baseline.ts'
import { baselineText, summariseBaseline } from '../../src/baseline/summarise-baseline.ts'
import { requireCompilable } from '../../src/evaluate/compile-model.ts'
import { countsFromTotals } from '../../src/evaluate/counts-from-totals.ts'
import { makeShape, type Series } from '../../src/observation/block.ts'
import { toLogLinear } from '../../src/observation/log-linear.ts'
import { Totals } from '../../src/observation/totals.ts'

type Row = Readonly<Record<string, unknown>>
const model = { name: 'm', version: '1' }
const createdAt = '2026-01-01T00:00:00.000Z'
const features: NonNullable<MonitorOptions['features']> = [
  { name: 'x', kind: 'numeric' },
  { name: 'y', kind: 'numeric' },
  { name: 'c', kind: 'categorical' },
  { name: 'b', kind: 'boolean' },
]

/** What real recorders count of each list of rows, one slice of a second each. Every recorder starts anew, with origins of its own. */
async function slicesOf(lists: readonly (readonly Row[])[], output = true): Promise<FreezeSlice[]> {
  const slices: FreezeSlice[] = []
  for (const [i, rows] of lists.entries()) {
    const monitor = startMonitor({ model, features, export: false }, { now: () => i * 1000, after: () => () => {} })
    for (const row of rows)
      monitor.record(row, output ? { score: Number(row.score), class: String(row.class) } : undefined)
    const { resourceMetrics } = await monitor.metricProducer.collect()
    slices.push({ startMs: i * 1000, endMs: (i + 1) * 1000, totals: totalsOf(resourceMetrics.scopeMetrics) })
  }
  return slices
}

/** As the receiver has it, without the wire between. */
function totalsOf(scopes: readonly ScopeMetrics[]): Totals {
  const totals = new Totals()
  for (const { metrics: all } of scopes) {
    for (const { descriptor, dataPoints } of all) {
      for (const { attributes: at, value } of dataPoints) {
        const one: { layout: Series['layout']; values: Float64Array } = cellsOf(value)
        const series = { metric: descriptor.name, attributes: at as Series['attributes'], layout: one.layout }
        totals.add(makeShape([series]), one.values)
      }
    }
  }
  return totals
}

function cellsOf(value: unknown): { layout: Series['layout']; values: Float64Array } {
  if (typeof value === 'number') return { layout: null, values: Float64Array.of(value) }
  const point = value as {
    count: number
    min?: number
    max?: number
    buckets?: { boundaries: number[]; counts: number[] }
    scale: number
    zeroCount: number
    positive: { offset: number; bucketCounts: number[] }
    negative: { offset: number; bucketCounts: number[] }
  }
  const header = [point.count, Number.NaN, point.min ?? Number.NaN, point.max ?? Number.NaN]
  if (point.buckets !== undefined) {
    const { boundaries, counts } = point.buckets
    return { layout: { kind: 'explicit', bounds: boundaries }, values: Float64Array.from([...header, ...counts]) }
  }
  const cells = toLogLinear(point.scale, 0, point.zeroCount, point.negative, point.positive)
  cells.values.set(header)
  return cells
}

const anyNumber = fc.oneof(
  fc.double(),
  fc.double({ min: -1000, max: 1000, noNaN: true }),
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(undefined, null, 'text', Infinity, 0),
)
const anyRow = fc.record({
  x: anyNumber,
  y: anyNumber,
  c: fc.oneof(fc.constantFrom('a', 'b', 'c', '_OTHER', undefined, null), fc.string({ maxLength: 3 })),
  b: fc.oneof(fc.boolean(), fc.constantFrom(undefined, 7)),
  score: fc.double({ min: 0, max: 1 }),
  class: fc.constantFrom('yes', 'no'),
})
const anyLists = fc.array(fc.array(anyRow, { maxLength: 120 }), { minLength: 1, maxLength: 6 })

describe('a frozen baseline', () => {
  it('can be read and judged with, and holds every row once, whatever the rows were', async () => {
    await fc.assert(
      fc.asyncProperty(anyLists, async (lists) => {
        const rows = lists.flat().length
        fc.pre(rows > 0)
        const slices = await slicesOf(lists)
        const { baseline } = freezeBaseline({ model, createdAt, slices, manifest: null })
        parseBaseline(JSON.parse(JSON.stringify(baseline)))
        requireCompilable(baseline)
        expect(baseline.rows).toBe(rows)
        expect(baseline.origin).toMatchObject({ kind: 'frozen', rows })
        expect(baseline.features.map(({ name }) => name).toSorted()).toEqual(['b', 'c', 'x', 'y'])
        for (const feature of baseline.features) {
          const { nan = 0, infinite = 0, wrong_type: wrongType = 0 } = feature.invalid
          expect(feature.values + feature.missing + nan + infinite + wrongType).toBe(rows)
        }
        // The same data, in the cells of the baseline: as a window that a recorder without it sends.
        const counts = countsFromTotals(
          baseline,
          slices.reduce((all, { totals }) => (all.addTotals(totals), all), new Totals()),
        )
        for (const feature of baseline.features) {
          const own = counts.features.get(feature.name)!.distribution
          expect(own.kind).not.toBe('unusable')
          if (own.kind !== 'unusable') expect(Array.from(own.counts)).toEqual(feature.counts)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('has exact moments, although every recorder had an origin of its own', async () => {
    const lists = [1, 2, 3].map((k) =>
      Array.from({ length: 100 }, (_, i) => ({ x: 1e9 + ((i * k * 7) % 13), y: i, c: 'a', b: true })),
    )
    const { baseline } = freezeBaseline({ model, createdAt, slices: await slicesOf(lists, false), manifest: null })
    const values = lists.flat().map(({ x }) => x)
    const mean = values.reduce((sum, value) => sum + (value - 1e9), 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - 1e9 - mean) ** 2, 0) / values.length
    const x = baseline.features.find(({ name }) => name === 'x') as {
      mean: number
      variance: number
      min: number
      max: number
    }
    expect(x.mean - 1e9).toBeCloseTo(mean, 6)
    expect(x.variance).toBeCloseTo(variance, 4)
    expect(x).toMatchObject({ min: 1e9, max: 1e9 + 12 })
    expect(baseline.chunking?.rows).toEqual([100, 100, 100])
  })

  it('keeps the most frequent of too many categories', async () => {
    const lists = Array.from({ length: 4 }, (_, k) =>
      Array.from({ length: 200 }, (_, i) => ({ x: 1, y: 1, c: i < 100 ? 'often' : `c${k}-${i % 90}`, b: true })),
    )
    const { baseline } = freezeBaseline({ model, createdAt, slices: await slicesOf(lists, false), manifest: null })
    const c = baseline.features.find(({ name }) => name === 'c') as {
      categories: readonly string[]
      counts: readonly number[]
    }
    expect(c.categories).toHaveLength(100)
    expect(c.categories).toContain('often')
    expect(c.counts.reduce((sum, count) => sum + count, 0)).toBe(800)
    expect(c.counts.at(-1)).toBeGreaterThan(0)
  })

  it('takes order, kinds, ranges and decision from a manifest', async () => {
    const manifest: Manifest = {
      schema: 'driftline.manifest/1',
      createdAt,
      model: { ...model, task: 'binary-classification' },
      features: [
        { name: 'c', kind: 'categorical', categories: ['b', 'a'] },
        { name: 'y', kind: 'numeric', range: { min: 0, max: 10 } },
        { name: 'b', kind: 'boolean' },
        { name: 'x', kind: 'numeric' },
      ],
      output: { classes: ['no', 'yes'], positiveClass: 'yes', decisionThreshold: 0.5 },
    } as unknown as Manifest
    const monitor = startMonitor({ manifest, export: false }, { now: () => 0, after: () => () => {} })
    for (let i = 0; i < 100; i++)
      monitor.record({ c: 'a', y: i, x: -i, b: i > 5 }, { score: i / 100, class: i > 50 ? 'yes' : 'no' })
    const { resourceMetrics } = await monitor.metricProducer.collect()
    const slices = [{ startMs: 0, endMs: 1000, totals: totalsOf(resourceMetrics.scopeMetrics) }]
    const { baseline } = freezeBaseline({ model, createdAt, slices, manifest })
    expect(baseline.features.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'c categorical',
      'y numeric',
      'b boolean',
      'x numeric',
    ])
    expect(baseline.features[1]).toMatchObject({ range: { min: 0, max: 10 }, outOfRange: 89 })
    expect(baseline.predictions.decision).toEqual({
      threshold: 0.5,
      rule: '>',
      positiveClass: 'yes',
      negativeClass: 'no',
    })
    expect(baseline.predictions.classes).toMatchObject({ categories: ['no', 'yes'], counts: [51, 49, 0] })
  })

  it('sees a shift within a narrow feature: 300 ± 3 used to have one cell', async () => {
    const rowsAbout = (middle: number) =>
      Array.from({ length: 2000 }, (_, i) => ({
        x: middle - 3 + (6 * ((i * 617) % 2000)) / 2000,
        y: i % 3,
        c: 'a',
        b: true,
      }))
    // Another process saw something else.
    const slices = await slicesOf([rowsAbout(300), rowsAbout(300), [{ x: 200, y: 0, c: 'a', b: true }]], false)
    const { baseline, notes } = freezeBaseline({ model, createdAt, slices, manifest: null })
    const x = baseline.features.find(({ name }) => name === 'x') as {
      bounds: readonly number[]
      counts: readonly number[]
    }
    expect(x.counts.filter((count) => count > 0).length).toBeGreaterThanOrEqual(20)
    expect(Math.max(...x.counts)).toBeLessThan(600)
    expect(notes).toEqual([])
    // The same cells hold later rows of a recorder that never asks for the baseline: a shift of one in 300 shows.
    const [later] = await slicesOf([rowsAbout(301)], false)
    const counted = countsFromTotals(baseline, later!.totals).features.get('x')!.distribution
    expect(counted.kind).toBe('numeric')
    const share = ({ counts }: { counts: ArrayLike<number> }, cell: number) => counts[cell]! / 2000
    const moved = x.bounds.concat(0).reduce((sum, _, cell) => {
      const now = counted.kind === 'numeric' ? share(counted, cell) : 0
      return sum + Math.abs(now - share(x, cell) / 2) / 2
    }, 0)
    expect(moved).toBeGreaterThan(0.14)
  })

  it('has labels when outcomes were told, and tells of cells that are too coarse', async () => {
    const monitor = startMonitor({ model, features, export: false }, { now: () => 0, after: () => () => {} })
    for (let i = 0; i < 100; i++) {
      monitor.record({ x: i < 95 ? 300 : 300 + i, y: i, c: 'a', b: true }, { class: 'yes', id: i })
      if (i % 2 === 0) monitor.outcome(i, i % 4 === 0 ? 'yes' : 'no')
    }
    const { resourceMetrics } = await monitor.metricProducer.collect()
    const slices = [{ startMs: 0, endMs: 1000, totals: totalsOf(resourceMetrics.scopeMetrics) }]
    const { baseline, notes } = freezeBaseline({ model, createdAt, slices, manifest: null })
    expect(baseline.labels).toMatchObject({ categories: ['no', 'yes'], counts: [25, 25, 0], values: 50 })
    expect(notes.join('\n')).toContain('x: 95 % of its values share one cell')
    expect(baseline.chunking).toBeUndefined()
  })

  it('was said to have ranks right to 1.0e+2 % when it was made of the buckets of the one before', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => ({
      x: i,
      y: i % 3,
      c: 'a',
      b: true,
      score: i / 1000,
      class: 'yes',
    }))
    const first = freezeBaseline({ model, createdAt, slices: await slicesOf([rows]), manifest: null }).baseline
    expect(baselineText(summariseBaseline(first))).toMatch(
      /^bounds at quantiles whose rank is right to [\d.]+ % of the rows/m,
    )
    const monitor = startMonitor({ baseline: first, export: false }, { now: () => 0, after: () => () => {} })
    for (const row of rows) monitor.record(row, { score: row.score, class: row.class })
    const { resourceMetrics } = await monitor.metricProducer.collect()
    const slices = [{ startMs: 0, endMs: 1000, totals: totalsOf(resourceMetrics.scopeMetrics) }]
    const { baseline } = freezeBaseline({ model, createdAt, slices, manifest: null })
    const text = baselineText(summariseBaseline(baseline))
    expect(text).not.toContain('e+')
    expect(text).toContain('bounds as recorders were given them, not at quantiles of these rows')
  })

  it('cannot be made of nothing, or of what contradicts itself', () => {
    expect(() => freezeBaseline({ model, createdAt, slices: [], manifest: null })).toThrow(
      'there is nothing to learn from',
    )
    const totals = new Totals()
    const at = { [attributes.featureName.name]: 'x' }
    for (const bounds of [[1], [2]])
      totals.add(
        makeShape([{ metric: metrics.featureValue.name, attributes: at, layout: { kind: 'explicit', bounds } }]),
        Float64Array.of(1, Number.NaN, 1, 1, 1, 0),
      )
    expect(() =>
      freezeBaseline({ model, createdAt, slices: [{ startMs: 0, endMs: 1, totals }], manifest: null }),
    ).toThrow('x is left out: it was sent in 2 different layouts of buckets')
  })
})
