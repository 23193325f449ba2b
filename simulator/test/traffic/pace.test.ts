import { describe, expect, it } from 'vitest'
import { Pace } from '../../src/traffic/pace.ts'
import { FakeClock } from '../fake-clock.ts'

function sendingAt(perSecond: number): { clock: FakeClock; pace: Pace; sends: number[] } {
  const clock = new FakeClock(1_000)
  const sends: number[] = []
  return { clock, sends, pace: new Pace({ perSecond, clock, send: () => sends.push(clock.now()) }) }
}

describe('Pace', () => {
  it('sends at even distances', () => {
    const { clock, pace, sends } = sendingAt(100)
    pace.start()
    clock.turn(995)
    expect(sends).toHaveLength(100)
    expect(sends.slice(0, 4)).toEqual([1_000, 1_010, 1_020, 1_030])
  })

  it('keeps the rate over time when timers are late', () => {
    const clock = new FakeClock()
    let sends = 0
    const late = {
      now: () => clock.now(),
      after: (ms: number, run: () => void) => clock.after(Math.ceil(ms) + 1.3, run),
    }
    const pace = new Pace({ perSecond: 100, clock: late, send: () => sends++ })
    pace.start()
    clock.turn(60_000)
    expect(sends).toBeGreaterThanOrEqual(5_999)
    expect(sends).toBeLessThanOrEqual(6_001)
    expect(pace.skipped).toBe(0)
  })

  it('makes up a short stall without a burst', () => {
    const { clock, pace, sends } = sendingAt(100)
    pace.start()
    clock.turn(1_000)
    clock.stall(200)
    clock.turn(1_000)
    const distances = sends.slice(1).map((at, i) => at - sends[i]!)
    expect(Math.min(...distances)).toBeGreaterThanOrEqual(5)
    expect(sends.length).toBeGreaterThanOrEqual(219)
    expect(pace.skipped).toBe(0)
  })

  it('gives up the slots of a long stall and counts them', () => {
    const { clock, pace, sends } = sendingAt(100)
    pace.start()
    clock.turn(1_000)
    clock.stall(10_000)
    clock.turn(1_000)
    expect(pace.skipped).toBeGreaterThanOrEqual(990)
    expect(pace.skipped).toBeLessThanOrEqual(1_001)
    expect(sends.length).toBeLessThanOrEqual(203)
  })

  it('stops, even from within a send', () => {
    const clock = new FakeClock()
    let sends = 0
    const pace: Pace = new Pace({
      perSecond: 10,
      clock,
      send: () => {
        if (++sends === 3) pace.stop()
      },
    })
    pace.start()
    clock.turn(5_000)
    expect(sends).toBe(3)
  })

  it('refuses a rate that is not positive', () => {
    const clock = new FakeClock()
    for (const perSecond of [0, -1, Number.NaN])
      expect(() => new Pace({ perSecond, clock, send() {} })).toThrow(RangeError)
  })
})
