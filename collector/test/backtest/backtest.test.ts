import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Baseline } from '@driftline/instrumentation/contract'
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

  describe('with --target', () => {
    /** The label is known in `labelled` of ten rows; from `driftFrom` on most are `kept`. */
    const labelled = (name: string, rows: number, seed: number, driftFrom: number, known = 10) => {
      const next = random(seed)
      const text = ['age,left']
      for (let row = 0; row < rows; row++) {
        const left = next() < (row < driftFrom ? 0.3 : 0.1) ? 'left' : 'kept'
        text.push(`${(20 + 50 * next()).toFixed(2)},${row % 10 < known ? left : ''}`)
      }
      writeFileSync(join(directory, name), `${text.join('\n')}\n`)
    }
    const build = ['baseline', 'build', '--model', 'm', '--version', '1', '--target', 'left', '--data', 'labelled.csv']
    const replay = ['backtest', '--baseline', 'l.json', '--data', 'now.csv', '--rows', '1000', '--json']
    interface LabelResult {
      status: string
      reason: string | null
      rates: { completeness: { rate: number } }
    }
    const labelResults = () =>
      lines().map(
        ({ results }) => results.find(({ signal }) => signal === 'label-drift') as unknown as LabelResult | undefined,
      )

    beforeEach(async () => {
      labelled('labelled.csv', 5000, 6, Infinity)
      expect(await run(...build, '--out', 'l.json')).toBe(0)
    })

    it('finds drift of the actual classes, which the inputs do not show', async () => {
      labelled('now.csv', 4000, 7, 2000)
      expect(await run(...replay, '--target', 'left')).toBe(0)
      expect(labelResults().map((result) => result?.status)).toEqual(['ok', 'ok', 'drift', 'drift'])
      expect(labelResults()[0]?.rates.completeness.rate).toBe(1)
      expect(lines().flatMap(({ results }) => results.filter(({ status }) => status === 'drift'))).toMatchObject([
        { signal: 'label-drift', feature: 'label' },
        { signal: 'label-drift', feature: 'label' },
      ])
      expect(lines()[2]!.alerts).toMatchObject([{ state: 'firing', explanation: { moved: [{ feature: 'label' }] } }])
    })

    it('makes nothing of labels that most rows lack', async () => {
      labelled('now.csv', 4000, 7, 0, 4)
      expect(await run(...replay, '--target', 'left')).toBe(0)
      for (const result of labelResults())
        expect(result).toMatchObject({
          status: 'insufficient',
          reason: 'labels-incomplete',
          rates: { completeness: { rate: 0.4 } },
        })
    })

    it('adds labels and predictions up over a sliding window, and takes evidence by slice', async () => {
      const next = random(8)
      const text = ['at,age,left']
      for (let row = 0; row < 1200; row++) {
        // Of the second five minutes nothing is known yet.
        const left = Math.floor(row / 300) === 1 ? '' : next() < 0.3 ? 'left' : 'kept'
        text.push(`${new Date(1_700_000_400_000 + row * 1000).toISOString()},${(20 + 50 * next()).toFixed(2)},${left}`)
      }
      writeFileSync(join(directory, 'now.csv'), `${text.join('\n')}\n`)
      const args = [
        'backtest',
        '--baseline',
        'l.json',
        '--data',
        'now.csv',
        '--time',
        'at',
        '--json',
        '--target',
        'left',
      ]
      expect(await run(...args, '--window', '10m', '--every', '5m')).toBe(0)
      expect(labelResults().map((result) => result?.rates.completeness)).toMatchObject([
        { count: 300, rows: 300 },
        { count: 300, rows: 600 },
        { count: 300, rows: 600 },
        { count: 600, rows: 600 },
      ])
      expect(labelResults().map((result) => result?.reason)).not.toContain('labels-incomplete')
    })

    it('is silent on labels that were not asked about', async () => {
      labelled('now.csv', 1000, 7, Infinity)
      expect(await run(...replay)).toBe(0)
      expect(labelResults()).toEqual([undefined])
    })
  })

  it('is readable without --json', async () => {
    file('now.csv', 3000, { seed: 5, driftFrom: 2000 })
    expect(await run('backtest', '--baseline', 'b.json', '--data', 'now.csv', '--rows', '1000')).toBe(0)
    expect(out).toContain('[FIRING]')
    expect(out).toMatch(/3 windows, 1 alerts fired/)
  })

  it('shows what rules of other tools would have said, window by window and in sum', async () => {
    file('now.csv', 3000, { seed: 5, driftFrom: 2000 })
    const data = ['--baseline', 'b.json', '--data', 'now.csv', '--rows', '1000']
    const asked = ['--preset', 'nannyml-3std', '--preset', 'evidently-default']
    expect(await run('backtest', ...data, ...asked)).toBe(0)
    const said = out.split('\n').filter((line) => line.startsWith('       evidently-default: '))
    expect(said.map((line) => line.trim())).toEqual([
      'evidently-default: 0 of 2 flagged; data set ok',
      'evidently-default: 0 of 2 flagged; data set ok',
      'evidently-default: 1 of 2 flagged: age; data set drift',
    ])
    expect(out).toContain('       nannyml-3std: not judged (no-chunks)\n')
    expect(out).toMatch(
      /alerts fired\nevidently-default: 1 of 3 windows flagged \(33\.3 %\), data set drift in 1 \(33\.3 %\)\nnannyml-3std: none of 3 windows judged\n$/,
    )

    expect(await run('backtest', ...data, ...asked, '--json')).toBe(0)
    const windows = lines() as unknown as {
      presets: Record<string, { flagged: string[] }>
      results: { signal: string; feature: string; presets?: Record<string, { drift: boolean | null; n: number }> }[]
    }[]
    expect(windows.map(({ presets }) => presets['evidently-default']!.flagged)).toEqual([[], [], ['age']])
    for (const { results } of windows) {
      for (const { signal, presets } of results) {
        if (signal === 'data-health') expect(presets).toBeUndefined()
        else {
          expect(Object.keys(presets!).sort()).toEqual(['evidently-default', 'nannyml-3std'])
          expect(presets!['nannyml-3std']).toMatchObject({ drift: null, note: 'no-chunks', n: 1000 })
        }
      }
    }
  })

  it('judges chunk rules against a baseline with chunks', async () => {
    const build = ['--data', 'train.csv', '--model', 'm', '--version', '2', '--time', 'at', '--out', 'chunked.json']
    expect(await run('baseline', 'build', ...build)).toBe(0)
    const baseline = JSON.parse(readFileSync(join(directory, 'chunked.json'), 'utf8')) as Baseline
    const size = baseline.chunking!.rows[0]!
    file('now.csv', 3 * size, { seed: 9, driftFrom: 2 * size })
    const data = ['--baseline', 'chunked.json', '--data', 'now.csv', '--rows', String(size)]
    expect(await run('backtest', ...data, '--preset', 'nannyml-3std', '--preset', 'popmon')).toBe(0)
    expect(out).toContain('nannyml-3std: 1 of 2 flagged: age\n')
    expect(out).toContain('popmon: 1 of 2 flagged: age\n')
    expect(await run('backtest', ...data.slice(0, -1), String(3 * size), '--preset', 'nannyml-3std')).toBe(0)
    expect(out).toContain('nannyml-3std: not judged (not-comparable)\n')
  })

  it('fires a preset rule, with what the preset is', async () => {
    file('now.csv', 3000, { seed: 5, driftFrom: 2000 })
    const rules = {
      model: '*',
      window: { size: '1h' },
      falseAlarmBudget: '1 per 30d',
      rules: [{ name: 'as Azure', preset: 'azure', severity: 'info' }],
    }
    writeFileSync(join(directory, 'rules.json'), JSON.stringify(rules))
    const data = ['--baseline', 'b.json', '--data', 'now.csv', '--rows', '1000']
    expect(await run('backtest', ...data, '--rules', 'rules.json')).toBe(0)
    expect(out).toMatch(/3 windows, 1 alerts fired/)
    expect(out).toContain("This is Azure Machine Learning's default threshold 0.1")
    expect(out).not.toContain('       azure:')
  })

  it('prints every statistic of every result with --tests all, and few without', async () => {
    file('now.csv', 1000, { seed: 5 })
    const data = ['--baseline', 'b.json', '--data', 'now.csv', '--rows', '1000']
    expect(await run('backtest', ...data)).toBe(0)
    expect(out.split('\n')).toHaveLength(3)
    expect(await run('backtest', ...data, '--json')).toBe(0)
    const json = out
    const results = lines()[0]!.results
    expect(await run('backtest', ...data, '--json', '--tests', 'all')).toBe(0)
    expect(out).toBe(json)
    expect(await run('backtest', ...data, '--tests', 'all')).toBe(0)
    for (const { signal, feature, tests } of results) {
      const start = out.indexOf(`       ${feature}: ${signal}, `)
      expect(start, `${feature} ${signal}`).toBeGreaterThan(0)
      const block = out.slice(start).split(/\n {7}(?! )/)[0]!
      for (const [name, { statistic }] of Object.entries(tests)) {
        const shown = statistic === null ? '-' : String(Number(statistic.toPrecision(6)))
        expect(block, `${feature} ${name}`).toMatch(new RegExp(`\\n {9}${name} +${shown.replaceAll('.', '\\.')}`))
      }
    }
    expect(out).toMatch(/ {9}missing +0 {2}0 of 1000, baseline 0\n/)
    expect(out).toMatch(/ {9}ks +0\.\d+ {2}p 0\.\d+/)
  })

  it('names what is wrong, once, on stderr', async () => {
    file('now.csv', 100, { seed: 6 })
    writeFileSync(join(directory, 'empty.csv'), '')
    writeFileSync(join(directory, 'other.csv'), 'x,y\n1,2\n')
    writeFileSync(join(directory, 'broken.json'), '{')
    for (const [status, part, ...args] of [
      [2, '--baseline and --data', '--data', 'now.csv'],
      [2, 'either --rows or --time', '--baseline', 'b.json', '--data', 'now.csv'],
      [
        2,
        "did you mean 'psi-0.25'?; valid: evidently-default,",
        '--baseline',
        'b.json',
        '--data',
        'now.csv',
        '--rows',
        '10',
        '--preset',
        'psi-.25',
      ],
      [2, "got 'some'", '--baseline', 'b.json', '--data', 'now.csv', '--rows', '10', '--tests', 'some'],
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
