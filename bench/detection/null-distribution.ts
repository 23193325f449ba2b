import { caseGroups, modelBaselineRows, modelFeatures } from './cases.ts'
import { drawPlayer } from './play.ts'
import { createRandom } from './random.ts'
import { fixedRules, statisticsOf } from './rules.ts'

export interface NullTask {
  readonly task: 'null'
  readonly seed: string
  /** Index in `caseGroups`. */
  readonly group: number
  readonly windowRows: number
  /** Baselines by number, each with so many windows. */
  readonly from: number
  readonly to: number
  readonly windowsPerBaseline: number
}

export interface NullOutcome {
  readonly windows: number
  /** The largest values of each statistic, in descending order. */
  readonly largest: readonly (readonly number[])[]
  /** Windows in which each fixed rule gave an alarm. */
  readonly alarms: readonly number[]
}

/** Enough of the upper end for every quantile that is asked for, with room for the smallest budgets. */
const kept = 256

/** Windows of one feature in which nothing has changed: what the other rules say of them. */
export function simulateNull(task: NullTask): NullOutcome {
  const { cases } = caseGroups[task.group]!
  const { kind } = cases[0]!
  const rules = fixedRules(kind, modelFeatures).map(({ statistic, threshold }) => ({
    at: statisticsOf[kind].indexOf(statistic),
    threshold,
  }))
  const alarms = rules.map(() => 0)
  const largest: number[][] = statisticsOf[kind].map(() => [])
  for (let baseline = task.from; baseline < task.to; baseline++) {
    const random = createRandom(`${task.seed} null ${caseGroups[task.group]!.name} ${task.windowRows} ${baseline}`)
    const player = drawPlayer(cases[0]!, modelBaselineRows, random)
    const judge = player.judge(task.windowRows)
    for (let window = 0; window < task.windowsPerBaseline; window++) {
      const values = judge(player.draw(null, task.windowRows))
      rules.forEach(({ at, threshold }, i) => {
        if (values[at]! >= threshold) alarms[i]!++
      })
      values.forEach((value, i) => {
        if (!Number.isNaN(value)) largest[i]!.push(value)
      })
    }
    for (let i = 0; i < largest.length; i++) largest[i] = largestOf(largest[i]!)
  }
  return { windows: (task.to - task.from) * task.windowsPerBaseline, largest, alarms }
}

function largestOf(values: readonly number[]): number[] {
  return Float64Array.from(values)
    .sort()
    .reverse()
    .subarray(0, kept)
    .reduce<number[]>((all, value) => {
      all.push(value)
      return all
    }, [])
}

export function mergeNulls(parts: readonly NullOutcome[]): NullOutcome {
  const first = parts[0]!
  return {
    windows: parts.reduce((sum, { windows }) => sum + windows, 0),
    largest: first.largest.map((_, i) => largestOf(parts.flatMap(({ largest }) => largest[i]!))),
    alarms: first.alarms.map((_, i) => parts.reduce((sum, { alarms }) => sum + alarms[i]!, 0)),
  }
}

/**
 * The best possible threshold of a statistic: the value that windows without a change reach with this probability. Null when
 * the rule refuses to judge such windows.
 */
export function thresholdAt(outcome: NullOutcome, statistic: number, probability: number): number | null {
  const values = outcome.largest[statistic]!
  if (values.length === 0) return null
  const exceeding = Math.floor(outcome.windows * probability)
  if (exceeding + 1 > Math.min(kept, values.length))
    throw new RangeError('too few values were kept for this probability')
  // Just above the first value that must not give an alarm: of tied values none does.
  return nextAbove(values[exceeding]!)
}

function nextAbove(value: number): number {
  return value + Math.max(Math.abs(value) * Number.EPSILON, Number.MIN_VALUE)
}
