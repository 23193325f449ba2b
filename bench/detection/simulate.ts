import { caseGroups, modelBaselineRows, modelFeatures, windowSizes } from './cases.ts'
import { mergeDelays, type CaseDelays, type DelayTask, type RivalRule } from './delays.ts'
import type { DependentOutcome, DependentTask } from './dependent-data.ts'
import { estimateDelay, estimateRate, type DelayEstimate, type RateEstimate } from './estimates.ts'
import { periodsPerModel, type FalseAlarmTask } from './false-alarms.ts'
import { budgetSteps } from './features.ts'
import { mergeNulls, thresholdAt, type NullOutcome, type NullTask } from './null-distribution.ts'
import type { DependentCell, FalseAlarmCell, Plan } from './plan.ts'
import type { RealDataOutcome, RealDataTask } from './real-data.ts'
import { fixedRules, statisticsOf, type StatisticName } from './rules.ts'
import type { WorkerPool } from './worker-pool.ts'

export interface Simulated {
  readonly falseAlarms: readonly FalseAlarmFigure[]
  readonly dependent: readonly DependentFigure[]
  readonly detection: readonly DetectionFigure[]
  readonly realData: readonly RealDataFigure[]
}

export interface FalseAlarmFigure {
  readonly cell: FalseAlarmCell
  readonly estimate: RateEstimate
  readonly alarmsPerModel: readonly number[]
  /** Windows in which a monitor that was in an incident reached the threshold again. */
  readonly renewals: number
}

export interface DependentFigure {
  readonly cell: DependentCell
  readonly learned: RateEstimate
  readonly notLearned: RateEstimate
  readonly delays: Readonly<Record<string, DelayEstimate>>
}

export interface DetectionFigure {
  readonly name: string
  readonly kind: 'numeric' | 'categorical' | 'missing'
  readonly windowRows: number
  /** The delay that STATISTICS.md states, in windows. */
  readonly stated: number | null
  readonly ours: DelayEstimate
  /** The best possible thresholds: delays per statistic at our realised false-alarm rate, and at the whole budget. */
  readonly calibrated: readonly CalibratedFigure[]
  /** False alarms per budget period that `atOurRate` allows: ours, or what the windows without a change resolve. */
  readonly matchedRate: number
  /** Rules as they are: their delay, and their alarms per budget period of the model when nothing changes. */
  readonly fixed: readonly FixedFigure[]
}

/** Null where the rule refuses to judge such windows. */
export interface CalibratedFigure {
  readonly statistic: StatisticName
  readonly atOurRate: DelayEstimate | null
  readonly atBudget: DelayEstimate | null
}

export interface FixedFigure {
  readonly name: string
  readonly delay: DelayEstimate
  readonly falseAlarms: number
}

export interface RealDataFigure extends RealDataTask {
  readonly outcome: RealDataOutcome
}

/** Baselines are redrawn this often while thresholds are looked for. */
const windowsPerBaseline = 1000

/** Runs the whole plan on the workers. */
export async function simulate(plan: Plan, seed: string, pool: WorkerPool): Promise<Simulated> {
  const alarms = await falseAlarms(plan, seed, pool)
  return {
    falseAlarms: alarms,
    detection: await detection(plan, seed, pool, ourRate(alarms)),
    dependent: await dependent(plan, seed, pool),
    realData: await realData(pool),
  }
}

/** Values that must exceed a threshold for it to be known well enough. */
const fewestExceeding = 8

/**
 * The upper 95 % limit of what our detector really does on models like those of the delays (30 features, 10,000 baseline
 * rows), over all window sizes: at most this does a rival have to meet.
 */
function ourRate(figures: readonly FalseAlarmFigure[]): number {
  const same = figures.filter(
    ({ cell }) =>
      cell.features === modelFeatures && cell.baselineRows === modelBaselineRows && cell.kind === 'continuous',
  )
  return estimateRate(
    same.flatMap(({ alarmsPerModel }) => alarmsPerModel),
    periodsPerModel,
  ).upper
}

async function falseAlarms(plan: Plan, seed: string, pool: WorkerPool): Promise<FalseAlarmFigure[]> {
  const perTask = (cell: FalseAlarmCell): number => Math.max(1, Math.floor(60 / cell.features))
  const parts = plan.falseAlarms.map((cell) => ({
    cell,
    tasks: rangesOf(cell.models, perTask(cell)).map(({ from, to }): FalseAlarmTask => ({
      task: 'false-alarms',
      seed,
      ...cell,
      from,
      to,
    })),
  }))
  const outcomes = await pool.run(parts.flatMap(({ tasks }) => tasks))
  let at = 0
  return parts.map(({ cell, tasks }) => {
    const own = outcomes.slice(at, (at += tasks.length))
    const alarmsPerModel = own.flatMap(({ alarms }) => alarms)
    const renewals = own.reduce((sum, one) => sum + one.renewals, 0)
    return { cell, alarmsPerModel, renewals, estimate: estimateRate(alarmsPerModel, periodsPerModel) }
  })
}

async function dependent(plan: Plan, seed: string, pool: WorkerPool): Promise<DependentFigure[]> {
  const tasks = plan.dependent.flatMap((cell) =>
    rangesOf(cell.models, 1).map(({ from, to }): DependentTask => ({ task: 'dependent', seed, ...cell, from, to })),
  )
  const outcomes = await pool.run(tasks)
  let at = 0
  return plan.dependent.map((cell) => {
    const own: DependentOutcome[] = outcomes.slice(at, (at += cell.models))
    return {
      cell,
      learned: estimateRate(
        own.flatMap(({ learned }) => learned),
        2,
      ),
      notLearned: estimateRate(
        own.flatMap(({ notLearned }) => notLearned),
        2,
      ),
      delays: Object.fromEntries(
        Object.keys(own[0]!.delays).map((shift) => [shift, estimateDelay(own.flatMap((one) => one.delays[shift]!))]),
      ),
    }
  })
}

