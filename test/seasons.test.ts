import { describe, expect, it } from 'vitest'
import { medianOf, simulateSeason, type SeasonCase } from '../bench/seasons/simulate.ts'

const cycles = { season: 'hour-of-week', daily: 0.5, weekly: 0.3, trend: 0.1, wandering: 0 } as const

describe('seasonal references on daily and weekly cycles with a slow trend', { timeout: 60_000 }, () => {
  const cases: SeasonCase[] = [
    { ...cycles, name: 'many rows', rowsPerWindow: 1000 },
    { ...cycles, name: 'few rows', rowsPerWindow: 100 },
    { ...cycles, name: 'many rows, wandering', rowsPerWindow: 1000, wandering: 0.1 },
  ]
  it.each(cases)('$name: find half a standard deviation within a day, within the budget', async (one) => {
    const { alarms, delays } = await simulateSeason(one, { models: 1, windows: 720, seed: 11 })
    expect(alarms.season).toBeLessThanOrEqual(1)
    expect(medianOf(delays.season.half)).toBeLessThanOrEqual(24)
    expect(medianOf(delays.season.one)).toBeLessThanOrEqual(6)
    // What they are for: the baseline's detector, with all it learned in its week, is slower.
    expect(medianOf(delays.season.half)).toBeLessThan(medianOf(delays.baseline.half))
  })
})
