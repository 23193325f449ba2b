import { describe, expect, it } from 'vitest'
import { repeat } from '../src/repeat.ts'
import { manualClock } from './support/manual-clock.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('repeat', () => {
  it('goes on after a run that failed, which once ended all later ones without a word', async () => {
    const clock = manualClock(0)
    const errors: unknown[] = []
    let runs = 0
    const repeated = repeat(
      clock,
      1000,
      async () => {
        runs++
        if (runs === 1) throw new Error('disk full')
      },
      (error) => errors.push(error),
    )
    for (let i = 0; i < 3; i++) {
      clock.advance(1000)
      await settled()
    }
    expect(runs).toBe(3)
    expect(errors).toEqual([new Error('disk full')])
    await repeated.stop()
    clock.advance(10_000)
    await settled()
    expect(runs).toBe(3)
  })

  it('never runs twice at once', async () => {
    const clock = manualClock(0)
    let under = 0
    let most = 0
    const release: (() => void)[] = []
    const task = async () => {
      most = Math.max(most, ++under)
      await new Promise<void>((resolve) => release.push(resolve))
      under--
    }
    const repeated = repeat(clock, 1000, task, () => undefined)
    clock.advance(1000)
    await settled()
    const asked = repeated.now()
    clock.advance(5000)
    await settled()
    expect(most).toBe(1)
    release.shift()!()
    await settled()
    release.shift()!()
    await asked
    await repeated.stop()
    expect(most).toBe(1)
  })
})
