import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Baseline } from '@driftline/instrumentation/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildBaseline } from '../../src/baseline/build-baseline.ts'
import type { BuildBaselineOptions } from '../../src/baseline/build-options.ts'
import { createWindowAccumulator } from '../../src/baseline/window-accumulator.ts'
import { readRows } from '../../src/rows/read-rows.ts'
import { normals } from '../diagnose/planted-results.ts'
import { deviation, reference } from '../reference.ts'

interface RowsCase {
  readonly name: string
  readonly kind: string
  readonly rows: (number | null)[][]
  readonly expected: {
    readonly means: number[]
    readonly standardDeviations: number[]
    readonly components: number[][]
    readonly explained: number
    readonly imputed: number
    readonly errors: number[]
  }
}
const tolerance = { relative: 1e-9, absolute: 1e-10 }

describe('the multivariate part of a baseline', () => {
  let directory: string
  let number = 0
  beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'driftline-pca-'))))
  afterAll(() => rm(directory, { recursive: true }))

  async function build(
    rows: readonly (readonly unknown[])[],
    columns: readonly string[],
    options: Partial<BuildBaselineOptions> = {},
  ): Promise<{ baseline: Baseline; notes: readonly string[]; file: string; passes: Set<number> }> {
    const file = join(directory, `${number++}.csv`)
    await writeFile(
      file,
      `${[columns, ...rows].map((row) => row.map((value) => (value === null ? '' : String(value as string | number))).join(',')).join('\n')}\n`,
    )
    const passes = new Set<number>()
    const built = await buildBaseline({
      file,
      model: { name: 'm', version: '1' },
      createdAt: '2026-01-01T00:00:00.000Z',
      onProgress: ({ pass }) => void passes.add(pass),
      ...options,
    })
    return { ...built, file, passes }
  }

  it.each(reference<RowsCase>('principal-components').cases.filter(({ kind }) => kind === 'rows'))(
    'is that of numpy: $name',
    async ({ rows, expected }) => {
      const { baseline } = await build(
        rows,
        rows[0]!.map((_, i) => `x${i}`),
      )
      const { features, means, standardDeviations, components, explainedVariance, error, imputed } =
        baseline.multivariate!
      expect(features).toEqual(rows[0]!.map((_, i) => `x${i}`))
      const { errors, explained, ...numbers } = expected
      expect(deviation({ means, standardDeviations, components, imputed }, numbers, tolerance)).toBeNull()
      expect(explainedVariance).toBeCloseTo(explained, 10)
      const mean = errors.reduce((sum, one) => sum + one, 0) / errors.length
      const variance = errors.reduce((sum, one) => sum + (one - mean) ** 2, 0) / errors.length
      const extremes = { min: Math.min(...errors), max: Math.max(...errors) }
      expect(deviation(error, { values: rows.length, mean, variance, ...extremes }, tolerance)).toBeNull()
      expect(error.counts[0]).toBe(0)
      expect(error.counts.at(-1)).toBe(0)
    },
  )

  /** Four columns that follow a hidden one, some values missing, and a segment. */
  function made(count: number): unknown[][] {
    const shared = normals(count, 0, 1, 1)
    const own = [2, 3, 4, 5].map((seed) => normals(count, 0, 1, seed))
    return shared.map((common, row) => [
      row % 3 === 0 ? 'a' : 'b',
      ...own.map((noise, i) => ((row + i) % 97 === 0 ? null : (i * 5 + common + noise[row]!).toFixed(6))),
    ])
  }
  const columns = ['where', 'p', 'q', 'r', 's']
  const options = { columns: { time: '@row', segment: 'where' }, chunks: 7 }

  it('counts every row once, per chunk and per segment', async () => {
    const { baseline, passes } = await build(made(3000), columns, options)
    expect(passes).toEqual(new Set([1, 2]))
    const { error, imputed } = baseline.multivariate!
    expect(error.values).toBe(3000)
    const [a, b] = Object.values(baseline.segments!.values).map(({ multivariate }) => multivariate!)
    expect([a!.error.values, b!.error.values]).toEqual([1000, 2000])
    expect(error.counts).toEqual(error.counts.map((_, i) => a!.error.counts[i]! + b!.error.counts[i]!))
    expect(imputed).toBe(a!.imputed + b!.imputed)
    expect(imputed).toBe(made(3000).filter((row) => row.includes(null)).length)
    expect(error.chunks!.map((chunk) => chunk.reduce((sum, count) => sum + count, 0))).toEqual(baseline.chunking!.rows)
    // Cells hold about the shares of the quantiles that bound them.
    expect(error.counts[2]! / 3000).toBeCloseTo(0.04, 2)
  })

  it('counts every row also when only a sample of them is kept, by reading the file a third time', async () => {
    const whole = await build(made(3000), columns, options)
    const sampled = await build(made(3000), columns, { ...options, maxKeptNumbers: 4000 })
    expect(sampled.passes).toEqual(new Set([1, 2, 3]))
    const [all, some] = [whole.baseline.multivariate!, sampled.baseline.multivariate!]
    expect(some.means).toEqual(all.means)
    expect(some.standardDeviations).toEqual(all.standardDeviations)
    expect(some.imputed).toBe(all.imputed)
    expect(some.error.values).toBe(3000)
    // A third of the rows gives nearly the same components.
    const alignment = some.components[0]!.reduce((sum, weight, i) => sum + weight * all.components[0]![i]!, 0)
    expect(alignment).toBeGreaterThan(0.98)
    expect(some.error.chunks!.map((chunk) => chunk.reduce((sum, count) => sum + count, 0))).toEqual(
      sampled.baseline.chunking!.rows,
    )
    expect(
      Object.values(sampled.baseline.segments!.values).map(({ multivariate }) => multivariate!.error.values),
    ).toEqual([1000, 2000])
  })

  it('finds in its own rows the counts that it holds', async () => {
    for (const maxKeptNumbers of [4000, 1_000_000]) {
      const { baseline, file } = await build(made(1000), columns, { columns: { segment: 'where' }, maxKeptNumbers })
      const accumulator = createWindowAccumulator(baseline)
      for await (const batch of readRows(file)) accumulator.add(batch)
      const { distribution, imputed } = accumulator.take().reconstruction!
      const { error, imputed: expected } = baseline.multivariate!
      expect(distribution).toMatchObject({ kind: 'numeric', values: 1000, min: error.min, max: error.max })
      expect(distribution.kind === 'numeric' && [...distribution.counts]).toEqual(error.counts)
      expect(imputed).toBe(expected)
    }
  })

  it('leaves out features that do not vary, and does without when fewer than two are left', async () => {
    const rows = made(200).map((row) => [...row, 7])
    const { baseline } = await build(rows, [...columns, 'same'])
    expect(baseline.multivariate!.features).toEqual(['p', 'q', 'r', 's'])
    const { baseline: single, notes } = await build(
      rows.map((row) => [row[0], row[1], 7]),
      ['where', 'p', 'same'],
    )
    expect(single.multivariate).toBeUndefined()
    expect(notes.join()).not.toContain('between features')
  })

  it('is left out when it is not asked for', async () => {
    expect((await build(made(200), columns, { multivariate: false })).baseline.multivariate).toBeUndefined()
  })

  it('is left out, with a note, for more features than a server could measure', async () => {
    const many = Array.from({ length: 501 }, (_, i) => `f${i}`)
    const rows = [0, 1, 2].map((row) => many.map((_, i) => row * (i + 1)))
    const { baseline, notes } = await build(rows, many)
    expect(baseline.multivariate).toBeUndefined()
    expect(notes.join('\n')).toContain('501 numeric features are more than 500')
  })

  it('has no error where features follow each other exactly, and shows when they no longer do', async () => {
    const { baseline } = await build(
      normals(300, 5, 2, 9).map((value) => [value, 2 * value - 1]),
      ['p', 'q'],
    )
    expect(baseline.multivariate!.error).toMatchObject({ min: 0, max: 0, mean: 0, variance: 0, values: 300 })
    expect(baseline.multivariate!.explainedVariance).toBeCloseTo(1, 12)
    const accumulator = createWindowAccumulator(baseline)
    const columnsOfBatch = new Map([
      ['p', [5, 7]],
      ['q', [9, 9]],
    ])
    accumulator.add({ firstRow: 0, rows: 2, columns: columnsOfBatch, text: false, place: String })
    const { distribution } = accumulator.take().reconstruction!
    expect(distribution.kind === 'numeric' && [...distribution.counts]).toEqual([0, 1, 1])
  })
})
