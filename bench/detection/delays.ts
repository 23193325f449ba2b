import { initialState, step } from '../../collector/src/evaluate/evidence/model-detector.ts'
import { caseGroups, horizons, modelBaselineRows, modelFeatures } from './cases.ts'
import { compileModelOf } from './features.ts'
import { drawPlayer } from './play.ts'
import { createRandom } from './random.ts'
import { statisticsOf, type StatisticName } from './rules.ts'

/** A rule of another tool at work: an alarm in every window in which the statistic reaches the threshold. */
export interface RivalRule {
  readonly statistic: StatisticName
  /** Null when the rule refuses to judge. */
  readonly threshold: number | null
}

export interface DelayTask {
  readonly task: 'delays'
  readonly seed: string
  /** Index in `caseGroups`. */
  readonly group: number
  /** Rivals by rows of a window. */
  readonly rivals: Readonly<Record<number, readonly RivalRule[]>>
  readonly from: number
  readonly to: number
}

/** Delays in windows, one more than the horizon when the change was not found: by rows, then by case. */
export type DelayOutcome = Readonly<Record<number, readonly CaseDelays[]>>

export interface CaseDelays {
  readonly ours: readonly number[]
  /** In the order of the rivals. */
  readonly rivals: readonly (readonly number[])[]
}

/** Windows before the change: evidence is not at zero when it comes. */
const windowsBefore = 30

/** One of the model's features changes; how long until somebody says so? All rules see the same windows of that feature. */
export function simulateDelays(task: DelayTask): DelayOutcome {
  const { name, cases } = caseGroups[task.group]!
  const sizes = Object.keys(task.rivals).map(Number)
  const outcome: Record<number, { ours: number[]; rivals: number[][] }[]> = {}
  for (const rows of sizes) {
    outcome[rows] = cases.map(() => ({ ours: [], rivals: task.rivals[rows]!.map(() => []) }))
  }
  for (let repetition = task.from; repetition < task.to; repetition++) {
    const random = createRandom(`${task.seed} delays ${name} ${repetition}`)
    const players = Array.from({ length: modelFeatures }, () => drawPlayer(cases[0]!, modelBaselineRows, random))
    const detector = compileModelOf(players.map(({ definition }) => definition))
    for (const rows of sizes) {
      const rivals = task.rivals[rows]!
      const horizon = horizons[rows]!
      const judge = players[0]!.judge(rows)
      let before = initialState(detector)
      for (let window = 0; window < windowsBefore; window++) {
        const inputs = players.map((player) => player.draw(null, rows).input)
        before = step(detector, before, inputs, window).state
      }
      cases.forEach((change, at) => {
        const names = statisticsOf[change.kind]
        let state = before
        let ours = horizon + 1
        const found = rivals.map(() => horizon + 1)
        for (let window = 1; window <= horizon; window++) {
          const played = players[0]!.draw(change, rows)
          if (ours > horizon) {
            const inputs = players.map((player, i) => (i === 0 ? played : player.draw(null, rows)).input)
            const result = step(detector, state, inputs, windowsBefore + window)
            state = result.state
            if (result.monitors[0]!.alarm) ours = window
          }
          const values = judge(played)
          let waiting = ours > horizon
          rivals.forEach(({ statistic, threshold }, i) => {
            if (threshold === null || found[i]! <= horizon) return
            if (values[names.indexOf(statistic)]! >= threshold) found[i] = window
            else waiting = true
          })
          if (!waiting) break
        }
        const delays = outcome[rows]![at]!
        delays.ours.push(ours)
        found.forEach((delay, i) => delays.rivals[i]!.push(delay))
      })
    }
  }
  return outcome
}

export function mergeDelays(parts: readonly DelayOutcome[]): DelayOutcome {
  const sizes = Object.keys(parts[0]!).map(Number)
  return Object.fromEntries(
    sizes.map((rows) => [
      rows,
      parts[0]![rows]!.map((first, at) => ({
        ours: parts.flatMap((part) => part[rows]![at]!.ours),
        rivals: first.rivals.map((_, i) => parts.flatMap((part) => part[rows]![at]!.rivals[i]!)),
      })),
    ]),
  )
}
