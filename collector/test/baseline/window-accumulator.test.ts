import { fileURLToPath } from 'node:url'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildBaseline } from '../../src/baseline/build-baseline.ts'
import { columnsOf, createWindowAccumulator } from '../../src/baseline/window-accumulator.ts'
import { readRows } from '../../src/rows/read-rows.ts'
import type { RowBatch } from '../../src/rows/row-batch.ts'
import type { CategoricalDistribution, NumericDistribution } from '../../src/evaluate/window-counts.ts'

const rows = fileURLToPath(new URL('../../../test/fixtures/reference/baseline/rows.csv', import.meta.url))
const outputs = { class: 'predicted', score: 'score' }

let directory: string
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'driftline-window-'))))
afterAll(() => rm(directory, { recursive: true }))

async function built(): ReturnType<typeof buildBaseline> {
  return buildBaseline({
    file: rows,
    model: { name: 'm', version: '1' },
    createdAt: '2026-01-01T00:00:00Z',
    columns: { target: 'label', prediction: 'predicted', score: 'score', time: 'time' },
    ranges: new Map([['glucose', { min: 60, max: 200 }]]),
  })
}

async function batchesOf(file: string): Promise<RowBatch[]> {
  const batches: RowBatch[] = []
  for await (const batch of readRows(file)) batches.push(batch)
  return batches
}

it('counts the baseline data as the baseline does', async () => {
  const { baseline } = await built()
  expect(columnsOf(baseline, outputs)).toEqual(['glucose', 'offset', 'visits', 'city', 'smoker', 'predicted', 'score'])
  const accumulator = createWindowAccumulator(baseline, outputs)
  for await (const batch of readRows(rows, { columns: columnsOf(baseline, outputs) })) accumulator.add(batch)
  const window = accumulator.take()
  expect(window.rows).toBe(1000)
  for (const feature of baseline.features) {
    const { distribution, missing } = window.features.get(feature.name)!
    expect([...(distribution as CategoricalDistribution).counts], feature.name).toEqual(feature.counts)
    expect(missing).toBe(feature.missing)
    if (feature.kind !== 'numeric') continue
    const { sum, sumOfSquares, min, max, values } = distribution as NumericDistribution
    // About the baseline mean the data's own first moment is nil, and the second its variance.
    expect(Math.abs(sum / values)).toBeLessThan(1e-9 * Math.sqrt(feature.variance))
    expect(sumOfSquares / values).toBeCloseTo(feature.variance, 8)
    expect([min, max]).toEqual([feature.min, feature.max])
  }
  expect(window.features.get('glucose')!.invalid.out_of_range).toBe(
    (baseline.features[0] as { outOfRange: number }).outOfRange,
  )
  const { classes, score } = baseline.predictions
  expect([...(window.outputs.get('class')!.distribution as CategoricalDistribution).counts]).toEqual(classes!.counts)
  expect([...(window.outputs.get('score')!.distribution as NumericDistribution).counts]).toEqual(score!.counts)
})

it('starts anew after each window, and windows add up to the whole', async () => {
  const { baseline } = await built()
  const [batch] = (await batchesOf(rows)) as [RowBatch]
  const accumulator = createWindowAccumulator(baseline, outputs)
  const totals = new Float64Array(baseline.features[2]!.counts.length)
  for (let from = 0; from < batch.rows; from += 300) {
    accumulator.add(batch, from, Math.min(batch.rows, from + 300))
    const window = accumulator.take()
    expect(window.rows).toBe(Math.min(300, batch.rows - from))
    const { counts } = window.features.get('visits')!.distribution as NumericDistribution
    counts.forEach((count, cell) => (totals[cell]! += count))
  }
  expect([...totals]).toEqual(baseline.features[2]!.counts)
  expect(accumulator.take().rows).toBe(0)
})

it('tells every reason apart, as the recorder does', async () => {
  const { baseline } = await built()
  const file = join(directory, 'bad.csv')
  const lines = [
    'glucose,city,smoker',
    '10,Wien,true',
    ',,',
    'NaN,Graz,maybe',
    '-inf,Graz,1',
    'high,Bern,false',
    '201,Zug,0',
  ]
  await writeFile(file, lines.join('\n'))
  const accumulator = createWindowAccumulator(baseline)
  for (const batch of await batchesOf(file)) accumulator.add(batch)
  const { features, outputs: none, rows: count } = accumulator.take()
  expect(count).toBe(6)
  expect(none.size).toBe(0)
  expect(features.get('glucose')).toMatchObject({
    missing: 1,
    invalid: { missing: 1, nan: 1, infinite: 1, wrong_type: 1, out_of_range: 2 },
    distribution: { values: 2, min: 10, max: 201 },
  })
  expect(features.get('city')).toMatchObject({ missing: 1, invalid: { missing: 1, unknown_category: 2 } })
  expect([...(features.get('city')!.distribution as CategoricalDistribution).counts]).toEqual([1, 0, 1, 1, 2])
  expect(features.get('smoker')).toMatchObject({ invalid: { missing: 1, wrong_type: 1 }, distribution: { values: 4 } })
  // A column that the file lacks is missing in every row.
  expect(features.get('visits')).toMatchObject({ missing: 6, distribution: { values: 0, min: Number.NaN } })
})
