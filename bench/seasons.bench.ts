import type { BenchOptions, BenchResult } from './result.ts'
import { medianOf, simulateSeason, type SeasonCase } from './seasons/simulate.ts'

/** `--full` plays the table of STATISTICS.md 13.1: minutes instead of seconds. */
export const options: BenchOptions = { full: { type: 'boolean' }, models: { type: 'string' }, seed: { type: 'string' } }

const still = { daily: 0, weekly: 0, trend: 0, wandering: 0 }
const cycles = { daily: 0.5, weekly: 0.3, trend: 0.1, wandering: 0 }
const hourOfWeek = { season: 'hour-of-week' } as const
const hourOfDay = { season: 'hour-of-day' } as const

/** What the project promises: half a standard deviation within a day, within the budget. */
const promised: readonly SeasonCase[] = [
  { name: 'daily, weekly, trend', ...hourOfWeek, ...cycles, rowsPerWindow: 1000 },
  { name: 'daily, weekly, trend', ...hourOfWeek, ...cycles, rowsPerWindow: 100 },
]

const table: readonly SeasonCase[] = [
  { name: 'nothing', ...hourOfWeek, ...still, rowsPerWindow: 1000 },
  { name: 'daily', ...hourOfDay, ...still, daily: 0.5, rowsPerWindow: 100 },
  { name: 'daily', ...hourOfDay, ...still, daily: 0.5, rowsPerWindow: 1000 },
  { name: 'daily, weekly', ...hourOfWeek, ...cycles, trend: 0, rowsPerWindow: 100 },
  { name: 'daily, weekly', ...hourOfWeek, ...cycles, trend: 0, rowsPerWindow: 1000 },
  ...promised,
  { name: 'AR(1) 0.1', ...hourOfWeek, ...still, wandering: 0.1, rowsPerWindow: 100 },
  { name: 'AR(1) 0.1', ...hourOfWeek, ...still, wandering: 0.1, rowsPerWindow: 1000 },
  { name: 'all, AR(1) 0.1', ...hourOfWeek, ...cycles, wandering: 0.1, rowsPerWindow: 100 },
  { name: 'all, AR(1) 0.1', ...hourOfWeek, ...cycles, wandering: 0.1, rowsPerWindow: 1000 },
  { name: 'all, AR(1) 0.1', ...hourOfDay, ...cycles, wandering: 0.1, rowsPerWindow: 100 },
  { name: 'all, AR(1) 0.1', ...hourOfDay, ...cycles, wandering: 0.1, rowsPerWindow: 1000 },
  { name: 'all, AR(1) 0.3', ...hourOfWeek, ...cycles, wandering: 0.3, rowsPerWindow: 100 },
  { name: 'all, AR(1) 0.3', ...hourOfWeek, ...cycles, wandering: 0.3, rowsPerWindow: 1000 },
]

/** Seasonal references on simulated cycles: realised false alarms per budget, and delay, with the baseline's detector beside. */
export async function run(flags: Readonly<Record<string, unknown>>): Promise<BenchResult[]> {
  const full = flags['full'] === true
  const models = Number(flags['models'] ?? (full ? 12 : 2))
  const seed = Number(flags['seed'] ?? 5)
  const results: BenchResult[] = []
  for (const one of full ? table : promised) {
    const { alarms, delays, dispersion } = await simulateSeason(one, { models, windows: full ? 1440 : 720, seed })
    const isPromised = promised.includes(one)
    const name = `${one.name}, ${one.season}, n=${one.rowsPerWindow}`
    results.push(
      {
        name: `${name}: false alarms per budget`,
        value: alarms.season,
        unit: '',
        ...(isPromised ? { goal: '<= 1' } : {}),
      },
      { name: `${name}: the same, baseline only`, value: alarms.baseline, unit: '' },
      {
        name: `${name}: +0.5 sd, median`,
        value: medianOf(delays.season.half),
        unit: 'windows',
        ...(isPromised ? { goal: '<= 24' } : {}),
      },
      { name: `${name}: +0.5 sd, slowest`, value: Math.max(...delays.season.half), unit: 'windows' },
      { name: `${name}: +1 sd, median`, value: medianOf(delays.season.one), unit: 'windows' },
      { name: `${name}: +0.5 sd, baseline only`, value: medianOf(delays.baseline.half), unit: 'windows' },
      { name: `${name}: dispersion, median`, value: medianOf(dispersion), unit: '' },
    )
  }
  return results
}
