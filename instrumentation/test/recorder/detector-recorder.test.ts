import { describe, expect, it } from 'vitest'
import { createMonitor } from '../../src/index.ts'
import { ReconstructionErrors, type Baseline, type MultivariateBaseline } from '../../src/contract/index.ts'
import { collect, histogram, type Series } from '../series.ts'
import { categoricalFeature, numericFeature, numericSummary, smallBaseline } from '../small-baseline.ts'

const wide = Array.from({ length: 40 }, (_, i) => i - 1)
const features = [
  numericFeature('a', [-1, 10, 20], 5),
  categoricalFeature('colour', ['blue']),
  numericFeature('b', wide, 5),
  numericFeature('unused', [-1, 10], 5),
  numericFeature('c', [-1, 10, 20], 5),
]
const multivariate: MultivariateBaseline = {
  kind: 'pca',
  name: 'pca',
  features: ['a', 'b', 'c'],
  means: [5, 2, -1],
  standardDeviations: [2, 1, 4],
  components: [[0.6, 0.8, 0]],
  explainedVariance: 0.7,
  error: { ...numericSummary([-5e-324, 0.5, 1, 2], 1), min: 0 },
  imputed: 0,
}
const baseline: Baseline = smallBaseline({ features, multivariate })

/** Deterministic rows: numbers, with something that is no number here and there. */
const rows = Array.from({ length: 300 }, (_, i) => ({
  a: i % 11 === 0 ? null : 5 + 3 * Math.sin(i),
  colour: 'blue',
  b: i % 13 === 0 ? Number.NaN : 2 + 2 * Math.sin(1.3 * i),
  unused: i % 5 === 0 ? 'x' : 1,
  c: i % 17 === 0 ? Infinity : -1 + 5 * Math.cos(i),
}))
const imputed = rows.filter((_, i) => i % 11 === 0 || i % 13 === 0 || i % 17 === 0).length

/** Counts of the errors of the rows, computed one by one. */
function expectedCounts(some: typeof rows): number[] {
  const errors = new ReconstructionErrors(multivariate)
  const counts = [0, 0, 0, 0, 0]
  for (const { a, b, c } of some) {
    ;[a, b, c].forEach((value, i) => errors.put(i, Float64Array.of(value ?? Number.NaN), 1))
    const target = new Float64Array(1)
    errors.measure(1, target)
    counts[multivariate.error.bounds.filter((bound) => bound < target[0]!).length]!++
  }
  return counts
}

const key = 'ml.detector.reconstruction_error pca'
const imputedKey = 'ml.detector.imputed_rows pca'

async function recorded(use: (monitor: ReturnType<typeof createMonitor>) => void, from = baseline): Promise<Series> {
  const monitor = createMonitor({ baseline: from, export: false, onError: (error) => expect(error).toBeNull() })
  use(monitor)
  return collect(monitor.metricProducer)
}

describe('reconstruction errors in a server', () => {
  it('are counted alike for single rows, however few, and for batches by column or as a tensor', async () => {
    const single = await recorded((monitor) => rows.forEach((row) => monitor.record(row)))
    const expected = expectedCounts(rows)
    expect(histogram(single, key).buckets).toEqual({ boundaries: multivariate.error.bounds, counts: expected })
    expect(single.get(imputedKey)).toBe(imputed)
    const names = ['a', 'colour', 'b', 'unused', 'c'] as const
    const byColumn = await recorded((monitor) =>
      monitor.recordBatch(Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]))),
    )
    const asTensor = await recorded((monitor) =>
      monitor.recordBatch({ data: rows.flatMap((row) => names.map((name) => row[name])), rows: rows.length }),
    )
    const asArrays = await recorded((monitor) => rows.forEach((row) => monitor.record(names.map((name) => row[name]))))
    for (const other of [byColumn, asTensor, asArrays]) {
      // The sum is added up in another order.
      const { sum: _, ...exact } = histogram(single, key)
      expect(histogram(other, key)).toMatchObject(exact)
      expect(other.get(imputedKey)).toBe(imputed)
    }
  })

  it('carry their sum, smallest and largest', async () => {
    const { sum, min, max, count } = histogram(
      await recorded((monitor) => rows.forEach((row) => monitor.record(row))),
      key,
    )
    expect(count).toBe(300)
    expect(min).toBeGreaterThanOrEqual(0)
    expect(sum! / 300).toBeGreaterThan(min!)
    expect(sum! / 300).toBeLessThan(max!)
  })

  it('start anew with every interval', async () => {
    const monitor = createMonitor({ baseline, export: false })
    rows.slice(0, 40).forEach((row) => monitor.record(row))
    await collect(monitor.metricProducer)
    rows.slice(40, 45).forEach((row) => monitor.record(row))
    const second = await collect(monitor.metricProducer)
    expect(histogram(second, key).buckets.counts).toEqual(expectedCounts(rows.slice(40, 45)))
    expect(second.get(imputedKey)).toBe(1)
  })

  it('are kept apart by segment, also when rows of segments take turns', async () => {
    const segmented = smallBaseline({
      features,
      multivariate,
      segments: {
        column: 'where',
        values: { north: { rows: 100, features, predictions: {} } },
      },
    })
    const monitor = createMonitor({ baseline: segmented, export: false })
    rows.forEach((row, i) => monitor.record(row, { segment: i % 2 === 0 ? 'north' : 'south' }))
    const { scopeMetrics } = (await monitor.metricProducer.collect()).resourceMetrics
    for (const [segment, parity] of [
      ['north', 0],
      ['_OTHER', 1],
    ] as const) {
      const { metrics } = scopeMetrics.find(({ scope }) => scope.attributes['ml.segment'] === segment)!
      const { dataPoints } = metrics.find(({ descriptor }) => descriptor.name === 'ml.detector.reconstruction_error')!
      expect(dataPoints[0]!.value).toMatchObject({
        buckets: { counts: expectedCounts(rows.filter((_, i) => i % 2 === parity)) },
      })
    }
  })

  it('are not measured when the baseline has no components', async () => {
    const { multivariate: _, ...without } = baseline
    const series = await recorded((monitor) => rows.forEach((row) => monitor.record(row)), without)
    expect([...series.keys()].filter((name) => name.includes('detector'))).toEqual([])
  })
})
