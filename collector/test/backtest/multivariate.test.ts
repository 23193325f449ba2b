import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Baseline } from '@driftline/instrumentation/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBacktest, type BacktestWindow } from '../../src/backtest/backtest.ts'
import { buildBaseline } from '../../src/baseline/build-baseline.ts'
import { parseRules } from '../../src/rules/parse.ts'
import { normals, seededRandom } from '../diagnose/planted-results.ts'
import { systemClock } from '../../src/clock.ts'

/** Six measurements that follow one hidden quantity; from `breakAt` on one of them follows another one, with the same distribution. */
function rowsOf(count: number, seed: number, options: { breakAt?: number; missing?: number } = {}): string {
  const { breakAt = Infinity, missing = 0 } = options
  const random = seededRandom(seed)
  const shared = normals(count, 0, 1, seed + 1)
  const stranger = normals(count, 0, 1, seed + 2)
  const own = Array.from({ length: 6 }, (_, i) => normals(count, 0, 1, seed + 10 + i))
  const lines = ['place,a,b,c,d,e,f']
  for (let row = 0; row < count; row++) {
    const values = own.map((noise, i) => {
      const common = i === 2 && row >= breakAt ? stranger[row]! : shared[row]!
      return random() < missing ? '' : (100 * i + 10 * (0.8 * common + 0.6 * noise[row]!)).toFixed(4)
    })
    lines.push(`${row % 2 === 0 ? 'north' : 'south'},${values.join(',')}`)
  }
  return `${lines.join('\n')}\n`
}

describe('a changed correlation', () => {
  let directory: string
  let baseline: Baseline
  const rules = parseRules(
    {
      model: '*',
      window: { size: '1h' },
      falseAlarmBudget: '1 per 30d',
      rules: [{ name: 'anything', signal: 'any-drift', severity: 'warning' }],
    },
    'test',
  )

  const backtest = async (content: string): Promise<BacktestWindow[]> => {
    const file = join(directory, 'later.csv')
    await writeFile(file, content)
    const { windows } = createBacktest({
      file,
      baseline,
      rules,
      outputs: {},
      cut: { kind: 'rows', rows: 500 },
      slicesPerWindow: 1,
      clock: systemClock,
    })
    const found: BacktestWindow[] = []
    for await (const window of windows()) found.push(window)
    return found
  }
  const drifted = (windows: readonly BacktestWindow[]) => [
    ...new Set(
      windows.flatMap(({ results }) =>
        results.filter(({ status }) => status === 'drift').map(({ signal, feature }) => `${signal} ${feature}`),
      ),
    ),
  ]

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'driftline-multivariate-'))
    const file = join(directory, 'train.csv')
    await writeFile(file, rowsOf(20_000, 1000, { missing: 0.01 }))
    const built = await buildBaseline({
      file,
      model: { name: 'm', version: '1' },
      createdAt: '2026-01-01T00:00:00.000Z',
      columns: { segment: 'place' },
    })
    baseline = built.baseline
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('is found by the multivariate monitor only, while every feature keeps its distribution', async () => {
    const windows = await backtest(rowsOf(20_000, 2000, { breakAt: 10_000, missing: 0.01 }))
    expect(drifted(windows.slice(0, 20))).toEqual([])
    expect(drifted(windows)).toEqual(['multivariate-drift pca'])
    const first = windows.find(({ alerts }) => alerts.length > 0)!
    expect(first.window).toBeLessThan(23)
    const { explanation } = first.alerts.find(({ segment }) => segment === '')!
    expect(explanation.summary).toMatch(
      /numeric features taken together: rows lie farther from the structure of the baseline: correlation between features changed, mean reconstruction error [\d.]+ -> [\d.]+/,
    )
    expect(first.diagnosis.map(({ cause, features }) => [cause, features])).toEqual([['changed-correlation', ['pca']]])
    expect(explanation.lookFirst).toContain('join')
  })

  it('is not seen where there is none', async () => {
    for (const seed of [3000, 4000, 5000])
      expect(drifted(await backtest(rowsOf(20_000, seed, { missing: 0.01 })))).toEqual([])
  })

  it('counts errors per segment, and the rows of which values were imputed', async () => {
    const [window] = await backtest(rowsOf(500, 6000, { missing: 0.01 }))
    const errors = window!.results.filter(({ signal }) => signal === 'multivariate-drift')
    expect(errors.map(({ segment, sizes }) => [segment, sizes.window])).toEqual([
      ['', 500],
      ['north', 250],
      ['south', 250],
    ])
    const [whole, north, south] = errors.map(({ rates }) => rates.imputed!)
    expect(whole!.count).toBe(north!.count + south!.count)
    expect(whole!.rate).toBeCloseTo(0.06, 1)
    expect(whole!.baselineRate).toBeCloseTo(1 - 0.99 ** 6, 2)
  })
})
