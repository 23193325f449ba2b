import { describe, expect, it } from 'vitest'
import type { MonitorDefinition } from '../../../src/evaluate/evidence/model-detector.ts'
import { generationStart, seasonPlan, seasonProblem } from '../../../src/evaluate/evidence/season-plan.ts'
import { seasonReferences, type SeasonUnit, type UnitDrift } from '../../../src/evaluate/evidence/season-reference.ts'
import { createSeasonSchedule } from '../../../src/evaluate/evidence/season-schedule.ts'

const hour = 3_600_000
const week = 168 * hour
const everyMs = 24 * hour
const plan = seasonPlan('hour-of-week', everyMs)
const start = generationStart(plan, 1_800_000_000_000)

const definitions: MonitorDefinition[] = [
  { id: 'a', segment: '', family: 'features', kind: 'categorical', baselineCounts: [500, 500, 0] },
  { id: 'b', segment: '', family: 'features', kind: 'categorical', baselineCounts: [500, 500, 0] },
]

/** Days of history from `start`, 600 rows of the first monitor and `few` of the second. */
function historyOf(days: number, few: number, drifting: readonly number[] = [], by: UnitDrift = 'by-season') {
  const asked: number[] = []
  return {
    asked,
    firstMs: async () => start,
    async unit(startMs: number): Promise<SeasonUnit | null> {
      asked.push(startMs)
      const day = (startMs - start) / everyMs
      if (day < 0 || day >= days) return null
      const share = 0.4 + 0.02 * (day % 7)
      const input = (rows: number) => ({ counts: [rows * share, rows * (1 - share), 0], missing: 0, invalid: 0, rows })
      return { inputs: [input(600), input(few)], drift: [drifting.includes(day) ? by : 'none', 'none'] }
    },
  }
}

describe('seasonal references', () => {
  it('are the newest windows of the same phase that are at least a week old, as many as are needed', async () => {
    const [a, b] = await seasonReferences(plan, historyOf(700, 150), start + 91 * everyMs, ['no-drift', 'no-drift'])
    const weeksAgo = (...weeks: number[]) => weeks.map((count) => start + 91 * everyMs - count * week)
    expect(a).toMatchObject({ values: 2400, starts: weeksAgo(1, 2, 3, 4) })
    // 150 rows a day: seven weeks for a thousand.
    expect(b).toMatchObject({ values: 1050, starts: weeksAgo(1, 2, 3, 4, 5, 6, 7) })
  })

  it('leave out windows judged as drift, per monitor, and reach no farther than twelve weeks', async () => {
    const [a, b] = await seasonReferences(plan, historyOf(700, 80, [84, 77]), start + 91 * everyMs, [
      'no-drift',
      'no-drift',
    ])
    expect(a!.starts.map((at) => (start + 91 * everyMs - at) / week)).toEqual([3, 4, 5, 6])
    expect(b).toBeNull()
  })

  it('need three windows, however large', async () => {
    const [a] = await seasonReferences(plan, historyOf(14, 150), start + 14 * everyMs, ['no-drift', null])
    expect(a).toBeNull()
  })
})

describe('the schedule of a season', () => {
  const schedule = (days: number, few = 600) => {
    const history = historyOf(days, few)
    return { history, schedule: createSeasonSchedule({ plan, definitions, budgetSteps: 30 }, history) }
  }

  it('learns at the first week with eight before it, and anew at the start of every generation', async () => {
    const { schedule: one } = schedule(700)
    expect(await one.at(start + 20 * everyMs)).toEqual({ model: null, have: 2, need: 8 })
    expect(await one.at(start + 8 * week - everyMs)).toEqual({ model: null, have: 7, need: 8 })
    const first = await one.at(start + 8 * week)
    expect(first).toMatchObject({ learnedUntilMs: start + 8 * week })
    expect((await one.at(start + 12 * week - everyMs)).model).toBe(first.model)
    expect(await one.at(start + 12 * week)).toMatchObject({ learnedUntilMs: start + 12 * week })
  })

  it('decides the same when it is asked for a late slice first', async () => {
    const inOrder = schedule(700).schedule
    await inOrder.at(start + 8 * week)
    const late = start + 11 * week
    const [a, b] = [await inOrder.at(late), await schedule(700).schedule.at(late)]
    expect(b.model!.detector.fingerprint).toBe(a.model!.detector.fingerprint)
  })

  it('reads the past once, until it changes', async () => {
    const { history, schedule: one } = schedule(700)
    await one.at(start + 8 * week)
    const read = history.asked.length
    await one.at(start + 9 * week)
    expect(history.asked.length).toBe(read)
    one.forgetFrom(start + 8 * week)
    await one.at(start + 9 * week)
    expect(history.asked.length).toBe(read)
    one.forgetFrom(start + 8 * week - everyMs)
    await one.at(start + 9 * week)
    expect(history.asked.length).toBe(2 * read)
  })

  it('keeps the baseline for a monitor with too few rows, and for all when none has enough', async () => {
    const { model } = await schedule(700, 10).schedule.at(start + 8 * week)
    expect(model!.monitors.map((monitor) => monitor?.windows ?? null)).toEqual([28, null])
    expect(model!.detector.monitors[1]!.baselineSize).toBe(1000)
  })

  it('takes the baseline at its word about a short drift, and not when it calls half the time one', async () => {
    const learnWith = async (days: number) => {
      const drifting = Array.from({ length: days }, (_, i) => 55 - i)
      const history = historyOf(700, 600, drifting, 'by-baseline')
      const { model } = await createSeasonSchedule({ plan, definitions, budgetSteps: 30 }, history).at(start + 8 * week)
      return model!.monitors.map((monitor) => [monitor!.source, monitor!.windows])
    }
    expect(await learnWith(5)).toEqual([
      ['no-drift', 23],
      ['no-drift', 28],
    ])
    expect(await learnWith(20)).toEqual([
      ['no-season-drift', 28],
      ['no-drift', 28],
    ])
  })

  it('wants phases of whole slices', () => {
    expect(seasonProblem('hour-of-week', 5 * 60_000)).toBeNull()
    expect(seasonProblem('hour-of-day', 6 * hour)).toBeNull()
    expect(seasonProblem('hour-of-day', 24 * hour)).toMatch(/divide a day and are shorter/)
    expect(seasonProblem('hour-of-week', 7 * 60_000)).toMatch(/divide an hour/)
    expect(() => seasonPlan('hour-of-week', 5 * hour)).toThrow(RangeError)
  })
})
