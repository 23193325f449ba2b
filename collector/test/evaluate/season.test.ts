import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEvaluator, type Evaluator } from '../../src/evaluate/evaluator.ts'
import { generationStart, seasonPlan } from '../../src/evaluate/evidence/season-plan.ts'
import type { Result } from '../../src/evaluate/result.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'
import { manualClock, type ManualClock } from '../support/manual-clock.ts'
import { smallBaseline, smallBlock, usualWindow } from '../support/small-model.ts'

const everyMs = 6 * 3_600_000
const weekMs = 7 * 86_400_000
const slicesPerWeek = weekMs / everyMs
const rows = 2000
/** Begins a generation, so that learning is tried at the end of every week from here. */
const start = generationStart(seasonPlan('hour-of-week', everyMs), 1_800_000_000_000)

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Ages that follow the time of the day and the day of the week, and `shift` above that, in cells; its noise depends on `slice` alone. */
function agesOf(slice: number, shift: number): number[] {
  const random = generator(slice)
  const usual = smallBaseline.features[0]!.counts
  const tilt = 0.25 * Math.sin((2 * Math.PI * slice) / 4) + (slice % slicesPerWeek >= 20 ? -0.2 : 0) + shift
  const weights = usual.map((count, cell) => count * Math.exp((tilt * (cell - 5)) / 2))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const counts = usual.map(() => 0)
  for (let row = 0; row < rows; row++) {
    let left = random() * total
    let cell = 0
    while (cell < weights.length - 1 && (left -= weights[cell]!) > 0) cell++
    counts[cell]!++
  }
  return counts
}

describe('evaluation by season', { timeout: 60_000 }, () => {
  let directory: string
  let store: Store
  let clock: ManualClock
  let evaluator: Evaluator
  let problems: string[]

  const open = async () => {
    store = await openSqliteStore({ directory })
    evaluator = createEvaluator({
      store,
      clock,
      planFor: () => ({
        windows: { sizeMs: everyMs, everyMs, graceMs: 5000 },
        budgetSteps: 120,
        season: 'hour-of-week',
      }),
      onEvaluated: async () => undefined,
      log: (line) => problems.push(line),
    })
  }
  const at = (slice: number) => start + slice * everyMs
  const append = (from: number, to: number, shift = 0) =>
    store.append(
      Array.from({ length: to - from }, (_, i) =>
        smallBlock(at(from + i), at(from + i) + 60_000, { ...usualWindow(rows), age: agesOf(from + i, shift) }),
      ),
    )
  const evaluateTo = async (slice: number) => {
    clock.advance(at(slice) + 5000 - clock.now())
    await evaluator.tick()
  }
  const ages = async (from: number, to: number): Promise<Result[]> =>
    store.results({
      model: 'small',
      version: '1',
      fromMs: at(from),
      toMs: at(to),
      feature: 'age',
      signal: 'feature-drift',
    })

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-season-'))
    clock = manualClock(start)
    problems = []
    await open()
    await store.putBaseline(smallBaseline)
  })
  afterEach(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
    expect(problems).toEqual([])
  })

  it('learns for eight weeks, then judges by the hour of the week, calm on cycles and quick on a shift', async () => {
    const learned = 8 * slicesPerWeek
    await append(0, learned + 24)
    await evaluateTo(learned + 24)

    const [early] = await ages(3 * slicesPerWeek + 1, 3 * slicesPerWeek + 2)
    expect(early!.reference).toMatchObject({ kind: 'baseline', note: 'learning, 3 of 8 weeks', values: null })
    // The baseline takes every cycle for a drift, which does not keep the season from being learned.
    const learning = await ages(slicesPerWeek, learned)
    expect(learning.filter(({ status }) => status === 'drift').length).toBeGreaterThan(learning.length / 2)

    const judged = await ages(learned, learned + 24)
    expect(judged.map(({ status }) => status)).toEqual(judged.map(() => 'ok'))
    const [first] = judged
    const values = [1, 2, 3, 4]
      .flatMap((week) => agesOf(learned - week * slicesPerWeek, 0))
      .reduce((sum, count) => sum + count, 0)
    expect(first!.reference).toEqual({
      kind: 'season',
      season: 'hour-of-week',
      values,
      windows: 4,
      oldestMs: at(learned - 4 * slicesPerWeek),
      newestMs: at(learned - slicesPerWeek),
      note: null,
    })
    expect(first!.sizes.baseline).toBe(values)
    expect(new Set(judged.map(({ detectorId }) => detectorId)).size).toBe(1)
    expect(first!.detectorId).not.toBe(early!.detectorId)
    // Distances and effect are those from the season: no cycle in them.
    expect(Math.max(...judged.map(({ effect }) => Math.abs(effect!.value)))).toBeLessThan(0.15)

    await append(learned + 24, learned + 32, 0.25)
    await evaluateTo(learned + 32)
    const shifted = await ages(learned + 24, learned + 32)
    expect(shifted.findIndex(({ evidence }) => evidence!.alarm)).toBeLessThanOrEqual(2)
    expect(shifted.at(-1)!.status).toBe('drift')

    // A window judged as drift is no part of later references.
    await append(learned + 32, learned + 24 + slicesPerWeek + 4)
    await evaluateTo(learned + 24 + slicesPerWeek + 4)
    const later = await ages(learned + 24 + slicesPerWeek + 3, learned + 24 + slicesPerWeek + 4)
    expect(later[0]!.reference!.newestMs).toBe(at(learned + 24 + 3 - slicesPerWeek))
  })

  it('goes on after a restart with the same evidence, and judges late data again with the references it changes', async () => {
    const learned = 8 * slicesPerWeek
    await append(0, learned + 6)
    await evaluateTo(learned + 3)
    await store.close()
    await open()
    await evaluateTo(learned + 6)
    const restarted = await ages(learned, learned + 6)
    expect(restarted.map(({ revision }) => revision)).toEqual([1, 1, 1, 1, 1, 1])

    await store.close()
    rmSync(directory, { recursive: true })
    await open()
    await store.putBaseline(smallBaseline)
    await append(0, learned + 6)
    await evaluator.tick()
    expect(await ages(learned, learned + 6)).toEqual(restarted)

    const late = learned + 2 - slicesPerWeek
    const more = smallBlock(
      at(late),
      at(late) + 60_000,
      { ...usualWindow(rows), age: agesOf(late + 1000, 0) },
      { instance: 'late' },
    )
    await store.append([more])
    await evaluator.tick()
    const again = await ages(learned, learned + 6)
    expect(again.map(({ revision }) => revision)).toEqual([2, 2, 2, 2, 2, 2])
    expect(again[2]!.reference!.values).toBe(restarted[2]!.reference!.values! + rows)
    // What was learned from these windows was learned again.
    expect(again[0]!.detectorId).not.toBe(restarted[0]!.detectorId)
  })

  it('stays with the baseline while a season has too few rows', async () => {
    const learned = 8 * slicesPerWeek
    await store.append(
      Array.from({ length: learned + 1 }, (_, i) => smallBlock(at(i), at(i) + 60_000, usualWindow(100))),
    )
    await evaluateTo(learned + 1)
    const [last] = await ages(learned, learned + 1)
    expect(last!.reference).toMatchObject({ kind: 'baseline', note: 'learning, too few rows in 8 weeks' })
  })
})
