import type { BenchResult } from '../result.ts'
import { fastestRival } from './rivals.ts'
import { nameOfKind, namesOfDependence, namesOfStatistics } from './labels.ts'
import type { DependentFigure, DetectionFigure, FalseAlarmFigure, RealDataFigure, Simulated } from './simulate.ts'

const perBudget = 'of the budget'

/**
 * The figures against their goals.
 *
 * A rate and a median from so many repetitions have an error of their own: a rate's goal is held against the lower end of its 95 %
 * interval, a delay's against a lower limit of 99.9 % (there are fifty of them), so a goal is missed only when chance is no
 * excuse. The ratios to other rules are those of the medians.
 */
export function resultsOf({ falseAlarms, dependent, detection, realData }: Simulated): BenchResult[] {
  return [
    ...falseAlarmResults(falseAlarms),
    ...dependent.flatMap(dependentResults),
    ...detection.flatMap(delayResults),
    ...comparisonResults(detection),
    ...realData.flatMap(realDataResults),
  ]
}

function falseAlarmResults(figures: readonly FalseAlarmFigure[]): BenchResult[] {
  const groups = Map.groupBy(figures, ({ cell }) => `${nameOfKind(cell.kind)}, F=${cell.features}`)
  return [...groups].flatMap(([name, group]) => {
    const worst = group.toSorted((a, b) => b.estimate.lower - a.estimate.lower || b.estimate.rate - a.estimate.rate)[0]!
    const { baselineRows, windowRows } = worst.cell
    const where = `highest of ${group.length} cells (N=${baselineRows}, n=${windowRows})`
    return rateResults(`false alarms, ${name}: ${where}`, worst.estimate)
  })
}

function dependentResults({ cell, learned }: DependentFigure): BenchResult[] {
  const name = `${namesOfDependence[cell.dependence]}, n=${cell.windowRows}, ${cell.chunks / 24} days of baseline`
  return rateResults(`false alarms, ${name}`, learned)
}

function rateResults(name: string, { rate, lower }: { readonly rate: number; readonly lower: number }): BenchResult[] {
  return [
    { name, value: rate, unit: perBudget },
    { name: `${name}, lower 95 % limit`, value: lower, unit: perBudget, goal: '<= 1' },
  ]
}

function delayResults({ name, windowRows, ours, stated }: DetectionFigure): BenchResult[] {
  const label = `delay, n=${windowRows}, ${name}`
  const median = { name: `${label}: median`, value: ours.median, unit: 'windows' }
  if (stated === null) return [median]
  return [
    median,
    { name: `${label}: lower 99.9 % limit`, value: ours.cautiousLower, unit: 'windows', goal: `<= ${stated}` },
  ]
}

function comparisonResults(figures: readonly DetectionFigure[]): BenchResult[] {
  const each = figures.map((figure): BenchResult => {
    const { statistic, median, found } = fastestRival(figure, 'atOurRate', 'presets')
    const rival = `${namesOfStatistics[statistic]}${found ? '' : ', not within the horizon'}`
    return {
      name: `delay, n=${figure.windowRows}, ${figure.name}: ours to the fastest preset's (${rival})`,
      value: figure.ours.median / median,
      unit: 'times',
      // In one window of delay there is nothing to be shorter than: as fast is fast enough.
      goal: '<= 1',
    }
  })
  const notSlower = figures.filter(
    (figure) => figure.ours.median <= fastestRival(figure, 'atOurRate', 'all').median,
  ).length
  return [
    ...each,
    {
      name: 'changes and window sizes where no preset is faster at the same false-alarm rate',
      value: each.filter(({ value }) => value <= 1).length / each.length,
      unit: 'of all',
    },
    {
      name: 'the same, χ² test, z-test and Hellinger distance among the rivals',
      value: notSlower / figures.length,
      unit: 'of all',
    },
  ]
}

function realDataResults({ file, windowRows, outcome }: RealDataFigure): BenchResult[] {
  const label = `employment data, ${file}, windows of ${windowRows}`
  if (file === 'held-out') return [{ name: `${label}: alarms`, value: outcome.alarms, unit: 'alarms', goal: '<= 0' }]
  return [
    { name: `${label}: alarms`, value: outcome.alarms, unit: 'alarms' },
    { name: `${label}: rows until the first one`, value: (outcome.firstAlarm ?? 0) * windowRows, unit: 'rows' },
  ]
}
