import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Io } from '../../src/cli/command.ts'
import { runDriftline } from '../../src/cli/run-driftline.ts'
import { systemClock } from '../../src/clock.ts'

/** Deterministic numbers in [0, 1): mulberry32. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('driftline backtest', () => {
  let directory: string
  let out: string
  let err: string
  const io = (): Io => ({
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    terminal: false,
    environment: {},
    directory,
    clock: systemClock,
    untilStopped: () => new Promise(() => undefined),
  })
  const run = async (...args: string[]) => {
    out = ''
    err = ''
    return runDriftline(args, io())
  }
  interface Line {
    window: number
    start: number | string
    rows: number
    results: {
      signal: string
      feature: string
      status: string
      tests: Record<string, { statistic: number | null; pValue?: number }>
    }[]
    alerts: { state: string; explanation: { moved: { feature: string }[] } }[]
    diagnosis: { cause: string; features: string[] }[]
  }
  const lines = (): Line[] =>
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)

  const file = (
    name: string,
    rows: number,
    options: { seed: number; driftFrom?: number; time?: (row: number) => string },
  ) => {
    const next = random(options.seed)
    const text = ['at,age,colour']
    for (let row = 0; row < rows; row++) {
      const factor = row >= (options.driftFrom ?? Infinity) ? 12 : 1
      text.push(
        `${options.time?.(row) ?? row},${((20 + 50 * next()) * factor).toFixed(2)},${next() < 0.6 ? 'blue' : 'red'}`,
      )
    }
    writeFileSync(join(directory, name), `${text.join('\n')}\n`)
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-backtest-'))
    file('train.csv', 5000, { seed: 1 })
    expect(
      await run(
        'baseline',
        'build',
        '--data',
        'train.csv',
        '--model',
        'm',
        '--version',
        '1',
        '--exclude',
        'at',
        '--out',
        'b.json',
      ),
    ).toBe(0)
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('finds a unit change in the window where it happens, and nothing before', async () => {
    file('now.csv', 6500, { seed: 2, driftFrom: 4000 })
    expect(await run('backtest', '--baseline', 'b.json', '--data', 'now.csv', '--rows', '1000', '--json')).toBe(0)
    const windows = lines()
    expect(windows.map(({ rows }) => rows)).toEqual([1000, 1000, 1000, 1000, 1000, 1000, 500])
    const firing = windows.map(({ alerts }) => alerts.some(({ state }) => state === 'firing'))
    expect(firing.slice(0, 5)).toEqual([false, false, false, false, true])
    const drifted = windows[4]!
    expect(drifted.alerts[0]!.explanation.moved[0]!.feature).toBe('age')
    expect(drifted.diagnosis[0]).toMatchObject({ cause: 'unit-or-scale-change', features: ['age'] })
    const age = drifted.results.find(({ signal, feature }) => signal === 'feature-drift' && feature === 'age')!
    expect(age.status).toBe('drift')
    expect(age.tests.psi!.statistic).toBeGreaterThan(1)
    expect(age.tests.ks!.pValue).toBeLessThan(1e-10)
  })

  it('cuts by time, and says which rows it left out', async () => {
    const at = (row: number) => (row === 7 ? 'soon' : new Date(1_700_000_000_000 + row * 1000).toISOString())
    file('now.csv', 3000, { seed: 3, time: at })
    expect(
      await run('backtest', '--baseline', 'b.json', '--data', 'now.csv', '--time', 'at', '--window', '10m', '--json'),
    ).toBe(0)
    const windows = lines()
    expect(windows.reduce((sum, { rows }) => sum + rows, 0)).toBe(2999)
    expect(windows.every(({ start }) => Date.parse(String(start)) % 600_000 === 0)).toBe(true)
    expect(err).toContain('1 rows left out')
  })

  it('slides a window over disjoint slices', async () => {
    file('now.csv', 1800, { seed: 4, time: (row) => new Date(1_700_000_400_000 + row * 1000).toISOString() })
    expect(
      await run(
        'backtest',
        '--baseline',
        'b.json',
        '--data',
        'now.csv',
        '--time',
        'at',
        '--window',
        '10m',
        '--every',
        '5m',
        '--json',
      ),
    ).toBe(0)
    const sizes = lines().map(({ results }) => (results[0] as unknown as { sizes: { window: number } }).sizes.window)
    expect(Math.max(...sizes)).toBe(600)
    expect(lines().every(({ rows }) => rows <= 300)).toBe(true)
  })

  it('is readable without --json', async () => {
    file('now.csv', 3000, { seed: 5, driftFrom: 2000 })
    expect(await run('backtest', '--baseline', 'b.json', '--data', 'now.csv', '--rows', '1000')).toBe(0)
    expect(out).toContain('[FIRING]')
    expect(out).toMatch(/3 windows, 1 alerts fired/)
  })

  it('names what is wrong, once, on stderr', async () => {
    file('now.csv', 100, { seed: 6 })
    writeFileSync(join(directory, 'empty.csv'), '')
    writeFileSync(join(directory, 'other.csv'), 'x,y\n1,2\n')
    writeFileSync(join(directory, 'broken.json'), '{')
    for (const [status, part, ...args] of [
      [2, '--baseline and --data', '--data', 'now.csv'],
      [2, 'either --rows or --time', '--baseline', 'b.json', '--data', 'now.csv'],
      [2, "got 'many'", '--baseline', 'b.json', '--data', 'now.csv', '--rows', 'many'],
      [
        2,
        'must divide',
        '--baseline',
        'b.json',
        '--data',
        'now.csv',
        '--time',
        'at',
        '--window',
        '1h',
        '--every',
        '7m',
      ],
      [1, 'empty.csv', '--baseline', 'b.json', '--data', 'empty.csv', '--rows', '10'],
      [1, 'age', '--baseline', 'b.json', '--data', 'other.csv', '--rows', '10'],
      [1, 'broken.json', '--baseline', 'broken.json', '--data', 'now.csv', '--rows', '10'],
      [1, 'absent.csv', '--baseline', 'b.json', '--data', 'absent.csv', '--rows', '10'],
    ] as const) {
      expect(await run('backtest', ...args), part).toBe(status)
      expect(err).toContain(part)
      expect(err).not.toContain('    at ')
      expect(out).toBe('')
    }
  })
})
