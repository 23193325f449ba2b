import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Io } from '../../src/cli/command.ts'
import { runDriftline } from '../../src/cli/run-driftline.ts'
import { systemClock } from '../../src/clock.ts'
import type { ResultReference } from '../../src/evaluate/result.ts'

const hour = 3_600_000
const everyMs = 6 * hour
const start = Date.UTC(2026, 0, 1)
const rowsPerSlice = 300
const slicesPerWeek = 28
/** Nine weeks of references, learning and lag, the time to the next attempt, and a week to be judged. */
const slices = 11 * slicesPerWeek
const shiftedFrom = slices - 4

interface Line {
  readonly results: {
    readonly signal: string
    readonly status: string
    readonly effect: { readonly value: number } | null
    readonly reference?: ResultReference
  }[]
}

describe('driftline backtest --season', { timeout: 60_000 }, () => {
  let directory: string
  let out: string
  let err: string
  const run = async (...args: string[]) => {
    out = ''
    err = ''
    const io: Io = {
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      terminal: false,
      environment: {},
      directory,
      clock: systemClock,
      untilStopped: () => new Promise(() => undefined),
    }
    return runDriftline(args, io)
  }
  const drifts = () =>
    out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Line).results.find(({ signal }) => signal === 'feature-drift')!)

  /** A load that follows the hour and the weekday, as CSV; twelve higher at the end. */
  const write = (name: string, from: number, to: number) => {
    const lines = ['at,load']
    for (let slice = from; slice < to; slice++) {
      for (let row = 0; row < rowsPerSlice; row++) {
        // A low-discrepancy row number in place of noise: the same spread in every slice.
        const spread = (((slice * rowsPerSlice + row) * 0.618_033_988_749_895) % 1) * 40
        const cycle = 10 * Math.sin((2 * Math.PI * slice) / 4) + (slice % slicesPerWeek >= 20 ? -8 : 0)
        const shift = slice >= shiftedFrom ? 12 : 0
        const at = new Date(start + slice * everyMs + row * 60_000).toISOString()
        lines.push(`${at},${(50 + cycle + spread + shift).toFixed(3)}`)
      }
    }
    writeFileSync(join(directory, name), `${lines.join('\n')}\n`)
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-backtest-season-'))
    write('first.csv', 0, 2 * slicesPerWeek)
    write('all.csv', 0, slices)
    const args = ['--data', 'first.csv', '--features', 'load', '--model', 'load', '--version', '1', '--out', 'b.json']
    expect(await run('baseline', 'build', ...args), err).toBe(0)
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const backtest = (...args: string[]) =>
    run('backtest', '--baseline', 'b.json', '--data', 'all.csv', '--time', 'at', '--window', '6h', '--json', ...args)

  it('switches to the hour of the week when the file has shown enough of it, and finds a shift that cycles hide', async () => {
    expect(await backtest('--season', 'hour-of-week'), err).toBe(0)
    const results = drifts()
    expect(results).toHaveLength(slices)
    const kinds = results.map(({ reference }) => reference!.kind)
    const switched = kinds.indexOf('season')
    expect(kinds.slice(switched)).toEqual(kinds.slice(switched).map(() => 'season'))
    expect(switched).toBeGreaterThanOrEqual(8 * slicesPerWeek)
    expect(switched).toBeLessThan(10 * slicesPerWeek)
    expect(results[switched - 1]!.reference!.note).toMatch(/^learning, [78] of 8 weeks$/)
    const calm = results.slice(switched, shiftedFrom)
    expect(calm.filter(({ status }) => status === 'drift')).toEqual([])
    expect(Math.max(...calm.map(({ effect }) => Math.abs(effect!.value)))).toBeLessThan(0.1)
    expect(results.slice(shiftedFrom).map(({ status }) => status)).toContain('drift')
  })

  it('leaves results as they are without a season', async () => {
    expect(await backtest()).toBe(0)
    expect(drifts().every(({ reference }) => reference === undefined)).toBe(true)
    const without = out
    expect(await backtest('--season', 'none')).toBe(0)
    expect(out).toBe(without)
  })

  it('refuses a season that the windows have no place in', async () => {
    const refused = async (...args: string[]) => {
      expect(await run('backtest', '--baseline', 'b.json', '--data', 'all.csv', ...args)).not.toBe(0)
      return err
    }
    expect(await refused('--rows', '300', '--season', 'hour-of-day')).toContain('--season goes with --time')
    expect(await refused('--time', 'at', '--window', '5h', '--season', 'hour-of-day')).toContain('whole hours')
    expect(await refused('--time', 'at', '--season', 'monthly')).toContain('hour-of-week, hour-of-day or none')
  })
})
