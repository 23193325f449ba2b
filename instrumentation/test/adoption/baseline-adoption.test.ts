import { describe, expect, it } from 'vitest'
import { BaselineAdoption, pollMillis, slowestPollMillis } from '../../src/adoption/baseline-adoption.ts'
import type { BaselineAnswer } from '../../src/adoption/fetch-baseline.ts'
import { digestJson, type Json } from '../../src/contract/index.ts'
import { FailureReport } from '../../src/failure-report.ts'
import type { ModelPlan } from '../../src/plan.ts'
import { ManualClock } from '../manual-clock.ts'
import { smallBaseline } from '../small-baseline.ts'

const found = (baseline: unknown, tag = '"a"'): BaselineAnswer => ({
  kind: 'found',
  text: JSON.stringify(baseline),
  tag,
})

/** An adoption whose collector gives these answers, one after the other, and the last again and again. */
function adoption(...answers: BaselineAnswer[]) {
  const clock = new ManualClock(0)
  const asked: { at: number; tag: string | null }[] = []
  const adopted: (string | null)[] = []
  const errors: string[] = []
  const own = new BaselineAdoption({
    fetch: (tag) => {
      asked.push({ at: clock.now(), tag })
      return Promise.resolve(answers[Math.min(asked.length, answers.length) - 1]!)
    },
    plan: (baseline, problems) => {
      if (baseline.model.name === 'wrong') problems.push('of another model')
      return { baselineDigest: digestJson(baseline as unknown as Json) } as ModelPlan
    },
    adopt: (plan) => adopted.push(plan.baselineDigest),
    failures: new FailureReport((error) => errors.push(error.message)),
    clock,
  })
  own.start()
  const delays = async (count: number): Promise<number[]> => {
    const before: number[] = []
    for (let i = 0; i < count; i++) {
      const from = clock.now()
      await clock.fireNext()
      before.push(clock.now() - from)
    }
    return before
  }
  return { own, clock, asked, adopted, errors, delays }
}

const between = (delay: number, least: number) => {
  expect(delay).toBeGreaterThanOrEqual(least)
  expect(delay).toBeLessThanOrEqual(least * 1.1)
}

describe('asking for a baseline', () => {
  it('never holds the process, backs off where nobody knows of any, and says nothing', async () => {
    const { clock, delays, errors } = adoption({ kind: 'none' })
    const [, ...rest] = await delays(7)
    for (const [i, expected] of [60_000, 120_000, 240_000, 300_000, 300_000, 300_000].entries())
      between(rest[i]!, expected)
    expect([clock.held, errors]).toEqual([0, []])
  })

  it('asks every half a minute while a collector learns, then rarely and with the tag', async () => {
    const { asked, adopted, delays } = adoption(
      { kind: 'learning' },
      { kind: 'learning' },
      found(smallBaseline()),
      { kind: 'unchanged' },
      found({ ...smallBaseline(), createdAt: '2026-02-02T00:00:00Z' }, '"b"'),
    )
    const [, second, third, fourth, fifth] = await delays(5)
    between(second!, pollMillis)
    between(third!, pollMillis)
    between(fourth!, slowestPollMillis)
    between(fifth!, slowestPollMillis)
    expect(asked.map(({ tag }) => tag)).toEqual([null, null, null, '"a"', '"a"'])
    expect(new Set(adopted).size).toBe(2)
  })

  it('takes the same baseline up once, also from a server without tags', async () => {
    const { adopted, delays } = adoption({ kind: 'found', text: JSON.stringify(smallBaseline()), tag: null })
    await delays(4)
    expect(adopted).toHaveLength(1)
  })

  it('reports what cannot be used, and goes on', async () => {
    const { own, adopted, errors, delays, clock } = adoption(
      { kind: 'found', text: '{', tag: null },
      found({ schema: 'other' }),
      found({ ...smallBaseline(), model: { name: 'wrong', version: '1' } }),
      { kind: 'too-large', limit: 7 },
      found(smallBaseline()),
    )
    await delays(5)
    expect(errors[0]).toContain('the answer is no JSON')
    expect(errors[2]).toBe("the collector's baseline can not be taken up: of another model")
    expect(errors[3]).toBe('the baseline is larger than 7 bytes')
    expect([errors.length, adopted.length]).toEqual([4, 1])
    own.stop()
    expect(clock.due).toEqual([])
  })
})
