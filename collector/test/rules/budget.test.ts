import { describe, expect, it } from 'vitest'
import { alarmThreshold, budgetInWords, maximumBudgetCount, parseBudget } from '../../src/rules/budget.ts'

const day = 86_400_000

describe('the false-alarm budget', () => {
  it('is a count per duration, name of a period, or count of those', () => {
    expect(parseBudget('1 per 30d')).toEqual({ count: 1, periodMs: 30 * day })
    expect(parseBudget('2 per week')).toEqual({ count: 2, periodMs: 7 * day })
    expect(parseBudget(' 3  per  2 weeks ')).toEqual({ count: 3, periodMs: 14 * day })
    expect(parseBudget('1 per Month')).toEqual({ count: 1, periodMs: 30 * day })
    expect(parseBudget('1 per 12h')).toEqual({ count: 1, periodMs: day / 2 })
    expect(parseBudget('1 per hour')?.periodMs).toBe(day / 24)
    expect(parseBudget('1 per year')?.periodMs).toBe(365 * day)
  })

  it('is nothing else', () => {
    for (const text of [
      '',
      '1',
      '1/30d',
      'one per week',
      '0 per week',
      '-1 per week',
      '0.5 per week',
      '1 per',
      '1 per fortnight',
      '1 per 0d',
      '1 per weeks',
      '1 per 3 5d',
      `${maximumBudgetCount + 1} per week`,
      '1 per constructor',
    ]) {
      expect(parseBudget(text)).toBeNull()
    }
  })

  it('gives the evidence that raises an alarm', () => {
    expect(alarmThreshold({ count: 1, periodMs: 30 * day }, day / 24)).toBe(720)
    expect(alarmThreshold({ count: 2, periodMs: 30 * day }, day / 24)).toBe(360)
    expect(alarmThreshold({ count: 1, periodMs: 30 * day }, 5000)).toBe(518_400)
  })

  it('is said in words', () => {
    expect(budgetInWords({ count: 1, periodMs: 30 * day })).toBe('once in 30 days')
    expect(budgetInWords({ count: 2, periodMs: 7 * day })).toBe('2 times in 7 days')
  })
})
