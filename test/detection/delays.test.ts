import { describe, expect, it } from 'vitest'
import { caseGroups, horizons } from '../../bench/detection/cases.ts'
import { mergeDelays, simulateDelays, type DelayTask } from '../../bench/detection/delays.ts'
import { simulateDependentData } from '../../bench/detection/dependent-data.ts'
import { estimateDelay, estimateRate } from '../../bench/detection/estimates.ts'
import { simulateFalseAlarms } from '../../bench/detection/false-alarms.ts'
import { mergeNulls, simulateNull, thresholdAt } from '../../bench/detection/null-distribution.ts'
import { fixedRules, statisticsOf } from '../../bench/detection/rules.ts'

const groupNamed = (name: string): number => caseGroups.findIndex((group) => group.name === name)

describe('delays', () => {
  const task: DelayTask = {
    task: 'delays',
    seed: 'test',
    group: groupNamed('missing from 0 %'),
    rivals: {
      1000: [
        { statistic: 'rate', threshold: -1 },
        { statistic: 'rate', threshold: 2 },
        { statistic: 'rate', threshold: null },
      ],
    },
    from: 0,
    to: 4,
  }

  it('count windows from 1; what is never reached, or not judged, is one more than the horizon', () => {
    const [small, large] = simulateDelays(task)[1000]!
    for (const { rivals } of [small!, large!]) {
      expect(rivals[0]).toEqual([1, 1, 1, 1])
      expect(rivals[1]).toEqual(Array.from({ length: 4 }, () => horizons[1000]! + 1))
      expect(rivals[2]).toEqual(rivals[1])
    }
    // 5 % missing of 1000 rows, where there were none, is plain in one window; 1 % takes a few at most.
    expect(large!.ours).toEqual([1, 1, 1, 1])
    expect(small!.ours.every((delay) => delay >= 1 && delay <= 5)).toBe(true)
  })

  it('are the same however the repetitions are divided', () => {
    const parts = [
      { from: 0, to: 1 },
      { from: 1, to: 4 },
    ].map((range) => simulateDelays({ ...task, ...range }))
    expect(mergeDelays(parts)).toEqual(simulateDelays(task))
  })
})

describe('windows without a change', () => {
  const group = groupNamed('10 categories')
  const range = { task: 'null', seed: 'test', group, windowRows: 200, windowsPerBaseline: 500 } as const

  it('give thresholds that are reached as often as asked', () => {
    const outcome = mergeNulls([
      simulateNull({ ...range, from: 0, to: 20 }),
      simulateNull({ ...range, from: 20, to: 40 }),
    ])
    expect(outcome.windows).toBe(20_000)
    statisticsOf.categorical.forEach((statistic, i) => {
      const threshold = thresholdAt(outcome, i, 0.005)!
      const reaching = outcome.largest[i]!.filter((value) => value >= threshold).length
      // Of tied values none reaches it: the chi-square of whylogs is the largest there is whenever a new category comes.
      expect(reaching, statistic).toBeLessThanOrEqual(100)
      if (statistic !== 'whylogs-chi-square') expect(reaching, statistic).toBeGreaterThanOrEqual(95)
    })
    // A p-value below 0.05 is about as frequent as it says.
    const at = fixedRules('categorical', 30).findIndex(({ name }) => name === 'χ² p < 0.05')
    expect(outcome.alarms[at]! / outcome.windows).toBeGreaterThan(0.035)
    expect(outcome.alarms[at]! / outcome.windows).toBeLessThan(0.065)
    expect(() => thresholdAt(outcome, 0, 0.5)).toThrow(RangeError)
  })
})

describe('false alarms', () => {
  it('stay within the budget where the baseline is much larger than the windows', () => {
    const { alarms } = simulateFalseAlarms({
      task: 'false-alarms',
      seed: 'test',
      kind: 'continuous',
      features: 2,
      baselineRows: 10_000,
      windowRows: 100,
      from: 0,
      to: 5,
    })
    expect(alarms).toHaveLength(5)
    expect(estimateRate(alarms, 2).lower).toBeLessThan(1)
    expect(alarms.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(3)
  })

  it('of a daily cycle come when its dispersion is not learned', () => {
    const { learned, notLearned, delays } = simulateDependentData({
      task: 'dependent',
      seed: 'test',
      dependence: 'sine-0.5',
      windowRows: 100,
      chunks: 48,
      from: 0,
      to: 1,
    })
    expect(learned).toEqual([0])
    expect(notLearned[0]).toBeGreaterThan(3)
    expect(delays['1']![0]).toBeLessThan(100)
  })
})

describe('estimates', () => {
  it('of a rate without alarms have Poisson upper limits', () => {
    const { rate, lower, upper } = estimateRate([0, 0, 0, 0, 0], 2)
    expect([rate, lower]).toEqual([0, 0])
    expect(upper).toBeCloseTo(3.6889 / 10, 4)
  })

  it('of a rate that one model alone causes can not exclude that the others are fine', () => {
    const clustered = estimateRate([40, ...Array.from({ length: 19 }, () => 0)], 2)
    expect(clustered).toMatchObject({ rate: 1, lower: 0, alarms: 40, models: 20, modelsWithAlarm: 1 })
    const even = estimateRate(
      Array.from({ length: 20 }, () => 4),
      2,
    )
    expect(even.rate).toBe(2)
    expect(even.lower).toBeGreaterThan(1.5)
    expect(even.upper).toBeLessThan(2.5)
  })

  it('of a delay are order statistics', () => {
    const delays = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect(estimateDelay(delays)).toEqual({ median: 50.5, lower: 40, upper: 61, cautiousLower: 34, withinDay: 0.24 })
    expect(estimateDelay([7])).toMatchObject({ median: 7, lower: 7, upper: 7 })
  })
})
