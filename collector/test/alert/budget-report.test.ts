import { describe, expect, it } from 'vitest'
import type { AlertRecord } from '../../src/alert/alert.ts'
import { budgetReport, type BudgetInput } from '../../src/alert/budget-report.ts'
import type { Verdict } from '../../src/alert/verdict.ts'
import { alert, explanation } from './sample-alert.ts'

const day = 86_400_000
const nowMs = 100 * day
const input = (fields: Partial<BudgetInput> = {}): BudgetInput => ({
  rules: {
    budget: { count: 1, periodMs: 30 * day },
    alarmThreshold: 720,
    window: { sizeMs: 3_600_000, everyMs: 3_600_000, graceMs: 0 },
  },
  nowMs,
  alerts: [],
  evidenceSteps: 240,
  watchedMs: 10 * day,
  evidence: { log10: 1, threshold: 720, atMs: nowMs },
  ...fields,
})
const fired = (firedAtMs: number | null, verdict: Verdict | null, fields: Partial<AlertRecord> = {}) => ({
  record: alert({ firedAtMs, ...fields }),
  verdict,
})

describe('budgetReport', () => {
  it('says where the evidence stands', () => {
    expect(budgetReport(input())).toEqual({
      budget: '1 per 30d',
      periodMs: 30 * day,
      fromMs: 70 * day,
      toMs: nowMs,
      alarmThreshold: 720,
      evidence: { log10: 1, shareOfThreshold: 10 / 720, atMs: nowMs },
      alarms: 0,
      trueAlarms: 0,
      falseAlarms: 0,
      unsure: 0,
      unjudged: 0,
      realisedFalseAlarmsPer30d: 0,
      allowedFalseAlarmsPer30d: 1,
      evidenceSteps: 240,
      watchedMs: 10 * day,
    })
  })

  it('counts alarms of the period by verdict, and projects the false ones on 30 days of watching', () => {
    const alerts = [
      fired(99 * day, 'false-alarm'),
      fired(98 * day, 'false-alarm'),
      fired(97 * day, 'true-alarm'),
      fired(96 * day, 'unsure'),
      fired(95 * day, null),
      fired(70 * day, 'false-alarm'),
      fired(null, null),
    ]
    expect(budgetReport(input({ alerts }))).toMatchObject({
      alarms: 5,
      trueAlarms: 1,
      falseAlarms: 2,
      unsure: 1,
      unjudged: 1,
      realisedFalseAlarmsPer30d: 6,
    })
  })

  it('takes the alerts of one slice for one alarm, true when one of them is', () => {
    const alerts = [
      fired(99 * day, 'false-alarm', { rule: 'inputs moved' }),
      fired(99 * day, 'true-alarm', { rule: 'predictions moved' }),
      fired(98 * day, null, { rule: 'inputs moved' }),
      fired(98 * day, 'false-alarm', { rule: 'predictions moved' }),
    ]
    expect(budgetReport(input({ alerts }))).toMatchObject({ alarms: 2, trueAlarms: 1, falseAlarms: 1, unjudged: 0 })
  })

  it('leaves out threshold rules, which spend nothing', () => {
    const alerts = [fired(99 * day, 'false-alarm', { explanation: explanation({ evidence: null }) })]
    expect(budgetReport(input({ alerts }))).toMatchObject({ alarms: 0, falseAlarms: 0 })
  })

  it('knows no rate before anything was watched', () => {
    const report = budgetReport(input({ evidenceSteps: 0, watchedMs: 0, evidence: null }))
    expect(report).toMatchObject({ realisedFalseAlarmsPer30d: null, evidence: null })
  })

  it('writes the budget in the unit it can be read in', () => {
    const budgetOf = (count: number, periodMs: number) =>
      budgetReport(input({ rules: { ...input().rules, budget: { count, periodMs } } })).budget
    expect(budgetOf(2, 7 * day)).toBe('2 per 7d')
    expect(budgetOf(1, 12 * 3_600_000)).toBe('1 per 12h')
    expect(budgetOf(1, 1500)).toBe('1 per 1500ms')
  })
})
