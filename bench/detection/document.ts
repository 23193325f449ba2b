import { horizons, modelBaselineRows, modelFeatures, windowSizes } from './cases.ts'
import { dependentHorizon } from './dependent-data.ts'
import type { DelayEstimate, RateEstimate } from './estimates.ts'
import { budgetSteps } from './features.ts'
import { nameOfKind, namesOfDependence, namesOfStatistics } from './labels.ts'
import type { Plan } from './plan.ts'
import { fastestRival } from './rivals.ts'
import { fixedRules, statisticsOf, type StatisticName } from './rules.ts'
import type { DetectionFigure, FalseAlarmFigure, Simulated } from './simulate.ts'

export interface RunDescription {
  readonly plan: Plan
  readonly seed: string
  /** ISO date, without the time. */
  readonly date: string
  readonly version: string
  readonly machine: string
}

/** docs/detection.md: what was simulated, and every figure of it. */
export function documentOf(simulated: Simulated, run: RunDescription): string {
  const { plan, seed, date, version, machine } = run
  return `${[
    '# Detection: false alarms and delay, measured',
    `Written by \`npm run bench -- detection ${plan.name === 'default' ? '' : `--${plan.name} `}--write-docs\`; do not edit. Seed \`${seed}\`, ${date}, Driftline ${version}, ${machine}.`,
    setUp(run),
    '![Windows until a change is found, by rows of a window](detection.svg)',
    '## False alarms',
    falseAlarmText(simulated),
    ...falseAlarmTables(simulated.falseAlarms),
    '## Dependent data',
    dependentText,
    dependentTable(simulated),
    '## Delay, with the best possible thresholds for everybody',
    calibratedText(simulated.detection, plan),
    ...(['numeric', 'categorical', 'missing'] as const).map((kind) => calibratedTable(simulated.detection, kind)),
    '### Where another rule is faster',
    exceptions(simulated.detection),
    '## Rules as they are',
    fixedText,
    ...(['numeric', 'categorical', 'missing'] as const).flatMap((kind) => [
      fixedFalseAlarms(simulated.detection, kind),
      fixedDelays(simulated.detection, kind),
    ]),
    '## Power',
    `Share of the repetitions in which the change was found within 24 windows, a day of hourly ones; the other rules with the best possible threshold at the whole budget, the best of them in each cell.`,
    powerTable(simulated.detection),
    '## Real data',
    realDataText,
    realDataTable(simulated),
  ].join('\n\n')}\n`
}

const setUp = ({
  plan,
}: RunDescription): string => `Everything here comes from the collector's own detector (\`collector/src/evaluate/evidence\`) with its defaults and a budget of one false alarm
per ${budgetSteps} windows (30 days of hourly windows). Numbers are drawn from the normal distribution, which stands for every continuous one: the
detector sees only ranks. Baselines are drawn anew for every feature, 1 % of the rows are missing unless that is what changes. Windows are drawn as cell
counts (multinomial), which is exact; data with dependent rows has its baseline drawn row by row. N: rows of the baseline; n: rows of a window; F: features.
Detection delays rest on ${plan.repetitions} repetitions. Medians have a 95 % interval from order statistics. The numbers that STATISTICS.md states come from other
seeds and have an error of the same size.`

function falseAlarmText({ falseAlarms }: Simulated): string {
  const above = falseAlarms.filter(({ estimate }) => estimate.rate > 1)
  const proven = falseAlarms.filter(({ estimate }) => estimate.lower > 1)
  const renewals = falseAlarms.reduce((sum, figure) => sum + figure.renewals, 0)
  return `Alarms (incidents opened) per ${budgetSteps} windows while nothing changes, over ${2 * budgetSteps} windows per model: the budget is 1. In brackets models with
