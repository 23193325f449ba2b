import { describe, expect, it } from 'vitest'
import { horizons, windowSizes } from '../../bench/detection/cases.ts'
import { documentOf } from '../../bench/detection/document.ts'
import { estimateDelay, estimateRate, type DelayEstimate } from '../../bench/detection/estimates.ts'
import { plans } from '../../bench/detection/plan.ts'
import { plotDelays } from '../../bench/detection/plot.ts'
import { resultsOf } from '../../bench/detection/results.ts'
import { fastestRival } from '../../bench/detection/rivals.ts'
import { fixedRules, statisticsOf, type StatisticName, type WindowKind } from '../../bench/detection/rules.ts'
import type { DetectionFigure, Simulated } from '../../bench/detection/simulate.ts'
import { reaches } from '../../bench/result.ts'

const always = (delay: number): DelayEstimate => estimateDelay(Array.from({ length: 30 }, () => delay))

function figure(
  kind: WindowKind,
  name: string,
  windowRows: number,
  ours: number,
  rivals: Partial<Record<StatisticName, number>>,
): DetectionFigure {
  return {
    name,
    kind,
    windowRows,
    stated: 8,
    matchedRate: 0.2,
    ours: always(ours),
    calibrated: statisticsOf[kind].map((statistic) => {
      const delay = statistic === 'pull' ? null : always(rivals[statistic] ?? horizons[windowRows]! + 1)
      return { statistic, atOurRate: delay, atBudget: delay }
    }),
    fixed: fixedRules(kind, 30).map(({ name }) => ({ name, delay: always(2), falseAlarms: 460 })),
  }
}

const simulated: Simulated = {
  falseAlarms: [
    [0, 0, 1, 0],
    [4, 5, 4, 4],
  ].map((alarms, i) => ({
    cell: { kind: 'continuous', features: 5, baselineRows: 1000, windowRows: [50, 5000][i]!, models: 4 },
    alarmsPerModel: alarms,
    renewals: 3,
    estimate: estimateRate(alarms, 2),
  })),
  dependent: [
    {
      cell: { dependence: 'sine-0.2', windowRows: 100, chunks: 48, models: 2 },
      learned: estimateRate([0, 0], 2),
      notLearned: estimateRate([90, 110], 2),
      delays: { '0.6': always(6), '1': always(201) },
    },
  ],
  detection: [
    ...windowSizes.map((size) => figure('numeric', 'mean +0.1 sd', size, 8, { 'chi-square': 5, wasserstein: 16 })),
    ...windowSizes.map((size) => figure('categorical', '50 categories, one 10 → 15 %', size, 9, { psi: 3 })),
    ...windowSizes.map((size) => figure('missing', 'missing 0 → 1 %', size, 2, { rate: 2 })),
  ],
  realData: [
    {
      task: 'real-data',
      file: 'held-out',
      windowRows: 500,
      outcome: { windows: 30, alarms: 0, firstAlarm: null, features: [], windowsWithSmallP: 4 },
    },
    {
      task: 'real-data',
      file: 'later-years',
      windowRows: 500,
      outcome: { windows: 60, alarms: 2, firstAlarm: 38, features: ['ANC'], windowsWithSmallP: 40 },
    },
  ],
}

describe('the fastest rival', () => {
  it('may be a test of no preset only when it is asked for', () => {
    const [first] = simulated.detection
    expect(fastestRival(first!, 'atOurRate', 'all')).toEqual({ statistic: 'chi-square', median: 5, found: true })
    expect(fastestRival(first!, 'atOurRate', 'presets')).toEqual({ statistic: 'wasserstein', median: 16, found: true })
  })
})

describe('results', () => {
  const results = resultsOf(simulated)
  const reached = (part: string): boolean[] =>
    results
      .filter(({ name, goal }) => name.includes(part) && goal !== undefined)
      .map(({ value, goal }) => reaches(value, goal!))

  it('miss the budget only when chance is no excuse', () => {
    // 17 alarms of four models in two periods each: above 1 whatever the interval.
    expect(reached('false alarms, numbers, F=5')).toEqual([false])
    const even = resultsOf({ ...simulated, falseAlarms: simulated.falseAlarms.slice(0, 1) })
    expect(even.find(({ name, goal }) => name.includes('F=5') && goal !== undefined)!.value).toBe(0)
  })

  it('hold delays against the stated ones and against presets', () => {
    expect(reached('n=50, mean +0.1 sd')).toEqual([true, true])
    expect(reached('n=50, 50 categories')).toEqual([false, false])
    expect(reached('n=50, missing')).toEqual([true, true])
    expect(results.find(({ name }) => name.startsWith('changes and window sizes'))!.value).toBeCloseTo(2 / 3, 12)
    expect(results.find(({ name }) => name.startsWith('the same,'))!.value).toBeCloseTo(1 / 3, 12)
  })

  it('say what the real data gave', () => {
    expect(reached('held-out')).toEqual([true])
    expect(results.find(({ name }) => name.includes('rows until'))!.value).toBe(19_000)
  })
})

describe('documents', () => {
  const text = documentOf(simulated, {
    plan: plans.default,
    seed: 'a seed',
    date: '2026-01-31',
    version: '1.2.3',
    machine: 'a machine',
  })

  it('state how they were made and list every exception', () => {
    expect(text).toContain('Seed `a seed`, 2026-01-31, Driftline 1.2.3, a machine')
    expect(text).toContain('In 8 of 12 rows the fastest of the other rules')
    expect(text).toContain('| 50 | mean +0.1 sd | 8 | 5 | χ² test |')
    expect(text).toContain('renewed 6 times')
    expect(text).toContain('0.13 (1/4)')
    expect(text).toContain('>200')
  })

  it('have tables whose rows are as long as their heads', () => {
    const tables = text.split('\n\n').filter((part) => part.startsWith('| '))
    expect(tables.length).toBeGreaterThan(10)
    for (const table of tables) {
      const widths = table
        .trim()
        .split('\n')
        .map((line) => line.split('|').length)
      expect(new Set(widths).size, table.slice(0, 80)).toBe(1)
    }
  })

  it('have a plot with a mark per delay, hollow where nothing was found', () => {
    const svg = plotDelays(simulated.detection, 'n < 5 & more')
    expect(svg).toContain('n &lt; 5 &amp; more')
    // Two panels have data: six lines and, of categories, four, each of four sizes; and one mark in the legend.
    expect(svg.match(/<polyline /g)).toHaveLength(6 + 4)
    expect(svg.match(/<circle /g)).toHaveLength((6 + 4) * 4 + 1)
    expect(svg.match(/fill="#ffffff" stroke/g)).toHaveLength((3 + 2) * 4 + 1)
    expect(svg).not.toContain('NaN')
  })
})