async function detection(plan: Plan, seed: string, pool: WorkerPool, rate: number): Promise<DetectionFigure[]> {
  const nulls = await nullDistributions(plan, seed, pool)
  const perTask = Math.max(1, Math.floor(plan.repetitions / 8))
  const tasks = caseGroups.flatMap((_, group) => {
    const rivals = Object.fromEntries(
      windowSizes.map((rows) => [rows, rivalsOf(group, nulls.get(keyOf(group, rows))!, rate)]),
    )
    return rangesOf(plan.repetitions, perTask).map(({ from, to }): DelayTask => ({
      task: 'delays',
      seed,
      group,
      rivals,
      from,
      to,
    }))
  })
  const outcomes = await pool.run(tasks)
  return caseGroups.flatMap(({ cases }, group) => {
    const merged = mergeDelays(outcomes.filter((_, i) => tasks[i]!.group === group))
    return cases.flatMap((change, at) =>
      windowSizes.map((windowRows): DetectionFigure => {
        const withoutChange = nulls.get(keyOf(group, windowRows))!
        const rivals = rivalsOf(group, withoutChange, rate)
        return {
          name: change.name,
          kind: change.kind,
          windowRows,
          stated: change.stated[windowRows] ?? null,
          matchedRate: matchedRate(withoutChange, rate),
          ...figuresOf(change.kind, rivals, merged[windowRows]![at]!, withoutChange),
        }
      }),
    )
  })
}

function figuresOf(
  kind: DetectionFigure['kind'],
  rivals: readonly RivalRule[],
  { ours, rivals: delays }: CaseDelays,
  { alarms, windows }: NullOutcome,
): Pick<DetectionFigure, 'ours' | 'calibrated' | 'fixed'> {
  const statistics = statisticsOf[kind]
  const delay = (at: number): DelayEstimate | null =>
    rivals[at]!.threshold === null ? null : estimateDelay(delays[at]!)
  return {
    ours: estimateDelay(ours),
    calibrated: statistics.map((statistic, i) => ({
      statistic,
      atOurRate: delay(i),
      atBudget: delay(statistics.length + i),
    })),
    fixed: fixedRules(kind, modelFeatures).map(({ name }, i) => ({
      name,
      delay: estimateDelay(delays[2 * statistics.length + i]!),
      falseAlarms: (alarms[i]! / windows) * budgetSteps * modelFeatures,
    })),
  }
}

/** Every statistic at our rate, every statistic at the whole budget, then the fixed rules. */
function rivalsOf(group: number, outcome: NullOutcome, rate: number): RivalRule[] {
  const { kind } = caseGroups[group]!.cases[0]!
  const calibrated = (alarms: number): RivalRule[] =>
    statisticsOf[kind].map((statistic, i) => ({
      statistic,
      threshold: thresholdAt(outcome, i, alarms / (budgetSteps * modelFeatures)),
    }))
  return [
    ...calibrated(matchedRate(outcome, rate)),
    ...calibrated(1),
    ...fixedRules(kind, modelFeatures).map(({ statistic, threshold }) => ({ statistic, threshold })),
  ]
}

/** Our rate, but not less than what so many windows can tell; a rival is then allowed more false alarms than we have. */
function matchedRate({ windows }: NullOutcome, rate: number): number {
  return Math.min(Math.max(rate, (fewestExceeding * budgetSteps * modelFeatures) / windows), 1)
}

const keyOf = (group: number, windowRows: number): string => `${group} ${windowRows}`

async function nullDistributions(plan: Plan, seed: string, pool: WorkerPool): Promise<Map<string, NullOutcome>> {
  const tasks = caseGroups.flatMap(({ cases }, group) =>
    windowSizes.flatMap((windowRows) => {
      const windows = cases[0]!.kind === 'numeric' ? plan.nullWindows.numbers : plan.nullWindows.others
      return rangesOf(Math.ceil(windows / windowsPerBaseline), 54).map(({ from, to }): NullTask => ({
        task: 'null',
        seed,
        group,
        windowRows,
        from,
        to,
        windowsPerBaseline,
      }))
    }),
  )
  const outcomes = await pool.run(tasks)
  const parts = Map.groupBy(
    tasks.map((task, i) => ({ key: keyOf(task.group, task.windowRows), outcome: outcomes[i]! })),
    ({ key }) => key,
  )
  return new Map([...parts].map(([key, own]) => [key, mergeNulls(own.map(({ outcome }) => outcome))]))
}

async function realData(pool: WorkerPool): Promise<RealDataFigure[]> {
  const tasks = (['held-out', 'later-years'] as const).flatMap((file) =>
    [200, 500, 1000].map((windowRows): RealDataTask => ({ task: 'real-data', file, windowRows })),
  )
  const outcomes = await pool.run(tasks)
  return tasks.map((task, i) => ({ ...task, outcome: outcomes[i]! }))
}

function rangesOf(total: number, size: number): { readonly from: number; readonly to: number }[] {
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => ({
    from: i * size,
    to: Math.min((i + 1) * size, total),
  }))
}