any alarm / models. While an incident is open its monitor raises no second alarm; it was renewed ${renewals} times in all cells together. STATISTICS.md counts those as
alarms too, so an unlucky baseline weighs more there. Alarms of one model depend on each other: they come from the same draw of its baseline. The 95 % interval is the
wider one of Poisson's and of the spread between models; 0 alarms in m models only show a rate below 3.7 / 2m. Of ${falseAlarms.length} cells ${above.length} have a rate above 1, and
${proven.length} a lower limit above 1.`
}

function falseAlarmTables(figures: readonly FalseAlarmFigure[]): string[] {
  const groups = Map.groupBy(figures, ({ cell }) => `${nameOfKind(cell.kind)}, F = ${cell.features}`)
  return [...groups].map(([name, group]) => {
    const sizes = [...new Set(group.map(({ cell }) => cell.windowRows))]
    const rows = [...Map.groupBy(group, ({ cell }) => cell.baselineRows)]
    return `**${capital(name)}**\n\n${table(
      ['N', ...sizes.map((size) => `n = ${size}`)],
      rows.map(([baselineRows, own]) => [
        String(baselineRows),
        ...sizes.map((size) => {
          const figure = own.find(({ cell }) => cell.windowRows === size)
          return figure === undefined ? '' : rateCell(figure.estimate)
        }),
      ]),
    )}`
  })
}

const dependentText = `Five features, ${2 * budgetSteps} windows per model; the dispersion is learned from the time-ordered chunks of the baseline (hours; 48 are two days, 168 a week, 672 four
weeks), or not. Where an incident is open nearly all the time, its one alarm is counted, so a rate not learned looks lower than it feels. Delay: median windows until an added shift of 0.6 and 1 sd of one feature is found, dispersion learned, up to ${dependentHorizon}. A baseline cannot
show variation that it has not lived through: with two days of it, a wandering mean is not held.`

function dependentTable({ dependent }: Simulated): string {
  return table(
    ['data', 'n', 'chunks', 'rate, learned', '95 % interval', 'rate, not learned', 'delay, 0.6 sd', 'delay, 1 sd'],
    dependent.map(({ cell, learned, notLearned, delays }) => [
      namesOfDependence[cell.dependence],
      String(cell.windowRows),
      String(cell.chunks),
      rateCell(learned),
      `${number(learned.lower)} to ${number(learned.upper)}`,
      number(notLearned.rate),
      delayCell(delays['0.6']!, dependentHorizon),
      delayCell(delays['1']!, dependentHorizon),
    ]),
  )
}

function calibratedText(figures: readonly DetectionFigure[], plan: Plan): string {
  const rate = (kind: DetectionFigure['kind']): string =>
    number(figures.find((figure) => figure.kind === kind)!.matchedRate)
  return `One of ${modelFeatures} features changes after 30 windows (N = ${modelBaselineRows}): median windows until it is found. Every other rule gets the best threshold there is at a
false-alarm rate, the quantile of its statistic in windows without a change (${plan.nullWindows.numbers} of numbers, ${plan.nullWindows.others} of the others, baselines drawn anew every 1000): a
threshold that no user could know. First number: at our own realised rate, or as near to it as so many windows tell; the other rules are then allowed ${rate('numeric')} (numbers) and
${rate('categorical')} (categories, missing values) false alarms per budget period, which is still more than we have. Second: at the whole budget of 1. "stated": STATISTICS.md. ">": not within the
horizon of ${windowSizes.map((size) => `${horizons[size]} (n = ${size})`).join(', ')} windows. "-": the rule does not judge such windows. Presets that look at the same statistic are the same rule here.`
}

function calibratedTable(figures: readonly DetectionFigure[], kind: DetectionFigure['kind']): string {
  const own = figures.filter((figure) => figure.kind === kind)
  const shown = statisticsOf[kind].filter((statistic) => !(kind === 'numeric' && statistic === 'ks-distance'))
  const header = (statistic: StatisticName): string =>
    statistic === 'ks' && kind === 'numeric' ? 'KS (sagemaker, deepchecks, whylogs)' : namesOfStatistics[statistic]
  return table(
    ['n', 'change', '**Driftline**', '95 %', 'stated', ...shown.map(header)],
    own.map((figure) => {
      const horizon = horizons[figure.windowRows]!
      return [
        String(figure.windowRows),
        figure.name,
        `**${delayCell(figure.ours, horizon)}**`,
        `${figure.ours.lower}-${figure.ours.upper > horizon ? '' : figure.ours.upper}`,
        figure.stated === null ? '' : String(figure.stated),
        ...shown.map((statistic) => {
          const delay = figure.calibrated.find((one) => one.statistic === statistic)!
          const [matched, budget] = [delay.atOurRate, delay.atBudget].map((one) =>
            one === null ? '-' : delayCell(one, horizon),
          )
          return matched === budget ? matched! : `${matched} / ${budget}`
        }),
      ]
    }),
  )
}

function exceptions(figures: readonly DetectionFigure[]): string {
  const lost = figures.flatMap((figure) => {
    const rival = fastestRival(figure, 'atOurRate', 'all')
    const loses = rival.median < figure.ours.median
    return loses
      ? [
          [
            String(figure.windowRows),
            figure.name,
            number(figure.ours.median),
            number(rival.median),
            namesOfStatistics[rival.statistic],
          ],
        ]
      : []
  })
  if (lost.length === 0) return 'Nowhere.'
  const even = figures.filter((figure) => fastestRival(figure, 'atOurRate', 'all').median === figure.ours.median).length
  return `In ${lost.length} of ${figures.length} rows the fastest of the other rules, with its best possible threshold at our rate, is faster; in ${even} it is as fast (mostly one window, where nothing can be
faster). A threshold on one window wins where a change is large enough to be plain in one window, and it need not allow for a baseline that is used again and again.

${table(['n', 'change', 'Driftline', 'fastest other', 'which'], lost)}`
}

const fixedText = `What the rules do with the thresholds they come with, on a baseline of ${modelBaselineRows} rows. False alarms: alarms of ${modelFeatures} features per ${budgetSteps} windows when nothing changes. Delays below say
nothing without them. \`evidently-default\` is its rule per column (its data set rule asks for half of all columns). nannyml and popmon have chunks of the window's size, their best case.
A rule \`p < 0.05 / F\` is Bonferroni over the features of a window, \`p < 1 / (720 F)\` over all windows of the budget period too.`

function fixedFalseAlarms(figures: readonly DetectionFigure[], kind: DetectionFigure['kind']): string {
  const groups = new Map<string, DetectionFigure[]>()
  for (const figure of figures.filter((one) => one.kind === kind)) {
    // Changes of one group share their windows without a change; the name up to the comma tells categories apart.
    const key = kind === 'numeric' ? 'numbers' : figure.name.replace(/,.*| →.*/, '')
    groups.set(key, [...(groups.get(key) ?? []), figure])
  }
  const rules = fixedRules(kind, modelFeatures)
  return `**False alarms per ${budgetSteps} windows**\n\n${table(
    ['n', 'data', ...rules.map(({ name }) => name)],
    [...groups].flatMap(([key, own]) =>
      windowSizes.map((size) => {
        const figure = own.find(({ windowRows }) => windowRows === size)!
        return [String(size), key, ...figure.fixed.map(({ falseAlarms }) => number(falseAlarms))]
      }),
    ),
  )}`
}

function fixedDelays(figures: readonly DetectionFigure[], kind: DetectionFigure['kind']): string {
  const rules = fixedRules(kind, modelFeatures)
  return `**Delay with these thresholds**\n\n${table(
    ['n', 'change', '**Driftline**', ...rules.map(({ name }) => name)],
    figures
      .filter((figure) => figure.kind === kind)
      .map((figure) => {
        const horizon = horizons[figure.windowRows]!
        return [
          String(figure.windowRows),
          figure.name,
          `**${delayCell(figure.ours, horizon)}**`,
          ...figure.fixed.map(({ delay }) => delayCell(delay, horizon)),
        ]
      }),
  )}`
}

function powerTable(figures: readonly DetectionFigure[]): string {
  const share = (value: number): string => value.toFixed(2)
  return table(
    ['change', ...windowSizes.map((size) => `n = ${size}: Driftline, best other`)],
    [...Map.groupBy(figures, ({ name }) => name)].map(([name, own]) => [
      name,
      ...windowSizes.map((size) => {
        const figure = own.find(({ windowRows }) => windowRows === size)!
        const best = Math.max(...figure.calibrated.map(({ atBudget }) => atBudget?.withinDay ?? 0))
        return `${share(figure.ours.withinDay)}, ${share(best)}`
      }),
    ]),
  )
}

const realDataText = `The employment data of \`examples/employment\` through \`driftline backtest\`, rows in the order of the file, default rules, features only. \`held-out\` is of the baseline's year (undisturbed): an alarm
would be a false one. \`later-years\` holds 10,000 rows each of 2016, 2017 and 2018; what really changed is in the data's README. Windows with p < 0.05: any feature's Bonferroni p-value over its tests.`

function realDataTable({ realData }: Simulated): string {
  return table(
    ['file', 'n', 'windows', 'alarms', 'first alarm, window', 'after rows', 'of', 'windows with any p < 0.05'],
    realData.map(({ file, windowRows, outcome }) => [
      file,
      String(windowRows),
      String(outcome.windows),
      String(outcome.alarms),
      outcome.firstAlarm === null ? 'none' : String(outcome.firstAlarm),
      outcome.firstAlarm === null ? '' : String(outcome.firstAlarm * windowRows),
      outcome.features.join(', '),
      String(outcome.windowsWithSmallP),
    ]),
  )
}

function rateCell({ rate, modelsWithAlarm, models }: RateEstimate): string {
  return `${number(rate)} (${modelsWithAlarm}/${models})`
}

function delayCell({ median }: DelayEstimate, horizon: number): string {
  return median > horizon ? `>${horizon}` : number(median)
}

function number(value: number): string {
  if (value >= 100) return String(Math.round(value * 2) / 2)
  return String(Number(value.toPrecision(value >= 10 ? 3 : 2)))
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}
